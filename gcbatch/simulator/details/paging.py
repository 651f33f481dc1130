"""Pages of details by number, and the paging part of a query.

Source: models PagingSpec and AnalyticsQueryAggregation of
PureCloudPlatformClientV2 269.0.0, read 2026-11-21. The sentence about too many
results is quoted in a vendor's change log; other texts are ours.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gcbatch.simulator.documents import Document
from gcbatch.simulator.problems import bad_request
from gcbatch.simulator.request_reading import (
    AGGREGATION_RANGE,
    read_choice,
    read_list,
    read_object,
    read_range,
    read_whole,
)

__all__ = ["PageOf", "page_json", "read_aggregations", "read_page"]

DEFAULT_PAGE_SIZE: Final = 25
MAX_PAGE_SIZE: Final = 100


@dataclass(frozen=True, slots=True)
class PageOf:
    """The page that is requested.

    Args:
        size: Maximum rows of a page.
        number: The first is 1.
    """

    size: int = DEFAULT_PAGE_SIZE
    number: int = 1


def read_page(value: object, max_results: int) -> PageOf:
    """Read the `paging` of a query; None is the first page of the default size.

    Args:
        value: As sent.
        max_results: Number of the last row that a page may reach.

    Raises:
        Problem: If the service would refuse the page.
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
    """Check the aggregations of a query; they are not computed.

    Raises:
        Problem: If they do not have the shape of the model.
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
            read_range(span, *AGGREGATION_RANGE)


def page_json(key: str, documents: Sequence[Document], page: PageOf) -> bytes:
    """Return the JSON of a page.

    Args:
        key: The key of the rows; after the last page it is missing.
        documents: All rows of the answer.
        page: The page to return.
    """
    after = page.size * page.number
    rows = documents[after - page.size : after]
    total = b'"totalHits":%d}' % len(documents)
    if not rows:
        return b"{" + total
    joined = b",".join([row.json for row in rows])
    return b'{"%s":[%s],%s' % (key.encode(), joined, total)
