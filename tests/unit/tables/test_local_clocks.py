"""Local times beside instants are right on both clock changes."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest

from gcbatch.coverage import Coverage
from gcbatch.table import INSTANT, Table
from gcbatch.tables.local_clocks import with_local_clocks
from gcbatch.windows import Window

SCHEMA = pa.schema([("interval_start", INSTANT), ("n", pa.int64()), ("ended", INSTANT)])

CHANGES = [
    ("Europe/Berlin", datetime(2026, 3, 29, tzinfo=UTC)),
    ("Europe/Berlin", datetime(2026, 10, 25, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 3, 8, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 11, 1, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 4, 4, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 10, 3, tzinfo=UTC)),
    ("Asia/Kathmandu", datetime(2026, 1, 1, tzinfo=UTC)),
]


def table_of(times: list[datetime | None], zone: str) -> Table:
    def batches() -> Iterator[pa.RecordBatch]:
        rows = [times, [*range(len(times))], times[::-1]]
        arrays = [pa.array(r, f.type) for r, f in zip(rows, SCHEMA, strict=True)]
        yield pa.RecordBatch.from_arrays(arrays, schema=SCHEMA)

    range_ = Window(datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
    return Table(
        "intervals",
        SCHEMA,
        ("interval_start",),
        Coverage.whole(range_),
        ZoneInfo(zone),
        "",
        batches,
    )


@pytest.mark.parametrize(("zone", "day"), CHANGES)
def test_each_instant_has_what_the_clocks_show(zone: str, day: datetime) -> None:
    """As zoneinfo says it, every ten minutes over two days around a change."""
    times: list[datetime | None] = [
        day - timedelta(hours=12) + timedelta(minutes=10 * n) for n in range(288)
    ]

    rows = with_local_clocks(table_of(times, zone), ZoneInfo(zone)).read_all()

    assert rows.column_names == [
        *("interval_start", "interval_start_local", "interval_start_offset_min"),
        *("n", "ended", "ended_local", "ended_offset_min"),
    ]
    expected = [at.astimezone(ZoneInfo(zone)) for at in times if at]
    shown = rows["interval_start_local"].to_pylist()
    offsets = rows["interval_start_offset_min"].to_pylist()
    assert shown == [at.replace(tzinfo=None) for at in expected]
    ahead = [at.utcoffset() for at in expected]
    assert [timedelta(minutes=offset) for offset in offsets] == ahead
    assert rows["ended_local"].to_pylist() == shown[::-1]
    pairs = {*zip(shown, offsets, strict=True)}
    assert len(pairs) == len(times)  # the repeated hour can be told apart


def test_no_instant_has_no_local_time() -> None:
    """Null stays null."""
    at, zone = datetime(2026, 7, 1, tzinfo=UTC), ZoneInfo("Europe/Berlin")

    rows = with_local_clocks(table_of([None, at], zone.key), zone).read_all()

    assert rows["interval_start_local"].to_pylist() == [
        None,
        datetime(2026, 7, 1, 2),  # noqa: DTZ001 - what a clock shows
    ]
    assert rows["interval_start_offset_min"].to_pylist() == [None, 120]


def test_a_column_of_the_tables_own_stays() -> None:
    """Where it has a name that would be added."""
    at, zone = datetime(2026, 7, 1, tzinfo=UTC), ZoneInfo("Europe/Berlin")
    plain = table_of([at], zone.key)
    own = pa.array(["own"])

    def batches() -> Iterator[pa.RecordBatch]:
        for batch in plain.batches():
            yield batch.append_column("ended_local", own)

    schema = SCHEMA.append(pa.field("ended_local", pa.string()))
    table = replace(plain, schema=schema, batches=batches)
    rows = with_local_clocks(table, zone).read_all()

    assert rows["ended_local"].to_pylist() == ["own"]
    assert rows.column_names.count("ended_local") == 1
