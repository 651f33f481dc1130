"""What an organisation holds: its queues, people and codes, and what happened."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

from gcbatch.simulator.documents import Document

__all__ = [
    "HOME_DIVISION",
    "Call",
    "Observation",
    "Presence",
    "Queue",
    "Tenant",
    "User",
    "WrapUpCode",
]

HOME_DIVISION: Final = "5d1fbf0a-0f0c-4c3b-9c36-0c6b1f6f0a01"
"""The division of everything that names no other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One interaction in a queue; every instant is an aware datetime.

    Args:
        queue_id: The queue it waited in.
        offered: When it joined the queue.
        answered: When an agent took it; None if nobody did. May be before
            *offered* (real logs have such rows); the wait then counts as 0.
        abandoned: When the caller gave up; None if answered or still waiting.
        ended: When the agent was done with it; None if never answered or still
            going on.
        user_id: The agent; None if never answered or not recorded.
        media_type: The API's word, such as `voice`, `chat` or `callback`.
        wrap_up_code: Id of the code the agent gave it; None without one.
        call_id: Whatever tells it from others; not checked.
        direction: `inbound` or `outbound`.
        division_id: None means its queue's.

    Raises:
        ValueError: If an instant is naive, or the instants contradict.
    """

    queue_id: str
    offered: datetime
    answered: datetime | None = None
    abandoned: datetime | None = None
    ended: datetime | None = None
    user_id: str | None = None
    media_type: str = "voice"
    wrap_up_code: str | None = None
    call_id: str = ""
    direction: str = "inbound"
    division_id: str | None = None

    def __post_init__(self) -> None:
        for instant in (self.offered, self.answered, self.abandoned, self.ended):
            if instant is not None and instant.tzinfo is None:
                msg = f"call {self.call_id}: instants must be aware ({instant})"
                raise ValueError(msg)
        if self.answered is not None and self.abandoned is not None:
            msg = f"call {self.call_id}: both answered and abandoned"
            raise ValueError(msg)
        if self.ended is not None and (
            self.answered is None or self.ended < self.answered
        ):
            msg = f"call {self.call_id}: ended before it was answered ({self.ended})"
            raise ValueError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """A queue and its service level.

    Args:
        id: A UUID as text.
        name: What people call it.
        division_id: The division it belongs to.
        target: Share of interactions to be answered in time, 0 to 1.
        service_level_ms: Longest wait that is in time, in milliseconds.
        deleted: Whether it is gone: not listed and 404 by id, while analytics
            still have what went through it.
    """

    id: str
    name: str
    division_id: str = HOME_DIVISION
    target: float = 0.8
    service_level_ms: int = 20_000
    deleted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A person; one who left stays listable by state."""

    id: str
    name: str
    state: Literal["active", "inactive", "deleted"] = "active"


@dataclass(frozen=True, slots=True, kw_only=True)
class WrapUpCode:
    """What an agent can say a call was about."""

    id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence:
    """A span of one user's presence, [start, end).

    Args:
        user_id: Whose.
        system_presence: The built-in word, such as `ON_QUEUE` or `OFFLINE`.
        organization_presence_id: The organisation's own presence, a UUID.
        start: First instant, aware.
        end: First instant no longer in it, aware.
        routing_status: Such as `IDLE` or `INTERACTING`; None where not routed.
    """

    user_id: str
    system_presence: str
    organization_presence_id: str
    start: datetime
    end: datetime
    routing_status: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One measured event, for metrics that calls do not yield.

    Args:
        family: The model's name, such as `Flow` or `Bot`.
        metric: One of that family's metrics.
        instant: When it is posted, aware.
        value: `n*`: how many. `t*`: milliseconds. `o*`: the number itself. A
            `*ServiceLevel`: 1 in time, 0 not.
        dimensions: The values it can be grouped and filtered by.
        qualifier: Of a user's metric: the status or presence; else None.
    """

    family: str
    metric: str
    instant: datetime
    value: float = 1
    dimensions: Mapping[str, str] = field(default_factory=dict)
    qualifier: str | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class Tenant:
    """An organisation with its data; told from others by identity.

    Args:
        name: What people call it.
        version: The version of the data; changes when any of it does.
        timezone: IANA name of the zone that its people live in.
        calls: In any order.
        queues: Calls may name queues that are not among them.
        users: Everyone, also who left.
        wrap_up_codes: Every code.
        presences: In any order; those of one user should not overlap.
        observations: Whatever else was measured.
        divisions: Names of the divisions by id.
        documents: Conversations beside those of the calls, which aggregates do not
            know.
    """

    name: str
    version: str
    timezone: str = "UTC"
    calls: tuple[Call, ...] = ()
    queues: tuple[Queue, ...] = ()
    users: tuple[User, ...] = ()
    wrap_up_codes: tuple[WrapUpCode, ...] = ()
    presences: tuple[Presence, ...] = ()
    observations: tuple[Observation, ...] = ()
    divisions: Mapping[str, str] = field(
        default_factory=lambda: {HOME_DIVISION: "Home"}
    )
    documents: tuple[Document, ...] = field(default=(), repr=False)
