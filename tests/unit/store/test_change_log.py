"""The change log: what fetching a part again changed, noted exactly once."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from gcbatch.errors import OutputError
from gcbatch.store import (
    DOCUMENTS,
    Document,
    Part,
    Replacement,
    RunMark,
    Spool,
    SpooledPart,
    Store,
    StoreRoot,
    list_store,
    prune,
)
from gcbatch.store.part_metadata import PartMetadata
from gcbatch.store.row_differences import differences
from gcbatch.windows import Period, Window
from tests.support.stored_files import folder_of, overwrite, path_of

START = datetime(2026, 11, 20, tzinfo=UTC)
DAY = Window(START, START + timedelta(days=1))
DIGEST = "0123456789abcdef0123456789abcdef01234567"
RUN = RunMark("feedbeeffeedbeef", START + timedelta(days=3))
SCHEMA = pa.schema(
    [
        pa.field("interval_start", pa.timestamp("ms", tz="UTC"), nullable=False),
        pa.field("queue_id", pa.string()),
        pa.field("n_offered", pa.int64()),
        pa.field("level", pa.float64()),
    ]
)


def metadata_of(day: int, rows: int = 1) -> PartMetadata:
    """Return the metadata of a part that was fetched *day* days after its window."""
    asked_at = DAY.end + timedelta(days=day, microseconds=7)
    return PartMetadata(asked_at, DAY, 1, rows, 1, 10, ("one",))


def part_of(day: int, **offered: int | None) -> Part:
    """Return a part with a row for each queue."""
    rows = [
        {"interval_start": START, "queue_id": queue, "n_offered": n, "level": 0.1}
        for queue, n in offered.items()
    ]
    table = pa.Table.from_pylist(rows, schema=SCHEMA)
    return Part(table, metadata_of(day, len(rows)))


def documents_of(store: Store, day: int, **contents: str) -> SpooledPart:
    """Return a part with a document for each id."""
    store.prepare()
    spool = Spool.within(store.work_folder)
    spool.add(
        [
            Document(i, 1_000 * n, text.encode())
            for n, (i, text) in enumerate(contents.items())
        ]
    )
    return SpooledPart(spool, metadata_of(day, len(contents)))


def write(store: Store, part: Any, *, by: RunMark | None = RUN) -> None:
    """Write a part as a run does."""
    store.run = by
    store.write(DIGEST, part)


def logged(store: Store) -> list[Replacement]:
    """Return the replacements that happened, as another process finds them."""
    again = Store(store.root, store.name)
    return again.changes.replacements(again.checksum)


def rows_of(store: Store, one: Replacement, *, is_new: bool) -> list[dict[str, Any]]:
    """Return the rows of one side."""
    return [
        row
        for batch in store.changes.batches(one, is_new=is_new)
        for row in batch.to_pylist()
    ]


def offered(store: Store, one: Replacement, *, is_new: bool) -> dict[str, Any]:
    """Return offers by queue, of one side."""
    found = rows_of(store, one, is_new=is_new)
    return {row["queue_id"]: row["n_offered"] for row in found}


def test_rows_that_differ_are_noted(any_store: Store) -> None:
    """Old and new rows stand in the log; equal ones, null among them, do not."""
    write(any_store, part_of(0, a=1, b=2, c=None, d=4))
    write(any_store, part_of(1, a=1, b=3, c=None, e=5))

    (one,) = logged(any_store)

    assert offered(any_store, one, is_new=False) == {"b": 2, "d": 4}
    assert offered(any_store, one, is_new=True) == {"b": 3, "e": 5}
    assert one.columns == tuple(SCHEMA.names)
    assert (one.window, one.run, one.rows) == (DAY, RUN, 4)
    assert one.first_fetched_at == metadata_of(0).asked_at
    assert one.changed_at == metadata_of(1).asked_at


def test_null_is_no_text(any_store: Store) -> None:
    """A figure that was null and is 0 now has changed."""
    write(any_store, part_of(0, a=None))
    write(any_store, part_of(1, a=0))

    (one,) = logged(any_store)

    assert offered(any_store, one, is_new=True) == {"a": 0}


@pytest.mark.parametrize("rows", [{}, {"a": 1}, {"a": 1, "b": None}])
def test_equal_answers_note_nothing(any_store: Store, rows: dict[str, Any]) -> None:
    """A part with the same rows, fetched later, writes no file."""
    write(any_store, part_of(0, **rows))
    write(any_store, part_of(1, **rows))

    assert not any_store.changes.look_again()


def test_a_first_fetch_is_no_change(any_store: Store) -> None:
    """A part over nothing writes no file."""
    write(any_store, part_of(0, a=1))

    assert not any_store.changes.look_again()


def test_without_a_run_nothing_is_noted(any_store: Store) -> None:
    """`changes: false` gives the store no run."""
    write(any_store, part_of(0, a=1), by=None)
    write(any_store, part_of(1, a=2), by=None)

    assert not any_store.changes.look_again()


def test_the_first_fetch_is_remembered(any_store: Store) -> None:
    """However often a part is replaced, equal answers included."""
    for day, n in enumerate((1, 2, 2, 3)):
        write(any_store, part_of(day, a=n))

    found = logged(any_store)

    assert [r.changed_at.day for r in found] == [22, 24]
    assert {r.first_fetched_at for r in found} == {metadata_of(0).asked_at}


class Stopped(BaseException):
    """What ends a process in the middle of its work."""


def stopped_write(store: Store, part: Any) -> None:
    """End the process when the log is written and the part is not in place yet."""

    def stop() -> bool:
        raise Stopped

    store.run = RUN
    with pytest.raises(Stopped):
        store.write(DIGEST, part, may=stop)


def test_a_crash_between_the_two_notes_nothing(any_store: Store) -> None:
    """While the old part is there, readers ignore what was noted of its end."""
    write(any_store, part_of(0, a=1))
    stopped_write(any_store, part_of(1, a=2))

    assert len(any_store.changes.look_again()) == 1
    assert logged(any_store) == []


def test_what_follows_a_crash_is_noted_once(any_store: Store) -> None:
    """The next fetch writes the same file: one change, from the old to the last."""
    write(any_store, part_of(0, a=1))
    stopped_write(any_store, part_of(1, a=2))
    write(any_store, part_of(2, a=3))

    (one,) = logged(any_store)

    assert offered(any_store, one, is_new=False) == {"a": 1}
    assert offered(any_store, one, is_new=True) == {"a": 3}


def test_a_refused_part_changes_nothing(any_store: Store) -> None:
    """A worker whose claim has ended notes nothing that readers see."""
    write(any_store, part_of(0, a=1))
    with pytest.raises(OutputError, match="took too long"):
        any_store.write(DIGEST, part_of(1, a=2), may=lambda: False)

    assert logged(any_store) == []


def test_documents_are_compared_by_their_bytes(any_store: Store) -> None:
    """Only documents that differ, came or went are kept, each whole."""
    write(any_store, documents_of(any_store, 0, a='{"n":1}', b='{"n":2}', c="{}"))
    write(any_store, documents_of(any_store, 1, a='{"n":1}', b='{"n":3}', d="{}"))

    (one,) = logged(any_store)

    assert one.columns == tuple(DOCUMENTS.names)
    old = {r["id"]: r["document"] for r in rows_of(any_store, one, is_new=False)}
    new = {r["id"]: r["document"] for r in rows_of(any_store, one, is_new=True)}
    assert old == {"b": b'{"n":2}', "c": b"{}"}
    assert new == {"b": b'{"n":3}', "d": b"{}"}


def test_a_new_column_is_no_change(any_store: Store) -> None:
    """A part of a later release is compared in the columns that both have."""
    write(any_store, part_of(0, a=1, b=2))
    newer = part_of(1, a=1, b=3)
    column = pa.array([7, 8], pa.int64())
    write(any_store, replace(newer, table=newer.table.append_column("n_new", column)))

    (one,) = logged(any_store)

    assert offered(any_store, one, is_new=True) == {"b": 3}


def test_a_damaged_part_has_nothing_to_compare(tmp_path: Path) -> None:
    """Bytes that are not what was fetched say nothing about the service."""
    store = Store(tmp_path, "job")
    write(store, part_of(0, a=1))
    overwrite(store, DIGEST, b"PAR1 nothing PAR1")
    write(store, part_of(1, a=2))

    assert logged(store) == []


def test_a_damaged_file_of_the_log_is_left_out(tmp_path: Path) -> None:
    """Its changes are lost, others are not; what is lost is known."""
    store = Store(tmp_path, "job")
    for day in range(3):
        write(store, part_of(day, a=day))
    first = min(folder_of(store).glob("changes/*"), key=lambda p: p.stat().st_mtime_ns)
    first.write_bytes(b"PAR1 nothing PAR1")

    (one,) = store.changes.replacements(store.checksum)

    assert offered(store, one, is_new=True) == {"a": 2}
    assert store.changes.damaged == {f"changes/{first.name}"}


def test_what_is_too_old_or_too_much_goes(tmp_path: Path) -> None:
    """The oldest files go first, and what was removed is returned."""
    store = Store(tmp_path, "job")
    for day in range(4):
        write(store, part_of(day, a=day))
    entries = store.changes.look_again()

    size = max(entry.size for entry in entries)
    gone = store.changes.trim(START, 2 * size)

    assert len(gone) == 1
    assert [r.changed_at.day for r in logged(store)] == [23, 24]
    assert len(store.changes.trim(datetime(2100, 1, 1, tzinfo=UTC), 1 << 30)) == 2
    assert logged(store) == []


def test_pruning_covers_the_log(any_root: StoreRoot) -> None:
    """What is noted of a window is as old as its data, and `ls` counts it."""
    store = Store(any_root, "job")
    write(store, part_of(0, a=1))
    write(store, part_of(1, a=2))
    now = START + timedelta(days=40)

    (listed,) = list_store(any_root)
    kept = prune(any_root, Period.parse("P60D"), now=now)
    gone = prune(any_root, Period.parse("P30D"), now=now)

    assert (listed.parts, listed.changes) == (1, 1)
    assert (kept.parts, kept.changes) == (0, 0)
    assert (gone.parts, gone.changes, gone.emptied) == (1, 1, ["job"])
    assert [e for e in Store(any_root, "job").files.entries() if e.size] == []


def test_memory_does_not_hold_the_parts(tmp_path: Path) -> None:
    """Documents are compared and copied a row group at a time."""
    text = "x" * 4_000
    paths = []
    for day in range(2):
        store = Store(tmp_path / str(day), "job")
        contents = {f"c{n}": f'{{"{text}":{day}}}' for n in range(5_000)}
        store.write(DIGEST, documents_of(store, day, **contents))
        paths.append(path_of(store, DIGEST))
    before, peak, rows = pa.total_allocated_bytes(), 0, 0

    with paths[0].open("rb") as old:
        found = differences(old, paths[1], metadata_of(1))
        assert found is not None
        for batch in found.batches():
            peak = max(peak, pa.total_allocated_bytes() - before)
            rows += batch.num_rows

    assert rows == 10_000  # 40 MB
    assert peak < 20 << 20
