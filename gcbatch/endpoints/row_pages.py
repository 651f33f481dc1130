"""Pages of rows, as endpoints with figures of their own have them.

    {"<rows>": [{…}, …], "<next page>": "…", "pageCount": 3}

Types have what this release knows, and refuse all else. A page that has more is read
again without it; what that is, the part names.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

import msgspec

from gcbatch.endpoints.number_columns import Number
from gcbatch.endpoints.unknown_fields import (
    check_no_error,
    of_each,
    without_unknown_fields,
)
from gcbatch.genesys.client import Answer, BodyReader, read_loosely
from gcbatch.text import one_line

__all__ = ["MOST_CHARS", "RowPage", "RowReader", "left_out"]

R = TypeVar("R", bound=msgspec.Struct)

MOST_CHARS: Final = 100
"""Of a name that is kept."""


@dataclass(frozen=True, slots=True)
class RowPage(Generic[R]):
    """A page.

    Args:
        rows: As they were decoded.
        next_token: Of the next page; None or empty on the last.
        page_count: How many pages there are; None where that is not told.
        newer: What it has that this release does not know, as dotted paths.
    """

    rows: Sequence[R]
    next_token: str | None
    page_count: Number | None
    newer: frozenset[str]


class RowReader(Generic[R]):
    """Reads pages of rows of one shape.

    Args:
        shape: Of a row; it refuses fields that it does not know.
        rows: The page's key that holds the rows.
        next_page: The page's key that leads to the next.
        clean: Returns a row, as plain data, without what is not known, which it adds
            to a set.
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
            msgspec.DecodeError: If it is no JSON, or no answer; ValidationError if of
                another shape, or if pages are announced that nothing leads to.
        """
        self._whole.decode(body)
        newer: set[str] = set()
        try:
            page = self._pages.decode(body)
        except msgspec.ValidationError:
            page = msgspec.convert(self._known(read_loosely(body), newer), self._shape)
        return RowPage(page.rows or (), page.token, page.count, frozenset(newer))

    def _known(self, page: Any, newer: set[str]) -> Any:
        def row(one: Any) -> Any:
            check_no_error(one, self._row, f"one of its {self._rows}")
            return self._clean(one, newer)

        return without_unknown_fields(
            page, self._shape, newer, "", **{self._rows: of_each(row)}
        )


def left_out(pages: Sequence[Answer[RowPage[R]]]) -> frozenset[str]:
    """Return what an answer has that this release does not know."""
    names = (name for page in pages for name in page.value.newer)
    return frozenset(one_line(name, MOST_CHARS) for name in names)


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
