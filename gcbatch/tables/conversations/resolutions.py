"""The table `resolutions`: a row for each resolution of a conversation."""

from typing import Final

from gcbatch.genesys import RESOLUTION
from gcbatch.tables.documents.record_table import record_table
from gcbatch.tables.documents.shapes import ROOT

__all__ = ["table"]

table: Final = record_table(
    "resolutions",
    RESOLUTION,
    ("resolutions",),
    number="resolution_number",
    identity=ROOT,
    key=("conversation_id",),
)
