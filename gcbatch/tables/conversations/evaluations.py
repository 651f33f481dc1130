"""The table `evaluations`: a row for each evaluation of a conversation."""

from typing import Final

from gcbatch.genesys import EVALUATION
from gcbatch.tables.documents.record_table import record_table
from gcbatch.tables.documents.shapes import ROOT

__all__ = ["table"]

table: Final = record_table(
    "evaluations",
    EVALUATION,
    ("evaluations",),
    number="evaluation_number",
    identity=ROOT,
    key=("conversation_id",),
)
