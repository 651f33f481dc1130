"""What the tables of conversation details share: columns, and paths to records."""

from typing import Final

import pyarrow as pa

from gcbatch.genesys import CONVERSATION
from gcbatch.table import INSTANT
from gcbatch.tables.documents.columns import (
    Column,
    FieldPath,
    FromPart,
    columns_of,
    extra_column,
    ordinal_column,
)
from gcbatch.tables.documents.shape import Shape
from gcbatch.tables.documents.table import DocumentsTable

__all__ = [
    "ID",
    "IN_SESSION",
    "METRICS",
    "PARTICIPANTS",
    "PARTICIPANT_NUMBER",
    "ROOT",
    "SEGMENTS",
    "SESSIONS",
    "SESSION_NUMBER",
    "START",
    "conversation_shape",
    "conversation_table",
    "fields",
    "other_fields",
]

ID: Final = pa.field(
    "conversation_id",
    pa.string(),
    nullable=False,
    metadata={"source": "conversationId"},
)
START: Final = pa.field(
    "conversation_start",
    INSTANT,
    nullable=False,
    metadata={"source": "conversationStart"},
)
ROOT: Final = (Column(ID, FromPart("id")), Column(START, FromPart("at")))
"""The first columns of each table: the conversation that a row belongs to."""

PARTICIPANTS: Final = ("participants",)
SESSIONS: Final = ("participants", "sessions")
SEGMENTS: Final = ("participants", "sessions", "segments")
METRICS: Final = ("participants", "sessions", "metrics")

PARTICIPANT_NUMBER: Final = ordinal_column(
    "participant_number", level=1, within=0, owner="conversation"
)
SESSION_NUMBER: Final = ordinal_column(
    "session_number", level=2, within=0, owner="conversation"
)


def conversation_shape(
    path: FieldPath,
    *columns: Column,
    key: tuple[str, ...],
    needed: tuple[FieldPath, ...] = (),
) -> Shape:
    """Return the shape of a table of conversations; see Shape."""
    return Shape("conversation", CONVERSATION, path, columns, key, needed)


def conversation_table(
    name: str,
    path: FieldPath,
    *columns: Column,
    key: tuple[str, ...],
) -> DocumentsTable:
    """Return a table of conversations; see Shape."""
    return DocumentsTable(name, conversation_shape(path, *columns, key=key))


def fields(path: FieldPath, *only: str, named: bool = True) -> tuple[Column, ...]:
    """Return columns for some fields of the record at the end of *path*."""
    return tuple(columns_of(CONVERSATION, path, only, named=named))


def other_fields(path: FieldPath, *without: str) -> tuple[Column, ...]:
    """Return columns for all fields of that record except some, and `extra`."""
    return (*columns_of(CONVERSATION, path, without=without), extra_column())


IN_SESSION: Final = (
    *ROOT,
    *fields(PARTICIPANTS, "participantId"),
    *fields(SESSIONS, "sessionId"),
    SESSION_NUMBER,
)
"""The first columns of tables whose rows belong to a session."""
