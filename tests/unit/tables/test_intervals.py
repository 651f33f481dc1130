"""The table `intervals`: names beside ids, one order, bounded batches."""

import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gcbatch import table as table_module
from gcbatch.errors import DataError
from gcbatch.planning.plan import Plan
from gcbatch.query import Query, make_query
from gcbatch.store.part_file import Part
from gcbatch.store.part_metadata import PartMetadata
from gcbatch.store.store import Store
from gcbatch.table import BATCH_ROWS, MAX_SMALL, Table, rebatch
from gcbatch.windows import Window
from tests.support.streams import to_bytes
from tests.support.table_sources import aggregate_table, source_of

START = datetime(2026, 10, 1, tzinfo=UTC)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
INSTANT = pa.timestamp("ms", tz="UTC")
PART = pa.schema(
    [
        pa.field("interval_start", INSTANT, nullable=False),
        pa.field("interval_end", INSTANT, nullable=False),
        pa.field("queue_id", pa.string()),
        pa.field("media_type", pa.string()),
        pa.field("n_offered", pa.int64(), metadata={"unit": "events"}),
    ]
)
Row = tuple[int, str | None, str | None, int]
"""Hour from START, queue, media type, offered."""


def part_of(rows: list[Row]) -> Part:
    """Return a part, sorted by interval and group as endpoints give it."""
    table = pa.Table.from_pylist(
        [
            {
                "interval_start": START + hour * HOUR,
                "interval_end": START + (hour + 1) * HOUR,
                "queue_id": queue,
                "media_type": media,
                "n_offered": offered,
            }
            for hour, queue, media, offered in rows
        ],
        schema=PART,
    )
    keys = ("interval_start", "queue_id", "media_type")
    table = table.sort_by([(k, "ascending") for k in keys])
    window = Window(START, START + DAY)
    return Part(table, PartMetadata(START, window, 1, len(rows), 1, 1, ("",)))


def table_of(
    store: Store, queries: list[Query], names: dict[str, dict[str, str]] | None = None
) -> Table:
    plan = Plan(Window(START, START + 2 * DAY), tuple(queries))
    source = source_of(plan, store, part=PART, names=names, timezone="Europe/Dublin")
    return aggregate_table("intervals", source)


def queries_of(days: int, batches: int) -> list[Query]:
    """Return the queries of a plan: by day, and within it by batch."""
    windows = [Window(START + n * DAY, START + (n + 1) * DAY) for n in range(days)]
    return [
        make_query("org", "e", window, b'{"batch":%d}' % batch)
        for window in windows
        for batch in range(batches)
    ]


def test_ids_have_a_name_beside_them(tmp_path: Path) -> None:
    """An id without a name is its own; no id has no name."""
    store, queries = Store(tmp_path, "j"), queries_of(1, 1)
    rows: list[Row] = [(0, "q1", "voice", 1), (0, "q2", "voice", 2), (1, None, None, 3)]
    store.write(queries[0].digest, part_of(rows))

    table = table_of(store, queries, {"queueId": {"q1": "Süd", "q9": "other"}})

    assert table.schema.names == [
        "interval_start",
        "interval_end",
        "queue_id",
        "queue_name",
        "media_type",
        "n_offered",
    ]
    reported = [(r["queue_id"], r["queue_name"]) for r in table.read_all().to_pylist()]
    assert reported == [("q1", "Süd"), ("q2", "q2"), (None, None)]


def test_the_schema_is_declared(tmp_path: Path) -> None:
    """It is there before any part is, and the same when there are no rows."""
    store, queries = Store(tmp_path, "j"), queries_of(1, 2)
    table = table_of(store, queries)
    for query in queries:
        store.write(query.digest, part_of([]))

    assert list(table) == []
    assert table.read_all().schema.equals(table.schema, check_metadata=True)
    assert table.schema.field("n_offered").metadata == {b"unit": b"events"}
    assert table.key == ("interval_start", "queue_id", "media_type")


def test_a_part_that_is_missing_is_an_error(tmp_path: Path) -> None:
    """Rows are never left out in silence."""
    table = table_of(Store(tmp_path, "j"), queries_of(1, 1))

    with pytest.raises(DataError, match="part is missing"):
        table.read_all()


def test_other_tools_take_it_as_it_is(tmp_path: Path) -> None:
    """A table is an Arrow stream, and can be read more than once."""
    store, queries = Store(tmp_path, "j"), queries_of(1, 1)
    store.write(
        queries[0].digest, part_of([(0, "q1", "voice", 4), (1, "q1", "voice", 5)])
    )
    intervals = table_of(store, queries)

    # DuckDB finds it by the name of the variable.
    found = duckdb.sql("select sum(n_offered) as offered from intervals")

    assert found is not None
    assert found.fetchall() == [(9,)]
    assert pa.table(intervals).num_rows == 2


rows = st.lists(
    st.tuples(
        st.integers(0, 47),
        st.sampled_from(["a", "b", "c", "d", "e", "f"]),
        st.sampled_from(["voice", "chat", None]),
        st.integers(0, 9),
    ),
    unique_by=lambda row: row[:3],
    max_size=40,
)


@settings(max_examples=40)
@given(
    rows=rows,
    shares=st.lists(st.integers(0, 2), min_size=6, max_size=6),
    data=st.data(),
)
def test_the_bytes_do_not_depend_on_how_it_was_asked(
    rows: list[Row], shares: list[int], data: st.DataObject
) -> None:
    """Any share of queues among batches, and any order of arrival: the same bytes."""
    outcomes = []
    for batches in (1, 3):
        with tempfile.TemporaryDirectory() as folder:
            store, queries = Store(Path(folder), "j"), queries_of(2, batches)
            order = data.draw(st.permutations(range(len(queries))))
            for place in order:
                day, batch = divmod(place, batches)
                mine = [
                    row
                    for row in rows
                    if row[0] // 24 == day
                    and shares["abcdef".index(row[1] or "")] % batches == batch
                ]
                store.write(queries[place].digest, part_of(mine))
            outcomes.append(to_bytes(table_of(store, queries)))

    assert outcomes[0] == outcomes[1]


class TestRebatching:
    SCHEMA = pa.schema([("n", pa.int64())])

    @settings(max_examples=80)
    @given(sizes=st.lists(st.integers(0, 25), max_size=12), most=st.integers(1, 10))
    def test_batches_have_one_size(self, sizes: list[int], most: int) -> None:
        """All rows in order, in full batches except the last; none is empty."""

        def stream() -> Iterator[pa.RecordBatch]:
            at = 0
            for size in sizes:
                values = pa.array(range(at, at + size), pa.int64())
                yield pa.RecordBatch.from_arrays([values], schema=self.SCHEMA)
                at += size

        batches = list(rebatch(stream(), self.SCHEMA, rows=most))

        whole, rest = divmod(sum(sizes), most)
        assert [b.num_rows for b in batches] == [most] * whole + [rest] * bool(rest)
        assert [n for b in batches for n in b["n"].to_pylist()] == [*range(sum(sizes))]

    def test_few_small_batches_wait(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Each takes kilobytes, however few its rows: they become one in between."""
        counts: list[int] = []

        def whole(waiting: list[pa.RecordBatch], schema: pa.Schema) -> Any:
            counts.append(len(waiting))
            return joined(waiting, schema)

        joined = table_module._whole
        monkeypatch.setattr(table_module, "_whole", whole)
        one = pa.RecordBatch.from_arrays([pa.array([1])], schema=self.SCHEMA)

        batches = list(rebatch(iter([one] * 3_000), self.SCHEMA, rows=2_999))

        assert [batch.num_rows for batch in batches] == [2_999, 1]
        assert max(counts) <= MAX_SMALL + 2_999 // MAX_SMALL

    def test_no_more_is_read_than_a_batch_needs(self) -> None:
        """Memory is bounded: the first batch comes before the stream is at its end."""
        read: list[int] = []

        def stream() -> Iterator[pa.RecordBatch]:
            for number in range(10):
                read.append(number)
                values = pa.array(range(BATCH_ROWS - 1), pa.int64())
                yield pa.RecordBatch.from_arrays([values], schema=self.SCHEMA)

        batches = rebatch(stream(), self.SCHEMA)
        first: Any = next(batches)

        assert first.num_rows == BATCH_ROWS
        assert read == [0, 1]
