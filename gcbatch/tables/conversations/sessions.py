"""The table `sessions`: a row for each medium that a participant used."""

from typing import Final

from gcbatch.genesys import CONVERSATION
from gcbatch.tables.documents.row_builder import Shape
from gcbatch.tables.documents.shapes import (
    PARTICIPANT_NUMBER,
    PARTICIPANTS,
    ROOT,
    SESSION_NUMBER,
    SESSIONS,
    fields,
    rest,
)
from gcbatch.tables.documents.table import DocumentsTable

__all__ = ["table"]

table: Final = DocumentsTable.of_shape(
    "sessions",
    Shape(
        noun="conversation",
        root=CONVERSATION,
        path=SESSIONS,
        columns=(
            *ROOT,
            *fields(PARTICIPANTS, "participantId"),
            PARTICIPANT_NUMBER,
            *fields(SESSIONS, "sessionId"),
            SESSION_NUMBER,
            *rest(SESSIONS, "sessionId"),
        ),
        key=("conversation_id", "session_number"),
    ),
)
