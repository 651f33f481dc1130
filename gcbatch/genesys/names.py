"""Names for ids: what the org's queues, users and wrap-up codes are called."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from gcbatch.errors import AccessError, DataError, JobError
from gcbatch.genesys.client import Client
from gcbatch.genesys.limits import LISTING_PAGE
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
        listed: For each of them, how many the last listing had.
        warnings: What could not be listed, and why.
    """

    by_dimension: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    listed: Mapping[str, int] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return it as it is kept with the run."""
        return {
            "by_dimension": {d: dict(n) for d, n in self.by_dimension.items()},
            "listed": dict(self.listed),
            "warnings": list(self.warnings),
        }

    @classmethod
    def from_json(cls, raw: dict[str, Any]) -> "Names":
        """Read what to_json wrote."""
        return cls(raw["by_dimension"], raw["listed"], tuple(raw["warnings"]))


class _Entity(msgspec.Struct):
    id: str
    name: str | None = None


class _ListingPage(msgspec.Struct):
    entities: list[_Entity] | None = None
    pageCount: int | float | None = None  # noqa: N815 - the API's word
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
    by_dimension, listed = dict(known.by_dimension), {}
    warnings: list[str] = []
    for listing in LISTINGS:
        if listing.dimension not in wanted:
            continue
        try:
            found = await _list(client, listing)
        except AccessError as exc:
            if exc.refusal is None or exc.refusal.status != 403:  # noqa: PLR2004 - HTTP's own number
                raise
            why = exc.refusal.message or "not allowed"
            warnings.append(f"{listing.kind} are shown by id: {why}")
            continue
        earlier = by_dimension.get(listing.dimension, {})
        by_dimension[listing.dimension] = {**earlier, **found}
        listed[listing.dimension] = len(found)
    return Names(by_dimension, listed, tuple(warnings))


async def _list(client: Client, listing: Listing) -> dict[str, str]:
    """Read all pages of a listing, from the first address that is allowed."""
    for path in listing.paths[:-1]:
        try:
            return await _pages(client, path, listing.parameters)
        except AccessError as exc:
            if exc.refusal is None or exc.refusal.status != 403:  # noqa: PLR2004 - HTTP's own number
                raise
            refused = exc
            try:
                return await _pages(client, listing.paths[-1], listing.parameters)
            except AccessError:
                raise refused from None
    return await _pages(client, listing.paths[-1], listing.parameters)


async def _pages(
    client: Client, path: str, parameters: Mapping[str, str]
) -> dict[str, str]:
    names: dict[str, str] = {}
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
        before = len(names)
        names.update({e.id: e.name or e.id for e in page.entities or ()})
        # The page size that was asked may have been cut; the answer's own account of
        # pages counts.
        more = page.nextUri is not None or number < (page.pageCount or 0)
        if not more:
            return names
        if len(names) == before:
            msg = (
                f"GET {path}: page {number} brings nothing new, yet more are announced"
            )
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
    ids: set[str] = set()
    problems: list[str] = []
    for entry in wanted:
        if is_id(entry):
            ids.add(entry.lower())
            continue
        found = by_name.get(entry, [])
        if len(found) == 1:
            ids.add(found[0])
        elif found:
            problems.append(
                f"query.queues: more than one queue is called {entry!r}; "
                f"name its id: {', '.join(sorted(found))}"
            )
        else:
            close = ", ".join(nearest(entry, by_name)) or ", ".join(
                sorted(by_name)[:20]
            )
            problems.append(
                f"query.queues: no queue is called {entry!r}; the nearest: {close}"
            )
    if problems and not by_name:
        detail = "; ".join(names.warnings) or "none are listed"
        msg = f"queues cannot be found by name: {detail}"
        raise AccessError(msg, hint="name queues by id, or grant the permission")
    if problems:
        raise JobError("\n".join(problems), hint="names count upper and lower case")
    return sorted(ids)
