"""The table `conversations_nested`: each conversation as one JSON, as it was sent."""

from typing import Final

import pyarrow as pa

from gcbatch.tables.documents.arrow_reader import document_texts
from gcbatch.tables.documents.columns import JSON
from gcbatch.tables.documents.shapes import ID, START
from gcbatch.tables.documents.table import DocumentsTable

__all__ = ["table"]

BATCH_ROWS: Final = 1_024
"""A few conversations have megabytes."""

_SCHEMA: Final = pa.schema(
    [
        ID,
        START,
        pa.field(
            "conversation",
            pa.string(),
            nullable=False,
            metadata={**JSON, "description": "all of it, as it was sent"},
        ),
    ]
)


def _rows(batch: pa.RecordBatch) -> pa.RecordBatch:
    texts = document_texts(batch, "conversation")
    columns = [batch.column("id"), batch.column("at"), texts]
    return pa.RecordBatch.from_arrays(columns, schema=_SCHEMA)


table: Final = DocumentsTable(
    "conversations_nested",
    _SCHEMA,
    key=("conversation_id",),
    new_reader=lambda _names, _unknown: _rows,
    batch_rows=BATCH_ROWS,
)
