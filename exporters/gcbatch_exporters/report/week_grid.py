"""Calls and service level by weekday and hour, local time."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import pyarrow as pa

from gcbatch.table import Table
from gcbatch.windows import Window, to_local
from gcbatch_exporters.report.summary import Sums, grouped
from gcbatch_exporters.report.time_axis import Spans, mapped, spans_of

__all__ = ["Heat", "fits_hours", "heat_of_intervals", "heat_of_sla"]

HOUR: Final = timedelta(hours=1)

_OF_SLA: Final = {
    "offered": "offered",
    "level_part": "service_level_numerator",
    "level_whole": "service_level_denominator",
}
_OF_INTERVALS: Final = {
    "offered": "n_offered",
    "level_part": "o_service_level_numerator",
    "level_whole": "o_service_level_denominator",
}

Cell = tuple[int, int]
"""A weekday, Monday is 0, and an hour of the day."""


@dataclass(frozen=True)
class Heat:
    """Calls in each hour of the week.

    Args:
        sums: By weekday and hour; hours without rows lack.
        hours: Number of such hours in the range: a month has 4 or 5 of a Monday, and
            one more if the clocks are set back.
        table: Name of the table that was read.
    """

    sums: Mapping[Cell, Sums]
    hours: Mapping[Cell, float]
    table: str

    @property
    def columns(self) -> range:
        """From the first hour of the day with calls to the last."""
        busy = [hour for (_, hour), sums in self.sums.items() if sums.offered]
        return range(min(busy), max(busy) + 1) if busy else range(0)

    def per_hour(self, cell: Cell) -> float | None:
        """Return the average number of calls offered in such an hour.

        None if the range has no such hour.
        """
        hours = self.hours.get(cell, 0)
        return self.sums[cell].offered / hours if hours and cell in self.sums else None


def fits_hours(spans: Spans, zone: ZoneInfo) -> bool:
    """Return whether each span lies within one hour of the day in *zone*."""
    return all(
        to_local(span.start, zone).minute * timedelta(minutes=1) + span.span <= HOUR
        for span in spans
    )


def heat_of_sla(table: Table) -> Heat:
    """Return the heat of the table `sla`, whose periods fit hours."""
    return _heat(table, "period_start", _OF_SLA)[0]


def heat_of_intervals(table: Table) -> tuple[Heat | None, int]:
    """Return the heat of the table `intervals`, and the number of rows read.

    The heat is None if the table lacks columns or its intervals do not fit hours.
    """
    needed = {"interval_start", "interval_end", *_OF_INTERVALS.values()}
    if not needed <= set(table.schema.names):
        return None, 0
    spans = spans_of(table, "interval_start", "interval_end")
    if not fits_hours(spans, table.timezone):
        return None, 0
    return _heat(table, "interval_start", _OF_INTERVALS)


def _heat(table: Table, start: str, like: Mapping[str, str]) -> tuple[Heat, int]:
    def number(instant: datetime) -> int:
        local = to_local(instant, table.timezone)
        return local.weekday() * 24 + local.hour

    found: dict[Cell, Sums] = defaultdict(Sums)
    rows = 0
    for batch in table:
        rows += batch.num_rows
        cells = mapped(batch[start], number)
        data = pa.table(batch).select(list(like.values()))
        data = data.append_column("cell", cells)
        for (cell,), sums, _ in grouped(data, ["cell"], like=like):
            found[divmod(cell, 24)] += sums
    hours = _hours(table.covered, table.timezone)
    return Heat(dict(found), hours, table.name), rows


def _hours(covered: Window, zone: ZoneInfo) -> Mapping[Cell, float]:
    hours: dict[Cell, float] = defaultdict(float)
    start = covered.start
    while start < covered.end:
        local = to_local(start, zone)
        into = timedelta(minutes=local.minute, seconds=local.second)
        end = min(start + HOUR - into, covered.end)
        hours[local.weekday(), local.hour] += (end - start) / HOUR
        start = end
    return dict(hours)
