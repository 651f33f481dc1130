"""A page of aggregates, read with msgspec without checks."""

from datetime import datetime
from typing import Any

import msgspec
import pyarrow as pa

__all__ = ["Page", "columns_of"]


class Stats(msgspec.Struct, gc=False):
    """The statistics of any metric."""

    count: int | None = None
    sum: int | None = None
    min: int | None = None
    max: int | None = None
    ratio: float | None = None
    numerator: int | None = None
    denominator: int | None = None
    target: float | None = None


class Metric(msgspec.Struct, gc=False):
    """What a bucket says of one metric."""

    metric: str
    stats: Stats


class Bucket(msgspec.Struct, gc=False):
    """A span with its metrics."""

    interval: str
    metrics: list[Metric]


class Group(msgspec.Struct, gc=False):
    """A queue and medium with its buckets."""

    group: dict[str, str]
    data: list[Bucket]


class Page(msgspec.Struct, gc=False):
    """An answer."""

    results: list[Group]


def columns_of(page: Page, schema: pa.Schema) -> pa.Table:
    """Return the rows of a page, in its own order."""
    rows = [
        (group.group, bucket.interval, {m.metric: m.stats for m in bucket.metrics})
        for group in page.results
        for bucket in group.data
    ]
    none = Stats()
    columns: dict[str, list[Any]] = {
        "interval_start": [datetime.fromisoformat(span[:24]) for _, span, _ in rows],
        "interval_end": [datetime.fromisoformat(span[25:]) for _, span, _ in rows],
        "queue_id": [group["queueId"] for group, _, _ in rows],
        "media_type": [group["mediaType"] for group, _, _ in rows],
    }
    for field in schema:
        if field.name not in columns:
            metric, statistic = source_of(field)
            columns[field.name] = [
                getattr(stats.get(metric, none), statistic) for _, _, stats in rows
            ]
    return pa.table([pa.array(columns[f.name], f.type) for f in schema], schema=schema)


def source_of(field: pa.Field) -> tuple[str, str]:
    """Return the metric and statistic of a column, as its metadata has them."""
    metric, _, statistic = field.metadata[b"source"].decode().rpartition(".")
    return metric, statistic
