"""Listings of the org's entities, page by page."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Final

from gcbatch.errors import (
    AccessError,
    DataError,
    GcbatchError,
    OutOfReachError,
    ServiceError,
)
from gcbatch.genesys import Deleted, Entity, EntityKind, EntityListing, Paging
from gcbatch.genesys.client.client import Client
from gcbatch.genesys.client.listing_page import Position, page_decoder
from gcbatch.genesys.client.listing_reading import (
    SliceReading,
    confirms,
    missing,
    unrest,
)

__all__ = ["is_refused_with", "list_entities"]

MAX_PAGES: Final = 10_000
"""Pages of a listing; a million entities."""

MAX_EMPTY_PAGES: Final = 100
"""Pages one after the other that bring nothing new, but lead on."""

ATTEMPTS: Final = 3
"""How often a listing is read that changes while it is read."""

READINGS: Final = 4
"""The same for one that has to be confirmed, which takes two readings in any case."""


async def list_entities(
    client: Client,
    kind: EntityKind,
    *,
    whole: bool = False,
    expand: tuple[str, ...] = (),
    confirm: bool = False,
) -> EntityListing:
    """Read all pages of a listing, from the first address that the org allows.

    Entities that are added or removed meanwhile shift the pages. A listing that comes
    short, or whose total changes, is therefore read again, three times at most.

    Args:
        client: Sends the requests.
        kind: What to list; not a kind with a parent.
        whole: Whether to keep entities as they were sent, for tables.
        expand: Parts of the entities that the service adds on request.
        confirm: Whether a listing with several numbered pages is read until a reading
            brings all that the one before brought, four times at most. Without it, an
            entity may be missed if one is removed and one added while it is read.

    Returns:
        The entities that came. If some are missing, also why: the org refuses the
        permission, an address fails, or the answers make no listing.

    Raises:
        GcbatchError: As Client.call does, if the error concerns not only this listing:
            refused credentials, or a service that cannot be reached.
    """
    before: Sequence[SliceReading] | None = None
    attempt = 1
    while True:
        found, readings = await _read_allowed(client, kind, whole=whole, expand=expand)
        if found.failure:
            return found
        may_shift = kind.paging is Paging.NUMBERED and any(
            r.pages > 1 for r in readings
        )
        if may_shift and confirm:
            if before and confirms(before, readings) and not missing(readings):
                return replace(found, shortfall="")
            if attempt == READINGS:
                unlike = "it was not the same from one reading to the next"
                return replace(found, shortfall=found.shortfall or unlike)
            before = readings
        elif not found.shortfall or attempt == ATTEMPTS:
            return replace(found, is_sure=not may_shift)
        attempt += 1


async def _read_allowed(
    client: Client, kind: EntityKind, *, whole: bool, expand: tuple[str, ...]
) -> tuple[EntityListing, Sequence[SliceReading]]:
    refused: AccessError | None = None
    for path in kind.paths:
        reader = _Reader(client, kind, path, whole=whole, expand=expand)
        found = await reader.read(refused)
        if not isinstance(found.failure, AccessError):
            return found, reader.readings
        refused = refused or found.failure
    return EntityListing(kind, None, refused=refused, failure=refused), ()


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
        self.readings: list[SliceReading] = []

    async def read(self, refused: AccessError | None) -> EntityListing:
        """Read to the end, or until a request fails; return what came until then."""
        failure: GcbatchError | None = None
        entities: dict[str, Entity] = {}
        for parameters in self._kind.slices:
            try:
                reading = await self._read(self._path, parameters, entities)
                self.readings.append(reading)
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
            remarks += await self._read_deleted(self._kind.deleted, deleted)
        return EntityListing(
            self._kind,
            self._path,
            entities,
            self._documents,
            refused,
            missing(self.readings) or unrest(self.readings),
            failure,
            deleted={i: e for i, e in deleted.items() if i not in entities},
            remarks=tuple(remarks),
        )

    async def _read_deleted(
        self, place: Deleted, entities: dict[str, Entity]
    ) -> list[str]:
        """Read the deleted entities; return a remark if they cannot be read.

        They are better than nothing, but no run fails for want of them.
        """
        kept = dict(self._documents)
        try:
            reading = await self._read(place.path, place.parameters, entities)
            cause = missing([reading]) or unrest([reading])
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
    ) -> SliceReading:
        """Read a slice to its end, and add its entities to *entities*."""
        kind = self._kind
        fixed: dict[str, str] = {**parameters, **self._more}
        if kind.paging is not Paging.WHOLE:
            fixed[kind.size_key] = str(kind.page_size)
        position: Position | None = {}
        if kind.paging is Paging.NUMBERED:
            position = {"pageNumber": 1}
        reading = SliceReading()
        visited: set[str] = set()
        empty = 0
        while position is not None:
            visited.add(repr(position))
            answer = await self._client.get(path, self._decode, **{**fixed, **position})
            page = answer.value
            known = reading.ids.intersection(page.entities)
            reading.repeated |= known
            empty = empty + 1 if len(known) == len(page.entities) else 0
            reading.ids |= page.entities.keys()
            reading.pages += 1
            entities.update(page.entities)
            self._documents.update(page.documents)
            # The service may send smaller pages than requested, so its own number of
            # pages counts. A page without one leaves that of the pages before.
            if page.page_count is not None:
                reading.page_count = page.page_count
            if page.total is not None:
                reading.totals.append(page.total)
            position = page.position_after(kind, reading.pages, reading.page_count)
            if position is not None:
                is_back = repr(position) in visited
                self._check_progress(path, reading, empty, is_back=is_back)
        return reading

    def _check_progress(
        self, path: str, reading: SliceReading, empty: int, *, is_back: bool
    ) -> None:
        """Refuse pages without end.

        Args:
            path: The address.
            reading: The pages so far.
            empty: How many pages brought nothing new since the last one that did.
            is_back: Whether the last page leads to one that was read.

        Raises:
            DataError: If they have none.
        """
        numbered = self._kind.paging is Paging.NUMBERED
        most = 0 if numbered else MAX_EMPTY_PAGES
        problem = ""
        if is_back:
            problem = "leads back to an earlier page"
        elif reading.pages >= MAX_PAGES:
            problem = "is the last that is read, yet more are announced"
        elif empty > most:
            problem = "brings nothing new, yet more are announced"
        if problem:
            msg = f"GET {path}: page {reading.pages} {problem}"
            raise DataError(msg, hint="try again; if it stays so, ask the service")
