"""Computes the statistics of a metric from the values of its events.

Source: the statistics of each kind of metric are those in public samples of answers,
such as splunk/genesys_cloud_ta; read 2026-11-21.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

__all__ = ["SERVICE_TARGET", "Statistics", "statistics_of", "total"]

SERVICE_TARGET: Final = "oServiceTarget"
SENTIMENTS: Final = frozenset({"oCustomerSentiment", "oSentimentScore"})

Statistics = Callable[[Sequence[float], float | None], dict[str, Any]]
"""Computes statistics from the values of a bucket and the group's service-level target
(0 to 1; None if it has none)."""


def statistics_of(metric: str) -> Statistics:
    """Return the function that computes the statistics of a metric.

    The first letter and the ending of the name decide the kind of metric.
    """
    if metric == SERVICE_TARGET:
        return _current
    if metric.startswith("n"):
        return _number
    if metric.endswith("ServiceLevel"):
        return _ratio
    return _sentiment if metric in SENTIMENTS else _summary


def _current(_: Sequence[float], target: float | None) -> dict[str, Any]:
    return {} if target is None else {"current": target}


def _number(values: Sequence[float], _: float | None) -> dict[str, Any]:
    return {"count": sum(values)}


def total(values: Sequence[float], _: float | None) -> dict[str, Any]:
    """Return the sum alone: a user's metric has no other statistics."""
    return {"sum": sum(values)}


def _ratio(values: Sequence[float], target: float | None) -> dict[str, Any]:
    in_time, count = sum(values), len(values)
    stats = {"ratio": in_time / count, "numerator": in_time, "denominator": count}
    if target is not None:
        stats["target"] = target
    return stats


def _summary(values: Sequence[float], _: float | None) -> dict[str, Any]:
    return {
        "max": max(values),
        "min": min(values),
        "count": len(values),
        "sum": sum(values),
    }


def _sentiment(values: Sequence[float], _: float | None) -> dict[str, Any]:
    return {
        **_summary(values, None),
        "countNegative": sum(value < 0 for value in values),
        "countPositive": sum(value > 0 for value in values),
    }
