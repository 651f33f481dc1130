"""The first tutorial's question: figures by interval, at the aggregates' address.

A body with `dateRange` is this question, one with `interval` alone the service's
own. An answer has an entity for each bucket and queue in which something happened:

    {"date": "1999-08-01T07:00:00.000Z", "groupByValues": ["Retail banking"],
     "metrics": {"offerCount": {"count": 45},
                 "serviceLevelPercent": {"count": 40, "sum": 52.5},
                 "handleTime": {"count": 41, "sum": 7012.0}}}

- `date` is the first instant of the bucket.
- A count is always there, 0 too.
- `serviceLevelPercent` has the handled calls as `count` and, as `sum`, the share of
  them that was answered in time, 0 to 100; null where none was handled. It is a
  percentage of its bucket and adds up only as Σ(count x sum) / Σ count.
- `handleTime` and `wrapUpTime` are in seconds; one that has no value is left out.
  Call logs tell no wrap-up time, so only observations of `tAcw` make one.
- `groupByValues` is the queue's name; null where it has none. Two queues of one
  name are two entities.

`pageSize` and `pageId` are parameters of the address; `nextPageId` is absent on the
last page.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import orjson

from gcbatch.simulator.buckets import instant_text
from gcbatch.simulator.paging import digest_of, page_at, read_place
from gcbatch.simulator.problems import bad_request
from gcbatch.simulator.reading import (
    read_json,
    read_metrics,
    read_names,
    read_object,
    read_span,
)
from gcbatch.simulator.tally import (
    Cell,
    Question,
    Tally,
    read_conditions,
    read_step,
    tallies_of,
)
from gcbatch.simulator.tenant import Tenant

__all__ = ["answer_interval_report", "is_interval_report"]

MODEL: Final = "IntervalReportQuery"
GROUPS: Final = ("queue", "queue.name", "queueName")
"""Words for the one thing that it can be grouped by."""

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
    if len(read_names(given.get("groupBys"), "IntervalReportGroup", GROUPS)) != 1:
        msg = f"The query needs one of these as groupBys: {', '.join(GROUPS)}"
        raise bad_request(msg)
    size = _page_size(params.get("pageSize", str(DEFAULT_PAGE)))
    place = read_place(params.get("pageId"), "pageId", digest_of(given))
    tallies = tallies_of(tenant, _question(given, metrics))
    names = {queue.id: queue.name for queue in tenant.queues}
    page = page_at(place, _in_order(tallies, names), size, faults)
    answer: dict[str, Any] = {
        "entities": [
            {
                "date": instant_text(cell[1]),
                "groupByValues": [names.get(cell[0]) or None],
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


def _question(given: Mapping[str, Any], metrics: tuple[str, ...]) -> Question:
    span = read_object(given["dateRange"], "DateRange", frozenset({"from", "to"}))
    start_ms, end_ms = read_span(span.get("from"), span.get("to"))
    return Question(
        start_ms=start_ms,
        end_ms=end_ms,
        step_ms=read_step(given.get("interval")),
        events=_events(metrics),
        filter=read_conditions(given.get("filter")),
    )


def _events(metrics: tuple[str, ...]) -> tuple[str, ...]:
    """Return the aggregates' metrics that these are made of, each once."""
    sources: dict[str, tuple[str, ...]] = {_LEVEL: ("tAnswered", "nOverSla")}
    for name, metric in {**_COUNTS, **_TIMES}.items():
        sources[name] = (metric,)
    return tuple(dict.fromkeys(event for name in metrics for event in sources[name]))


def _in_order(cells: Iterable[Cell], names: Mapping[str, str]) -> list[Cell]:
    """Sort by bucket and then by the queue's name."""
    return sorted(cells, key=lambda cell: (cell[1], names.get(cell[0], ""), cell[0]))


def _figures(tally: Tally, metrics: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    figures: dict[str, dict[str, Any]] = {}
    for name in metrics:
        if name in _COUNTS:
            figures[name] = {"count": tally.count(_COUNTS[name])}
        elif name == _LEVEL:
            figures[name] = {"count": tally.count("tAnswered"), "sum": tally.level}
        elif count := tally.count(_TIMES[name]):
            seconds = tally.seconds(_TIMES[name])
            figures[name] = {"count": count, "sum": seconds}
    return figures
