"""Queries of user details: reads them strictly, and finds their rows.

A row is a user with a record that overlaps the interval. Records are complete, even
those that reach beyond it. Filters choose users, not records: each filter on presences
or routing statuses must accept one of the user's records.

Source: models UserDetailsQuery, AsyncUserDetailsQuery and AnalyticsUserDetail of
PureCloudPlatformClientV2 269.0.0, read 2026-11-21. That records are complete, and
the order of the rows, is ours.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, cast, get_args

import orjson

from gcbatch.simulator.details.filter_fields import (
    PRESENCE,
    ROUTING_STATUS,
    USER,
    record_values,
)
from gcbatch.simulator.details.filters import Filter, accepted, read_filters
from gcbatch.simulator.details.index import Order
from gcbatch.simulator.details.paging import PageOf, read_aggregations, read_page
from gcbatch.simulator.documents import Document
from gcbatch.simulator.instants import instant_text, milliseconds
from gcbatch.simulator.request_reading import (
    read_choice,
    read_interval,
    read_json,
    read_object,
    read_whole,
)
from gcbatch.simulator.tenant.tenant import Presence, Tenant

__all__ = ["UserQuery", "find_users", "read_async", "read_query"]

_SHARED: Final = frozenset(
    {"interval", "userFilters", "presenceFilters", "routingStatusFilters", "order"}
)
_AGGREGATIONS: Final = ("presenceAggregations", "routingStatusAggregations")
_SYNC: Final = _SHARED | {*_AGGREGATIONS, "paging"}
_ASYNC: Final = _SHARED | {"limit"}


@dataclass(frozen=True, slots=True)
class UserQuery:
    """A valid query, without its paging.

    Args:
        start_ms: First millisecond of the interval, since 1970.
        end_ms: The first one after it.
        user_filters: Each must accept the user.
        presence_filters: Each must accept one of the presences.
        routing_filters: Each must accept one of the routing statuses.
        order: The order of the rows, by the user's id.
        limit: Maximum rows; None is all.
    """

    start_ms: int
    end_ms: int
    user_filters: tuple[Filter, ...] = ()
    presence_filters: tuple[Filter, ...] = ()
    routing_filters: tuple[Filter, ...] = ()
    order: Order = "asc"
    limit: int | None = None


def read_query(body: bytes, max_results: int) -> tuple[UserQuery, PageOf]:
    """Read the body of a query that is answered at once, page by page.

    Args:
        body: As sent.
        max_results: Number of the last row that a page may reach.

    Returns:
        The query, and the page that is requested.

    Raises:
        Problem: The 400 that the service would answer with.
    """
    model = "UserDetailsQuery"
    given = read_object(read_json(body, model), model, _SYNC)
    query = _read(given)
    for name in _AGGREGATIONS:
        read_aggregations(given.get(name))
    return query, read_page(given.get("paging"), max_results)


def read_async(body: bytes) -> UserQuery:
    """Read the body of a job's query.

    Raises:
        Problem: The 400 that the service would answer with.
    """
    model = "AsyncUserDetailsQuery"
    given = read_object(read_json(body, model), model, _ASYNC)
    limit = given.get("limit")
    return _read(given, None if limit is None else read_whole(limit, "limit"))


def find_users(tenant: Tenant, query: UserQuery) -> list[Document]:
    """Return the users that answer a query, in its order."""
    of_user: defaultdict[str, list[Presence]] = defaultdict(list)
    for presence in tenant.presences:
        start_ms, end_ms = milliseconds(presence.start), milliseconds(presence.end)
        if start_ms < query.end_ms and end_ms > query.start_ms:
            of_user[presence.user_id].append(presence)
    rows = [_row(user_id, of_user[user_id]) for user_id in sorted(of_user)]
    found = [_document(row) for row in rows if _accepts(query, row)]
    return found[:: -1 if query.order == "desc" else 1][: query.limit]


def _read(given: Mapping[str, Any], limit: int | None = None) -> UserQuery:
    start_ms, end_ms = read_interval(given.get("interval"))
    order = read_choice(given.get("order") or "asc", "QueryOrder", get_args(Order))
    return UserQuery(
        start_ms=start_ms,
        end_ms=end_ms,
        user_filters=read_filters(given.get("userFilters"), USER),
        presence_filters=read_filters(given.get("presenceFilters"), PRESENCE),
        routing_filters=read_filters(given.get("routingStatusFilters"), ROUTING_STATUS),
        order=cast("Order", order),
        limit=limit,
    )


def _row(user_id: str, presences: list[Presence]) -> dict[str, Any]:
    presences = sorted(presences, key=lambda presence: presence.start)
    return {
        "userId": user_id,
        "primaryPresence": [
            {
                **_span(presence),
                "systemPresence": presence.system_presence,
                "organizationPresenceId": presence.organization_presence_id,
            }
            for presence in presences
        ],
        "routingStatus": [
            {**_span(presence), "routingStatus": presence.routing_status}
            for presence in presences
            if presence.routing_status is not None
        ],
    }


def _span(presence: Presence) -> dict[str, str]:
    return {
        "startTime": instant_text(milliseconds(presence.start)),
        "endTime": instant_text(milliseconds(presence.end)),
    }


def _accepts(query: UserQuery, row: Mapping[str, Any]) -> bool:
    levels = (
        (query.user_filters, [row]),
        (query.presence_filters, row["primaryPresence"]),
        (query.routing_filters, row["routingStatus"]),
    )
    return all(
        accepted(filters, map(record_values, records)) for filters, records in levels
    )


def _document(row: Mapping[str, Any]) -> Document:
    """Return the document of a row, with the span of its presences."""
    spans = row["primaryPresence"]
    start_ms = _ms(min(span["startTime"] for span in spans))
    end_ms = _ms(max(span["endTime"] for span in spans))
    return Document(
        id=row["userId"], start_ms=start_ms, end_ms=end_ms, json=orjson.dumps(row)
    )


def _ms(text: str) -> int:
    return milliseconds(datetime.fromisoformat(text))
