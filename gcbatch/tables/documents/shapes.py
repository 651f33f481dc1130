"""What the tables of details have in common: columns of who and where."""

from typing import Final

import pyarrow as pa

from gcbatch.genesys import CONVERSATION, USER_DETAIL
from gcbatch.table import INSTANT
from gcbatch.tables.documents.columns import (
    Column,
    FromPart,
    NameOf,
    columns_of,
    extra_column,
    number_column,
)
from gcbatch.tables.documents.row_builder import Shape
from gcbatch.tables.name_lookup import name_field

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
    "fields",
    "rest",
    "user_shape",
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
PARTICIPANTS: Final = ("participants",)
SESSIONS: Final = ("participants", "sessions")
SEGMENTS: Final = ("participants", "sessions", "segments")
METRICS: Final = ("participants", "sessions", "metrics")

PARTICIPANT_NUMBER: Final = number_column("participant_number", 1, 0, "conversation")
SESSION_NUMBER: Final = number_column("session_number", 2, 0, "conversation")


def fields(path: tuple[str, ...], *only: str, named: bool = True) -> tuple[Column, ...]:
    """Return columns for some fields of the record that *path* leads to."""
    return tuple(columns_of(CONVERSATION, path, only, named=named))


def rest(path: tuple[str, ...], *but: str) -> tuple[Column, ...]:
    """Return columns for all fields of that record but some, and what is newer."""
    return (*columns_of(CONVERSATION, path, but=but), extra_column())


IN_SESSION: Final = (
    *ROOT,
    *fields(PARTICIPANTS, "participantId"),
    *fields(SESSIONS, "sessionId"),
    SESSION_NUMBER,
)


def user_shape(records: str, state: str) -> Shape:
    """Return the shape of what users were when.

    Args:
        records: The list of a user's record that makes the rows.
        state: The field of one that says what the user was.
    """
    ids = pa.field(
        "user_id", pa.string(), nullable=False, metadata={"source": "userId"}
    )
    return Shape(
        noun="user",
        root=USER_DETAIL,
        path=(records,),
        columns=(
            Column(ids, FromPart("id")),
            Column(name_field("user_name", "user_id"), NameOf("user_id", "userId")),
            *columns_of(USER_DETAIL, (records,), ("startTime", "endTime", state)),
            *columns_of(USER_DETAIL, (records,), but=("startTime", "endTime", state)),
            extra_column(),
        ),
        key=("user_id", "start_time"),
    )
