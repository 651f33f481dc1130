"""The table `sessions`: a row for each medium that a participant used."""

from typing import Final

from gcbatch.tables.documents.shapes import (
    PARTICIPANT_NUMBER,
    PARTICIPANTS,
    ROOT,
    SESSION_NUMBER,
    SESSIONS,
    conversation_shape,
    fields,
    other_fields,
)
from gcbatch.tables.documents.table import DocumentsTable

__all__ = ["table"]

table: Final = DocumentsTable.of_shape(
    "sessions",
    conversation_shape(
        SESSIONS,
        *ROOT,
        *fields(PARTICIPANTS, "participantId"),
        PARTICIPANT_NUMBER,
        *fields(SESSIONS, "sessionId"),
        SESSION_NUMBER,
        *other_fields(SESSIONS, "sessionId"),
        key=("conversation_id", "session_number"),
    ),
)
