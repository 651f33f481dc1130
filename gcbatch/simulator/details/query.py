"""Queries of conversation details: reads them strictly, and finds their rows.

Source: models ConversationQuery and AsyncConversationQuery of
PureCloudPlatformClientV2 269.0.0; the pages on detail queries of
developer.genesys.cloud; read 2026-11-21. Error texts that are not public are ours.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast, get_args

import orjson

from gcbatch.simulator.details.filter_fields import (
    CONVERSATION,
    EVALUATION,
    RESOLUTION,
    SEGMENT,
    SURVEY,
    conversation_values,
    record_values,
    segment_values,
)
from gcbatch.simulator.details.filters import Filter, accepted, read_filters
from gcbatch.simulator.details.index import (
    Matching,
    Order,
    OrderBy,
    index_of,
    sort_documents,
)
from gcbatch.simulator.details.paging import PageOf, read_aggregations, read_page
from gcbatch.simulator.documents import Document
from gcbatch.simulator.instants import DAY_MS
from gcbatch.simulator.problems import bad_request
from gcbatch.simulator.request_reading import (
    read_choice,
    read_flag,
    read_interval,
    read_json,
    read_object,
    read_whole,
)
from gcbatch.simulator.tenant.tenant import Tenant

__all__ = ["DetailsQuery", "find_conversations", "read_async", "read_query"]

MAX_DAYS_UNFILTERED: Final = 7
MAX_DAYS: Final = 31
"""Maximum intervals of a query that is answered at once. Source: the page on detail
queries."""

_FILTERS: Final = {
    "conversationFilters": CONVERSATION,
    "segmentFilters": SEGMENT,
    "evaluationFilters": EVALUATION,
    "surveyFilters": SURVEY,
    "resolutionFilters": RESOLUTION,
}
_SHARED: Final = frozenset({*_FILTERS, "order", "orderBy", "interval"})
_RECORDS: Final = ("evaluations", "surveys", "resolutions")
"""The lists of a conversation that the other filters are about, in their order."""

_SYNC: Final = _SHARED | {"aggregations", "paging"}
_ASYNC: Final = _SHARED | {"limit", "startOfDayIntervalMatching"}


@dataclass(frozen=True, slots=True)
class DetailsQuery:
    """A valid query, without its paging.

    Args:
        start_ms: First millisecond of the interval, since 1970.
        end_ms: The first one after it.
        matching: Which conversations the interval selects.
        conversation_filters: Each must accept the conversation.
        segment_filters: Each must accept one of its segments.
        record_filters: Filters on evaluations, surveys and resolutions, by the name of
            the list; each must accept one of its records.
        order: The order of the rows.
        order_by: The field of the order.
        limit: Maximum rows; None is all.
    """

    start_ms: int
    end_ms: int
    matching: Matching
    conversation_filters: tuple[Filter, ...] = ()
    segment_filters: tuple[Filter, ...] = ()
    record_filters: tuple[tuple[str, tuple[Filter, ...]], ...] = ()
    order: Order = "asc"
    order_by: OrderBy = "conversationStart"
    limit: int | None = None

    @property
    def is_filtered(self) -> bool:
        """Whether it has any filter."""
        return bool(
            self.conversation_filters or self.segment_filters or self.record_filters
        )

    def accepts(self, document: Document) -> bool:
        """Return whether a conversation passes the filters."""
        conversation = orjson.loads(document.json)
        return (
            accepted(self.conversation_filters, conversation_values(conversation))
            and accepted(self.segment_filters, segment_values(conversation))
            and all(
                accepted(filters, map(record_values, conversation.get(name) or ()))
                for name, filters in self.record_filters
            )
        )


def read_query(
    body: bytes, matching: Matching, max_results: int
) -> tuple[DetailsQuery, PageOf]:
    """Read the body of a query that is answered at once, page by page.

    Args:
        body: As sent.
        matching: Which conversations an interval selects.
        max_results: Number of the last row that a page may reach.

    Returns:
        The query, and the page that is requested.

    Raises:
        Problem: The 400 that the service would answer with.
    """
    model = "ConversationQuery"
    given = read_object(read_json(body, model), model, _SYNC)
    query = _read(given, matching)
    read_aggregations(given.get("aggregations"))
    days = (query.end_ms - query.start_ms) / DAY_MS
    maximum = MAX_DAYS if query.is_filtered else MAX_DAYS_UNFILTERED
    if days > maximum:
        msg = f"The interval of the query is larger than the limit of {maximum} days."
        raise bad_request(msg)
    return query, read_page(given.get("paging"), max_results)


def read_async(body: bytes) -> DetailsQuery:
    """Read the body of a job's query.

    Its interval selects what went on in it, unless the query sets
    `startOfDayIntervalMatching`.

    Raises:
        Problem: The 400 that the service would answer with.
    """
    model = "AsyncConversationQuery"
    given = read_object(read_json(body, model), model, _ASYNC)
    by_day = read_flag(given.get("startOfDayIntervalMatching"))
    limit = given.get("limit")
    return _read(
        given,
        "start-day" if by_day else "overlap",
        None if limit is None else read_whole(limit, "limit"),
    )


def find_conversations(tenant: Tenant, query: DetailsQuery) -> list[Document]:
    """Return the conversations that answer a query, in its order.

    They include those that are not visible yet. The list is cached for the next call,
    so do not change it.
    """
    index = index_of(tenant)

    def find() -> list[Document]:
        found = index.between(query.start_ms, query.end_ms, query.matching)
        if query.is_filtered:
            found = [document for document in found if query.accepts(document)]
        return sort_documents(found, query.order, query.order_by)[: query.limit]

    return index.cached(query, find)


def _read(
    given: Mapping[str, Any], matching: Matching, limit: int | None = None
) -> DetailsQuery:
    start_ms, end_ms = read_interval(given.get("interval"))
    filters = {
        name: read_filters(given.get(name), level) for name, level in _FILTERS.items()
    }
    conversation, segment, *others = filters.values()
    order = read_choice(given.get("order") or "asc", "QueryOrder", get_args(Order))
    order_by = read_choice(
        given.get("orderBy") or "conversationStart", "QueryOrderBy", get_args(OrderBy)
    )
    return DetailsQuery(
        start_ms=start_ms,
        end_ms=end_ms,
        matching=matching,
        conversation_filters=conversation,
        segment_filters=segment,
        record_filters=tuple(
            (name, own) for name, own in zip(_RECORDS, others, strict=True) if own
        ),
        order=cast("Order", order),
        order_by=cast("OrderBy", order_by),
        limit=limit,
    )
