"""The table `sla`: service level, rates and times per queue and period, with targets.

Counts, sums, numerators and denominators are added up first, over the buckets of a
period; every percentage and every average is computed last, from the sums.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from gcbatch.errors import DataError
from gcbatch.genesys import Merge
from gcbatch.planning import Plan
from gcbatch.store import Store, concat_parts
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

__all__ = ["ADDED", "CALLS", "Targets", "period_of", "sla_table", "table"]

ADDED: Final = (
    *("offered", "answered", "abandoned"),
    *("level_part", "level_whole"),
    *("wait_sum_ms", "wait_count", "handle_sum_ms", "handle_count"),
)
"""What an endpoint says of a bucket, all of which adds: counts; the service level as a
part of a whole; milliseconds and the calls that they belong to. Whole numbers where the
service sends whole numbers."""

CALLS: Final = "voice"
"""The media type whose target counts where media types are not told apart."""

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
"""What the figures of a row were computed from, for who wants to add rows up."""

_PERIODS: Final = {
    "hour": (Period.parse("PT1H"), "%Y-%m-%dT%H:%M"),
    "day": (ONE_DAY, "%Y-%m-%d"),
    "week": (Period.parse("P1W"), "%G-W%V"),
    "month": (Period.parse("P1M"), "%Y-%m"),
}

_ACROSS_HOURS: Final = (
    "the service's buckets are not this zone's: set query.granularity to PT15M, which "
    "fits into the hours of every zone, or sla.period to day"
)
_ACROSS_DAYS: Final = "`gcbatch run --fresh JOB` fetches its part again, cut by day"


@dataclass(frozen=True)
class Targets:
    """Service levels to reach, in percent.

    Args:
        default: Of all queues; None is each queue's own.
        by_queue: By a queue's name or id; goes before the default.
        own: By queue id and media type: what is set in the service.
    """

    default: float | None = None
    by_queue: Mapping[str, float] = field(default_factory=dict)
    own: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def of(
        self, queue_id: str | None, name: str | None, media_type: str | None
    ) -> float | None:
        """Return the target of a queue, None if nobody set one.

        Args:
            queue_id: None where queues are not told apart.
            name: The queue's.
            media_type: None where media types are not told apart.
        """
        for key in (queue_id, (queue_id or "").upper(), name):
            if key is not None and key in self.by_queue:
                return self.by_queue[key]
        if self.default is not None:
            return self.default
        return self.own.get(queue_id or "", {}).get(media_type or CALLS)


def period_of(
    start: datetime, end: datetime, *, period: str, zone: ZoneInfo, covered: Window
) -> tuple[str, datetime, datetime]:
    """Return the label, start and end of the period that a bucket falls in.

    Args:
        start: The bucket's.
        end: The bucket's.
        period: interval, hour, day, week, month or total.
        zone: Whose hours and days; the label is its local time.
        covered: The job's range; the period is clipped to it.

    Raises:
        DataError: If the bucket reaches over the end of the period: nobody can say
            how much of its figures belongs to which.
    """
    if period == "interval":
        return f"{to_local(start, zone):%Y-%m-%dT%H:%M}", start, end
    if period == "total":
        return "total", covered.start, covered.end
    length, form = _PERIODS[period]
    first = floor_to_bucket(start, length, zone)
    # A moment later than the first is before the period's end, however long it is.
    last = ceil_to_bucket(first + MILLISECOND, length, zone)
    label = f"{to_local(first, zone):{form}}"
    if end > last:
        bucket = Window(start, end)
        msg = f"sla: bucket {bucket} reaches over the end of {label} in {zone.key}"
        raise DataError(msg, hint=_ACROSS_HOURS if period == "hour" else _ACROSS_DAYS)
    return label, max(first, covered.start), min(last, covered.end)


def table(source: TableSource) -> Table:
    """Return the table of a job.

    Raises:
        TypeError: If it has no section `sla`; job files are checked before.
    """
    job, sla = source.job, source.job.sla
    if sla is None:
        msg = f"{job.name} has no section sla"
        raise TypeError(msg)
    period, zone = source.period or sla.period, job.query.zone
    found = sla_table(
        source.plan,
        source.store,
        facts=source.bucketed.sla_inputs,
        groups=source.bucketed.groups(job.query),
        period=period,
        by_media_type="mediaType" in job.query.group_by,
        names=source.names.by_dimension.get("queueId", {}),
        targets=Targets(sla.target, sla.targets, source.names.targets),
        only=None if sla.include_deleted else source.names.listed_ids("queueId"),
        zone=zone,
    )
    covered = source.plan.window
    lacks = (_periods_around(w, period, zone, covered) for w in source.lacks)
    return replace(found, lacks=tuple(map(Lack, lacks)))


def _periods_around(
    gap: Window, period: str, zone: ZoneInfo, covered: Window
) -> Window:
    """Return the periods that a gap reaches into: their rows add up too little."""
    _, start, _ = period_of(
        gap.start, gap.start + MILLISECOND, period=period, zone=zone, covered=covered
    )
    _, _, end = period_of(
        gap.end - MILLISECOND, gap.end, period=period, zone=zone, covered=covered
    )
    return Window(start, end)


def sla_table(
    plan: Plan,
    store: Store,
    *,
    facts: Callable[[pa.Table], pa.Table],
    groups: Sequence[str],
    period: str,
    by_media_type: bool,
    names: Mapping[str, str],
    targets: Targets,
    only: Collection[str] | None,
    zone: ZoneInfo,
) -> Table:
    """Return the table, read from the parts of *plan*.

    Args:
        plan: Whose parts.
        store: Where they are.
        facts: Turns a part's rows into interval_start, interval_end, queue_id,
            media_type and the columns of ADDED; where it knows them, queue_name and
            deleted too.
        groups: Columns that with interval_start make the key of a part's row.
        period: interval, hour, day, week, month or total.
        by_media_type: Whether media types are told apart.
        names: Of queues, by id.
        targets: To compare with.
        only: The queues that count: those that are listed; None is all. Rows that
            the endpoint itself marks as deleted are left out too.
        zone: Whose periods.
    """
    keys = ["queue_id", "media_type"] if by_media_type else ["queue_id"]
    by = ["period", "period_start", "period_end", *keys]

    def batches(schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        # Parts may be of long ago; whoever fetches one lists the queues before it.
        listed = {identity: n for identity, n in names.items() if n != identity}
        known = dict(names)
        finish = _Finish(schema, known, targets)
        waiting: pa.Table | None = None
        for window, queries in plan.windows:
            parts = [store.read(query.digest) for query in queries]
            rows = facts(concat_parts(parts, groups, str(queries[0])))
            if "queue_name" in rows.column_names:
                known |= {**_names_told(rows), **listed}
            rows = _in_periods(_counting(rows, only), period, zone, plan.window)
            rows = rows.select([*by, *ADDED])
            if waiting is not None:
                rows = pa.concat_tables([waiting, rows])
            rows = merge_groups(rows, by, dict.fromkeys(ADDED, Merge.ADD))
            ended = pc.less_equal(rows["period_end"], pa.scalar(window.end, INSTANT))
            waiting = rows.filter(pc.invert(ended))
            yield from finish.rows(rows.filter(ended), keys)
        if waiting is not None:
            yield from finish.rows(waiting, keys)

    def of(schema: pa.Schema, basis: Table | None) -> Table:
        return Table(
            name="sla",
            schema=schema,
            key=("period_start", *keys),
            covered=plan.window,
            timezone=zone,
            run_id=plan.run_id,
            batches=lambda: batches(schema),
            basis=basis,
            time="period_start",
        )

    schema = _schema(by_media_type=by_media_type)
    return of(schema, of(pa.schema([*schema, *_BASIS]), None))


def _names_told(rows: pa.Table) -> dict[str, str]:
    """Return by id what queues are called in answers; the last name counts.

    An id for a name is none: the listing may know a better one.
    """
    named = rows.filter(pc.not_equal(rows["queue_name"], rows["queue_id"]))
    last = named.group_by("queue_id", use_threads=False)
    last = last.aggregate([("queue_name", "last")])
    told = (last[n].to_pylist() for n in ("queue_id", "queue_name_last"))
    return dict(zip(*told, strict=True))


def _counting(rows: pa.Table, only: Collection[str] | None) -> pa.Table:
    """Return the rows of queues that count, and the columns that are needed."""
    if only is not None:
        listed = pa.array(sorted(only), pa.string())
        rows = rows.filter(pc.is_in(rows["queue_id"], value_set=listed))
        if "deleted" in rows.column_names:
            rows = rows.filter(pc.invert(rows["deleted"]))
    return rows.select([n for n in rows.column_names if n not in _ABOUT_QUEUES])


def _schema(*, by_media_type: bool) -> pa.Schema:
    def told(name: str, kind: pa.DataType, unit: str, description: str) -> pa.Field:
        about = {"unit": unit, "description": description}
        return pa.field(name, kind, metadata=about)

    fields = [
        pa.field("period", pa.string()),
        pa.field("period_start", INSTANT, nullable=False),
        pa.field("period_end", INSTANT, nullable=False),
        pa.field("queue_id", pa.string()),
        pa.field("queue_name", pa.string()),
        *([pa.field("media_type", pa.string())] if by_media_type else []),
        told("offered", pa.int64(), "calls", "joined the queue"),
        told("answered", pa.int64(), "calls", "answered by an agent"),
        told("abandoned", pa.int64(), "calls", "hung up while waiting"),
        told("service_level_pct", pa.float64(), "%", "answered in time"),
        told("target_pct", pa.float64(), "%", "service level to reach"),
        told("compliance_met", pa.bool_(), "", "service level reaches the target"),
        told("answer_rate_pct", pa.float64(), "%", "answered of offered"),
        told("abandon_rate_pct", pa.float64(), "%", "abandoned of offered"),
        told("asa_s", pa.float64(), "s", "average speed of answer"),
        told("aht_s", pa.float64(), "s", "average handle time"),
    ]
    return pa.schema(fields)


def _in_periods(
    rows: pa.Table, period: str, zone: ZoneInfo, covered: Window
) -> pa.Table:
    """Add the period of each row; buckets are few, so each is looked at once."""
    ends = ["interval_start", "interval_end"]
    spans, which = distinct_groups(rows, ends)
    told = [
        period_of(*span, period=period, zone=zone, covered=covered) for span in spans
    ]
    rows = rows.drop_columns(ends)
    kinds = {"period": pa.string(), "period_start": INSTANT, "period_end": INSTANT}
    for number, (name, kind) in enumerate(kinds.items()):
        values = pa.array([t[number] for t in told], kind)
        rows = rows.append_column(name, values.take(which))
    return rows


@dataclass(frozen=True)
class _Finish:
    """Computes percentages and averages of rows that are added up."""

    schema: pa.Schema
    names: Mapping[str, str]
    targets: Targets

    def rows(self, sums: pa.Table, keys: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield the finished rows, by period, queue and media type."""
        sums = sums.sort_by([(k, "ascending") for k in ("period_start", *keys)])
        groups, which = distinct_groups(sums, keys)
        names = [None if q is None else self.names.get(q, q) for q, *_ in groups]
        targets = [
            self.targets.of(queue, name, *(media or [None]))
            for (queue, *media), name in zip(groups, names, strict=True)
        ]
        target = pa.array(targets, pa.float64()).take(which)
        level = _ratio(sums["level_part"], sums["level_whole"], times=100)
        columns = {name: sums[name] for name in ("period_start", "period_end", *keys)}
        columns |= {
            "period": sums["period"],
            "queue_name": pa.array(names, pa.string()).take(which),
            **{n: _counts(sums[n]) for n in ("offered", "answered", "abandoned")},
            "service_level_pct": level,
            "target_pct": target,
            "compliance_met": pc.greater_equal(pc.round(level, LEVEL_DECIMALS), target),
            "answer_rate_pct": _ratio(sums["answered"], sums["offered"], times=100),
            "abandon_rate_pct": _ratio(sums["abandoned"], sums["offered"], times=100),
            "asa_s": _ratio(sums["wait_sum_ms"], sums["wait_count"], per=1000),
            "service_level_numerator": pc.cast(sums["level_part"], pa.float64()),
            "service_level_denominator": pc.cast(sums["level_whole"], pa.float64()),
            **{n: sums[n] for n in ("wait_count", "handle_count")},
            **{
                n: pc.cast(sums[n], pa.float64())
                for n in ("wait_sum_ms", "handle_sum_ms")
            },
            "aht_s": _ratio(sums["handle_sum_ms"], sums["handle_count"], per=1000),
        }
        ordered = [columns[name] for name in self.schema.names]
        yield from pa.Table.from_arrays(ordered, schema=self.schema).to_batches()


def _counts(values: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.fill_null(values, 0)


def _ratio(
    part: pa.ChunkedArray, whole: pa.ChunkedArray, *, times: int = 1, per: int = 1
) -> pa.Array:
    """Return part * times / (whole * per); null where the whole is nothing.

    Only the division rounds, so that 4 of 5 are exactly 80 %.
    """
    dividend = pc.multiply(pc.fill_null(part, 0), times)
    divisor = pc.multiply(pc.fill_null(whole, 0), per)
    some = pc.not_equal(divisor, 0)
    divisor = pc.if_else(some, divisor, pa.scalar(None, divisor.type))
    return pc.divide(pc.cast(dividend, pa.float64()), pc.cast(divisor, pa.float64()))
