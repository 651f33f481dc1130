"""Names for ids: what the org's queues, users and wrap-up codes are called."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

import msgspec

from gcbatch.errors import AccessError, DataError, JobError
from gcbatch.genesys.client import Client
from gcbatch.genesys.limits import LISTING_PAGE
from gcbatch.plain import plain
from gcbatch.suggest import nearest

__all__ = ["LISTINGS", "Listing", "Names", "fetch_names", "is_id", "queue_ids"]

_ID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


@dataclass(frozen=True, slots=True)
class Listing:
    """Where names of one kind are listed.

    Args:
        kind: What they are, as in messages.
        dimension: The dimension whose values they name.
        paths: Addresses to try, the fuller one first; the next where a permission
            for the one before is missing.
        parameters: To send beside the page.
    """

    kind: str
    dimension: str
    paths: tuple[str, ...]
    parameters: Mapping[str, str] = field(default_factory=dict)


MOST_PAGES: Final = 10_000
"""Of a listing; a million entities."""

LISTINGS: Final = (
    Listing(
        "queues",
        "queueId",
        ("/api/v2/routing/queues", "/api/v2/routing/queues/divisionviews/all"),
    ),
    Listing("users", "userId", ("/api/v2/users",), {"state": "any"}),
    Listing("wrap-up codes", "wrapUpCode", ("/api/v2/routing/wrapupcodes",)),
)


@dataclass(frozen=True)
class Names:
    """What ids are called, by dimension.

    Args:
        by_dimension: For each dimension that was listed, names by id. Ids that were
            listed once and are no longer keep their last name.
        listed: For each that was listed completely, how many there are.
        warnings: What could not be listed, and why.
        former: For each of them, the ids that the last listing lacked.
        targets: Service level to reach, in percent, by queue id and media type.
    """

    by_dimension: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    listed: Mapping[str, int] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    former: Mapping[str, frozenset[str]] = field(default_factory=dict)
    targets: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def renewed(self, found: "Names") -> "Names":
        """Return these names brought up to date.

        What is listed, and the warnings, are those of *found*.
        """
        by_dimension, former = dict(self.by_dimension), dict(self.former)
        for dimension, names in found.by_dimension.items():
            by_dimension[dimension] = {**by_dimension.get(dimension, {}), **names}
            if dimension in found.listed:
                gone = by_dimension[dimension].keys() - names.keys()
                former[dimension] = frozenset(gone)
        targets = {**self.targets, **found.targets}
        return Names(by_dimension, found.listed, found.warnings, former, targets)

    def listed_ids(self, dimension: str) -> frozenset[str]:
        """Return the ids that the last listing of a dimension had."""
        known = self.by_dimension.get(dimension, {}).keys()
        return frozenset(known - self.former.get(dimension, frozenset()))

    def to_json(self) -> dict[str, Any]:
        """Return it as it is kept with the run."""
        return {
            "by_dimension": {d: dict(n) for d, n in self.by_dimension.items()},
            "listed": dict(self.listed),
            "warnings": list(self.warnings),
            "former": {d: sorted(ids) for d, ids in self.former.items()},
            "targets": {q: dict(t) for q, t in self.targets.items()},
        }

    @classmethod
    def from_json(cls, raw: dict[str, Any]) -> "Names":
        """Read what to_json wrote."""
        former = {d: frozenset(ids) for d, ids in raw.get("former", {}).items()}
        return cls(
            raw["by_dimension"],
            raw["listed"],
            tuple(raw["warnings"]),
            former,
            raw.get("targets", {}),
        )


class _ServiceLevel(msgspec.Struct):
    percentage: int | float | None = None


class _MediaSetting(msgspec.Struct):
    serviceLevel: _ServiceLevel | None = None  # noqa: N815 - the API's word


class _Entity(msgspec.Struct):
    id: str
    name: str | None = None
    mediaSettings: dict[str, _MediaSetting | None] | None = None  # noqa: N815 - the API's word

    def targets(self) -> dict[str, float]:
        """Return a queue's service levels to reach, in percent, by media type.

        The settings say `call` where analytics says `voice`, and 0.8 for 80 %.
        """
        return {
            "voice" if key == "call" else key: round(level.percentage * 100, 6)
            for key, setting in (self.mediaSettings or {}).items()
            if setting is not None
            and (level := setting.serviceLevel) is not None
            and level.percentage is not None
        }


class _ListingPage(msgspec.Struct):
    entities: list[_Entity] | None = None
    pageCount: int | float | None = None  # noqa: N815 - the API's word
    total: int | float | None = None
    nextUri: str | None = None  # noqa: N815 - the API's word


async def fetch_names(
    client: Client, dimensions: Iterable[str], *, known: Names
) -> Names:
    """List what the given dimensions' ids are called.

    Args:
        client: Whom to ask through.
        dimensions: Those without a listing are passed over.
        known: From an earlier run; names that are no longer listed stay.

    Returns:
        Names, with a warning for each listing that a permission is missing for.

    Raises:
        GcbatchError: As Client.call does, missing permissions aside.
    """
    wanted = set(dimensions)
    by_dimension: dict[str, Mapping[str, str]] = {}
    listed: dict[str, int] = {}
    targets: dict[str, Mapping[str, float]] = {}
    warnings: list[str] = []
    for listing in LISTINGS:
        if listing.dimension not in wanted:
            continue
        try:
            found = await _list(client, listing)
        except AccessError as exc:
            if exc.refusal is None or exc.refusal.status != HTTPStatus.FORBIDDEN:
                raise
            why = exc.refusal.message or "not allowed"
            warnings.append(f"{listing.kind} are shown by id: {why}")
            continue
        entities = found.entities
        by_dimension[listing.dimension] = {i: e.name or i for i, e in entities.items()}
        if found.total is not None and len(entities) < found.total:
            missing = f"{len(entities):,} of {found.total:,.0f} came"
            warnings.append(f"{listing.kind} are listed incompletely: {missing}")
        else:
            listed[listing.dimension] = len(entities)
        if found.path == listing.paths[0]:
            # A target that is no longer set is no longer one; only the full listing
            # tells of targets at all.
            targets |= {i: e.targets() for i, e in entities.items()}
    return known.renewed(Names(by_dimension, listed, tuple(warnings), targets=targets))


@dataclass(frozen=True, slots=True)
class _Found:
    """What a listing brought: entities by id, of how many, from which address."""

    entities: dict[str, _Entity]
    total: float | None
    path: str


async def _list(client: Client, listing: Listing) -> _Found:
    """Read all pages of a listing, from the first address that is allowed.

    Entities that are added or removed meanwhile shift the pages; a listing that comes
    short is therefore read once more.
    """
    found = await _allowed(client, listing)
    if found.total is not None and len(found.entities) < found.total:
        found = await _allowed(client, listing)
    return found


async def _allowed(client: Client, listing: Listing) -> _Found:
    for path in listing.paths[:-1]:
        try:
            return await _pages(client, path, listing.parameters)
        except AccessError as exc:
            if exc.refusal is None or exc.refusal.status != HTTPStatus.FORBIDDEN:
                raise
            refused = exc
            try:
                return await _pages(client, listing.paths[-1], listing.parameters)
            except AccessError:
                raise refused from None
    return await _pages(client, listing.paths[-1], listing.parameters)


async def _pages(client: Client, path: str, parameters: Mapping[str, str]) -> _Found:
    found: dict[str, _Entity] = {}
    number = 1
    decoder = msgspec.json.Decoder(_ListingPage)
    while True:
        answer = await client.get(
            path,
            decoder.decode,
            **parameters,
            pageSize=LISTING_PAGE,
            pageNumber=number,
        )
        page = answer.value
        before = len(found)
        found.update({entity.id: entity for entity in page.entities or ()})
        # The page size that was asked may have been cut; the answer's own account of
        # pages counts.
        last = page.pageCount
        more = page.nextUri is not None if last is None else number < last
        if not more:
            return _Found(found, page.total, path)
        if len(found) == before or number >= MOST_PAGES:
            news = f"page {number} brings nothing new, yet more are announced"
            msg = f"GET {path}: {news}"
            raise DataError(msg, hint="try again; if it stays so, ask the service")
        number += 1


def is_id(text: str) -> bool:
    """Say whether *text* is an id (a UUID), not a name."""
    return _ID.fullmatch(text) is not None


def queue_ids(wanted: Sequence[str], names: Names) -> list[str]:
    """Return the ids of the queues that a job names, sorted, each once.

    Args:
        wanted: Names or ids.
        names: Of a listing of queues.

    Raises:
        JobError: If a name is not known, or more than one queue bears it; lists all
            such names, each with the nearest ones or the ids.
        AccessError: If a name is to be found and queues may not be listed.
    """
    by_name: dict[str, list[str]] = {}
    for identity, name in names.by_dimension.get("queueId", {}).items():
        by_name.setdefault(name, []).append(identity)
    former = names.former.get("queueId", frozenset())
    ids: set[str] = set()
    problems: list[str] = []
    for entry in wanted:
        if is_id(entry):
            ids.add(entry.lower())
            continue
        found = by_name.get(entry, [])
        # A queue that is gone does not stand in the way of its successor.
        found = [i for i in found if i not in former] or found
        if len(found) == 1:
            ids.add(found[0])
        elif found:
            problems.append(
                f"query.queues: more than one queue is called {plain(entry)!r}; "
                f"name its id: {', '.join(sorted(found))}"
            )
        else:
            close = ", ".join(nearest(entry, by_name)) or ", ".join(
                sorted(by_name)[:20]
            )
            said = f"the nearest: {close}" if close else "the org lists none"
            problems.append(f"query.queues: no queue is called {entry!r}; {said}")
    if problems and not by_name and "queueId" not in names.listed:
        detail = "; ".join(names.warnings) or "none are listed"
        msg = f"queues cannot be found by name: {detail}"
        raise AccessError(msg, hint="name queues by id, or grant the permission")
    if problems:
        raise JobError("\n".join(problems), hint="names count upper and lower case")
    return sorted(ids)
