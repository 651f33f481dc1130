"""Cuts the results of a job into pages behind cursors.

A cursor holds where its page begins, so that the same cursor leads to the same page
again, however often it is asked for.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Final, TypeVar

from gcbatch.simulator.paging import Page, page_at, read_place
from gcbatch.simulator.problems import bad_request

__all__ = ["USUAL_PAGE_SIZE", "page_of", "read_page_size"]

_Row = TypeVar("_Row")

USUAL_PAGE_SIZE: Final = 1000
"""Rows a page where the request does not say: what clients are known to send. The
service's own default and maximum are not public."""

_AS_PAGES: Final = {"empty_results": "empty_page", "repeated_cursor": "repeated_token"}


def read_page_size(text: str | None) -> int:
    """Return how many rows a page is to have, never more than the usual number.

    Raises:
        Problem: 400 if it is no number of at least 1.
    """
    if text is None:
        return USUAL_PAGE_SIZE
    if not text.isdecimal() or int(text) < 1:
        msg = "pageSize must be a number of at least 1."
        raise bad_request(msg)
    return min(int(text), USUAL_PAGE_SIZE)


def page_of(
    rows: Sequence[_Row],
    size: int,
    params: Mapping[str, str],
    digest: str,
    faults: Collection[str],
) -> Page[_Row]:
    """Return the page that a request asks for.

    Args:
        rows: All of them.
        size: Most rows of a page.
        params: Of the request; without `cursor` it is the first page.
        digest: What tells the job's cursors from others.
        faults: Kinds of the faults that befell the request.

    Raises:
        Problem: 400 if the cursor is none that the job gave.
    """
    place = read_place(params.get("cursor"), "cursor", digest)
    kinds = tuple(_AS_PAGES[kind] for kind in faults if kind in _AS_PAGES)
    page = page_at(place, rows, size, kinds)
    found = list(page.rows)
    if "lost_results" in faults:
        del found[len(found) // 2 :]
    if "doubled_results" in faults:
        before = max(place.offset, 1) - 1
        found[:0] = rows[before : before + 1]
    return Page(found, page.next_token)
