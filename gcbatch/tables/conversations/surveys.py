"""The table `surveys`: a row for each survey of a conversation."""

from typing import Final

from gcbatch.genesys import SURVEY
from gcbatch.tables.documents.record_table import record_table
from gcbatch.tables.documents.shapes import ROOT

__all__ = ["table"]

table: Final = record_table(
    "surveys",
    SURVEY,
    ("surveys",),
    number="survey_number",
    identity=ROOT,
    key=("conversation_id",),
)
