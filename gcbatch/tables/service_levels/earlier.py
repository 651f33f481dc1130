"""Columns of earlier periods: what a period is compared with, and rolling sums.

They are computed from sums, as all figures: a rolling service level is the sum of the
numerators of its periods by that of their denominators, never an average of levels.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Final

import pyarrow as pa

from gcbatch.genesys import Merge
from gcbatch.job import Job
from gcbatch.lazy import lazy_import
from gcbatch.tables.group_by import merge_groups
from gcbatch.tables.service_levels.periods import earlier_start, length_of, steps_before
from gcbatch.windows import MILLISECOND, Window, ceil_to_bucket, floor_to_bucket

__all__ = ["ROLLING", "Earlier"]

pc = lazy_import("pyarrow.compute")

ROLLING: Final = "rolling"
"""Begins the names of the columns of rolling sums."""

_SUMMED: Final = ("offered", "level_part", "level_whole")
_ENDINGS: Final = (
    "offered",
    "service_level_numerator",
    "service_level_denominator",
)
"""Ends of the names of the columns that have the sums of _SUMMED."""

CLOCKS: Final = timedelta(hours=3)
"""No clock of a time zone is changed by more."""

History = dict[datetime, pa.Table]
"""The sums of each period that is still needed, by its start."""


@dataclass(frozen=True)
class Earlier:
    """Finds the sums of earlier periods.

    Args:
        job: The job, with a section `sla`.
        period: interval, hour, day, week, month or total.
        keys: The columns that with the period make the key.
        covered: The range; periods that are not wholly in it count as unknown.
        lacks: Spans of it that could not be fetched, which make periods unknown too.
    """

    job: Job
    period: str
    keys: tuple[str, ...]
    covered: Window
    lacks: tuple[Window, ...] = ()

    @cached_property
    def previous(self) -> tuple[str, ...]:
        """What a period is compared with; it begins the names of the columns."""
        return self.job.sla.previous_of(self.period) if self.job.sla else ()

    @cached_property
    def rolling(self) -> int:
        """How many periods a rolling sum has; 0 if there is none."""
        return self.job.sla.rolling_periods(self.period) if self.job.sla else 0

    @property
    def labels(self) -> tuple[str, ...]:
        """The beginnings of all its columns."""
        return (*self.previous, *([ROLLING] if self.rolling else []))

    def added_to(self, batches: Iterator[pa.Table]) -> Iterator[pa.Table]:
        """Yield sums with columns of the sums of earlier periods.

        Args:
            batches: Sums by period and group, in the order of periods.
        """
        if not self.labels:
            yield from batches
            return
        history: History = {}
        for sums in batches:
            by = [(key, "ascending") for key in ("period_start", *self.keys)]
            rows, at = sums.sort_by(by), 0
            for count in pc.value_counts(rows["period_start"]).field("counts"):
                piece = rows.slice(at, count.as_py())
                at += piece.num_rows
                yield self._with_earlier(piece, history)

    def unknown_throughout(self) -> Iterator[str]:
        """Yield the labels whose columns are null in the whole range."""
        last = Window(self.covered.end - MILLISECOND, self.covered.end)
        if self.period == "total":
            return
        length = self._length
        if length is not None:
            start = floor_to_bucket(last.start, length, self.job.query.zone)
            last = Window(max(start, self.covered.start), self.covered.end)
        for label, windows in self._windows(last).items():
            first = windows[0]
            if first is not None and first.start < self.covered.start:
                yield label

    @property
    def _length(self) -> Any:
        """The length of a period; None if it is that of a bucket of any length."""
        if self.period == "interval":
            return self.job.query.granularity
        return length_of(self.period)

    def _with_earlier(self, rows: pa.Table, history: History) -> pa.Table:
        """Return the rows of one period with columns of earlier ones."""
        start, end = (rows[n][0].as_py() for n in ("period_start", "period_end"))
        history[start] = rows.select([*self.keys, *_SUMMED])
        windows = self._windows(Window(start, end))
        for label, needed in windows.items():
            for ending, column in zip(
                _ENDINGS, self._sums_of(needed, rows, history), strict=True
            ):
                rows = rows.append_column(f"{label}_{ending}", column)
        first = [needed[0] for needed in windows.values()]
        starts = [window.start for window in first if window is not None]
        # Where the clocks skipped one, or one came twice, the next rows still need what
        # is before it.
        if len(starts) == len(first):
            for old in [start for start in history if start < min(starts) - CLOCKS]:
                del history[old]
        return rows

    def _sums_of(
        self, needed: list[Window | None], rows: pa.Table, history: History
    ) -> list[pa.Array]:
        """Return for each row the sums of some periods; null if one is unknown."""
        kinds = (pa.int64(), pa.float64(), pa.float64())
        if not all(window and self._is_known(window) for window in needed):
            return [pa.nulls(rows.num_rows, kind) for kind in kinds]
        known = [history[w.start] for w in needed if w and w.start in history]
        found: dict[tuple[Any, ...], tuple[Any, ...]] = {}
        if known:
            how = dict.fromkeys(_SUMMED, Merge.ADD)
            merged = merge_groups(pa.concat_tables(known), self.keys, how)
            found = dict(zip(_tuples(merged, self.keys), _tuples(merged, _SUMMED)))  # noqa: B905 - of one table
        sums = [found.get(key, ()) for key in _tuples(rows, self.keys)]
        return [
            pa.array([(one[n] or 0) if one else 0 for one in sums], kind)
            for n, kind in enumerate(kinds)
        ]

    def _is_known(self, window: Window) -> bool:
        return window in self.covered and not any(map(window.overlaps, self.lacks))

    def _windows(self, row: Window) -> dict[str, list[Window | None]]:
        """Return which periods each label of a row needs; None for one that is not."""
        zone = self.job.query.zone
        needed: dict[str, list[Window | None]] = {
            previous: [
                self._whole(earlier_start(row.start, self.period, previous, zone), row)
            ]
            for previous in self.previous
        }
        if self.rolling:
            starts = steps_before(row.start, self.period, self.rolling, zone)
            needed[ROLLING] = [self._whole(start, row) for start in starts]
        return needed

    def _whole(self, start: datetime | None, row: Window) -> Window | None:
        """Return the whole period that starts at an instant; None if none does.

        Args:
            start: Its start; None if it is not there.
            row: The period of the row.
        """
        zone, length = self.job.query.zone, self._length
        if start is None:
            return None
        if self.period == "interval":
            # The service may cut buckets elsewhere than the zone does.
            is_of_zone = floor_to_bucket(row.start, length, zone) == row.start
            if is_of_zone and floor_to_bucket(start, length, zone) != start:
                return None
            return Window(start, start + row.span)
        if floor_to_bucket(start, length, zone) != start:
            return None
        return Window(start, ceil_to_bucket(start + MILLISECOND, length, zone))


def _tuples(rows: pa.Table, names: tuple[str, ...]) -> Iterator[tuple[Any, ...]]:
    return zip(*(rows[name].to_pylist() for name in names), strict=True)
