"""The table `sla`: service level, rates and times per queue and period, with targets.

Counts, sums, numerators and denominators are added up first, over the buckets of a
period; every percentage and every average is computed last, from the sums.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import pyarrow as pa

from gcbatch.errors import DataError
from gcbatch.genesys import Merge
from gcbatch.lazy import lazy_import
from gcbatch.table import INSTANT, LEVEL_DECIMALS, Lack, Table
from gcbatch.tables.group_by import distinct_groups, merge_groups
from gcbatch.tables.source import TableSource
from gcbatch.windows import (
    MILLISECOND,
    ONE_DAY,
    Period,
    Window,
    ceil_to_bucket,
    floor_to_bucket,
    to_local,
)

__all__ = ["SUMS", "Targets", "period_of", "table"]

pc = lazy_import("pyarrow.compute")

SUMS: Final = (
    *("offered", "answered", "abandoned"),
    *("level_part", "level_whole"),
    *("wait_sum_ms", "wait_count", "handle_sum_ms", "handle_count"),
)
"""The figures of a bucket that an endpoint gives, all of which add: counts; the service
level as a part of a whole; milliseconds and the calls that they belong to. They are
whole numbers where the service sends whole numbers."""

_CALLS: Final = "voice"
"""The media type whose target counts where rows are not grouped by media type."""

_ABOUT_QUEUES: Final = ("queue_name", "deleted")
_BASIS: Final = tuple(
    pa.field(name, kind)
    for name, kind in {
        "service_level_numerator": pa.float64(),
        "service_level_denominator": pa.float64(),
        "wait_sum_ms": pa.float64(),
        "wait_count": pa.int64(),
        "handle_sum_ms": pa.float64(),
        "handle_count": pa.int64(),
    }.items()
)
"""The sums that the figures of a row are computed from: rows of these can be added."""

_PERIODS: Final = {
    "hour": (Period.parse("PT1H"), "%Y-%m-%dT%H:%M"),
    "day": (ONE_DAY, "%Y-%m-%d"),
    "week": (Period.parse("P1W"), "%G-W%V"),
    "month": (Period.parse("P1M"), "%Y-%m"),
}

_ACROSS_HOURS: Final = (
    "the service's buckets do not fit into this zone's hours: set query.granularity "
    "to PT15M, which fits into the hours of every zone, or sla.period to day"
)
_ACROSS_DAYS: Final = (
    "`gcbatch run --fresh JOB` fetches its part again, in windows cut by day"
)


@dataclass(frozen=True)
class Targets:
    """Service levels to reach, in percent.

    Args:
        default: The target of all queues; None is each queue's own.
        by_queue: By a queue's name or id; overrides the default.
        own: What is set in the service, by queue id and media type.
    """

    default: float | None = None
    by_queue: Mapping[str, float] = field(default_factory=dict)
    own: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def of(
        self, queue_id: str | None, name: str | None, media_type: str | None
    ) -> float | None:
        """Return the target of a queue, None if it has none.

        Args:
            queue_id: None where rows are not grouped by queue.
            name: The name of the queue.
            media_type: None where rows are not grouped by media type.
        """
        for key in (queue_id, (queue_id or "").upper(), name):
            if key is not None and key in self.by_queue:
                return self.by_queue[key]
        if self.default is not None:
            return self.default
        return self.own.get(queue_id or "", {}).get(media_type or _CALLS)


def period_of(
    start: datetime, end: datetime, *, period: str, zone: ZoneInfo, covered: Window
) -> tuple[str, datetime, datetime]:
    """Return the label, start and end of the period that a bucket falls in.

    Args:
        start: The start of the bucket.
        end: The end of the bucket.
        period: interval, hour, day, week, month or total.
        zone: The time zone of the hours and days; the label is its local time.
        covered: The job's range; the period is clipped to it.

    Raises:
        DataError: If the bucket reaches over the end of the period, as its figures
            cannot be divided.
    """
    if period == "interval":
        return f"{to_local(start, zone):%Y-%m-%dT%H:%M}", start, end
    if period == "total":
        return "total", covered.start, covered.end
    length, form = _PERIODS[period]
    first = floor_to_bucket(start, length, zone)
    # One millisecond after its start is before the end of every period.
    last = ceil_to_bucket(first + MILLISECOND, length, zone)
    label = f"{to_local(first, zone):{form}}"
    if end > last:
        bucket = Window(start, end)
        msg = f"sla: bucket {bucket} reaches over the end of {label} in {zone.key}"
        raise DataError(msg, hint=_ACROSS_HOURS if period == "hour" else _ACROSS_DAYS)
    return label, max(first, covered.start), min(last, covered.end)


def table(source: TableSource) -> Table:
    """Return the table of a job.

    Rows are by period, queue and media type.

    Raises:
        TypeError: If the job has no section `sla`; job files are checked before.
    """
    job, sla = source.job, source.job.sla
    if sla is None:
        msg = f"{job.name} has no section sla"
        raise TypeError(msg)
    by_media_type = "mediaType" in job.query.group_by
    targets = Targets(sla.target, sla.targets, source.names.targets)
    summed = _Summed(
        source,
        source.period or sla.period,
        ("queue_id", "media_type") if by_media_type else ("queue_id",),
        only_listed=not sla.include_deleted,
    )

    def of(schema: pa.Schema) -> Table:
        def batches() -> Iterator[pa.RecordBatch]:
            names = dict(source.names.by_dimension.get("queueId", {}))
            for sums in summed.by_period(names):
                yield from _figures(sums, schema, summed.keys, names, targets)

        return source.new_table(
            "sla",
            schema,
            key=("period_start", *summed.keys),
            batches=batches,
            time="period_start",
            end="period_end",
            is_of_range=summed.period == "total",
        )

    schema = _schema(by_media_type=by_media_type)
    return replace(
        of(schema),
        basis=of(pa.schema([*schema, *_BASIS])),
        lacks=tuple(Lack(summed.periods_around(gap)) for gap in source.lacks),
    )


@dataclass(frozen=True)
class _Summed:
    """Adds up the buckets of a period.

    Args:
        source: The source of the parts.
        period: interval, hour, day, week, month or total.
        keys: The columns that with the period make the key.
        only_listed: Whether queues that the org does not list are left out, and rows
            that the endpoint marks as deleted.
    """

    source: TableSource
    period: str
    keys: tuple[str, ...]
    only_listed: bool

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
            rows = self._with_periods(self._counted(rows)).select([*by, *SUMS])
            if waiting is not None:
                rows = pa.concat_tables([waiting, rows])
            rows = merge_groups(rows, by, dict.fromkeys(SUMS, Merge.ADD))
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


def _queue_names(rows: pa.Table) -> dict[str, str]:
    """Return the names of queues in parts, by id; the last name counts.

    Where the name is the id, it is left out: the listing may have a better one.
    """
    named = rows.filter(pc.not_equal(rows["queue_name"], rows["queue_id"]))
    last = named.group_by("queue_id", use_threads=False)
    last = last.aggregate([("queue_name", "last")])
    pairs = (last[n].to_pylist() for n in ("queue_id", "queue_name_last"))
    return dict(zip(*pairs, strict=True))


def _schema(*, by_media_type: bool) -> pa.Schema:
    def figure(name: str, kind: pa.DataType, unit: str, description: str) -> pa.Field:
        about = {"unit": unit, "description": description}
        return pa.field(name, kind, metadata=about)

    fields = [
        pa.field("period", pa.string()),
        pa.field("period_start", INSTANT, nullable=False),
        pa.field("period_end", INSTANT, nullable=False),
        pa.field("queue_id", pa.string()),
        pa.field("queue_name", pa.string()),
        *([pa.field("media_type", pa.string())] if by_media_type else []),
        figure("offered", pa.int64(), "calls", "joined the queue"),
        figure("answered", pa.int64(), "calls", "answered by an agent"),
        figure("abandoned", pa.int64(), "calls", "hung up while waiting"),
        figure("service_level_pct", pa.float64(), "%", "answered in time"),
        figure("target_pct", pa.float64(), "%", "service level to reach"),
        figure("compliance_met", pa.bool_(), "", "service level reaches the target"),
        figure("answer_rate_pct", pa.float64(), "%", "answered of offered"),
        figure("abandon_rate_pct", pa.float64(), "%", "abandoned of offered"),
        figure("asa_s", pa.float64(), "s", "average speed of answer"),
        figure("aht_s", pa.float64(), "s", "average handle time"),
    ]
    return pa.schema(fields)


def _figures(
    sums: pa.Table,
    schema: pa.Schema,
    keys: Sequence[str],
    names: Mapping[str, str],
    targets: Targets,
) -> Iterator[pa.RecordBatch]:
    """Yield the rows of sums, with percentages and averages, in the table's order."""
    sums = sums.sort_by([(k, "ascending") for k in ("period_start", *keys)])
    groups, which = distinct_groups(sums, keys)
    queue_names = [None if q is None else names.get(q, q) for q, *_ in groups]
    target = [
        targets.of(queue, name, *(media or [None]))
        for (queue, *media), name in zip(groups, queue_names, strict=True)
    ]
    target = pa.array(target, pa.float64()).take(which)
    level = _ratio(sums["level_part"], sums["level_whole"], times=100)
    columns = {n: sums[n] for n in ("period", "period_start", "period_end", *keys)}
    columns |= {
        "queue_name": pa.array(queue_names, pa.string()).take(which),
        **{n: pc.fill_null(sums[n], 0) for n in ("offered", "answered", "abandoned")},
        "service_level_pct": level,
        "target_pct": target,
        "compliance_met": pc.greater_equal(pc.round(level, LEVEL_DECIMALS), target),
        "answer_rate_pct": _ratio(sums["answered"], sums["offered"], times=100),
        "abandon_rate_pct": _ratio(sums["abandoned"], sums["offered"], times=100),
        "asa_s": _ratio(sums["wait_sum_ms"], sums["wait_count"], per=1000),
        "aht_s": _ratio(sums["handle_sum_ms"], sums["handle_count"], per=1000),
        "service_level_numerator": pc.cast(sums["level_part"], pa.float64()),
        "service_level_denominator": pc.cast(sums["level_whole"], pa.float64()),
        **{n: sums[n] for n in ("wait_count", "handle_count")},
        **{n: pc.cast(sums[n], pa.float64()) for n in ("wait_sum_ms", "handle_sum_ms")},
    }
    ordered = [columns[name] for name in schema.names]
    yield from pa.Table.from_arrays(ordered, schema=schema).to_batches()


def _ratio(
    part: pa.ChunkedArray, whole: pa.ChunkedArray, *, times: int = 1, per: int = 1
) -> pa.Array:
    """Return part * times / (whole * per); null where the whole is 0.

    Only the division rounds, so that 4 of 5 is exactly 80 %.
    """
    dividend = pc.multiply(pc.fill_null(part, 0), times)
    divisor = pc.multiply(pc.fill_null(whole, 0), per)
    some = pc.not_equal(divisor, 0)
    divisor = pc.if_else(some, divisor, pa.scalar(None, divisor.type))
    return pc.divide(pc.cast(dividend, pa.float64()), pc.cast(divisor, pa.float64()))
