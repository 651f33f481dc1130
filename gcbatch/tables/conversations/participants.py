"""The table `participants`: a row for each person, queue or system in a call."""

from typing import Final

from gcbatch.tables.documents.shapes import (
    PARTICIPANT_NUMBER,
    PARTICIPANTS,
    ROOT,
    conversation_table,
    fields,
    other_fields,
)

__all__ = ["table"]

table: Final = conversation_table(
    "participants",
    PARTICIPANTS,
    *ROOT,
    *fields(PARTICIPANTS, "participantId"),
    PARTICIPANT_NUMBER,
    *fields(PARTICIPANTS, "userId"),
    *other_fields(PARTICIPANTS, "participantId", "userId"),
    key=("conversation_id", "participant_number"),
)
