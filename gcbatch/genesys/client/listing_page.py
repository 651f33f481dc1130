"""Pages of listings: how they are read, and what leads from one to the next.

Sources: models QueueEntityListing, TeamEntityListing, CursorContactListing,
WrapUpCodeMapping and Organization of PureCloudPlatformClientV2 269.0.0. Read
2026-11-27.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qs, urlsplit

import msgspec

from gcbatch.genesys import Entity, EntityKind, Paging
from gcbatch.genesys.client.body_reader import BodyReader

__all__ = ["ListingPage", "Position", "page_decoder"]

Position = Mapping[str, int | Sequence[str]]
"""Parameters that lead to a page."""

ENTITIES: Final = "entities"
"""The member of nearly all pages with the entities."""

CURSOR: Final = "cursor"
"""What pages of external contacts and organizations call the start of a page; no other
ones have `cursors`."""


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
    cursors: Any = None
    download_url: Any = None


class _WholePage(msgspec.Struct):
    entities: list[msgspec.Raw] | None = None


class _ById(msgspec.Struct):
    """A page with an object of entities by id."""

    mapping: dict[str, msgspec.Raw] | None = None
    utilization: dict[str, msgspec.Raw] | None = None


_PAGES: Final = BodyReader(_Page, ENTITIES, "downloadUrl", next_page="nextUri")
_WHOLE_PAGES: Final = msgspec.json.Decoder(_WholePage)
_BY_ID: Final = BodyReader(_ById, "mapping", "utilization")
_SINGLE: Final = BodyReader(Entity, "id", or_nothing=False)


class ListingPage(NamedTuple):
    """One page of a listing.

    Args:
        entities: Its entities by id.
        came: How many came; more than there are ids if one came twice.
        documents: The same as they were sent; empty unless they are needed.
        total: How many entities the listing has; None if the page does not say.
        page_count: How many pages it has; None if the page does not say.
        size: How many entities a full page has; None if the page does not say.
        next: Parameters of the next page's address; None if there is none.
    """

    entities: Mapping[str, Entity]
    came: int
    documents: Mapping[str, bytes] = {}
    total: float | None = None
    page_count: float | None = None
    size: float | None = None
    next: Position | None = None

    def position_after(
        self, kind: EntityKind, number: int, page_count: float | None
    ) -> Position | None:
        """Return the parameters that lead to the next page; None if this is the last.

        Args:
            kind: What is listed.
            number: The number of this page.
            page_count: What the last page said that said it; None if none did.
        """
        if kind.paging is not Paging.NUMBERED:
            return self.next
        if page_count is not None:
            has_more = number < page_count
        elif self.next is not None:
            has_more = True
        else:
            size = self.size or kind.page_size
            if self.total is not None:
                has_more = number * size < self.total
            else:
                # Nothing says how many there are: a full page may have been cut.
                has_more = self.came >= size
        return {"pageNumber": number + 1} if has_more else None


def page_decoder(kind: EntityKind, *, whole: bool) -> Callable[[bytes], ListingPage]:
    """Return what decodes the pages of a kind.

    Args:
        kind: What is listed.
        whole: Whether to keep entities as they were sent.

    Returns:
        A function of the body of an answer. It raises what BodyReader.decode does.
    """
    if kind.member == ENTITIES:
        return partial(_decode_page, whole=whole)
    return partial(_decode_by_id, member=kind.member) if kind.member else _decode_single


def _decode_page(body: bytes, *, whole: bool) -> ListingPage:
    page = _PAGES.decode(body)
    if page.entities is None and page.download_url:
        # Large listings of workforce management may be like this.
        msg = "the entities are elsewhere, at downloadUrl, which is not read"
        raise msgspec.ValidationError(msg)
    sent = page.entities or ()
    documents: dict[str, bytes] = {}
    if whole:
        # Read twice, so that errors name the place in the page, and runs that need only
        # names do no other work.
        raw = _WHOLE_PAGES.decode(body).entities or ()
        documents = {
            entity.id: _compact(document)
            for entity, document in zip(sent, raw, strict=True)
        }
    return ListingPage(
        {entity.id: entity for entity in sent},
        len(sent),
        documents,
        page.total,
        page.page_count,
        page.page_size if isinstance(page.page_size, int | float) else None,
        _next_of(page),
    )


def _decode_single(body: bytes) -> ListingPage:
    entity = _SINGLE.decode(body)
    document = _compact(msgspec.Raw(body))
    return ListingPage({entity.id: entity}, 1, {entity.id: document})


def _decode_by_id(body: bytes, *, member: str) -> ListingPage:
    """Decode an object of entities by id; one that is no object is its `value`."""
    found: dict[str, msgspec.Raw] = getattr(_BY_ID.decode(body), member) or {}
    documents = {i: _as_object(_compact(sent)) for i, sent in found.items()}
    return ListingPage({i: Entity(i) for i in found}, len(found), documents)


def _compact(document: msgspec.Raw) -> bytes:
    return msgspec.json.format(bytes(document), indent=-1)


def _as_object(document: bytes) -> bytes:
    return document if document.startswith(b"{") else b'{"value":%b}' % document


def _next_of(page: _Page) -> Position | None:
    """Return the parameters of the next page's address; None if there is none.

    The address itself is not used: a page cannot lead to another host.

    Raises:
        msgspec.ValidationError: If it is no address.
    """
    if page.next_uri:
        try:
            return parse_qs(urlsplit(page.next_uri).query)
        except ValueError as exc:
            msg = "nextUri is no address"
            raise msgspec.ValidationError(msg) from exc
    after = page.cursors.get("after") if isinstance(page.cursors, dict) else None
    return {CURSOR: [after]} if isinstance(after, str) and after else None
