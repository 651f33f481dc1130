"""Pages of listings: by number, behind a cursor, or all at once.

Sources: models QueueEntityListing, TeamEntityListing and CursorContactListing of
PureCloudPlatformClientV2 269.0.0; read 2026-11-27.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from multidict import MultiMapping

from gcbatch.simulator.faults.listings import ListingChanges, corrupt_page
from gcbatch.simulator.paging import digest_of, page_at, read_place
from gcbatch.simulator.problems import bad_request
from gcbatch.simulator.route import ApiRequest

__all__ = ["Json", "PageSize", "cursor_page", "numbered_page"]

Json = Mapping[str, Any]
"""A document of the API."""


class PageSize:
    """How many entities a page has.

    Args:
        default: If the request does not say.
        maximum: A larger size becomes this without a notice.
        key: The parameter of the request.
        range: Sizes outside of it are refused; None: no size from 1 is.
    """

    def __init__(
        self,
        default: int,
        maximum: int,
        key: str = "pageSize",
        range: range | None = None,  # noqa: A002 - it is one
    ) -> None:
        self._default = default
        self._maximum = maximum
        self._range = range
        self.key = key

    def of(self, params: MultiMapping[str]) -> int:
        """Return the size of a page.

        Raises:
            Problem: 400 if it is not a number, or is outside of the range.
        """
        size = _whole_number(params, self.key, self._default)
        if self._range is not None and self.key in params and size not in self._range:
            msg = f"{self.key} must be {self._range[0]} to {self._range[-1]}."
            raise bad_request(msg)
        return min(size, self._maximum)


def numbered_page(
    request: ApiRequest,
    entities: Sequence[Json],
    page_size: PageSize,
    changes: ListingChanges,
) -> dict[str, Any]:
    """Return the page whose number the request names; without one, the first.

    Args:
        request: For the page.
        entities: All entities of the listing.
        page_size: How many a page has.
        changes: Of the listing, since the simulator was started.

    Raises:
        Problem: 400 if a parameter is not a number of at least 1.
    """
    params = request.params
    size, number = page_size.of(params), _whole_number(params, "pageNumber", 1)
    own = {page_size.key, "pageNumber"}
    more = [(name, value) for name, value in params.items() if name not in own]
    listing = f"{request.path}?{urlencode(more)}"
    entities = changes.changed(listing, entities, request.faults, at_end=False)
    count = -(-len(entities) // size)
    first = (number - 1) * size
    before = entities[first - 1] if 0 < first <= len(entities) else None

    def uri(page: int) -> str:
        query = [(page_size.key, size), ("pageNumber", page), *more]
        return f"{request.path}?{urlencode(query)}"

    page: dict[str, Any] = {
        "entities": corrupt_page(
            entities[first : number * size], before, request.faults
        ),
        "pageSize": size,
        "pageNumber": number,
        "total": len(entities),
        "lastUri": uri(max(count, 1)),
        "firstUri": uri(1),
        "selfUri": uri(number),
        "pageCount": count,
    }
    if number < count:
        page["nextUri"] = uri(number + 1)
    if number > 1:
        page["previousUri"] = uri(number - 1)
    return page


def cursor_page(
    request: ApiRequest,
    entities: Sequence[Json],
    page_size: PageSize,
    changes: ListingChanges,
    cursor: str = "after",
) -> dict[str, Any]:
    """Return the page that the request's cursor leads to; without one, the first.

    Args:
        request: For the page.
        entities: All entities of the listing.
        page_size: How many a page has.
        changes: Of the listing, since the simulator was started.
        cursor: The parameter of the cursor.

    Raises:
        Problem: 400 if the cursor is none that an answer gave.
    """
    own = {page_size.key, cursor}
    asked = {name: value for name, value in request.params.items() if name not in own}
    place = read_place(request.params.get(cursor), cursor, digest_of(asked))
    size = page_size.of(request.params)
    listing = f"{request.path}?{urlencode(list(asked.items()))}"
    entities = changes.changed(listing, entities, request.faults, at_end=True)
    found = page_at(place, entities, size, request.faults)
    before = entities[place.offset - 1] if place.offset else None
    page: dict[str, Any] = {
        "entities": corrupt_page(found.rows, before, request.faults),
        "selfUri": _uri(request, request.params),
    }
    if found.next_token:
        sent = request.params.get(page_size.key, str(size))
        after = {**asked, page_size.key: sent, cursor: found.next_token}
        page["nextUri"] = _uri(request, after)
    return page


def _uri(request: ApiRequest, params: Mapping[str, Any]) -> str:
    return f"{request.path}?{urlencode(list(params.items()))}"


def _whole_number(params: MultiMapping[str], name: str, default: int) -> int:
    text = params.get(name, str(default))
    if not text.isdecimal() or int(text) < 1:
        msg = f"{name} must be a number of at least 1."
        raise bad_request(msg)
    return int(text)
