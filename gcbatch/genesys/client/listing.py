"""Listings of the org's queues, users and wrap-up codes, page by page.

Sources: models QueueEntityListing, Queue, User and WrapupCode of
PureCloudPlatformClientV2 269.0.0. Read 2026-11-21.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import msgspec

from gcbatch.errors import (
    AccessError,
    DataError,
    ErrorResponse,
    GcbatchError,
    OutOfReachError,
    ServiceError,
)
from gcbatch.genesys import LISTING_PAGE, Entity, EntityKind, EntityListing
from gcbatch.genesys.client.body_reader import BodyReader
from gcbatch.genesys.client.client import Client

__all__ = ["list_entities"]

MAX_PAGES: Final = 10_000
"""Pages of a listing; a million entities."""


class _Page(msgspec.Struct, rename="camel"):
    entities: list[Entity] | None = None
    page_count: int | float | None = None
    total: int | float | None = None
    next_uri: str | None = None
    page_size: Any = None
    page_number: Any = None
    first_uri: Any = None
    last_uri: Any = None
    previous_uri: Any = None
    self_uri: Any = None


class _WholePage(msgspec.Struct):
    entities: list[msgspec.Raw] | None = None


_PAGES: Final = BodyReader(_Page, "entities", next_page="nextUri")
_WHOLE_PAGES: Final = msgspec.json.Decoder(_WholePage)


async def list_entities(
    client: Client, kind: EntityKind, *, whole: bool = False
) -> EntityListing:
    """Read all pages of a listing, from the first address that the org allows.

    Entities that are added or removed meanwhile shift the pages. A listing that comes
    short is therefore read once more.

    Args:
        client: Sends the requests.
        kind: What to list.
        whole: Whether to keep entities as they were sent, for tables.

    Returns:
        The entities that came. If some are missing, also why: the org refuses the
        permission, an address fails, or the answers make no listing.

    Raises:
        GcbatchError: As Client.call does, if the error concerns not only this listing:
            refused credentials, or a service that cannot be reached.
    """
    found = await _read_allowed(client, kind, whole=whole)
    if found.shortfall and not found.failure:
        found = await _read_allowed(client, kind, whole=whole)
    return found


async def _read_allowed(
    client: Client, kind: EntityKind, *, whole: bool
) -> EntityListing:
    refused: AccessError | None = None
    for path in kind.paths:
        found = await _Reader(client, kind, path, whole=whole).read(refused)
        if not isinstance(found.failure, AccessError):
            return found
        refused = refused or found.failure
    return EntityListing(kind, None, refused=refused, failure=refused)


def _concerns(error: GcbatchError, path: str) -> bool:
    """Say whether an error concerns only the requests to *path*."""
    refusal = error.response
    answered = refusal is not None and refusal.path == path
    if isinstance(error, AccessError):
        return answered and _is(refusal, HTTPStatus.FORBIDDEN)
    if isinstance(error, OutOfReachError):
        return answered
    return isinstance(error, (ServiceError, DataError))


def _is(refusal: ErrorResponse | None, status: HTTPStatus) -> bool:
    return refusal is not None and refusal.status == status


class _Reader:
    """Reads the pages of one address."""

    def __init__(
        self, client: Client, kind: EntityKind, path: str, *, whole: bool
    ) -> None:
        self._client = client
        self._kind = kind
        self._path = path
        self._whole = whole
        self._entities: dict[str, Entity] = {}
        self._documents: dict[str, bytes] = {}

    async def read(self, refused: AccessError | None) -> EntityListing:
        """Read to the end, or until a request fails; return what came until then."""
        failure: GcbatchError | None = None
        came, total = 0, 0.0
        for parameters in self._kind.slices:
            try:
                own, announced = await self._read(parameters)
            except GcbatchError as exc:
                if not _concerns(exc, self._path):
                    raise
                failure = failure or exc
                if not _is(exc.response, HTTPStatus.BAD_REQUEST):
                    break
                # This slice has too many pages; others may have fewer.
            else:
                came, total = came + own, total + max(own, announced or 0.0)
        return EntityListing(
            self._kind,
            self._path,
            self._entities,
            self._documents,
            refused,
            f"{came:,} of {total:,.0f} came" if came < total else "",
            failure,
        )

    async def _read(self, parameters: Mapping[str, str]) -> tuple[int, float | None]:
        """Read a slice to its end.

        Returns:
            How many entities came, and how many the service announced; None if it
            announced none.
        """
        if self._whole:
            parameters = {**parameters, **self._kind.more}
        seen: set[str] = set()
        number, last, total = 1, None, None
        while True:
            answer = await self._client.get(
                self._path,
                self._decode,
                **parameters,
                pageSize=LISTING_PAGE,
                pageNumber=number,
            )
            page, sent = answer.value
            before = len(seen)
            found = {entity.id: entity for entity in page.entities or ()}
            seen |= found.keys()
            self._entities.update(found)
            self._documents.update(sent)
            # The service may send smaller pages than requested, so its own number of
            # pages counts. A page without one leaves that of the pages before.
            last = page.page_count if page.page_count is not None else last
            total = page.total if page.total is not None else total
            more = page.next_uri is not None if last is None else number < last
            if not more:
                return len(seen), total
            if len(seen) == before or number >= MAX_PAGES:
                problem = f"page {number} brings nothing new, yet more are announced"
                msg = f"GET {self._path}: {problem}"
                raise DataError(msg, hint="try again; if it stays so, ask the service")
            number += 1

    def _decode(self, body: bytes) -> tuple[_Page, dict[str, bytes]]:
        page = _PAGES.decode(body)
        if not self._whole:
            return page, {}
        # Read twice, so that errors name the place in the page, and runs that need only
        # names do no other work.
        whole = _WHOLE_PAGES.decode(body).entities or ()
        return page, {
            entity.id: msgspec.json.format(bytes(document), indent=-1)
            for entity, document in zip(page.entities or (), whole, strict=True)
        }
