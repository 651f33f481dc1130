"""The content of the prepared aggregates, in plain Python without code of gcbatch.

Every queue has a bucket of media type voice for every quarter of an hour of every day.
Its queue, its day and its quarter decide its content:

    pattern  = (number of the queue + days since 1970-01-01) modulo PATTERNS
    offered  = 1 + (7 x pattern + 3 x quarter) modulo 29
    abandoned, answered, times: see `figures`

so a queue's days differ from each other for more than a year, and so do the queues of
a day. As in the service, a metric without events is absent.
"""

from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from types import MappingProxyType
from typing import Final

__all__ = [
    "METRICS",
    "PATTERNS",
    "QUARTERS",
    "TOTALS",
    "figures",
    "pattern_of",
    "queue_id",
    "totals",
]

QUARTERS: Final = 96
"""Quarters of an hour in a day of UTC; the first is 0."""

PATTERNS: Final = 379
"""Prime, and more than the days of a year."""

METRICS: Final = ("nOffered", "tAnswered", "tAbandon", "tHandle", "oServiceLevel")
TARGET: Final = 0.8

TOTALS: Final = (
    "nOffered.count",
    "tAnswered.count",
    "tAnswered.sum",
    "tAbandon.count",
    "tAbandon.sum",
    "tHandle.count",
    "tHandle.sum",
    "oServiceLevel.numerator",
    "oServiceLevel.denominator",
)
"""The figures that can be added up."""

EPOCH: Final = date(1970, 1, 1)


def queue_id(number: int) -> str:
    """Return the id of a queue; the first is 0."""
    return f"{number:08x}-0000-4000-8000-00000000be7c"


def pattern_of(queue: int, day: date) -> int:
    """Return which of the patterns a queue follows on a day."""
    return (queue + (day - EPOCH).days) % PATTERNS


def figures(pattern: int, quarter: int) -> dict[str, dict[str, float]]:
    """Return the statistics of each metric of one bucket; times in milliseconds."""
    offered = 1 + (7 * pattern + 3 * quarter) % 29
    abandoned = min(offered, (pattern + quarter) % 4)
    answered = offered - abandoned
    in_time = answered - answered // 5
    found: dict[str, dict[str, float]] = {
        "nOffered": {"count": offered},
        "tAbandon": _times(abandoned, 20_000 + 13 * pattern + 41 * quarter),
        "tAnswered": _times(answered, 5_000 + 11 * pattern + 37 * quarter),
        "tHandle": _times(answered, 240_000 + 101 * pattern + 53 * quarter),
        "oServiceLevel": {
            "ratio": in_time / offered,
            "numerator": in_time,
            "denominator": offered,
            "target": TARGET,
        },
    }
    return {metric: stats for metric, stats in found.items() if stats}


def _times(count: int, mean_ms: int) -> dict[str, float]:
    """Return the statistics of some times around a mean; empty if there are none."""
    if count == 0:
        return {}
    off_ms = 0 if count == 1 else 900
    return {
        "max": mean_ms + off_ms,
        "min": mean_ms - off_ms,
        "count": count,
        "sum": count * mean_ms,
    }


@lru_cache(maxsize=PATTERNS)
def totals(pattern: int) -> Mapping[str, float]:
    """Return the sums of a whole day of a pattern, by the names in TOTALS."""
    sums = dict.fromkeys(TOTALS, 0.0)
    for quarter in range(QUARTERS):
        found = figures(pattern, quarter)
        for name in TOTALS:
            metric, _, statistic = name.partition(".")
            sums[name] += found.get(metric, {}).get(statistic, 0)
    return MappingProxyType(sums)
