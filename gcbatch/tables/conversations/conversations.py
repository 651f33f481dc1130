"""The table `conversations`: a row for each, with what it comes to as a whole."""

from typing import Final

from gcbatch.genesys import CONVERSATION
from gcbatch.tables.documents.conversations import DERIVED, NEEDED, derived
from gcbatch.tables.documents.rows import Shape
from gcbatch.tables.documents.shapes import ROOT, fields, rest
from gcbatch.tables.documents.table import DocumentsTable

__all__ = ["table"]

table: Final = DocumentsTable.of_shape(
    "conversations",
    Shape(
        noun="conversation",
        root=CONVERSATION,
        path=(),
        columns=(
            *ROOT,
            *fields((), "conversationEnd"),
            *DERIVED,
            *rest((), "conversationId", "conversationStart", "conversationEnd"),
        ),
        key=("conversation_id",),
        needed=NEEDED,
        derive=derived,
    ),
)
