"""The second tutorial's query: a summary of each queue by interval.

An answer has a row for each queue and bucket in which a call was handled or abandoned:

    {"queue": {"id": "…", "name": "Retail banking"},
     "interval": "1999-08-01T07:00:00.000Z", "totalHandled": 40,
     "totalAbandoned": 5, "serviceLevel": 52.5, "avgHandleTime": 171.0}

- `interval` is the first instant of the bucket; missing if the query has none.
- `serviceLevel` is the share of the handled calls that was answered in time, 0 to
  100; null if none was handled.
- `avgHandleTime` is in seconds; null if none was handled. It is the average of calls
  answered in the bucket, whenever they ended. If the time counted at the end of a call,
  as `tHandle` does, a bucket in which calls only end would lose it. So
  Σ(totalHandled x avgHandleTime) is the handle time of the calls answered in a
  range, which differs from `tHandle` by the calls that cross an end of the range. A
  call that has not ended adds nothing.
- A deleted queue has `deleted: true`; `name` is null without one.

A grouping is `{"name": "queue", "type": "queue", "values": [ids]}`. There may be
several, as in the tutorial, whose first has no `values`. The answer has the queues that
any of them names, or all queues if none does. The `filter` names media and is
optional:

    {"type": "conversation", "or": [{"type": "conversation", "path": "type",
                                     "operator": "in", "value": ["voice"]}]}

The client adds `nextPageToken` to the unchanged query; it is null on the last page.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from aiohttp import web

from gcbatch.simulator.aggregates.filters import Filter, Predicate
from gcbatch.simulator.filter_tree import FilterTree
from gcbatch.simulator.instants import instant_text
from gcbatch.simulator.paging import digest_of, read_place
from gcbatch.simulator.problems import bad_request, invalid_date
from gcbatch.simulator.request_reading import (
    read_choice,
    read_json,
    read_list,
    read_metrics,
    read_object,
    read_span,
    read_text,
)
from gcbatch.simulator.route import ANALYTICS, ApiRequest, Route, json_response
from gcbatch.simulator.tenant.tenant import Queue, Tenant
from gcbatch.simulator.tutorials.counts import (
    HANDLE_OF_ANSWERED,
    Cell,
    CellCounts,
    CountQuery,
    counted_page,
    events_of_metrics,
    read_step,
)

__all__ = ["answer_queue_summary", "queue_summary_route"]

MODEL: Final = "QueueSummaryQuery"
GROUPING: Final = ("queue",)
"""Name and type of a grouping."""

_TOKEN: Final = "nextPageToken"  # noqa: S105 - the name of a field
_FIELDS: Final = frozenset(
    {"dateFrom", "dateTo", "interval", "metrics", "groupings", "filter", _TOKEN}
)
_EVENTS: Final[Mapping[str, tuple[str, ...]]] = {
    "serviceLevel": ("tAnswered", "nOverSla"),
    "totalHandled": ("tAnswered",),
    "totalAbandoned": ("tAbandon",),
    "avgHandleTime": ("tAnswered", HANDLE_OF_ANSWERED),
}
"""The aggregates' metrics that each figure is computed from."""

PATH: Final = f"{ANALYTICS}/queues/summary"
PERMISSION: Final = "analytics:conversationAggregate:view"


def queue_summary_route(tenant: Tenant, page_size: int) -> Route:
    """Return the route of the summary."""

    def answer(request: ApiRequest) -> web.Response:
        page = answer_queue_summary(tenant, request.body, page_size, request.faults)
        return json_response(page)

    return Route("POST", PATH, (PERMISSION,), answer)


def answer_queue_summary(
    tenant: Tenant, body: bytes, page_size: int, faults: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Return a page of the answer.

    Args:
        tenant: The organisation's data.
        body: The body of the request.
        page_size: Maximum rows of a page.
        faults: Kinds of the faults that apply to the request.

    Raises:
        Problem: If the request is invalid.
    """
    given = dict(read_object(read_json(body, MODEL), MODEL, _FIELDS))
    token = given.pop(_TOKEN, None)
    metrics = read_metrics(given.get("metrics"), "QueueSummaryMetric", _EVENTS)
    place = read_place(token, _TOKEN, digest_of(given))
    query = _read_query(given, metrics)
    queues = {queue.id: queue for queue in tenant.queues}
    sort_key = partial(_sort_key, queues)
    page = counted_page(tenant, query, place, page_size, faults, sort_key=sort_key)
    data = []
    for cell, counts in page.rows:
        row: dict[str, Any] = {"queue": _queue(cell.queue_id, queues)}
        if query.step_ms is not None:
            row["interval"] = instant_text(cell.start_ms)
        data.append(row | {name: _figure(name, counts) for name in metrics})
    return {"data": data, _TOKEN: page.next_token}


def _read_query(given: Mapping[str, Any], metrics: tuple[str, ...]) -> CountQuery:
    ends = given.get("dateFrom"), given.get("dateTo")
    if not all(str(end).endswith("Z") for end in ends):
        raise invalid_date()
    start_ms, end_ms = read_span(*ends)
    return CountQuery(
        start_ms=start_ms,
        end_ms=end_ms,
        step_ms=read_step(given.get("interval")),
        events=events_of_metrics(metrics, _EVENTS),
        filter=_read_filter(given.get("filter")),
        queue_ids=_queue_ids(given.get("groupings")),
    )


def _queue_ids(value: object) -> frozenset[str] | None:
    """Read the groupings; None means all queues."""
    groupings = read_list(value, "Grouping")
    if not groupings:
        msg = "The query needs a grouping, by queue."
        raise bad_request(msg)
    named = [ids for grouping in groupings if (ids := _read_grouping(grouping))]
    return frozenset().union(*named) if named else None


def _read_grouping(value: object) -> frozenset[str] | None:
    given = read_object(value, "Grouping", frozenset({"name", "type", "values"}))
    read_choice(given.get("name"), "GroupingName", GROUPING)
    read_choice(given.get("type"), "GroupingType", GROUPING)
    if given.get("values") is None:
        return None
    values = read_list(given["values"], "String")
    if not values:
        msg = "The values of a grouping must not be empty."
        raise bad_request(msg)
    return frozenset(map(read_text, values))


def _read_filter(value: object) -> Filter | None:
    """Read the media types; None means all."""
    if value is None:
        return None
    given = read_object(value, "Filter", frozenset({"type", "or"}))
    read_choice(given.get("type"), "FilterType", ("conversation",))
    media = [
        medium
        for condition in read_list(given.get("or"), "Condition")
        for medium in _read_condition(condition)
    ]
    if not media:
        msg = "The filter names no media."
        raise bad_request(msg)
    tests = [Predicate("mediaType", "matches", m, "dimension") for m in media]
    return FilterTree("or", tuple(tests))


def _read_condition(value: object) -> list[str]:
    keys = frozenset({"type", "path", "operator", "value"})
    given = read_object(value, "Condition", keys)
    read_choice(given.get("type"), "ConditionType", ("conversation",))
    read_choice(given.get("path"), "ConditionPath", ("type",))
    read_choice(given.get("operator"), "ConditionOperator", ("in",))
    return list(map(read_text, read_list(given.get("value"), "String")))


def _sort_key(queues: Mapping[str, Queue], cell: Cell) -> tuple[Any, ...]:
    """Sort by the queue's name and then by bucket."""
    queue = queues.get(cell.queue_id)
    return ("" if queue is None else queue.name, *cell)


def _queue(queue_id: str, queues: Mapping[str, Queue]) -> dict[str, Any]:
    queue = queues.get(queue_id)
    if queue is None:
        return {"id": queue_id, "name": None}
    deleted = {"deleted": True} if queue.deleted else {}
    return {"id": queue_id, "name": queue.name or None, **deleted}


def _figure(metric: str, counts: CellCounts) -> float | None:
    handled = counts.count("tAnswered")
    if metric == "totalHandled":
        return handled
    if metric == "totalAbandoned":
        return counts.count("tAbandon")
    if metric == "serviceLevel":
        return counts.level
    return counts.seconds(HANDLE_OF_ANSWERED) / handled if handled else None
