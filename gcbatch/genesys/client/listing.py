"""Listings of the org's entities, page by page."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Final, NamedTuple

from gcbatch.errors import (
    AccessError,
    DataError,
    GcbatchError,
    OutOfReachError,
    ServiceError,
)
from gcbatch.genesys import Entity, EntityKind, EntityListing, Paging
from gcbatch.genesys.client.client import Client
from gcbatch.genesys.client.listing_page import page_decoder

__all__ = ["is_refused_with", "list_entities"]

MAX_PAGES: Final = 10_000
"""Pages of a listing; a million entities."""

ATTEMPTS: Final = 3
"""How often a listing is read that changes while it is read."""

OWN_NAMES: Final = frozenset(("decode", "path"))
"""Parameters of a next page that would be taken for arguments of Client.get."""


async def list_entities(
    client: Client,
    kind: EntityKind,
    *,
    whole: bool = False,
    expand: tuple[str, ...] = (),
) -> EntityListing:
    """Read all pages of a listing, from the first address that the org allows.

    Entities that are added or removed meanwhile shift the pages. A listing that comes
    short, or whose total changes, is therefore read again, three times at most.

    Args:
        client: Sends the requests.
        kind: What to list; not a kind with a parent.
        whole: Whether to keep entities as they were sent, for tables.
        expand: Parts of the entities that the service adds on request.

    Returns:
        The entities that came. If some are missing, also why: the org refuses the
        permission, an address fails, or the answers make no listing.

    Raises:
        GcbatchError: As Client.call does, if the error concerns not only this listing:
            refused credentials, or a service that cannot be reached.
    """
    attempt = 1
    while True:
        found = await _read_allowed(client, kind, whole=whole, expand=expand)
        if not found.shortfall or found.failure or attempt == ATTEMPTS:
            return found
        attempt += 1


async def _read_allowed(
    client: Client, kind: EntityKind, *, whole: bool, expand: tuple[str, ...]
) -> EntityListing:
    refused: AccessError | None = None
    for path in kind.paths:
        reader = _Reader(client, kind, path, whole=whole, expand=expand)
        found = await reader.read(refused)
        if not isinstance(found.failure, AccessError):
            return found
        refused = refused or found.failure
    return EntityListing(kind, None, refused=refused, failure=refused)


def _concerns(error: GcbatchError, path: str) -> bool:
    """Say whether an error concerns only the requests to *path*."""
    refusal = error.response
    answered = refusal is not None and refusal.path == path
    if isinstance(error, AccessError):
        return answered and is_refused_with(error, HTTPStatus.FORBIDDEN)
    if isinstance(error, OutOfReachError):
        return answered
    return isinstance(error, (ServiceError, DataError))


def is_refused_with(error: GcbatchError, status: HTTPStatus) -> bool:
    """Say whether an error is an answer with a status."""
    return error.response is not None and error.response.status == status


class _Reader:
    """Reads the pages of one address."""

    def __init__(
        self,
        client: Client,
        kind: EntityKind,
        path: str,
        *,
        whole: bool,
        expand: tuple[str, ...],
    ) -> None:
        self._client = client
        self._kind = kind
        self._path = path
        self._whole = whole
        self._decode = page_decoder(kind, whole=whole)
        self._more: dict[str, str] = {}
        if whole:
            self._more |= kind.more
            if expand:
                asked = (*filter(None, [kind.more.get("expand")]), *expand)
                self._more["expand"] = ",".join(asked)
        self._documents: dict[str, bytes] = {}

    async def read(self, refused: AccessError | None) -> EntityListing:
        """Read to the end, or until a request fails; return what came until then."""
        failure: GcbatchError | None = None
        entities: dict[str, Entity] = {}
        counts: list[_Count] = []
        for parameters in self._kind.slices:
            try:
                counts.append(await self._read(self._path, parameters, entities))
            except GcbatchError as exc:
                if not _concerns(exc, self._path):
                    raise
                failure = failure or exc
                if not is_refused_with(exc, HTTPStatus.BAD_REQUEST):
                    break
                # This slice has too many pages; others may have fewer.
        deleted: dict[str, Entity] = {}
        remarks: list[str] = []
        if self._kind.deleted and failure is None:
            remarks += await self._read_deleted(deleted)
        return EntityListing(
            self._kind,
            self._path,
            entities,
            self._documents,
            refused,
            _shortfall(counts),
            failure,
            deleted={i: e for i, e in deleted.items() if i not in entities},
            remarks=tuple(remarks),
        )

    async def _read_deleted(self, entities: dict[str, Entity]) -> list[str]:
        """Read the deleted entities; return a remark if they cannot be read.

        They are better than nothing, but no run fails for want of them.
        """
        place = self._kind.deleted
        if place is None:
            return []
        kept = dict(self._documents)
        try:
            count = await self._read(place.path, place.parameters, entities)
            cause = _shortfall([count])
        except GcbatchError as exc:
            if not _concerns(exc, place.path):
                raise
            cause = exc.problem.partition("\n")[0]
            if isinstance(exc, AccessError):
                cause = f"it takes the permission {place.permission}"
        self._documents |= kept  # what is not deleted counts
        label = self._kind.label
        return [f"deleted {label} are not all listed: {cause}"] if cause else []

    async def _read(
        self, path: str, parameters: Mapping[str, str], entities: dict[str, Entity]
    ) -> "_Count":
        """Read a slice to its end, and add its entities to *entities*."""
        kind = self._kind
        fixed = {**parameters, **self._more}
        if kind.paging is not Paging.WHOLE:
            fixed[kind.size_key] = str(kind.page_size)
        position: Mapping[str, str | int] | None = {}
        if kind.paging is Paging.NUMBERED:
            position = {"pageNumber": 1}
        seen: set[str] = set()
        visited: list[Mapping[str, str | int]] = []
        totals: list[float] = []
        page_count: float | None = None
        while position is not None:
            visited.append(position)
            own = {k: v for k, v in position.items() if k not in OWN_NAMES}
            answer = await self._client.get(path, self._decode, **{**fixed, **own})
            page = answer.value
            is_new = not seen.issuperset(page.entities)
            seen |= page.entities.keys()
            entities.update(page.entities)
            self._documents.update(page.documents)
            # The service may send smaller pages than requested, so its own number of
            # pages counts. A page without one leaves that of the pages before.
            if page.page_count is not None:
                page_count = page.page_count
            if page.total is not None:
                totals.append(page.total)
            position = page.position_after(kind, len(visited), page_count)
            if position is not None:
                self._check_progress(path, visited, position, is_new=is_new)
        return _Count(len(seen), totals)

    def _check_progress(
        self,
        path: str,
        visited: Sequence[Mapping[str, str | int]],
        position: Mapping[str, str | int],
        *,
        is_new: bool,
    ) -> None:
        """Refuse pages without end.

        Raises:
            DataError: If the last page brought nothing new, or leads back.
        """
        problem = ""
        if position in visited:
            problem = "leads back to an earlier page"
        elif len(visited) >= MAX_PAGES or (
            self._kind.paging is Paging.NUMBERED and not is_new
        ):
            problem = "brings nothing new, yet more are announced"
        if problem:
            msg = f"GET {path}: page {len(visited)} {problem}"
            raise DataError(msg, hint="try again; if it stays so, ask the service")


class _Count(NamedTuple):
    """How many entities of a slice came, and how many were announced, page by page."""

    came: int
    totals: Sequence[float]

    @property
    def announced(self) -> float:
        """How many there are; no less than came."""
        return max(self.came, self.totals[-1]) if self.totals else self.came


def _shortfall(counts: Sequence[_Count]) -> str:
    """Return what the slices lack, in words; empty if all came."""
    came, announced = (
        sum(count.came for count in counts),
        sum(count.announced for count in counts),
    )
    if came < announced:
        return f"{came:,} of {announced:,.0f} came"
    for _, totals in counts:
        # One that was removed shifts the pages: another one may have been skipped.
        if len(set(totals)) > 1:
            return f"there were {totals[0]:,.0f} at first, {totals[-1]:,.0f} at the end"
    return ""
