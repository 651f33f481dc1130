"""Listings: the org's queues, users and wrap-up codes, page by page.

Sources: models QueueEntityListing, Queue, User and WrapupCode of
PureCloudPlatformClientV2 269.0.0. Read 2026-11-21.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

import msgspec

from gcbatch.errors import AccessError, DataError
from gcbatch.genesys.client import Client
from gcbatch.genesys.limits import LISTING_PAGE

__all__ = ["LISTINGS", "Documents", "Entity", "Listed", "Listing", "list_entities"]

Documents = Mapping[str, bytes]
"""Entities by id, as they were sent: JSON without white space."""

MOST_PAGES: Final = 10_000
"""Of a listing; a million entities."""


@dataclass(frozen=True, slots=True)
class Listing:
    """Where entities of one kind are listed.

    Args:
        kind: What they are, as in messages.
        table: The table that has a row for each.
        dimension: The dimension whose values they name.
        paths: Addresses to try, the fuller one first; the next where a permission
            for the one before is missing.
        parameters: To send beside the page.
        more: To send besides, where whole entities are wanted and not just names.
    """

    kind: str
    table: str
    dimension: str
    paths: tuple[str, ...]
    parameters: Mapping[str, str] = field(default_factory=dict)
    more: Mapping[str, str] = field(default_factory=dict)


LISTINGS: Final = (
    Listing(
        "queues",
        "queues",
        "queueId",
        ("/api/v2/routing/queues", "/api/v2/routing/queues/divisionviews/all"),
    ),
    # The last login is sent on request only, as are fields that are tables of their
    # own (skills, groups, roles).
    Listing(
        "users",
        "users",
        "userId",
        ("/api/v2/users",),
        {"state": "any"},
        {"expand": "dateLastLogin"},
    ),
    Listing(
        "wrap-up codes",
        "wrapup_codes",
        "wrapUpCode",
        ("/api/v2/routing/wrapupcodes",),
    ),
)


class _ServiceLevel(msgspec.Struct):
    percentage: int | float | None = None


class _MediaSetting(msgspec.Struct):
    serviceLevel: _ServiceLevel | None = None  # noqa: N815 - the API's word


class Entity(msgspec.Struct):
    """What every run reads of an entity: its name, and a queue's targets."""

    id: str
    name: Any = None
    mediaSettings: dict[str, _MediaSetting | None] | None = None  # noqa: N815 - the API's word

    def __post_init__(self) -> None:
        """Take what is no text for no name: that costs one name, and no listing."""
        if not isinstance(self.name, str):
            self.name = None

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


@dataclass(frozen=True, slots=True)
class Listed:
    """What a listing brought.

    Args:
        listing: Which.
        path: The address that answered; None if none may be asked.
        entities: By id.
        total: How many there are by the service's account; None if it gave none.
        documents: Whole entities; empty unless they were wanted.
        refused: Why the fuller address could not be asked; None where it answered.
    """

    listing: Listing
    path: str | None
    entities: Mapping[str, Entity] = field(default_factory=dict)
    total: float | None = None
    documents: Documents = field(default_factory=dict)
    refused: AccessError | None = None

    @property
    def shortfall(self) -> str | None:
        """How many entities came of how many; None if all did."""
        if self.total is None or len(self.entities) >= self.total:
            return None
        return f"{len(self.entities):,} of {self.total:,.0f} came"

    @property
    def reason(self) -> str:
        """Why the fuller address could not be asked, in the service's words."""
        refusal = self.refused.refusal if self.refused else None
        return (refusal.message if refusal else "") or "not allowed"


class _Page(msgspec.Struct):
    entities: list[Entity] | None = None
    pageCount: int | float | None = None  # noqa: N815 - the API's word
    total: int | float | None = None
    nextUri: str | None = None  # noqa: N815 - the API's word


class _WholePage(msgspec.Struct):
    entities: list[msgspec.Raw] | None = None


_PAGES: Final = msgspec.json.Decoder(_Page)
_WHOLE_PAGES: Final = msgspec.json.Decoder(_WholePage)


async def list_entities(
    client: Client, listing: Listing, *, whole: bool = False
) -> Listed:
    """Read all pages of a listing, from the first address that is allowed.

    Entities that are added or removed meanwhile shift the pages; a listing that comes
    short is therefore read once more.

    Args:
        client: Whom to ask through.
        listing: Which.
        whole: Whether to keep entities as they were sent, for tables.

    Returns:
        What came; nothing, and why, where a permission is missing.

    Raises:
        GcbatchError: As Client.call does, missing permissions aside.
    """
    found = await _allowed(client, listing, whole=whole)
    if found.shortfall:
        found = await _allowed(client, listing, whole=whole)
    return found


async def _allowed(client: Client, listing: Listing, *, whole: bool) -> Listed:
    refused: AccessError | None = None
    for path in listing.paths:
        reader = _Reader(client, listing, path, whole=whole)
        try:
            return await reader.read(refused)
        except AccessError as exc:
            if exc.refusal is None or exc.refusal.status != HTTPStatus.FORBIDDEN:
                raise
            refused = refused or exc
    return Listed(listing, None, refused=refused)


class _Reader:
    """Reads the pages of one address."""

    def __init__(
        self, client: Client, listing: Listing, path: str, *, whole: bool
    ) -> None:
        self._client = client
        self._listing = listing
        self._path = path
        self._whole = whole
        self._parameters = {**listing.parameters, **(listing.more if whole else {})}

    async def read(self, refused: AccessError | None) -> Listed:
        """Read to the end."""
        entities: dict[str, Entity] = {}
        documents: dict[str, bytes] = {}
        number = 1
        while True:
            answer = await self._client.get(
                self._path,
                self._decoded,
                **self._parameters,
                pageSize=LISTING_PAGE,
                pageNumber=number,
            )
            page, sent = answer.value
            before = len(entities)
            entities.update({entity.id: entity for entity in page.entities or ()})
            documents.update(sent)
            # The page size that was asked may have been cut; the answer's own account
            # of pages counts.
            last = page.pageCount
            more = page.nextUri is not None if last is None else number < last
            if not more:
                return Listed(
                    self._listing, self._path, entities, page.total, documents, refused
                )
            if len(entities) == before or number >= MOST_PAGES:
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
