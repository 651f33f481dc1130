"""Listings: the org's queues, users and wrap-up codes, page by page.

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


MOST_PAGES: Final = 10_000
"""Of a listing; a million entities."""


class _Page(msgspec.Struct):
    entities: list[Entity] | None = None
    pageCount: int | float | None = None  # noqa: N815 - the API's word
    total: int | float | None = None
    nextUri: str | None = None  # noqa: N815 - the API's word
    pageSize: Any = None  # noqa: N815 - likewise
    pageNumber: Any = None  # noqa: N815 - likewise
    firstUri: Any = None  # noqa: N815 - likewise
    lastUri: Any = None  # noqa: N815 - likewise
    previousUri: Any = None  # noqa: N815 - likewise
    selfUri: Any = None  # noqa: N815 - likewise


class _WholePage(msgspec.Struct):
    entities: list[msgspec.Raw] | None = None


_PAGES: Final = BodyReader(_Page, "entities", next_page="nextUri")
_WHOLE_PAGES: Final = msgspec.json.Decoder(_WholePage)


async def list_entities(
    client: Client, listing: EntityKind, *, whole: bool = False
) -> EntityListing:
    """Read all pages of a listing, from the first address that is allowed.

    Entities that are added or removed meanwhile shift the pages; a listing that comes
    short is therefore read once more.

    Args:
        client: Whom to ask through.
        listing: Which.
        whole: Whether to keep entities as they were sent, for tables.

    Returns:
        What came, and why that is not everything, where it is not: a permission that
        is missing, an address that fails, or answers that make no listing.

    Raises:
        GcbatchError: As Client.call does, where that is not this listing's alone:
            credentials that are refused, or nobody who answers.
    """
    found = await _allowed(client, listing, whole=whole)
    if found.shortfall and not found.failure:
        found = await _allowed(client, listing, whole=whole)
    return found


async def _allowed(
    client: Client, listing: EntityKind, *, whole: bool
) -> EntityListing:
    refused: AccessError | None = None
    for path in listing.paths:
        found = await _Reader(client, listing, path, whole=whole).read(refused)
        if not isinstance(found.failure, AccessError):
            return found
        refused = refused or found.failure
    return EntityListing(listing, None, refused=refused, failure=refused)


def _concerns(error: GcbatchError, path: str) -> bool:
    """Say whether an error is of what is asked at *path*, and not of all requests."""
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
        self, client: Client, listing: EntityKind, path: str, *, whole: bool
    ) -> None:
        self._client = client
        self._listing = listing
        self._path = path
        self._whole = whole
        self._entities: dict[str, Entity] = {}
        self._documents: dict[str, bytes] = {}

    async def read(self, refused: AccessError | None) -> EntityListing:
        """Read to the end, or until something fails; of what came nothing is lost."""
        failure: GcbatchError | None = None
        came, total = 0, 0.0
        for parameters in self._listing.slices:
            try:
                own, announced = await self._read(parameters)
            except GcbatchError as exc:
                if not _concerns(exc, self._path):
                    raise
                failure = failure or exc
                if not _is(exc.response, HTTPStatus.BAD_REQUEST):
                    break
                # This slice is too long to be paged to its end; others may not be.
            else:
                came, total = came + own, total + max(own, announced or 0.0)
        return EntityListing(
            self._listing,
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
            How many entities it has, and how many by the service's account; None if
            that gave none.
        """
        if self._whole:
            parameters = {**parameters, **self._listing.more}
        seen: set[str] = set()
        number, last, total = 1, None, None
        while True:
            answer = await self._client.get(
                self._path,
                self._decoded,
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
            # The page size that was asked may have been cut; the answer's own account
            # of pages counts; what says nothing does not take it back.
            last = page.pageCount if page.pageCount is not None else last
            total = page.total if page.total is not None else total
            more = page.nextUri is not None if last is None else number < last
            if not more:
                return len(seen), total
            if len(seen) == before or number >= MOST_PAGES:
                news = f"page {number} brings nothing new, yet more are announced"
                msg = f"GET {self._path}: {news}"
                raise DataError(msg, hint="try again; if it stays so, ask the service")
            number += 1

    def _decoded(self, body: bytes) -> tuple[_Page, dict[str, bytes]]:
        page = _PAGES.decode(body)
        if not self._whole:
            return page, {}
        # Read twice, so that errors name the place in the page, and a run that wants
        # names only pays for nothing else.
        whole = _WHOLE_PAGES.decode(body).entities or ()
        return page, {
            entity.id: msgspec.json.format(bytes(document), indent=-1)
            for entity, document in zip(page.entities or (), whole, strict=True)
        }
