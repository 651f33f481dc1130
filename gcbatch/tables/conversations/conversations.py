"""The table `conversations`: a row for each, with what it comes to as a whole."""

from typing import Final

from gcbatch.genesys import CONVERSATION
from gcbatch.tables.documents.conversation_figures import (
    DERIVED,
    NEEDED,
    derive_figures,
)
from gcbatch.tables.documents.row_builder import Shape
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
        derive=derive_figures,
    ),
)
