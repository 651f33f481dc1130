"""Exports side by side: one pass feeds them, whatever each of them does."""

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pyarrow as pa
import pytest

from gcbatch.errors import DataError
from gcbatch.running import side_by_side
from gcbatch.running.side_by_side import RowFeed, feed_side_by_side
from gcbatch.table import StoppedError

SCHEMA = pa.schema([("n", pa.int64())])
TABLES = ("a", "b")
NUMBERS = range(5)
BREAK = 2

Export = Callable[[RowFeed], Any]


def batch(number: int) -> pa.RecordBatch:
    """Return one row."""
    return pa.record_batch([[number]], schema=SCHEMA)


def numbers(rows: Iterator[pa.RecordBatch]) -> list[int]:
    """Read rows to their end."""
    return [value for each in rows for value in each.column("n").to_pylist()]


class Pass:
    """A pass over tables whose rows are numbers; counts how often it is opened.

    Args:
        error: Ends it after some rows; None if nothing does.
    """

    def __init__(self, error: Exception | None = None) -> None:
        self.opened: list[set[str]] = []
        self.made: list[tuple[str, int]] = []
        self._error = error

    def __call__(
        self, tables: set[str], is_wanted: Callable[[str], bool]
    ) -> Iterator[tuple[str, pa.RecordBatch]]:
        self.opened.append(tables)
        for number in NUMBERS:
            if number == BREAK and self._error is not None:
                raise self._error
            for table in filter(is_wanted, sorted(tables)):
                self.made.append((table, number))
                yield table, batch(number)


def own_rows() -> Iterator[pa.RecordBatch]:
    """Return the rows of a stream that is not shared; they are not those of a pass."""
    return (batch(-1) for _ in range(2))


def run(
    shared: Pass,
    *exports: Export,
    tables: tuple[str, ...] = TABLES,
    stop: threading.Event | None = None,
) -> list[Any]:
    """Run exports, one for each table; return their results or errors."""
    turn = threading.Condition()
    feeds = [RowFeed(table, own_rows, turn) for table in tables]
    works = [
        lambda one=one, feed=feed: one(feed)
        for one, feed in zip(exports, feeds, strict=True)
    ]
    done = feed_side_by_side(works, feeds, shared, turn, stop or threading.Event())
    return [future.exception() or future.result() for future in done]


def read(feed: RowFeed) -> list[int]:
    """Read a table to its end."""
    return numbers(feed.open())


def test_all_exports_share_one_pass() -> None:
    """Each gets all rows of its table; several may take the same table."""
    shared = Pass()
    found = run(shared, read, read, read, tables=("a", "b", "a"))

    assert (found, shared.opened) == ([[*NUMBERS]] * 3, [{"a", "b"}])


def test_a_failed_export_does_not_stop_the_others() -> None:
    """Its error is its result, and its rows are no longer made."""
    shared = Pass()

    def fail(feed: RowFeed) -> None:
        next(feed.open())
        msg = "the disk is full"
        raise OSError(msg)

    error, rows = run(shared, fail, read)

    assert (str(error), rows) == ("the disk is full", [*NUMBERS])
    assert sum(table == "a" for table, _ in shared.made) < len(NUMBERS)


def test_an_export_that_reads_nothing_is_not_waited_for() -> None:
    """The pass is for the tables that are read."""
    shared = Pass()
    found = run(shared, lambda _: "nothing", read)

    assert (found, shared.opened) == (["nothing", [*NUMBERS]], [{"b"}])


def test_nothing_is_read_if_no_export_reads() -> None:
    """The pass is not even opened."""
    shared = Pass()
    found = run(shared, lambda _: 1, lambda _: 2)

    assert (found, shared.opened) == ([1, 2], [])


def test_an_export_may_stop_early() -> None:
    """It need not read to the end, nor close its stream."""

    def peek(feed: RowFeed) -> list[int]:
        return numbers(iter([next(feed.open())]))

    assert run(Pass(), peek, read) == [[0], [*NUMBERS]]


def test_a_second_look_reads_on_its_own() -> None:
    """A table can be iterated as often as an exporter likes."""

    def twice(feed: RowFeed) -> list[list[int]]:
        return [read(feed), read(feed)]

    assert run(Pass(), twice, read) == [[[*NUMBERS], [-1, -1]], [*NUMBERS]]


def test_two_looks_at_once_do_not_block() -> None:
    """An exporter may read its table a second time while it reads the first."""

    def both(feed: RowFeed) -> list[list[int]]:
        first, second = feed.open(), feed.open()
        return [numbers(second), numbers(first)]

    assert run(Pass(), both, read) == [[[-1, -1], [*NUMBERS]], [*NUMBERS]]


@pytest.mark.parametrize("error", [DataError("part is damaged"), OverflowError("2 GB")])
def test_an_error_of_the_pass_reaches_every_export(error: Exception) -> None:
    """No export takes what came before for the whole."""
    seen: list[Exception] = []

    def note(feed: RowFeed) -> None:
        try:
            read(feed)
        except Exception as exc:
            seen.append(exc)
            raise

    with suppress(DataError):
        run(Pass(error), note, note)

    assert seen == [error, error]


def test_an_error_of_the_tables_goes_to_the_caller() -> None:
    """It concerns all exports."""
    with pytest.raises(DataError, match="part is damaged"):
        run(Pass(DataError("part is damaged")), read, read)


def test_any_other_error_is_that_of_the_exports() -> None:
    """The caller names the export, as for any error that a library raises in one."""
    error = OverflowError("2 GB")

    assert run(Pass(error), read, read) == [error, error]


def test_a_thread_that_cannot_start_ends_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """A container may limit threads: the export that has started does not wait."""
    start = threading.Thread.start
    names: list[str] = []

    def start_one(thread: threading.Thread) -> None:
        names.append(thread.name)
        if len(names) > 1:
            msg = "can't start new thread"
            raise RuntimeError(msg)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", start_one)

    with pytest.raises(RuntimeError, match="new thread"):
        run(Pass(), read, read)


def test_a_pass_that_waits_can_be_stopped() -> None:
    """Also while an export that has taken a batch does not ask for the next."""
    stop, is_over = threading.Event(), threading.Event()

    def hang(feed: RowFeed) -> None:
        rows = feed.open()
        next(rows)
        stop.set()
        is_over.wait()
        next(rows)

    def free(feed: RowFeed) -> list[int]:
        try:
            return read(feed)
        finally:
            is_over.set()

    assert [type(e) for e in run(Pass(), hang, free, stop=stop)] == [StoppedError] * 2


def test_a_stream_that_is_dropped_is_not_waited_for() -> None:
    """An exporter may look at the first rows, then read all by itself."""
    shared = Pass()
    is_read = threading.Event()

    def look(feed: RowFeed) -> list[int]:
        next(iter(feed.open()))
        is_read.wait()
        return read(feed)

    def rest(feed: RowFeed) -> list[int]:
        try:
            return read(feed)
        finally:
            is_read.set()

    assert run(shared, look, rest) == [[-1, -1], [*NUMBERS]]


def test_exports_may_wait_for_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that waits for what another one holds while it reads comes later, alone."""
    monkeypatch.setattr(side_by_side, "MAX_START_S", 0.1)
    is_done = threading.Event()

    def hold(feed: RowFeed) -> list[int]:
        found = read(feed)
        is_done.set()
        return found

    def wait(feed: RowFeed) -> list[int]:
        is_done.wait()
        return read(feed)

    assert run(Pass(), hold, wait) == [[*NUMBERS], [-1, -1]]


def test_few_batches_are_in_memory() -> None:
    """The pass does not make rows that no export has asked for."""
    shared = Pass()
    ahead: list[int] = []

    def slow(feed: RowFeed) -> None:
        for number, _ in enumerate(feed.open()):
            ahead.append(sum(table == "a" for table, _ in shared.made) - number)

    run(shared, slow, read)

    assert max(ahead) <= 2
