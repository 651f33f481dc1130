"""The table `segments`: a row for each stretch of a session."""

from typing import Final

from gcbatch.tables.documents.columns import ordinal_column
from gcbatch.tables.documents.shapes import (
    IN_SESSION,
    PARTICIPANTS,
    SEGMENTS,
    SESSIONS,
    conversation_table,
    fields,
    other_fields,
)

__all__ = ["table"]

table: Final = conversation_table(
    "segments",
    SEGMENTS,
    *IN_SESSION,
    ordinal_column("segment_number", level=3, within=2, owner="session"),
    *fields(PARTICIPANTS, "purpose", "userId"),
    *fields(SESSIONS, "mediaType", "direction"),
    *other_fields(SEGMENTS),
    key=("conversation_id", "session_number", "segment_number"),
)
