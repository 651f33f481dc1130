"""Pages of listings: by number, behind a cursor, or all at once.

Sources: models QueueEntityListing, TeamEntityListing and CursorContactListing of
PureCloudPlatformClientV2 269.0.0; read 2026-11-27.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode

from multidict import MultiMapping

from gcbatch.simulator.paging import digest_of, page_at, read_place
from gcbatch.simulator.problems import bad_request
from gcbatch.simulator.route import ApiRequest

__all__ = ["Json", "PageSize", "cursor_page", "numbered_page"]

Json = Mapping[str, Any]
"""A document of the API."""

CURSOR: Final = "after"


class PageSize:
    """How many entities a page has.

    Args:
        default: If the request does not say.
        maximum: A larger size becomes this without a notice.
        key: The parameter of the request.
    """

    def __init__(self, default: int, maximum: int, key: str = "pageSize") -> None:
        self._default = default
        self._maximum = maximum
        self.key = key

    def of(self, params: MultiMapping[str]) -> int:
        """Return the size of a page.

        Raises:
            Problem: 400 if it is not a number of at least 1.
        """
        size = _whole_number(params, self.key, self._default)
        return min(size, self._maximum)


def numbered_page(
    request: ApiRequest, entities: Sequence[Json], page_size: PageSize
) -> dict[str, Any]:
    """Return the page whose number the request names; without one, the first.

    Raises:
        Problem: 400 if a parameter is not a number of at least 1.
    """
    params = request.params
    size, number = page_size.of(params), _whole_number(params, "pageNumber", 1)
    count = -(-len(entities) // size)
    own = {page_size.key, "pageNumber"}
    more = [(name, value) for name, value in params.items() if name not in own]

    def uri(page: int) -> str:
        query = [(page_size.key, size), ("pageNumber", page), *more]
        return f"{request.path}?{urlencode(query)}"

    page: dict[str, Any] = {
        "entities": entities[(number - 1) * size : number * size],
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
    request: ApiRequest, entities: Sequence[Json], page_size: PageSize
) -> dict[str, Any]:
    """Return the page that the request's cursor leads to; without one, the first.

    Raises:
        Problem: 400 if the cursor is none that an answer gave.
    """
    own = {page_size.key, CURSOR}
    asked = {name: value for name, value in request.params.items() if name not in own}
    place = read_place(request.params.get(CURSOR), CURSOR, digest_of(asked))
    size = page_size.of(request.params)
    found = page_at(place, entities, size, request.faults)
    page: dict[str, Any] = {
        "entities": list(found.rows),
        "selfUri": _uri(request, request.params),
    }
    if found.next_token:
        after = {**asked, page_size.key: size, CURSOR: found.next_token}
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
