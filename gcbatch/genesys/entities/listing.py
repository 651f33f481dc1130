"""What a listing of entities brought, and the part of an entity that every run reads.

Source: model Queue of PureCloudPlatformClientV2 269.0.0. Read 2026-11-21.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import msgspec

from gcbatch.errors import AccessError, DataError, GcbatchError
from gcbatch.genesys.entities.kind import EntityKind
from gcbatch.genesys.retry_rules import rule_for

__all__ = ["MAX_LEVEL", "Documents", "Entity", "EntityListing"]

Documents = Mapping[str, bytes]
"""Entities by id, as they were sent: JSON without white space."""

MAX_LEVEL: Final = 1_000
"""A target that is a larger number is no service level; 1 is 100 %."""

MAX_MS: Final = 10**10
"""A wait of more milliseconds, some months, is none."""


class Entity(msgspec.Struct):
    """The part of an entity that every run reads: its name, and a queue's targets."""

    id: str
    name: Any = None
    mediaSettings: Any = None  # noqa: N815 - the API's word
    languageLabels: Any = None  # noqa: N815 - the API's word

    def __post_init__(self) -> None:
        """Drop a name that is no text: that costs one name, not the listing.

        A presence has labels by language instead of a name; the English one counts.

        Settings are reduced to their service levels; settings of another shape count as
        an odd level.
        """
        labels, self.languageLabels = self.languageLabels, None
        if self.name is None and isinstance(labels, dict):
            self.name = labels.get("en_US")
        if not isinstance(self.name, str):
            self.name = None
        settings = self.mediaSettings
        if isinstance(settings, dict):
            levels = {key: _level_of(setting) for key, setting in settings.items()}
            self.mediaSettings = {k: v for k, v in levels.items() if v != _Level()}
        elif settings is not None:
            self.mediaSettings = {"": _Level(settings)}

    def targets(self) -> dict[str, float]:
        """Return a queue's target service levels, in percent, by media type.

        The settings say `call` where analytics says `voice`, and 0.8 for 80 %.
        """
        return {
            "voice" if key == "call" else key: round(level.share * 100, 6)
            for key, level in (self.mediaSettings or {}).items()
            if _is_number(level.share)
        }

    def thresholds(self) -> dict[str, float]:
        """Return within how many milliseconds a wait is in time, by media type."""
        return {
            "voice" if key == "call" else key: level.within_ms
            for key, level in (self.mediaSettings or {}).items()
            if _is_number(level.within_ms, MAX_MS)
        }

    @property
    def has_odd_target(self) -> bool:
        """Whether a target service level is no number, and so is not known."""
        levels = (level.share for level in (self.mediaSettings or {}).values())
        return not all(share is None or _is_number(share) for share in levels)


class _Level(NamedTuple):
    """The service level of a medium, or what is in its place.

    Args:
        share: Share of calls to answer in time; 0.8 is 80 %.
        within_ms: How long a wait in time lasts at most.
    """

    share: Any = None
    within_ms: Any = None


def _level_of(setting: Any) -> _Level:
    level = setting.get("serviceLevel") if isinstance(setting, dict) else setting
    if not isinstance(level, dict):
        return _Level(None if level is None else ())
    return _Level(level.get("percentage"), level.get("durationMs"))


def _is_number(value: Any, limit: float = MAX_LEVEL) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and abs(value) < limit


@dataclass(frozen=True, slots=True)
class EntityListing:
    """The entities of one kind, as far as they could be listed.

    Args:
        kind: The kind of entity.
        path: The address that answered; None if the org allows none.
        entities: Entities by id; some of them, if there is a failure.
        documents: Whole entities; empty unless they were requested.
        refused: Why the first address was not allowed; None if it was.
        shortfall: How many entities came of how many; empty if all came.
        failure: Why it was not read to its end; None if it was.
        at: When it was read, UTC.
        deleted: Those that the org has deleted and lists at another address, by id.
        remarks: What else to say about it, such as a part that was not sent.
        is_sure: Whether no change of the org meanwhile can have hidden an entity. False
            for one with several numbered pages that was not confirmed.
    """

    kind: EntityKind
    path: str | None
    entities: Mapping[str, Entity] = field(default_factory=dict)
    documents: Documents = field(default_factory=dict)
    refused: AccessError | None = None
    shortfall: str = ""
    failure: GcbatchError | None = None
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    deleted: Mapping[str, Entity] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    is_sure: bool = True

    @property
    def lacking(self) -> GcbatchError | None:
        """The error that says why it is incomplete; None if it is complete."""
        if self.failure is not None or not self.shortfall:
            return self.failure
        msg = f"GET {self.path}: the listing is incomplete: {self.shortfall}"
        return DataError(msg, hint="run it again; the org may have been changing")

    @property
    def is_final(self) -> bool:
        """Whether listing it again soon would change nothing."""
        refusal = self.failure.response if self.failure else None
        if refusal is not None:
            return rule_for(refusal) is None
        return self.lacking is None

    @property
    def reason(self) -> str:
        """Why the first address was not allowed, in the service's words."""
        refusal = self.refused.response if self.refused else None
        return (refusal.message if refusal else "") or "not allowed"

    @property
    def cause(self) -> str:
        """Why it is incomplete, in a line; empty if it is complete."""
        if self.path is None and self.failure is self.refused:
            return self.reason
        if self.failure is not None:
            return self.failure.problem.partition("\n")[0]
        return self.shortfall
