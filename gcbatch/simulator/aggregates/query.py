"""Reads the body of an aggregates query, as strictly as the service does.

Source: the models `<Family>AggregationQuery` of PureCloudPlatformClientV2 269.0.0;
the page on aggregate views of developer.genesys.cloud; read 2026-11-21.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gcbatch.genesys import Family
from gcbatch.simulator.aggregates.buckets import BucketOf, HoursFrom, bucket_finder
from gcbatch.simulator.aggregates.filters import Filter, read_filter
from gcbatch.simulator.instants import instant_of
from gcbatch.simulator.problems import bad_request, invalid_value
from gcbatch.simulator.request_reading import (
    AGGREGATION_RANGE,
    read_interval,
    read_json,
    read_list,
    read_metrics,
    read_names,
    read_object,
    read_range,
)

__all__ = ["Limits", "Query", "Ranking", "View", "read_query"]

MAX_VIEWS: Final = 10
MAX_USER_PREDICATES: Final = 100
RANKED: Final = frozenset(
    {
        "AgentCopilot",
        "Bot",
        "Conversation",
        "Copilot",
        "Knowledge",
        "Summary",
        "Transcript",
    }
)
"""Models whose queries can ask for the top or bottom groups alone."""

UNRANKED_BY: Final = frozenset(
    {"oCallbackServiceLevel", "oServiceLevel", "tShortAbandon", "tWait"}
)
"""Metrics that a ranking cannot use."""

_RANKING: Final = frozenset({"queryType", "sortMetric", "limit"})
_FIELDS: Final = frozenset(
    {
        "interval",
        "granularity",
        "timeZone",
        "groupBy",
        "filter",
        "metrics",
        "flattenMultivaluedDimensions",
        "views",
        "alternateTimeDimension",
    }
)


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits that the models of requests do not have.

    Args:
        max_results: Maximum rows (group and bucket) of an answer; None is without
            limit. Public reports of the error have the number 30000.
        max_intervals: Maximum interval by granularity (None: without one); no
            official numbers are public, so the default has none.
        hours_from: The origin of buckets of less than a day; no source has it.
    """

    max_results: int | None = 30_000
    max_intervals: Mapping[str | None, timedelta] = field(default_factory=dict)
    hours_from: HoursFrom = "midnight"


@dataclass(frozen=True, slots=True)
class View:
    """A count of the values of *target* in [gte, lt); None: unbounded."""

    name: str
    target: str
    gte: float | None
    lt: float | None

    def counts(self, value: float) -> bool:
        """Return whether a value is within the bounds."""
        return (self.gte is None or value >= self.gte) and (
            self.lt is None or value < self.lt
        )


@dataclass(frozen=True, slots=True)
class Ranking:
    """Keeps the *limit* groups with the highest (or lowest) figure."""

    metric: str
    function: str
    limit: int
    highest: bool


@dataclass(frozen=True, slots=True)
class Query:
    """A valid query.

    Args:
        family: The family of the metrics.
        start_ms: First millisecond, since 1970.
        end_ms: First millisecond after the interval.
        bucket_of: Returns the bucket of an instant.
        metrics: Without repetition.
        group_by: Dimensions, without repetition.
        filter: None accepts all events.
        views: Derived counts.
        ranking: None keeps every group.
    """

    family: Family
    start_ms: int
    end_ms: int
    bucket_of: BucketOf
    metrics: tuple[str, ...]
    group_by: tuple[str, ...]
    filter: Filter | None
    views: tuple[View, ...]
    ranking: Ranking | None


def read_query(body: bytes, family: Family, limits: Limits) -> Query:
    """Read and check the body of a request.

    Raises:
        Problem: The 400 that the service would answer with.
    """
    model = f"{family.model}AggregationQuery"
    known = _FIELDS | _RANKING if family.model in RANKED else _FIELDS
    given = read_object(read_json(body, model), model, known)
    for name, values in (
        ("alternateTimeDimension", family.time_dimensions),
        ("flattenMultivaluedDimensions", (True, False)),
    ):
        if given.get(name) not in (None, *values):
            raise invalid_value(given[name], name, map(str, values))
    start_ms, end_ms = read_interval(given.get("interval"))
    granularity = given.get("granularity")
    _check_length(granularity, start_ms, end_ms, limits)
    wanted = given.get("filter")
    accepts = None if wanted is None else read_filter(wanted, family)
    if family.model == "User" and accepts and accepts.size > MAX_USER_PREDICATES:
        msg = f"A filter may have at most {MAX_USER_PREDICATES} predicates."
        raise bad_request(msg)
    return Query(
        family=family,
        start_ms=start_ms,
        end_ms=end_ms,
        bucket_of=_bucket_of(
            granularity, given.get("timeZone"), start_ms, end_ms, limits.hours_from
        ),
        metrics=read_metrics(
            given.get("metrics"), f"{family.model}AggregateMetric", family.metrics
        ),
        group_by=read_names(
            given.get("groupBy"), f"{family.model}AggregateDimension", family.dimensions
        ),
        filter=accepts,
        views=_views(given.get("views"), family),
        ranking=_ranking(given, family),
    )


def _check_length(
    granularity: object, start_ms: int, end_ms: int, limits: Limits
) -> None:
    if granularity is not None and not isinstance(granularity, str):
        raise invalid_value(granularity, "Period")
    maximum = limits.max_intervals.get(granularity)
    if maximum is None:
        return
    if instant_of(end_ms) - instant_of(start_ms) > maximum:
        msg = (
            "The interval of the query is larger than the limit of "
            f"{maximum // timedelta(hours=1)} hours for its granularity."
        )
        raise bad_request(msg)


def _bucket_of(
    granularity: str | None,
    zone_name: object,
    start_ms: int,
    end_ms: int,
    hours_from: HoursFrom,
) -> BucketOf:
    if zone_name is None:
        zone = ZoneInfo("UTC")
    else:
        try:
            zone = ZoneInfo(zone_name if isinstance(zone_name, str) else "")
        except (ValueError, ZoneInfoNotFoundError, OSError):
            raise invalid_value(zone_name, "DateTimeZone") from None
    bucket_of = bucket_finder(granularity, zone, start_ms, end_ms, hours_from)
    if bucket_of is None:
        raise invalid_value(granularity, "Period")
    return bucket_of


def _views(value: object, family: Family) -> tuple[View, ...]:
    model = f"{family.model}AggregationView"
    views = tuple(_view(item, model, family) for item in read_list(value, model))
    if len(views) > MAX_VIEWS:
        msg = f"A query may have at most {MAX_VIEWS} views."
        raise bad_request(msg)
    if len({view.name for view in views}) < len(views):
        msg = "The names of the views of a query must differ."
        raise bad_request(msg)
    return views


def _view(value: object, model: str, family: Family) -> View:
    given = read_object(
        value, model, frozenset({"target", "name", "function", "range"})
    )
    name = given.get("name")
    if not isinstance(name, str) or not name or name in family.metrics:
        msg = f"A view needs a name that is no metric's [{name}]."
        raise bad_request(msg)
    timers = tuple(metric for metric in family.metrics if metric.startswith("t"))
    target = given.get("target")
    if target not in timers:
        raise invalid_value(target, f"{model}Target", timers)
    if given.get("function") != "rangeBound":
        raise invalid_value(given.get("function"), f"{model}Function", ("rangeBound",))
    bounds = read_range(given.get("range"), *AGGREGATION_RANGE)
    if not bounds:
        msg = f"The range of view [{name}] needs at least one bound."
        raise bad_request(msg)
    return View(name, target, bounds.get("gte"), bounds.get("lt"))


def _ranking(given: Mapping[str, Any], family: Family) -> Ranking | None:
    kind = given.get("queryType") or "groupBy"
    if kind not in ("bottomN", "groupBy", "topN"):
        raise invalid_value(kind, "QueryType", ("bottomN", "groupBy", "topN"))
    if kind == "groupBy":
        return None
    model = f"{family.model}AggregationSort"
    sort = read_object(given.get("sortMetric"), model, frozenset({"name", "function"}))
    functions = ("average", "count", "max", "min", "sum")
    if sort.get("function") not in functions:
        raise invalid_value(sort.get("function"), f"{model}Function", functions)
    names = tuple(name for name in family.metrics if name not in UNRANKED_BY)
    if sort.get("name") not in names:
        raise invalid_value(sort.get("name"), f"{model}Name", names)
    limit = given.get("limit")
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
        raise invalid_value(limit, "Integer")
    return Ranking(sort["name"], sort["function"], limit, highest=kind == "topN")
