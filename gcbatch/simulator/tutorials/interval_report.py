"""The first tutorial's question: figures by interval, at the aggregates' address.

A body with `dateRange` is this question, one with `interval` alone the service's
own. An answer has an entity for each bucket and group in which something happened:

    {"date": "1999-08-01T07:00:00.000Z", "groupByValues": ["Retail banking"],
     "metrics": {"offerCount": {"count": 1, "sum": 45},
                 "serviceLevelPercent": {"count": 1, "sum": 52.5},
                 "handleTime": {"count": 1, "sum": 7012.0}}}

- `date` is the first instant of the bucket.
- `count` is the number of intervals with data, of which an entity has one: 1 where
  something happened, else 0. `sum` is the total value.
- The sum of calls is always there, 0 too.
- The sum of `serviceLevelPercent` is the share of the handled calls that was answered
  in time, 0 to 100; null where none was handled. It is a percentage of its bucket and
  adds up only as Σ(handled x level) / Σ handled.
- `handleTime` and `wrapUpTime` are in seconds; one that has no value is left out.
  Call logs tell no wrap-up time, so only observations of `tAcw` make one.
- `groupByValues` are names in the order of `groupBys`: of the queue, of the skill, of
  the wrap-up code; null where there is none. Two queues of one name are two entities.
  Skills are those of observations, called as their id; calls have none. An offer has
  no wrap-up code, handling has.

`pageSize` and `pageId` are parameters of the address; `nextPageId` is absent on the
last page.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import orjson

from gcbatch.simulator.aggregates.filters import Filter, Predicate
from gcbatch.simulator.instants import instant_text
from gcbatch.simulator.paging import digest_of, page_at, read_place
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
    Question,
    Tally,
    read_step,
    tallies_of,
)

__all__ = ["answer_interval_report", "is_interval_report"]

MODEL: Final = "IntervalReportQuery"
GROUPS: Final = {
    "queue": "queueId",
    "skill": "requestedRoutingSkillId",
    "wrapUpCode": "wrapUpCode",
}
"""What it can be grouped by, and the dimension that each is."""

FIELDS: Final = {"queue.id": "queueId", "mediaType": "mediaType"}
"""What a predicate can be about, and the dimension that it is."""

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


def is_interval_report(body: bytes) -> bool:
    """Tell this question from the service's own by its `dateRange`."""
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
        tenant: Whose figures.
        body: Of the request.
        params: Of the request's address.
        faults: Kinds of the faults that befell the request.

    Raises:
        Problem: If the request is not right.
    """
    given = read_object(read_json(body, MODEL), MODEL, _FIELDS)
    metrics = read_metrics(given.get("metrics"), "IntervalReportMetric", METRICS)
    groups = read_names(given.get("groupBys"), "IntervalReportGroup", GROUPS)
    if "queue" not in groups:
        msg = f"The query needs groupBys with queue among them: {', '.join(GROUPS)}"
        raise bad_request(msg)
    size = _page_size(params.get("pageSize", str(DEFAULT_PAGE)))
    place = read_place(params.get("pageId"), "pageId", digest_of(given))
    beside = tuple(GROUPS[group] for group in groups if group != "queue")
    tallies = tallies_of(tenant, _question(given, metrics, beside))
    names = _names(tenant)
    page = page_at(place, _in_order(tallies, names["queueId"]), size, faults)
    answer: dict[str, Any] = {
        "entities": [
            {
                "date": instant_text(cell.start_ms),
                "groupByValues": _values(cell, groups, names),
                "metrics": _figures(tallies[cell], metrics),
            }
            for cell in page.rows
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


def _question(
    given: Mapping[str, Any], metrics: tuple[str, ...], beside: tuple[str, ...]
) -> Question:
    span = read_object(given["dateRange"], "DateRange", frozenset({"from", "to"}))
    start_ms, end_ms = read_span(span.get("from"), span.get("to"))
    return Question(
        start_ms=start_ms,
        end_ms=end_ms,
        step_ms=read_step(given.get("interval")),
        events=_events(metrics),
        filter=_read_filter(given.get("filter")),
        beside=beside,
    )


def _read_filter(value: object) -> Filter | None:
    """Read one level of predicates; None takes all."""
    if value is None:
        return None
    given = read_object(value, "Filter", frozenset({"type", "predicates"}))
    join = read_choice(given.get("type"), "FilterType", ("AND", "OR"))
    predicates = read_list(given.get("predicates"), "Predicate")
    return Filter(join.lower(), (), tuple(map(_read_predicate, predicates)))


def _read_predicate(value: object) -> Predicate:
    given = read_object(value, "Predicate", frozenset({"type", "field", "value"}))
    read_choice(given.get("type"), "PredicateType", ("EQUALS",))
    field = read_choice(given.get("field"), "PredicateField", FIELDS)
    wanted = read_text(given.get("value"))
    return Predicate(FIELDS[field], "matches", wanted, "dimension")


def _events(metrics: tuple[str, ...]) -> tuple[str, ...]:
    """Return the aggregates' metrics that these are made of, each once."""
    sources: dict[str, tuple[str, ...]] = {_LEVEL: ("tAnswered", "nOverSla")}
    for name, metric in {**_COUNTS, **_TIMES}.items():
        sources[name] = (metric,)
    return tuple(dict.fromkeys(event for name in metrics for event in sources[name]))


def _names(tenant: Tenant) -> Mapping[str, Mapping[str, str]]:
    """Return by dimension what its ids are called."""
    return {
        "queueId": {queue.id: queue.name for queue in tenant.queues},
        "wrapUpCode": {code.id: code.name for code in tenant.wrap_up_codes},
    }


def _values(
    cell: Cell, groups: Iterable[str], names: Mapping[str, Mapping[str, str]]
) -> list[str | None]:
    """Return the name of each of a cell's groups; None where there is none."""
    beside = iter(cell.beside)
    values: list[str | None] = []
    for group in groups:
        if group == "queue":
            values.append(names["queueId"].get(cell.queue_id) or None)
        else:
            value = next(beside)
            values.append(names.get(GROUPS[group], {}).get(value or "", value))
    return values


def _in_order(cells: Iterable[Cell], names: Mapping[str, str]) -> list[Cell]:
    """Sort by bucket, by the queue's name, and by the other groups."""
    return sorted(
        cells,
        key=lambda cell: (
            cell.start_ms,
            names.get(cell.queue_id, ""),
            cell.queue_id,
            [value or "" for value in cell.beside],
        ),
    )


def _figures(tally: Tally, metrics: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    figures: dict[str, dict[str, Any]] = {}
    for name in metrics:
        if name in _COUNTS:
            calls = tally.count(_COUNTS[name])
            figures[name] = {"count": int(calls > 0), "sum": calls}
        elif name == _LEVEL:
            is_there = tally.level is not None
            figures[name] = {"count": int(is_there), "sum": tally.level}
        elif tally.count(_TIMES[name]):
            figures[name] = {"count": 1, "sum": tally.seconds(_TIMES[name])}
    return figures
