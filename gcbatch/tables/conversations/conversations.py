"""The table `conversations`: a row for each, with figures of the whole conversation."""

from typing import Final

from gcbatch.tables.documents.conversation_figures import (
    DERIVED,
    NEEDED,
    derive_figures,
)
from gcbatch.tables.documents.shapes import (
    ROOT,
    conversation_shape,
    fields,
    other_fields,
)
from gcbatch.tables.documents.table import DocumentsTable

__all__ = ["table"]

table: Final = DocumentsTable(
    "conversations",
    conversation_shape(
        (),
        *ROOT,
        *fields((), "conversationEnd"),
        *DERIVED,
        *other_fields((), "conversationId", "conversationStart", "conversationEnd"),
        key=("conversation_id",),
        needed=NEEDED,
    ),
    derive=derive_figures,
)
