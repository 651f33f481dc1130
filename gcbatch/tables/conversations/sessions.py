"""The table `sessions`: a row for each medium that a participant used."""

from typing import Final

from gcbatch.tables.documents.shapes import (
    PARTICIPANT_NUMBER,
    PARTICIPANTS,
    ROOT,
    SESSION_NUMBER,
    SESSIONS,
    conversation_table,
    fields,
    other_fields,
)

__all__ = ["table"]

table: Final = conversation_table(
    "sessions",
    SESSIONS,
    *ROOT,
    *fields(PARTICIPANTS, "participantId"),
    PARTICIPANT_NUMBER,
    *fields(SESSIONS, "sessionId"),
    SESSION_NUMBER,
    *other_fields(SESSIONS, "sessionId"),
    key=("conversation_id", "session_number"),
)
