"""The data of an organisation: queues, users, codes, and what happened."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal

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

Json = Mapping[str, Any]
"""A document of the API."""

HOME_DIVISION: Final = "5d1fbf0a-0f0c-4c3b-9c36-0c6b1f6f0a01"
"""The division of everything that has no other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One interaction in a queue; every instant is an aware datetime.

    Args:
        queue_id: The queue it waited in.
        offered: When it joined the queue.
        answered: When an agent answered; None if no agent did. May be before
            *offered* (real logs have such rows); the wait then counts as 0.
        abandoned: When the caller hung up; None if answered or still waiting.
        ended: When the agent was done; None if not answered or not ended.
        user_id: The agent; None if not answered or not recorded.
        media_type: The API's word, such as `voice`, `chat` or `callback`.
        wrap_up_code: Id of the code that the agent chose; None without one.
        call_id: Should be unique; not checked.
        direction: `inbound` or `outbound`.
        division_id: None means its queue's.

    Raises:
        ValueError: If an instant is naive, or the instants contradict each other.
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
        name: For people.
        division_id: Its division.
        target: Share of interactions to be answered in time, 0 to 1.
        service_level_ms: Maximum wait that is in time, in milliseconds.
        deleted: A deleted queue is not listed, and 404 by id; analytics still have
            its data.
        skill_id: The skill that its calls request; None if they request none.
        language_id: The language that its calls request; None if they request none.
    """

    id: str
    name: str
    division_id: str = HOME_DIVISION
    target: float = 0.8
    service_level_ms: int = 20_000
    deleted: bool = False
    skill_id: str | None = None
    language_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A person; listings by state include those who left."""

    id: str
    name: str
    state: Literal["active", "inactive", "deleted"] = "active"


@dataclass(frozen=True, slots=True, kw_only=True)
class WrapUpCode:
    """A code that agents give to calls."""

    id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence:
    """A span of one user's presence, [start, end).

    Args:
        user_id: The user.
        system_presence: The built-in word, such as `ON_QUEUE` or `OFFLINE`.
        organization_presence_id: The organisation's own presence, a UUID.
        start: First instant, aware.
        end: First instant after it, aware.
        routing_status: Such as `IDLE` or `INTERACTING`; None if not routed.
    """

    user_id: str
    system_presence: str
    organization_presence_id: str
    start: datetime
    end: datetime
    routing_status: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One measured event, for metrics that calls do not have.

    Args:
        family: The model's name, such as `Flow` or `Bot`.
        metric: One of that family's metrics.
        instant: When it counts, aware.
        value: `n*`: a count. `t*`: milliseconds. `o*`: the number itself. A
            `*ServiceLevel`: 1 in time, 0 not.
        dimensions: The values for groups and filters.
        qualifier: The status or presence of a user's metric; otherwise None.
    """

    family: str
    metric: str
    instant: datetime
    value: float = 1
    dimensions: Mapping[str, str] = field(default_factory=dict)
    qualifier: str | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class Tenant:
    """An organisation with its data; two with equal data are not equal.

    Args:
        name: For people.
        version: The version of the data; changes when the data changes.
        timezone: IANA name of the zone of its users.
        calls: In any order.
        queues: Calls may name queues that are not among them.
        users: All, including those who left.
        wrap_up_codes: Every code.
        presences: In any order; those of one user should not overlap.
        observations: Other measured events.
        divisions: Names of the divisions by id.
        entities: Documents of all other entities, by table.
        deleted_entities: Documents of those that are listed as deleted, by table.
        children: Documents of entities with a parent, by table and the parent's id.
        user_parts: What the API adds to a user on request, by the user's id.
        documents: Conversations in addition to those of the calls; aggregates do not
            count them.
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
    entities: Mapping[str, Sequence[Json]] = field(default_factory=dict)
    deleted_entities: Mapping[str, Sequence[Json]] = field(default_factory=dict)
    children: Mapping[str, Mapping[str, Sequence[Json]]] = field(default_factory=dict)
    user_parts: Mapping[str, Json] = field(default_factory=dict)
    documents: tuple[Document, ...] = field(default=(), repr=False)

    @property
    def team_ids(self) -> Mapping[str, str]:
        """The team of each user who is in one, by the user's id."""
        return {
            user: parts["team"]["id"]
            for user, parts in self.user_parts.items()
            if "team" in parts
        }
