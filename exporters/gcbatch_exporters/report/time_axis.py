"""The steps of a time axis: the table's own periods, or days, weeks or months."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Self
from zoneinfo import ZoneInfo

import pyarrow as pa

from gcbatch.table import Table
from gcbatch.windows import (
    ONE_DAY,
    Period,
    Window,
    ceil_to_bucket,
    floor_to_bucket,
    to_local,
)

__all__ = ["MONTHS", "WEEKDAYS", "Axis", "Spans", "long_day", "spans_of"]

MAX_STEPS: Final = 96
"""More do not fit into a small chart: four days of hours, three months of days, almost
two years of weeks."""

WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
"""Not from strftime, whose words depend on the locale."""

_LONGER: Final = {
    "day": ONE_DAY,
    "week": Period.parse("P1W"),
    "month": Period.parse("P1M"),
}
_NOUNS: Final = {  # of the table's own periods, by the longest of them
    timedelta(minutes=59): "interval",
    timedelta(minutes=60): "hour",
    timedelta(hours=26): "day",
    timedelta(days=8): "week",
    timedelta(days=32): "month",
}

Spans = set[Window]
"""Spans of time of rows."""


def spans_of(table: Table, start: str, end: str) -> Spans:
    """Return the distinct spans of a table's rows.

    Args:
        table: The table, which is read.
        start: Column with the start of a row's span.
        end: Column with its end.
    """
    found: Spans = set()
    for batch in table:
        ends = pa.table(batch).select([start, end])
        # Only distinct spans become Python objects.
        distinct = ends.group_by([start, end]).aggregate([])
        found.update(
            Window(*pair)
            for pair in zip(
                _instants(distinct[start]), _instants(distinct[end]), strict=True
            )
        )
    return found


def _instants(column: pa.ChunkedArray) -> list[datetime]:
    instants: list[datetime] = column.to_pylist()
    return instants


@dataclass(frozen=True)
class Axis:
    """Steps of time, in order; the rows of a step are added up.

    Args:
        noun: What a step is: interval, hour, day, week or month, or `range` if there
            is only one.
        steps: In order; there may be gaps between them.
        of_start: The number of the step, by the start of a row's span.
        zone: Time zone of the days.
        covered: From the start of the axis to its end.
    """

    noun: str
    steps: Sequence[Window]
    of_start: Mapping[datetime, int]
    zone: ZoneInfo
    covered: Window

    @classmethod
    def of(cls, spans: Spans, *, zone: ZoneInfo, covered: Window) -> Self:
        """Return the axis with the finest steps that are not too many.

        Args:
            spans: Spans of the rows; each lies in one step.
            zone: Time zone of days, weeks and months.
            covered: The table's range.
        """
        noun, steps = _own_noun(spans), {span: span for span in spans}
        for longer, period in _LONGER.items():
            if len(set(steps.values())) <= MAX_STEPS:
                break
            into = {span: _around(span.start, period, zone, covered) for span in spans}
            if all(span in step for span, step in into.items()):
                noun, steps = longer, into
        order = sorted(set(steps.values()))
        number = {step: n for n, step in enumerate(order)}
        of_start = {span.start: number[step] for span, step in steps.items()}
        if len(order) == 1:
            noun = "range"
        return cls(noun, order, of_start, zone, covered)

    def numbers(self, starts: pa.Array) -> pa.Array:
        """Return the number of each row's step, by the start of its span."""
        return mapped(starts, self.of_start.__getitem__)

    @property
    def runs(self) -> list[range]:
        """Numbers of the steps, in runs without a gap."""
        cuts = [
            n
            for n in range(1, len(self.steps))
            if self.steps[n].start != self.steps[n - 1].end
        ]
        return [
            range(a, b)
            for a, b in zip([0, *cuts], [*cuts, len(self.steps)], strict=True)
        ]

    def place(self, instant: datetime) -> float:
        """Return the position of *instant*: 0 at the start, 1 at the end."""
        return float((instant - self.covered.start) / self.covered.span)

    def label(self, number: int) -> str:
        """Return a step's name, such as `Mon 3 Aug` or `week from 12 Oct`."""
        start = to_local(self.steps[number].start, self.zone)
        if self.noun == "month":
            return f"{_short(start)} {start.year}"
        day = f"{start.day} {_short(start)}"
        if self.noun == "week":
            return f"week from {day}"
        day = f"{WEEKDAYS[start.weekday()]} {day}"
        return day if self.noun in {"day", "range"} else f"{day}, {start:%H:%M}"

    def mark(self, number: int) -> str:
        """Return a step's name for the axis, such as `3 Aug`."""
        start = to_local(self.steps[number].start, self.zone)
        if self.noun == "month":
            return f"{_short(start)} {start.year}"
        day = f"{start.day} {_short(start)}"
        return day if self.noun in {"day", "week", "range"} else f"{day} {start:%H:%M}"


def mapped(instants: pa.Array, number_of: Callable[[datetime], int]) -> pa.Array:
    """Return a whole number for each instant; Python sees only distinct ones."""
    coded = instants.dictionary_encode()
    numbers = [number_of(instant) for instant in coded.dictionary.to_pylist()]
    return pa.array(numbers, pa.int32()).take(coded.indices)


def long_day(day: datetime) -> str:
    """Return `3 August 2026`."""
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def _short(day: datetime) -> str:
    return MONTHS[day.month - 1][:3]


def _own_noun(spans: Spans) -> str:
    longest = max((span.span for span in spans), default=timedelta())
    return next((noun for limit, noun in _NOUNS.items() if longest <= limit), "period")


def _around(start: datetime, period: Period, zone: ZoneInfo, covered: Window) -> Window:
    first = floor_to_bucket(start, period, zone)
    # A moment after the start is always before the end.
    end = ceil_to_bucket(first + timedelta(milliseconds=1), period, zone)
    return Window(max(first, covered.start), min(end, covered.end))
