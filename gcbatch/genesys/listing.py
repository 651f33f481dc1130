"""Listings: the org's queues, users and wrap-up codes, page by page.

Sources: models QueueEntityListing, Queue, User and WrapupCode of
PureCloudPlatformClientV2 269.0.0. Read 2026-11-21.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final

import msgspec

from gcbatch.errors import (
    AccessError,
    DataError,
    GcbatchError,
    OutOfReachError,
    Refusal,
    ServiceError,
)
from gcbatch.genesys.bodies import Reader
from gcbatch.genesys.client import Client
from gcbatch.genesys.limits import LISTING_PAGE
from gcbatch.genesys.retry import rule_for

__all__ = ["LISTINGS", "Documents", "Entity", "Listed", "Listing", "list_entities"]

Documents = Mapping[str, bytes]
"""Entities by id, as they were sent: JSON without white space."""

MOST_LEVEL: Final = 1_000
"""Of a service level to reach, where 1 is 100 %."""

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


LISTINGS: Final = (
    Listing(
        "queues",
        "queues",
        "queueId",
        ("/api/v2/routing/queues", "/api/v2/routing/queues/divisionviews/all"),
    ),
    # State by state, since paging is reported to end at 10,000 users. In this order,
    # so that a user who leaves meanwhile is listed twice rather than not at all.
    # The last login is sent on request only, as are fields that are tables of their
    # own (skills, groups, roles).
    Listing(
        "users",
        "users",
        "userId",
        ("/api/v2/users",),
        tuple({"state": state} for state in ("active", "inactive", "deleted")),
        {"expand": "dateLastLogin"},
    ),
    Listing(
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
class Listed:
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

    listing: Listing
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
        refusal = self.failure.refusal if self.failure else None
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
    refusal = refused.refusal if refused else None
    return (refusal.message if refusal else "") or "not allowed"


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


_PAGES: Final = Reader(_Page, "entities", next_page="nextUri")
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


async def _allowed(client: Client, listing: Listing, *, whole: bool) -> Listed:
    refused: AccessError | None = None
    for path in listing.paths:
        found = await _Reader(client, listing, path, whole=whole).read(refused)
        if not isinstance(found.failure, AccessError):
            return found
        refused = refused or found.failure
    return Listed(listing, None, refused=refused, failure=refused)


def _concerns(error: GcbatchError, path: str) -> bool:
    """Say whether an error is of what is asked at *path*, and not of all requests."""
    refusal = error.refusal
    answered = refusal is not None and refusal.path == path
    if isinstance(error, AccessError):
        return answered and _is(refusal, HTTPStatus.FORBIDDEN)
    if isinstance(error, OutOfReachError):
        return answered
    return isinstance(error, (ServiceError, DataError))


def _is(refusal: Refusal | None, status: HTTPStatus) -> bool:
    return refusal is not None and refusal.status == status


class _Reader:
    """Reads the pages of one address."""

    def __init__(
        self, client: Client, listing: Listing, path: str, *, whole: bool
    ) -> None:
        self._client = client
        self._listing = listing
        self._path = path
        self._whole = whole
        self._entities: dict[str, Entity] = {}
        self._documents: dict[str, bytes] = {}

    async def read(self, refused: AccessError | None) -> Listed:
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
                if not _is(exc.refusal, HTTPStatus.BAD_REQUEST):
                    break
                # This slice is too long to be paged to its end; others may not be.
            else:
                came, total = came + own, total + max(own, announced or 0.0)
        return Listed(
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
