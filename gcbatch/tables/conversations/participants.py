"""The table `participants`: a row for each person, queue or system in a call."""

from typing import Final

from gcbatch.tables.documents.shapes import (
    PARTICIPANT_NUMBER,
    PARTICIPANTS,
    ROOT,
    conversation_shape,
    fields,
    other_fields,
)
from gcbatch.tables.documents.table import DocumentsTable

__all__ = ["table"]

table: Final = DocumentsTable.of_shape(
    "participants",
    conversation_shape(
        PARTICIPANTS,
        *ROOT,
        *fields(PARTICIPANTS, "participantId"),
        PARTICIPANT_NUMBER,
        *fields(PARTICIPANTS, "userId"),
        *other_fields(PARTICIPANTS, "participantId", "userId"),
        key=("conversation_id", "participant_number"),
    ),
)
