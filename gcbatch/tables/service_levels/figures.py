"""The columns of the table `sla`, computed from the sums of a period."""

from collections.abc import Iterator, Mapping, Sequence

import pyarrow as pa

from gcbatch.lazy import lazy_import
from gcbatch.table import INSTANT, LEVEL_DECIMALS
from gcbatch.tables.group_by import distinct_groups
from gcbatch.tables.service_levels.sums import OUTSIDE
from gcbatch.tables.service_levels.targets import Targets

__all__ = ["figures", "sla_schema"]

pc = lazy_import("pyarrow.compute")


def sla_schema(*, by_media_type: bool, by_hours: bool = False) -> pa.Schema:
    """Return the columns of the table; the last are the sums, which add up.

    Args:
        by_media_type: Whether rows are grouped by media type.
        by_hours: Whether figures are limited to opening hours.
    """

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
        figure("service_level_threshold_s", pa.float64(), "s", "in time is up to it"),
        figure("service_level_numerator", pa.float64(), "calls", "answered in time"),
        figure("service_level_denominator", pa.float64(), "calls", "of so many"),
        figure("wait_sum_ms", pa.float64(), "ms", "until the answer, of wait_count"),
        figure("wait_count", pa.int64(), "calls", "whose wait is in wait_sum_ms"),
        figure("handle_sum_ms", pa.float64(), "ms", "handled, of handle_count"),
        figure("handle_count", pa.int64(), "calls", "whose handling is in the sum"),
    ]
    if by_hours:
        fields.append(figure(OUTSIDE, pa.int64(), "calls", "not counted in offered"))
    return pa.schema(fields)


def figures(
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
    threshold = [targets.threshold_s(q, *(media or [None])) for q, *media in groups]
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
        "service_level_threshold_s": pa.array(threshold, pa.float64()).take(which),
        "service_level_numerator": _number(sums["level_part"]),
        "service_level_denominator": _number(sums["level_whole"]),
        **{n: pc.fill_null(sums[n], 0) for n in ("wait_count", "handle_count")},
        **{n: _number(sums[n]) for n in ("wait_sum_ms", "handle_sum_ms")},
    }
    if OUTSIDE in schema.names:
        columns[OUTSIDE] = pc.fill_null(sums[OUTSIDE], 0)
    ordered = [columns[name] for name in schema.names]
    yield from pa.Table.from_arrays(ordered, schema=schema).to_batches()


def _number(sums: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return sums, which an endpoint gives as whole numbers or not, with 0 for null."""
    return pc.fill_null(pc.cast(sums, pa.float64()), 0)


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
