"""Entities that the org lists: queues, users, wrap-up codes.

Sources: models QueueEntityListing, Queue, User and WrapupCode of
PureCloudPlatformClientV2 269.0.0. Read 2026-11-21.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from gcbatch.errors import AccessError, DataError, GcbatchError
from gcbatch.genesys.retry_rules import rule_for

__all__ = [
    "ENTITY_KINDS",
    "MOST_LEVEL",
    "Documents",
    "Entity",
    "EntityKind",
    "EntityListing",
]


Documents = Mapping[str, bytes]
"""Entities by id, as they were sent: JSON without white space."""


MOST_LEVEL: Final = 1_000
"""Of a service level to reach, where 1 is 100 %."""


@dataclass(frozen=True, slots=True)
class EntityKind:
    """Where entities of one kind are listed.

    Args:
        kind: What they are, as in messages.
        table: The table that has a row for each.
        dimension: The dimension whose values they name.
        paths: Addresses to try, the fuller one first; the next where a permission
            for the one before is missing.
        slices: Parameters to send beside the page, one set after the other: each
            lists some, all of them together everything.
        more: To send besides, where whole entities are wanted and not just names.
    """

    kind: str
    table: str
    dimension: str
    paths: tuple[str, ...]
    slices: tuple[Mapping[str, str], ...] = ({},)
    more: Mapping[str, str] = field(default_factory=dict)


ENTITY_KINDS: Final = (
    EntityKind(
        "queues",
        "queues",
        "queueId",
        ("/api/v2/routing/queues", "/api/v2/routing/queues/divisionviews/all"),
    ),
    # State by state, since paging is reported to end at 10,000 users. In this order,
    # so that a user who leaves meanwhile is listed twice rather than not at all.
    # The last login is sent on request only, as are fields that are tables of their
    # own (skills, groups, roles).
    EntityKind(
        "users",
        "users",
        "userId",
        ("/api/v2/users",),
        tuple({"state": state} for state in ("active", "inactive", "deleted")),
        {"expand": "dateLastLogin"},
    ),
    EntityKind(
        "wrap-up codes",
        "wrapup_codes",
        "wrapUpCode",
        ("/api/v2/routing/wrapupcodes",),
    ),
)


class Entity(msgspec.Struct):
    """What every run reads of an entity: its name, and a queue's targets."""

    id: str
    name: Any = None
    mediaSettings: Any = None  # noqa: N815 - the API's word

    def __post_init__(self) -> None:
        """Take what is no text for no name: that costs one name, and no listing.

        Of settings the levels alone are kept; what has another shape is one itself.
        """
        if not isinstance(self.name, str):
            self.name = None
        settings = self.mediaSettings
        if isinstance(settings, dict):
            levels = {key: _level_of(setting) for key, setting in settings.items()}
            self.mediaSettings = {k: v for k, v in levels.items() if v is not None}
        elif settings is not None:
            self.mediaSettings = {"": settings}

    def targets(self) -> dict[str, float]:
        """Return a queue's service levels to reach, in percent, by media type.

        The settings say `call` where analytics says `voice`, and 0.8 for 80 %.
        """
        return {
            "voice" if key == "call" else key: round(level * 100, 6)
            for key, level in (self.mediaSettings or {}).items()
            if _is_number(level)
        }

    @property
    def has_odd_target(self) -> bool:
        """Whether a service level to reach is no number, so that it is not known."""
        return not all(map(_is_number, (self.mediaSettings or {}).values()))


def _level_of(setting: Any) -> Any:
    """Return the service level of a medium; what is in its place if it is none."""
    for name in ("serviceLevel", "percentage"):
        if not isinstance(setting, dict):
            return None if setting is None else ()
        setting = setting.get(name)
    return setting


def _is_number(value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and abs(value) < MOST_LEVEL


@dataclass(frozen=True, slots=True)
class EntityListing:
    """What a listing brought.

    Args:
        listing: Which.
        path: The address that answered; None if none may be asked.
        entities: By id; some of them, where there is a failure.
        documents: Whole entities; empty unless they were wanted.
        refused: Why the fuller address could not be asked; None where it answered.
        shortfall: How many entities came of how many; empty if all did.
        failure: What kept it from being read to its end; None if it was.
        at: When it was read, UTC.
    """

    listing: EntityKind
    path: str | None
    entities: Mapping[str, Entity] = field(default_factory=dict)
    documents: Documents = field(default_factory=dict)
    refused: AccessError | None = None
    shortfall: str = ""
    failure: GcbatchError | None = None
    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def lacking(self) -> GcbatchError | None:
        """Why it is not whole, as an error; None if it is."""
        if self.failure is not None or not self.shortfall:
            return self.failure
        msg = f"GET {self.path}: the listing is incomplete: {self.shortfall}"
        return DataError(msg, hint="run it again; the org may have been changing")

    @property
    def is_final(self) -> bool:
        """Whether listing again soon would bring the same: all, or a firm refusal."""
        refusal = self.failure.response if self.failure else None
        if refusal is not None:
            return rule_for(refusal) is None
        return self.lacking is None

    @property
    def reason(self) -> str:
        """Why the fuller address could not be asked, in the service's words."""
        return _words_of(self.refused)

    @property
    def cause(self) -> str:
        """Why it is not whole, in a line; empty if it is."""
        if self.path is None and self.failure is self.refused:
            return self.reason
        if self.failure is not None:
            return self.failure.problem.partition("\n")[0]
        return self.shortfall


def _words_of(refused: GcbatchError | None) -> str:
    refusal = refused.response if refused else None
    return (refusal.message if refusal else "") or "not allowed"
