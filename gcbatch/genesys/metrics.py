"""The statistics of each kind of metric, their columns, and how they merge.

Source: keys of `stats` in answers of the service, and its SDK's model
StatisticalSummary; read 2026-11-21.
"""

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final, Literal

__all__ = [
    "COUNT",
    "GAUGE",
    "NUMBER",
    "SCORE",
    "SERVICE_LEVEL",
    "TIME",
    "Kind",
    "Merge",
    "Statistic",
    "column_name",
    "kind_of",
    "snake",
]


class Merge(Enum):
    """How the statistics of several buckets or groups become one."""

    ADD = "add"
    MIN = "min"
    MAX = "max"
    RECOMPUTE = "recompute from what adds"
    NEVER = "not mergeable"


@dataclass(frozen=True, slots=True)
class Statistic:
    """One key of an answer's `stats`.

    Args:
        key: The API's name of it.
        suffix: The end of its column's name; empty for a metric with one statistic.
        merge: How several become one.
        type: The type of its column; int64 for whole numbers.
        unit: The unit of its values.
    """

    key: str
    suffix: str
    merge: Merge
    type: Literal["int64", "float64"]
    unit: str


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of metric, with its statistics."""

    name: str
    statistics: tuple[Statistic, ...]


COUNT: Final = Kind("count", (Statistic("count", "", Merge.ADD, "int64", "events"),))
TIME: Final = Kind(
    "time",
    (
        Statistic("count", "count", Merge.ADD, "int64", "events"),
        Statistic("sum", "sum_ms", Merge.ADD, "int64", "ms"),
        Statistic("min", "min_ms", Merge.MIN, "int64", "ms"),
        Statistic("max", "max_ms", Merge.MAX, "int64", "ms"),
    ),
)
NUMBER: Final = Kind(
    "number",
    (
        Statistic("count", "count", Merge.ADD, "int64", "events"),
        Statistic("sum", "sum", Merge.ADD, "float64", "1"),
        Statistic("min", "min", Merge.MIN, "float64", "1"),
        Statistic("max", "max", Merge.MAX, "float64", "1"),
    ),
)
SCORE: Final = Kind(
    "score",
    (
        *NUMBER.statistics,
        Statistic("countNegative", "count_negative", Merge.ADD, "int64", "events"),
        Statistic("countPositive", "count_positive", Merge.ADD, "int64", "events"),
    ),
)
SERVICE_LEVEL: Final = Kind(
    "ratio",
    (
        Statistic("numerator", "numerator", Merge.ADD, "int64", "events"),
        Statistic("denominator", "denominator", Merge.ADD, "int64", "events"),
        Statistic("ratio", "ratio", Merge.RECOMPUTE, "float64", "0-1"),
        Statistic("target", "target", Merge.NEVER, "float64", "0-1"),
    ),
)
GAUGE: Final = Kind(
    "gauge", (Statistic("current", "current", Merge.NEVER, "float64", "0-1"),)
)
_BY_NAME: Final = {
    "oServiceTarget": GAUGE,
    "oCustomerSentiment": SCORE,
    "oSentimentScore": SCORE,
}


def kind_of(metric: str) -> Kind:
    """Return the kind of a metric, by the API's prefixes: n for counts, t for times."""
    if known := _BY_NAME.get(metric):
        return known
    if metric.endswith("ServiceLevel"):
        return SERVICE_LEVEL
    return {"n": COUNT, "t": TIME}.get(metric[0], NUMBER)


def snake(name: str) -> str:
    """Return an API name as a column's name: `queueId` is `queue_id`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def column_name(metric: str, statistic: Statistic) -> str:
    """Return the column's name of one statistic, such as `t_handle_sum_ms`."""
    return "_".join(filter(None, (snake(metric), statistic.suffix)))
