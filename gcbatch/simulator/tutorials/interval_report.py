"""The first tutorial's query: figures by interval, at the address of aggregates.

A body with `dateRange` is this query, one with `interval` alone is the service's own.
An answer has an entity for each bucket and group that has events:

    {"date": "1999-08-01T07:00:00.000Z", "groupByValues": ["Retail banking"],
     "metrics": {"offerCount": {"count": 1, "sum": 45},
                 "serviceLevelPercent": {"count": 1, "sum": 52.5},
                 "handleTime": {"count": 1, "sum": 7012.0}}}

- `date` is the first instant of the bucket.
- `count` is the number of intervals with data: 1 if the entity has events, otherwise 0.
  `sum` is the total value.
- The sum of calls is always present, even if it is 0.
- The sum of `serviceLevelPercent` is the share of the handled calls that was answered
  in time, 0 to 100; null if none was handled. It is a percentage of its bucket: several
  combine as Σ(handled x level) / Σ handled.
- `handleTime` and `wrapUpTime` are in seconds; one without a value is missing. Call
  logs have no wrap-up time, so only observations of `tAcw` give it.
- `groupByValues` are names in the order of `groupBys`: of the queue, the skill, the
  wrap-up code; null without one. Two queues with the same name are two entities. Only
  observations have skills, and a skill's name is its id. Offers have no wrap-up code,
  handling has.

`pageSize` and `pageId` are parameters of the address; `nextPageId` is absent on the
last page.
"""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, Final

import orjson

from gcbatch.simulator.aggregates.filters import Filter, Predicate
from gcbatch.simulator.filter_tree import FilterTree
from gcbatch.simulator.instants import instant_text
from gcbatch.simulator.paging import digest_of, read_place
from gcbatch.simulator.problems import bad_request
from gcbatch.simulator.request_reading import (
    read_choice,
    read_json,
    read_list,
    read_metrics,
    read_names,
    read_object,
    read_span,
    read_text,
)
from gcbatch.simulator.tenant.tenant import Tenant
from gcbatch.simulator.tutorials.counts import (
    Cell,
    CellCounts,
    CountQuery,
    counted_page,
    events_of_metrics,
    read_step,
)

__all__ = ["answer_interval_report", "is_interval_report"]

MODEL: Final = "IntervalReportQuery"
GROUPS: Final = {
    "queue": "queueId",
    "skill": "requestedRoutingSkillId",
    "wrapUpCode": "wrapUpCode",
}
"""The possible groups, with the dimension of each."""

FIELDS: Final = {"queue.id": "queueId", "mediaType": "mediaType"}
"""The possible fields of a predicate, with the dimension of each."""

MAX_PAGE: Final = 250
DEFAULT_PAGE: Final = 25

_FIELDS: Final = frozenset({"dateRange", "interval", "groupBys", "metrics", "filter"})
_COUNTS: Final = {
    "offerCount": "nOffered",
    "handledCount": "tAnswered",
    "abandonedCount": "tAbandon",
}
_TIMES: Final = {"handleTime": "tHandle", "wrapUpTime": "tAcw"}
_LEVEL: Final = "serviceLevelPercent"
METRICS: Final = (*_COUNTS, _LEVEL, *_TIMES)
_EVENTS: Final[Mapping[str, tuple[str, ...]]] = {
    **{name: (metric,) for name, metric in {**_COUNTS, **_TIMES}.items()},
    _LEVEL: ("tAnswered", "nOverSla"),
}
"""The aggregates' metrics that each metric is computed from."""


def is_interval_report(body: bytes) -> bool:
    """Return whether a body is this query, which has `dateRange`."""
    try:
        given = orjson.loads(body)
    except orjson.JSONDecodeError:
        return False
    return isinstance(given, dict) and "dateRange" in given


def answer_interval_report(
    tenant: Tenant,
    body: bytes,
    params: Mapping[str, str],
    faults: tuple[str, ...] = (),
) -> dict[str, Any]:
    """Return a page of the answer.

    Args:
        tenant: The organisation's data.
        body: The body of the request.
        params: The parameters of the request's query string.
        faults: Kinds of the faults that apply to the request.

    Raises:
        Problem: If the request is invalid.
    """
    given = read_object(read_json(body, MODEL), MODEL, _FIELDS)
    metrics = read_metrics(given.get("metrics"), "IntervalReportMetric", METRICS)
    groups = read_names(given.get("groupBys"), "IntervalReportGroup", GROUPS)
    if "queue" not in groups:
        msg = f"The query needs groupBys with queue among them: {', '.join(GROUPS)}"
        raise bad_request(msg)
    size = _page_size(params.get("pageSize", str(DEFAULT_PAGE)))
    place = read_place(params.get("pageId"), "pageId", digest_of(given))
    others = tuple(GROUPS[group] for group in groups if group != "queue")
    query = _read_query(given, metrics, others)
    names = _names(tenant)
    sort_key = partial(_sort_key, names["queueId"])
    page = counted_page(tenant, query, place, size, faults, sort_key=sort_key)
    answer: dict[str, Any] = {
        "entities": [
            {
                "date": instant_text(cell.start_ms),
                "groupByValues": _values(cell, groups, names),
                "metrics": _figures(counts, metrics),
            }
            for cell, counts in page.rows
        ]
    }
    if page.next_token is not None:
        answer["nextPageId"] = page.next_token
    return answer


def _page_size(text: str) -> int:
    is_number = text.isascii() and text.isdecimal() and len(text) <= len(str(MAX_PAGE))
    if not is_number or not 1 <= int(text) <= MAX_PAGE:
        msg = f"pageSize must be a number from 1 to {MAX_PAGE}."
        raise bad_request(msg)
    return int(text)


def _read_query(
    given: Mapping[str, Any], metrics: tuple[str, ...], others: tuple[str, ...]
) -> CountQuery:
    span = read_object(given["dateRange"], "DateRange", frozenset({"from", "to"}))
    start_ms, end_ms = read_span(span.get("from"), span.get("to"))
    return CountQuery(
        start_ms=start_ms,
        end_ms=end_ms,
        step_ms=read_step(given.get("interval")),
        events=events_of_metrics(metrics, _EVENTS),
        filter=_read_filter(given.get("filter")),
        others=others,
    )


def _read_filter(value: object) -> Filter | None:
    """Read one level of predicates; None accepts all."""
    if value is None:
        return None
    given = read_object(value, "Filter", frozenset({"type", "predicates"}))
    join = read_choice(given.get("type"), "FilterType", ("AND", "OR"))
    predicates = read_list(given.get("predicates"), "Predicate")
    return FilterTree(join.lower(), tuple(map(_read_predicate, predicates)))


def _read_predicate(value: object) -> Predicate:
    given = read_object(value, "Predicate", frozenset({"type", "field", "value"}))
    read_choice(given.get("type"), "PredicateType", ("EQUALS",))
    field = read_choice(given.get("field"), "PredicateField", FIELDS)
    wanted = read_text(given.get("value"))
    return Predicate(FIELDS[field], "matches", wanted, "dimension")


def _names(tenant: Tenant) -> Mapping[str, Mapping[str, str]]:
    """Return the names of ids, by dimension."""
    return {
        "queueId": {queue.id: queue.name for queue in tenant.queues},
        "wrapUpCode": {code.id: code.name for code in tenant.wrap_up_codes},
    }


def _values(
    cell: Cell, groups: Iterable[str], names: Mapping[str, Mapping[str, str]]
) -> list[str | None]:
    """Return the name of each of a cell's groups; None without one."""
    others = iter(cell.others)
    values: list[str | None] = []
    for group in groups:
        if group == "queue":
            values.append(names["queueId"].get(cell.queue_id) or None)
        else:
            value = next(others)
            values.append(names.get(GROUPS[group], {}).get(value or "", value))
    return values


def _sort_key(names: Mapping[str, str], cell: Cell) -> tuple[Any, ...]:
    """Sort by bucket, by the queue's name, and by the other groups."""
    others = [value or "" for value in cell.others]
    return cell.start_ms, names.get(cell.queue_id, ""), cell.queue_id, others


def _figures(counts: CellCounts, metrics: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    figures: dict[str, dict[str, Any]] = {}
    for name in metrics:
        if name in _COUNTS:
            calls = counts.count(_COUNTS[name])
            figures[name] = {"count": int(calls > 0), "sum": calls}
        elif name == _LEVEL:
            is_there = counts.level is not None
            figures[name] = {"count": int(is_there), "sum": counts.level}
        elif counts.count(_TIMES[name]):
            figures[name] = {"count": 1, "sum": counts.seconds(_TIMES[name])}
    return figures
