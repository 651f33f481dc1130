"""Tables of queues by hour, in days, for tests of lakes."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Thread
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from gcbatch import Table
from gcbatch.coverage import Coverage
from gcbatch.table import INSTANT
from gcbatch.windows import UTC_ZONE, Window

__all__ = [
    "OCTOBER",
    "SCHEMA",
    "hours",
    "listed",
    "of_orgs",
    "while_reading",
    "with_column",
]

OCTOBER = datetime(2026, 10, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
QUEUES = ("a", "b")

SCHEMA = pa.schema(
    [
        pa.field("interval_start", INSTANT, metadata={"description": "Begin"}),
        pa.field("interval_end", INSTANT),
        pa.field("queue_id", pa.string(), metadata={"source": "queueId"}),
        pa.field("n_offered", pa.int64()),
        pa.field("t_talk_ms", pa.int64(), metadata={"unit": "ms", "source": "tTalk"}),
        pa.field("level_ratio", pa.float64()),
    ]
)


def hours(
    first: float,
    last: float,
    *,
    offered: int = 1,
    gaps: Iterable[tuple[float, float]] = (),
    width: float = 1,
    zone: ZoneInfo = UTC_ZONE,
    start: datetime = OCTOBER,
    job: str = "nightly",
    **changes: Any,
) -> Table:
    """Return a row for each queue and hour, from first to last.

    Args:
        first: Hours after the start.
        last: Likewise, exclusive.
        offered: A figure of every row, to tell loads apart.
        gaps: Spans, in hours after the start, that could not be fetched.
        width: Hours of a row.
        zone: The time zone of days.
        start: Instant of hour 0.
        job: The job that owns what it writes.
        **changes: Other attributes of the table.
    """
    count = int((last - first) / width)
    starts = [start + HOUR * (first + n * width) for n in range(count)]
    rows = [
        {
            "interval_start": at,
            "interval_end": at + HOUR * width,
            "queue_id": queue,
            "n_offered": offered,
            "t_talk_ms": number,
            "level_ratio": number / 7,
        }
        for number, at in enumerate(starts)
        for queue in QUEUES
    ]
    data = pa.Table.from_pylist(rows, schema=SCHEMA)
    missing = [Window(start + HOUR * a, start + HOUR * b) for a, b in gaps]
    whole = Window(start + HOUR * first, start + HOUR * last)
    table = Table(
        name="intervals",
        schema=SCHEMA,
        key=("interval_start", "queue_id"),
        covered=Coverage.whole(whole).without(missing),
        timezone=zone,
        run_id="run",
        batches=lambda: iter(data.to_batches(max_chunksize=20)),
        end="interval_end",
        job=job,
        batch_rows=32,
    )
    return replace(table, **changes)


def of_orgs(**by_org: Table) -> Table:
    """Return a table of several orgs, those that did not fail."""
    first = next(iter(by_org.values()))
    schema = pa.schema([pa.field("org", pa.string()), *first.schema])

    def batches() -> Iterable[pa.RecordBatch]:
        for org, table in by_org.items():
            for batch in table:
                own = pa.repeat(pa.scalar(org), batch.num_rows)
                yield pa.RecordBatch.from_arrays([own, *batch.columns], schema=schema)

    return replace(
        first,
        schema=schema,
        key=("org", *first.key),
        covered=Coverage.of_orgs({org: t.covered for org, t in by_org.items()}),
        batches=lambda: iter(batches()),
    )


def with_column(table: Table, name: str, value: Any) -> Table:
    """Return a table with one column more, of one value."""
    scalar = pa.scalar(value)
    schema = table.schema.append(pa.field(name, scalar.type))

    def batches() -> Iterable[pa.RecordBatch]:
        for batch in table:
            own = pa.repeat(scalar, batch.num_rows)
            yield pa.RecordBatch.from_arrays([*batch.columns, own], schema=schema)

    return replace(table, schema=schema, batches=lambda: iter(batches()))


def listed(*names: str, job: str = "nightly") -> Table:
    """Return a table without times, as `queues` is."""
    schema = pa.schema([pa.field("id", pa.string()), pa.field("name", pa.string())])
    rows = [{"id": name, "name": name.title()} for name in names]
    data = pa.Table.from_pylist(rows, schema=schema)
    return Table(
        name="queues",
        schema=schema,
        key=("id",),
        covered=Coverage.whole(Window(OCTOBER, OCTOBER + 24 * HOUR)),
        timezone=UTC_ZONE,
        run_id="run",
        batches=lambda: iter(data.to_batches()),
        time=None,
        job=job,
    )


def while_reading(table: Table, act: Callable[[], None], *, times: int = 1) -> Table:
    """Return a table during whose first readings something else happens."""
    left = [act] * times

    def batches() -> Iterator[pa.RecordBatch]:
        if left:
            other = Thread(target=left.pop())  # Delta has a thread of its own
            other.start()
            other.join()
        yield from table

    return replace(table, batches=batches)
