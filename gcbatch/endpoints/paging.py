"""Reads pages of rows that are reached by a token each.

    {"<rows>": [{…}, …], "<next page>": "…", "pageCount": 3}

The types of rows have the fields that this release knows, and refuse all others. A page
that has more is read again without them, and the part names them.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

import msgspec

from gcbatch.endpoints.number_columns import Number
from gcbatch.endpoints.unknown_fields import (
    check_no_error,
    of_each,
    short_names,
    without_unknown_fields,
)
from gcbatch.errors import DataError
from gcbatch.genesys.client import Answer, BodyReader, read_loosely

__all__ = [
    "RowPage",
    "RowReader",
    "check_end",
    "fetch_all_pages",
    "unknown_fields_of",
]

R = TypeVar("R", bound=msgspec.Struct)

MAX_PAGES: Final = 10_000
"""Pages of one query: millions of rows, where plans expect some ten thousand."""

_HINT: Final = "ask the service's support; nothing was stored"


@dataclass(frozen=True, slots=True)
class RowPage(Generic[R]):
    """A page.

    Args:
        rows: As decoded.
        next_token: The token of the next page; None or empty on the last.
        page_count: How many pages there are; None if the page does not say.
        unknown_fields: Fields that this release does not know, as dotted paths.
    """

    rows: Sequence[R]
    next_token: str | None
    page_count: Number | None
    unknown_fields: frozenset[str]


class RowReader(Generic[R]):
    """Reads pages of rows of one shape.

    Args:
        shape: The shape of a row; it refuses fields that it does not know.
        rows: The page's key that holds the rows.
        next_page: The page's key that leads to the next.
        clean: Returns a row, as plain data, without its unknown fields, whose names it
            adds to a set.
    """

    def __init__(
        self,
        shape: type[R],
        *,
        rows: str,
        next_page: str,
        clean: Callable[[Any, set[str]], Any],
    ) -> None:
        self._whole = BodyReader(
            _page_of(msgspec.Raw, rows, next_page), rows, next_page, next_page=next_page
        )
        self._shape = _page_of(shape, rows, next_page, forbid_unknown_fields=True)
        self._pages = msgspec.json.Decoder(self._shape)
        self._rows = rows
        self._row = shape
        self._clean = clean

    def decode(self, body: bytes) -> RowPage[R]:
        """Decode a page.

        Raises:
            msgspec.DecodeError: If it is not JSON, or not such an answer;
                ValidationError if it has another shape, or announces pages without
                naming the next.
        """
        self._whole.decode(body)
        unknown_fields: set[str] = set()
        try:
            page = self._pages.decode(body)
        except msgspec.ValidationError:
            known = self._known(read_loosely(body), unknown_fields)
            page = msgspec.convert(known, self._shape)
        return RowPage(
            page.rows or (), page.token, page.count, frozenset(unknown_fields)
        )

    def _known(self, page: Any, unknown_fields: set[str]) -> Any:
        def row(one: Any) -> Any:
            check_no_error(one, self._row, f"one of its {self._rows}")
            return self._clean(one, unknown_fields)

        return without_unknown_fields(
            page, self._shape, unknown_fields, "", **{self._rows: of_each(row)}
        )


def unknown_fields_of(pages: Sequence[Answer[RowPage[R]]]) -> frozenset[str]:
    """Return the names of the fields of an answer that this release does not know."""
    names = (name for page in pages for name in page.value.unknown_fields)
    return short_names(names)


def _page_of(
    row: Any, rows: str, next_page: str, *, forbid_unknown_fields: bool = False
) -> type[Any]:
    return msgspec.defstruct(
        "Page",
        [
            ("rows", list[row] | None, None),
            ("token", str | None, None),
            ("count", Number | None, None),
        ],
        rename={"rows": rows, "token": next_page, "count": "pageCount"},
        forbid_unknown_fields=forbid_unknown_fields,
        gc=False,
    )


async def fetch_all_pages(
    fetch_page: Callable[[str | None], Awaitable[Answer[RowPage[R]]]], *, about: str
) -> list[Answer[RowPage[R]]]:
    """Return all pages of an answer, in order.

    An empty page does not end them, only a missing token does.

    Args:
        fetch_page: Requests the page of a token; None is the first page.
        about: The query, for errors.

    Raises:
        DataError: If a token repeats, if new ones come without end, or if fewer pages
            came than were announced; names the page and *about*.
        GcbatchError: As *fetch_page* does.
    """
    pages: list[Answer[RowPage[R]]] = []
    seen: dict[str, int] = {}
    token: str | None = None
    while True:
        answer = await fetch_page(token)
        pages.append(answer)
        token = answer.value.next_token
        if not token:
            break
        if token in seen:
            msg = (
                f"{about}: pages run in a loop: page {len(pages)} names the same next "
                f"page as page {seen[token]}"
            )
            raise DataError(msg, hint=_HINT)
        seen[token] = len(pages)
        check_end(len(pages), about)
    announced = max(page.value.page_count or 0 for page in pages)
    if len(pages) < announced:
        msg = (
            f"{about}: {len(pages)} of {announced:,.0f} pages came, and none names the "
            "next"
        )
        raise DataError(msg, hint=_HINT)
    return pages


def check_end(count: int, about: str) -> None:
    """Refuse *count* pages, none of them the last, if no query has so many.

    Raises:
        DataError: If so; names *about*.
    """
    if count >= MAX_PAGES:
        msg = f"{about}: its pages do not end: {count:,} came, and the last names more"
        raise DataError(msg, hint=_HINT)
