"""The table `segments`: a row for each stretch of a session."""

from typing import Final

from gcbatch.genesys import CONVERSATION
from gcbatch.tables.documents.columns import number_column
from gcbatch.tables.documents.row_builder import Shape
from gcbatch.tables.documents.shapes import (
    IN_SESSION,
    PARTICIPANTS,
    SEGMENTS,
    SESSIONS,
    fields,
    rest,
)
from gcbatch.tables.documents.table import DocumentsTable

__all__ = ["table"]

table: Final = DocumentsTable.of_shape(
    "segments",
    Shape(
        noun="conversation",
        root=CONVERSATION,
        path=SEGMENTS,
        columns=(
            *IN_SESSION,
            number_column("segment_number", 3, 2, "session"),
            *fields(PARTICIPANTS, "purpose", "userId"),
            *fields(SESSIONS, "mediaType", "direction"),
            *rest(SEGMENTS),
        ),
        key=("conversation_id", "session_number", "segment_number"),
    ),
)
