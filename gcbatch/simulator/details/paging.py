"""Pages of details by number, and what a query may say of them.

Source: models PagingSpec and AnalyticsQueryAggregation of
PureCloudPlatformClientV2 269.0.0, read 2026-11-21. The sentence about too many
results is quoted in a vendor's change log; other wordings are ours.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gcbatch.simulator.documents import Document
from gcbatch.simulator.problems import bad_request, invalid_value
from gcbatch.simulator.request_reading import (
    read_choice,
    read_list,
    read_object,
    read_whole,
)

__all__ = ["PageOf", "answer", "read_aggregations", "read_page"]

DEFAULT_PAGE_SIZE: Final = 25
MAX_PAGE_SIZE: Final = 100


@dataclass(frozen=True, slots=True)
class PageOf:
    """Which rows are asked for.

    Args:
        size: Most rows of a page.
        number: The first is 1.
    """

    size: int = DEFAULT_PAGE_SIZE
    number: int = 1


def read_page(value: object, max_results: int) -> PageOf:
    """Read the `paging` of a query; None is the first page of the usual size.

    Args:
        value: As sent.
        max_results: Row that no page may lie beyond.

    Raises:
        Problem: If it is no page that the service gives.
    """
    if value is None:
        return PageOf()
    given = read_object(value, "PagingSpec", frozenset({"pageSize", "pageNumber"}))
    page = PageOf(
        read_whole(given.get("pageSize"), "pageSize", MAX_PAGE_SIZE),
        read_whole(given.get("pageNumber"), "pageNumber"),
    )
    if page.size * page.number > max_results:
        msg = f"Pagination may not exceed {max_results} results."
        raise bad_request(msg)
    return page


def read_aggregations(value: object) -> None:
    """Check the aggregations of a query; none is ever computed.

    Raises:
        Problem: If their shape is not the model's.
    """
    model = "AnalyticsQueryAggregation"
    keys = frozenset({"type", "dimension", "metric", "size", "ranges"})
    for item in read_list(value, model):
        given = read_object(item, model, keys)
        read_choice(
            given.get("type"), f"{model}Type", ("termFrequency", "numericRange")
        )
        if given.get("size") is not None:
            read_whole(given["size"], "size")
        for span in read_list(given.get("ranges"), "AggregationRange"):
            bounds = read_object(span, "AggregationRange", frozenset({"gte", "lt"}))
            for bound in bounds.values():
                if isinstance(bound, bool) or not isinstance(bound, int | float):
                    raise invalid_value(bound, "AggregationRange")


def answer(key: str, documents: Sequence[Document], page: PageOf) -> bytes:
    """Return the JSON of a page.

    Args:
        key: Where the rows are; past the last page it is missing.
        documents: All rows of the answer.
        page: Which of them.
    """
    after = page.size * page.number
    rows = documents[after - page.size : after]
    total = b'"totalHits":%d}' % len(documents)
    if not rows:
        return b"{" + total
    joined = b",".join([row.json for row in rows])
    return b'{"%s":[%s],%s' % (key.encode(), joined, total)
