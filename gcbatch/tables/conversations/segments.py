"""The table `segments`: a row for each stretch of a session."""

from typing import Final

from gcbatch.tables.documents.columns import ordinal_column
from gcbatch.tables.documents.shapes import (
    IN_SESSION,
    PARTICIPANTS,
    SEGMENTS,
    SESSIONS,
    conversation_shape,
    fields,
    other_fields,
)
from gcbatch.tables.documents.table import DocumentsTable

__all__ = ["table"]

table: Final = DocumentsTable.of_shape(
    "segments",
    conversation_shape(
        SEGMENTS,
        *IN_SESSION,
        ordinal_column("segment_number", 3, 2, "session"),
        *fields(PARTICIPANTS, "purpose", "userId"),
        *fields(SESSIONS, "mediaType", "direction"),
        *other_fields(SEGMENTS),
        key=("conversation_id", "session_number", "segment_number"),
    ),
)
