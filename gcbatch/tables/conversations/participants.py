"""The table `participants`: a row for each person, queue or system in a call."""

from typing import Final

from gcbatch.genesys import CONVERSATION
from gcbatch.tables.documents.row_builder import Shape
from gcbatch.tables.documents.shapes import (
    PARTICIPANT_NUMBER,
    PARTICIPANTS,
    ROOT,
    fields,
    rest,
)
from gcbatch.tables.documents.table import DocumentsTable

__all__ = ["table"]

table: Final = DocumentsTable.of_shape(
    "participants",
    Shape(
        noun="conversation",
        root=CONVERSATION,
        path=PARTICIPANTS,
        columns=(
            *ROOT,
            *fields(PARTICIPANTS, "participantId"),
            PARTICIPANT_NUMBER,
            *fields(PARTICIPANTS, "userId"),
            *rest(PARTICIPANTS, "participantId", "userId"),
        ),
        key=("conversation_id", "participant_number"),
    ),
)
