"""Corrupts answers of aggregates: one function for each kind.

Those of the tutorials' endpoints are in `faults.tutorials`.
"""

import copy
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from gcbatch.simulator.faults.faults import Kind
from gcbatch.simulator.faults.tutorials import ROW_CORRUPTIONS, rows_of

__all__ = ["corrupt_aggregates"]

Json = dict[str, Any]


def corrupt_aggregates(answer: Json, kind: Kind, query: Mapping[str, Any]) -> Json:
    """Return a corrupted copy of an answer.

    Args:
        answer: The right one; not changed.
        kind: One of `CORRUPTIONS`; those of other answers do nothing.
        query: The request's body.
    """
    corrupted = copy.deepcopy(answer)
    rows = rows_of(corrupted, query)
    if rows is not None:
        ROW_CORRUPTIONS[kind](rows)
        return corrupted
    corrupt = _CORRUPTIONS.get(kind)
    return corrupted if corrupt is None else corrupt(corrupted, query)


def _no_results(answer: Json, _: Mapping[str, Any]) -> Json:
    """Omit the key, as the model allows."""
    answer.pop("results", None)
    return answer


def _extra_fields(answer: Json, _: Mapping[str, Any]) -> Json:
    """Add keys that a later version of the API might have."""
    answer["newTopLevelKey"] = {"nested": [1, "two", None]}
    for result in answer.get("results", ()):
        result["newResultKey"] = True
        for row in result["data"]:
            row["newDataKey"] = "new"
            for metric in row["metrics"]:
                metric["newMetricKey"] = 1
                metric["stats"]["newStatistic"] = 0.5
    return answer


def _wrong_types(answer: Json, _: Mapping[str, Any]) -> Json:
    """Replace the first statistic of every metric by a text that is not a number."""
    for row in _rows(answer):
        for metric in row["metrics"]:
            for name in list(metric["stats"])[:1]:
                metric["stats"][name] = "many"
    return answer


def _doubled_bucket(answer: Json, _: Mapping[str, Any]) -> Json:
    """Repeat the first bucket of every group."""
    for result in answer.get("results", ()):
        result["data"] = result["data"][:1] + result["data"]
    return answer


def _outside_bucket(answer: Json, _: Mapping[str, Any]) -> Json:
    """Add a bucket of the year before the first one."""
    year = timedelta(days=365)
    for result in answer.get("results", ()):
        row = copy.deepcopy(result["data"][0])
        row["interval"] = _interval(*(end - year for end in _ends(row)))
        result["data"].append(row)
    return answer


def _overlapping_buckets(answer: Json, _: Mapping[str, Any]) -> Json:
    """Add a bucket that begins in the middle of the first one."""
    for result in answer.get("results", ()):
        row = copy.deepcopy(result["data"][0])
        start, end = _ends(row)
        half = (end - start) / 2
        row["interval"] = _interval(start + half, end + half)
        result["data"].append(row)
    return answer


def _float_numbers(answer: Json, _: Mapping[str, Any]) -> Json:
    """Write whole numbers as 414.0."""
    for row in _rows(answer):
        for part in (*row["metrics"], *row.get("views", ())):
            part["stats"] = {
                name: float(n) if isinstance(n, int) else n
                for name, n in part["stats"].items()
            }
    return answer


def _offset_intervals(answer: Json, query: Mapping[str, Any]) -> Json:
    """Write intervals in the query's zone, with its offset."""
    zone = ZoneInfo(query.get("timeZone") or "UTC")
    for row in _rows(answer):
        ends = (end.astimezone(zone) for end in _ends(row))
        row["interval"] = "/".join(end.isoformat("T", "milliseconds") for end in ends)
    return answer


def _rows(answer: Json) -> Iterator[Json]:
    for result in answer.get("results", ()):
        yield from result["data"]


def _ends(row: Json) -> tuple[datetime, datetime]:
    start, end = map(datetime.fromisoformat, row["interval"].split("/"))
    return start, end


def _interval(*ends: datetime) -> str:
    texts = (end.astimezone(UTC).isoformat("T", "milliseconds") for end in ends)
    return "/".join(texts).replace("+00:00", "Z")


_CORRUPTIONS: Final[Mapping[Kind, Callable[[Json, Mapping[str, Any]], Json]]] = {
    "no_results": _no_results,
    "extra_fields": _extra_fields,
    "wrong_types": _wrong_types,
    "doubled_bucket": _doubled_bucket,
    "outside_bucket": _outside_bucket,
    "overlapping_buckets": _overlapping_buckets,
    "float_numbers": _float_numbers,
    "offset_intervals": _offset_intervals,
}
