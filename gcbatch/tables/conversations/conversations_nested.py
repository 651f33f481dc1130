"""The table `conversations_nested`: each conversation as one JSON, as it was sent."""

from typing import Final

import pyarrow as pa

from gcbatch.tables.documents.columns import JSON, WHOLE, Column
from gcbatch.tables.documents.shapes import ROOT, conversation_shape
from gcbatch.tables.documents.table import DocumentsTable

__all__ = ["table"]

BATCH_ROWS: Final = 1_024
"""A few conversations have megabytes."""

_CONVERSATION: Final = pa.field(
    "conversation",
    pa.string(),
    nullable=False,
    metadata={**JSON, "description": "all of it, as it was sent"},
)

table: Final = DocumentsTable(
    "conversations_nested",
    conversation_shape(
        (),
        *ROOT,
        Column(_CONVERSATION, WHOLE),
        key=("conversation_id",),
    ),
    batch_rows=BATCH_ROWS,
)
