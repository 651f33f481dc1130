"""The results of a job, cut into pages behind cursors.

A cursor holds where its page begins, so the same cursor always leads to the same page.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from gcbatch.simulator.paging import page_at, read_place
from gcbatch.simulator.problems import bad_request

__all__ = ["DEFAULT_PAGE_SIZE", "Results"]

DEFAULT_PAGE_SIZE: Final = 1000
"""Rows of a page if the request does not say: the number that clients are known to
send. The service's own default and maximum are not public."""

_PAGE_FAULTS: Final = {
    "empty_results": "empty_page",
    "repeated_cursor": "repeated_token",
}


@dataclass(frozen=True, slots=True)
class Results:
    """All results of a job.

    Args:
        rows: In the order in which pages have them.
        page_size: Maximum rows of a page; None takes `pageSize` from the request
            for a page.
        to_json: Returns the JSON of a page: takes its rows, and the object that has
            `cursor` unless it is the last page.
    """

    rows: Sequence[Any]
    page_size: int | None
    to_json: Callable[[Sequence[Any], Mapping[str, str]], bytes]

    def page(
        self, params: Mapping[str, str], digest: str, faults: Collection[str]
    ) -> bytes:
        """Return the JSON of the page that a request asks for.

        Args:
            params: The parameters of the request; no `cursor` is the first page.
            digest: The digest of the job; cursors of other jobs are refused.
            faults: Kinds of the faults that apply to the request.

        Raises:
            Problem: 400 if the cursor is not one of this job, or the page size is
                not a number of at least 1.
        """
        size = self.page_size or _read_page_size(params.get("pageSize"))
        place = read_place(params.get("cursor"), "cursor", digest)
        kinds = tuple(_PAGE_FAULTS[kind] for kind in faults if kind in _PAGE_FAULTS)
        page = page_at(place, self.rows, size, kinds)
        rows = list(page.rows)
        if "lost_results" in faults:
            del rows[len(rows) // 2 :]
        if "doubled_results" in faults:
            before = max(place.offset, 1) - 1
            rows[:0] = self.rows[before : before + 1]
        cursor = {} if page.next_token is None else {"cursor": page.next_token}
        return self.to_json(rows, cursor)


def _read_page_size(text: str | None) -> int:
    """Return the number of rows of a page, at most the default.

    Raises:
        Problem: 400 if it is not a number of at least 1.
    """
    if text is None:
        return DEFAULT_PAGE_SIZE
    if not text.isdecimal() or int(text) < 1:
        msg = "pageSize must be a number of at least 1."
        raise bad_request(msg)
    return min(int(text), DEFAULT_PAGE_SIZE)
