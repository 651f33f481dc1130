"""The table `session_metrics`: a row for each metric that a session emitted."""

from typing import Final

from gcbatch.tables.documents.columns import extra_column, ordinal_column
from gcbatch.tables.documents.shapes import (
    IN_SESSION,
    METRICS,
    PARTICIPANTS,
    conversation_table,
    fields,
)

__all__ = ["table"]

table: Final = conversation_table(
    "session_metrics",
    METRICS,
    *IN_SESSION,
    ordinal_column("metric_number", level=3, within=2, owner="session"),
    *fields(METRICS, "emitDate", "name", "value"),
    *fields(PARTICIPANTS, "purpose", "userId", named=False),
    extra_column(),
    key=("conversation_id", "session_number", "metric_number"),
)
