"""Adds up the buckets of each period, for the table `sla`."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import pyarrow as pa

from gcbatch.genesys import Merge
from gcbatch.lazy import lazy_import
from gcbatch.table import INSTANT
from gcbatch.tables.group_by import distinct_groups, merge_groups
from gcbatch.tables.service_levels.calendars import Calendars
from gcbatch.tables.service_levels.periods import period_of
from gcbatch.tables.source import TableSource
from gcbatch.windows import MILLISECOND, Window

__all__ = ["OUTSIDE", "SUMS", "PeriodSums"]

pc = lazy_import("pyarrow.compute")

SUMS: Final = (
    *("offered", "answered", "abandoned"),
    *("level_part", "level_whole"),
    *("wait_sum_ms", "wait_count", "handle_sum_ms", "handle_count"),
)
"""The figures of a bucket that an endpoint gives, all of which add: counts; the service
level as a part of a whole; milliseconds and the calls that they belong to. They are
whole numbers where the service sends whole numbers."""

OUTSIDE: Final = "offered_outside_hours"
"""The calls offered in closed buckets, whose other figures do not count."""

_ABOUT_QUEUES: Final = ("queue_name", "deleted")


@dataclass(frozen=True)
class PeriodSums:
    """Adds up the buckets of a period.

    Args:
        source: The source of the parts.
        period: interval, hour, day, week, month or total.
        keys: The columns that with the period make the key.
        only_listed: Whether queues that the org does not list are left out, and rows
            that the endpoint marks as deleted.
        calendars: Opening hours, to which the sums are limited; None if there are none.
    """

    source: TableSource
    period: str
    keys: tuple[str, ...]
    only_listed: bool
    calendars: Calendars | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are added up."""
        return (*SUMS, OUTSIDE) if self.calendars else SUMS

    def by_period(self, names: dict[str, str]) -> Iterator[pa.Table]:
        """Yield the sums of each period and group, once all its windows are read.

        Args:
            names: The names of queues, by id; takes the names that the parts bring.
        """
        # A part may be old: the listing, which each fetch updates, has better names.
        listed = {
            identity: name for identity, name in names.items() if name != identity
        }
        by = ["period", "period_start", "period_end", *self.keys]
        waiting: pa.Table | None = None
        for window, part in self.source.aggregate_rows():
            rows = self.source.aggregate_endpoint.sla_inputs(part)
            if "queue_name" in rows.column_names:
                names |= {**_queue_names(rows), **listed}
            rows = self._counted(rows)
            if self.calendars:
                rows = _limited(rows, self.calendars.is_open(rows, names))
            rows = self._with_periods(rows).select([*by, *self.columns])
            if waiting is not None:
                rows = pa.concat_tables([waiting, rows])
            rows = merge_groups(rows, by, dict.fromkeys(self.columns, Merge.ADD))
            ended = pc.less_equal(rows["period_end"], pa.scalar(window.end, INSTANT))
            waiting = rows.filter(pc.invert(ended))
            yield rows.filter(ended)
        if waiting is not None:
            yield waiting

    def periods_around(self, gap: Window) -> Window:
        """Return the periods that a gap reaches into: their sums are too small."""
        _, start, _ = self._period_of(gap.start, gap.start + MILLISECOND)
        _, _, end = self._period_of(gap.end - MILLISECOND, gap.end)
        return Window(start, end)

    def _period_of(
        self, start: datetime, end: datetime
    ) -> tuple[str, datetime, datetime]:
        zone, covered = self.source.job.query.zone, self.source.plan.window
        return period_of(start, end, period=self.period, zone=zone, covered=covered)

    def _counted(self, rows: pa.Table) -> pa.Table:
        """Return the rows of queues that count, without columns about the queue."""
        if self.only_listed:
            listed = sorted(self.source.names.listed_ids("queueId"))
            is_listed = pc.is_in(rows["queue_id"], pa.array(listed, pa.string()))
            rows = rows.filter(is_listed)
            if "deleted" in rows.column_names:
                rows = rows.filter(pc.invert(rows["deleted"]))
        return rows.select([n for n in rows.column_names if n not in _ABOUT_QUEUES])

    def _with_periods(self, rows: pa.Table) -> pa.Table:
        """Add the period of each row. Buckets are few: each is computed once."""
        ends = ["interval_start", "interval_end"]
        spans, which = distinct_groups(rows, ends)
        periods = [self._period_of(*span) for span in spans]
        rows = rows.drop_columns(ends)
        kinds = {"period": pa.string(), "period_start": INSTANT, "period_end": INSTANT}
        for number, (name, kind) in enumerate(kinds.items()):
            values = pa.array([period[number] for period in periods], kind)
            rows = rows.append_column(name, values.take(which))
        return rows


def _limited(rows: pa.Table, is_open: pa.ChunkedArray) -> pa.Table:
    """Return rows without figures where it is closed, with the column OUTSIDE."""
    offered = rows["offered"].cast(pa.int64())
    outside = pc.if_else(is_open, pa.scalar(None, pa.int64()), offered)
    for name in SUMS:
        at, column = rows.column_names.index(name), rows[name]
        none = pa.scalar(None, column.type)
        rows = rows.set_column(at, name, pc.if_else(is_open, column, none))
    return rows.append_column(OUTSIDE, outside)


def _queue_names(rows: pa.Table) -> dict[str, str]:
    """Return the names of queues in parts, by id; the last name counts.

    Where the name is the id, it is left out: the listing may have a better one.
    """
    named = rows.filter(pc.not_equal(rows["queue_name"], rows["queue_id"]))
    last = named.group_by("queue_id", use_threads=False)
    last = last.aggregate([("queue_name", "last")])
    pairs = (last[n].to_pylist() for n in ("queue_id", "queue_name_last"))
    return dict(zip(*pairs, strict=True))
