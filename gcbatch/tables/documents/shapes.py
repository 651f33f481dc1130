"""The tables of details, declared."""

from typing import Final

import pyarrow as pa

from gcbatch.genesys.detail_models import CONVERSATION, USER_DETAIL
from gcbatch.tables.details_columns import (
    INSTANT,
    JSON,
    Column,
    Kept,
    Name,
    columns_of,
    extra_column,
    number_column,
)
from gcbatch.tables.details_conversations import DERIVED, NEEDED, derived
from gcbatch.tables.details_rows import Shape
from gcbatch.tables.naming import name_field

__all__ = ["ATTRIBUTED", "NESTED", "SHAPES", "USER_SHAPES"]

_ID: Final = pa.field(
    "conversation_id",
    pa.string(),
    nullable=False,
    metadata={"source": "conversationId"},
)
_START: Final = pa.field(
    "conversation_start",
    INSTANT,
    nullable=False,
    metadata={"source": "conversationStart"},
)
_ROOT: Final = (Column(_ID, Kept("id")), Column(_START, Kept("at")))
_KEPT: Final = ("conversationId", "conversationStart")
_PARTICIPANTS: Final = ("participants",)
_SESSIONS: Final = ("participants", "sessions")
_SEGMENTS: Final = ("participants", "sessions", "segments")
_METRICS: Final = ("participants", "sessions", "metrics")

_PARTICIPANT_NUMBER: Final = number_column("participant_number", 1, 0, "conversation")
_SESSION_NUMBER: Final = number_column("session_number", 2, 0, "conversation")


def _of(path: tuple[str, ...], *only: str, named: bool = True) -> tuple[Column, ...]:
    """Return columns for some fields of the record that *path* leads to."""
    return tuple(columns_of(CONVERSATION, path, only, named=named))


def _rest(path: tuple[str, ...], *but: str) -> tuple[Column, ...]:
    """Return columns for all fields of that record but some, and what is newer."""
    return (*columns_of(CONVERSATION, path, but=but), extra_column())


_CONVERSATIONS: Final = Shape(
    noun="conversation",
    root=CONVERSATION,
    path=(),
    columns=(
        *_ROOT,
        *_of((), "conversationEnd"),
        *DERIVED,
        *_rest((), *_KEPT, "conversationEnd"),
    ),
    key=("conversation_id",),
    needed=NEEDED,
    derive=derived,
)

_OF_PARTICIPANTS: Final = Shape(
    noun="conversation",
    root=CONVERSATION,
    path=_PARTICIPANTS,
    columns=(
        *_ROOT,
        *_of(_PARTICIPANTS, "participantId"),
        _PARTICIPANT_NUMBER,
        *_of(_PARTICIPANTS, "userId"),
        *_rest(_PARTICIPANTS, "participantId", "userId"),
    ),
    key=("conversation_id", "participant_number"),
)

_OF_SESSIONS: Final = Shape(
    noun="conversation",
    root=CONVERSATION,
    path=_SESSIONS,
    columns=(
        *_ROOT,
        *_of(_PARTICIPANTS, "participantId"),
        _PARTICIPANT_NUMBER,
        *_of(_SESSIONS, "sessionId"),
        _SESSION_NUMBER,
        *_rest(_SESSIONS, "sessionId"),
    ),
    key=("conversation_id", "session_number"),
)

_IN_SESSION: Final = (
    *_ROOT,
    *_of(_PARTICIPANTS, "participantId"),
    *_of(_SESSIONS, "sessionId"),
    _SESSION_NUMBER,
)

_OF_SEGMENTS: Final = Shape(
    noun="conversation",
    root=CONVERSATION,
    path=_SEGMENTS,
    columns=(
        *_IN_SESSION,
        number_column("segment_number", 3, 2, "session"),
        *_of(_PARTICIPANTS, "purpose", "userId"),
        *_of(_SESSIONS, "mediaType", "direction"),
        *_rest(_SEGMENTS),
    ),
    key=("conversation_id", "session_number", "segment_number"),
)

_OF_METRICS: Final = Shape(
    noun="conversation",
    root=CONVERSATION,
    path=_METRICS,
    columns=(
        *_IN_SESSION,
        number_column("metric_number", 3, 2, "session"),
        *_of(_METRICS, "emitDate", "name", "value"),
        *_of(_PARTICIPANTS, "purpose", "userId", named=False),
        extra_column(),
    ),
    key=("conversation_id", "session_number", "metric_number"),
)

SHAPES: Final = {
    "conversations": _CONVERSATIONS,
    "participants": _OF_PARTICIPANTS,
    "sessions": _OF_SESSIONS,
    "segments": _OF_SEGMENTS,
    "session_metrics": _OF_METRICS,
}
"""Of tables whose rows are conversations, or records in them."""

ATTRIBUTED: Final = Shape(
    noun="conversation",
    root=CONVERSATION,
    path=_PARTICIPANTS,
    columns=(
        *_ROOT,
        *_of(_PARTICIPANTS, "participantId"),
        _PARTICIPANT_NUMBER,
        *_of(_PARTICIPANTS, "attributes"),
    ),
    key=("conversation_id", "participant_number"),
)
"""Participants as far as the table of their attributes needs them."""

NESTED: Final = pa.schema(
    [
        _ID,
        _START,
        pa.field(
            "conversation",
            pa.string(),
            nullable=False,
            metadata={**JSON, "description": "all of it, as it was sent"},
        ),
    ]
)
"""Conversations whole."""


def _user_shape(records: str, state: str) -> Shape:
    ids = pa.field(
        "user_id", pa.string(), nullable=False, metadata={"source": "userId"}
    )
    return Shape(
        noun="user",
        root=USER_DETAIL,
        path=(records,),
        columns=(
            Column(ids, Kept("id")),
            Column(name_field("user_name", "user_id"), Name("user_id", "userId")),
            *columns_of(USER_DETAIL, (records,), ("startTime", "endTime", state)),
            *columns_of(USER_DETAIL, (records,), but=("startTime", "endTime", state)),
            extra_column(),
        ),
        key=("user_id", "start_time"),
    )


USER_SHAPES: Final = {
    "user_presence": _user_shape("primaryPresence", "systemPresence"),
    "user_routing_status": _user_shape("routingStatus", "routingStatus"),
}
"""Of tables whose rows are what users were at a time."""
