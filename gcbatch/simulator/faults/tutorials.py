"""Corrupts answers of the tutorials' endpoints.

The kinds that aggregates have too mean the same here.
"""

import copy
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any, Final

from gcbatch.simulator.faults.faults import Kind
from gcbatch.simulator.instants import instant_text, milliseconds

__all__ = ["ROW_CORRUPTIONS", "Rows", "rows_of"]

Json = dict[str, Any]

YEAR_MS: Final = 365 * 86_400_000
EAST: Final = timezone(timedelta(hours=2))


class Rows:
    """The rows of an answer, changed in place.

    Args:
        answer: The whole answer.
        key: The key of its rows.
        instant: Key of the start of a row's bucket.
        start: The start of the query, for rows without that key.
    """

    def __init__(self, answer: Json, key: str, instant: str, start: str) -> None:
        self.answer = answer
        self.key = key
        self._instant = instant
        self._start = start

    @property
    def all(self) -> list[Json]:
        """Every row; empty if the key was removed."""
        rows: list[Json] = self.answer.get(self.key, [])
        return rows

    def start_of(self, row: Json) -> datetime:
        """Return the start of a row's bucket."""
        return datetime.fromisoformat(row.get(self._instant, self._start))

    def set_start(self, row: Json, text: str) -> None:
        """Change the start of a row's bucket."""
        row[self._instant] = text

    def add_shifted(self, shift_ms: int) -> None:
        """Add a copy of the first row whose bucket starts so much later."""
        for row in copy.deepcopy(self.all[:1]):
            later = instant_text(milliseconds(self.start_of(row)) + shift_ms)
            self.set_start(row, later)
            self.all.append(row)


def rows_of(answer: Json, query: Mapping[str, Any]) -> Rows | None:
    """Return the rows of an answer; None if it is not a tutorial's.

    Args:
        answer: Any answer of the simulator.
        query: The body of its request.
    """
    if "dateRange" in query:
        return Rows(answer, "entities", "date", query["dateRange"]["from"])
    if "dateFrom" in query:
        return Rows(answer, "data", "interval", query["dateFrom"])
    return None


def _no_results(rows: Rows) -> None:
    """Omit the key."""
    rows.answer.pop(rows.key, None)


def _extra_fields(rows: Rows) -> None:
    """Add unknown keys on every level."""
    rows.answer["newTopLevelKey"] = {"nested": [1, "two", None]}
    for row in rows.all:
        row["newRowKey"] = True
        for inner in _inner(row):
            inner["newInnerKey"] = 0.5
        if "metrics" in row:
            row["metrics"]["newMetric"] = {"count": 1, "sum": 1}


def _wrong_types(rows: Rows) -> None:
    """Replace every number by a text that is not a number."""
    for row in rows.all:
        for inner in (row, *_inner(row)):
            for name, value in inner.items():
                if isinstance(value, int | float) and not isinstance(value, bool):
                    inner[name] = "many"


def _doubled_bucket(rows: Rows) -> None:
    """Repeat the first row."""
    rows.all[:0] = copy.deepcopy(rows.all[:1])


def _outside_bucket(rows: Rows) -> None:
    """Add a bucket of the year before the first one."""
    rows.add_shifted(-YEAR_MS)


def _overlapping_buckets(rows: Rows) -> None:
    """Add a bucket that begins a second after the first one."""
    rows.add_shifted(1_000)


def _float_numbers(rows: Rows) -> None:
    """Write whole numbers as 414.0."""
    for row in rows.all:
        for inner in (row, *_inner(row)):
            for name, value in inner.items():
                if isinstance(value, int) and not isinstance(value, bool):
                    inner[name] = float(value)


def _offset_intervals(rows: Rows) -> None:
    """Write instants two hours east of Greenwich."""
    for row in rows.all:
        local = rows.start_of(row).astimezone(EAST)
        rows.set_start(row, local.isoformat("T", "milliseconds"))


def _null_levels(rows: Rows) -> None:
    """Set the level to null in the first row and in every second row after it."""
    for row in rows.all[::2]:
        if "serviceLevel" in row:
            row["serviceLevel"] = None
        level = row.get("metrics", {}).get("serviceLevelPercent")
        if level is not None:
            level["sum"] = None


def _nameless_queues(rows: Rows) -> None:
    """Set the names of the queues to null."""
    for row in rows.all:
        if "queue" in row:
            row["queue"]["name"] = None
        else:
            row["groupByValues"][0] = None


def _no_offers(rows: Rows) -> None:
    """Omit the offers from the rows that have them."""
    for row in rows.all:
        row.get("metrics", {}).pop("offerCount", None)


def _inner(row: Json) -> list[Json]:
    """Return the objects within a row: its metrics, or its queue."""
    return [*row["metrics"].values()] if "metrics" in row else [row["queue"]]


ROW_CORRUPTIONS: Final[Mapping[Kind, Callable[[Rows], None]]] = {
    "no_results": _no_results,
    "extra_fields": _extra_fields,
    "wrong_types": _wrong_types,
    "doubled_bucket": _doubled_bucket,
    "outside_bucket": _outside_bucket,
    "overlapping_buckets": _overlapping_buckets,
    "float_numbers": _float_numbers,
    "offset_intervals": _offset_intervals,
    "null_levels": _null_levels,
    "nameless_queues": _nameless_queues,
    "no_offers": _no_offers,
}
