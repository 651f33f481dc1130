"""Exports side by side: one pass over the documents feeds the exports of many tables.

Each export runs in a thread of its own and sees its table as a stream, as always. The
pass gives each of them its rows and waits for the slowest, so that only a few batches
are in memory.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Condition, Event
from typing import Final, TypeVar

import pyarrow as pa

from gcbatch.errors import GcbatchError
from gcbatch.table import StoppedError

__all__ = ["RowFeed", "feed_side_by_side"]

MAX_START_S: Final = 10.0
"""How long the pass waits for exports to begin to read. One that begins later, because
it waited for something else, reads by itself."""

LOOK_S: Final = 0.2
"""How often a pass that waits for an export looks whether it should stop."""

T = TypeVar("T")

OpenPass = Callable[
    [set[str], Callable[[str], bool]], Iterator[tuple[str, pa.RecordBatch]]
]
"""Opens a pass for the tables of these names: yields a table's name and some of its
rows. It asks of a table whether its rows are still wanted."""


class RowFeed:
    """The rows of one table for one export, on their way from the pass.

    Args:
        table: The name of the table.
        open_own: Opens a stream of the same rows that is not shared.
        turn: Guards the state of all feeds of a pass.
    """

    def __init__(
        self,
        table: str,
        open_own: Callable[[], Iterator[pa.RecordBatch]],
        turn: Condition,
    ) -> None:
        self.table = table
        self.is_opened = False
        self.is_closed = False
        self._open_own = open_own
        self._turn = turn
        self._may_open = True
        self._rows: pa.RecordBatch | None = None
        self._is_complete = False
        self._error: BaseException | None = None

    def open(self) -> Iterator[pa.RecordBatch]:
        """Return the rows: of the pass the first time, later of a pass of their own."""
        with self._turn:
            is_own = self.is_opened or not self._may_open
            self.is_opened = self.is_opened or self._may_open
            self._turn.notify_all()
        return self._open_own() if is_own else self._stream()

    def _stream(self) -> Iterator[pa.RecordBatch]:
        try:
            while (rows := self._taken()) is not None:
                yield rows
                del rows  # or it would stay in memory while the next is made
        finally:
            self.close()  # the export may drop its stream, and go on

    def _taken(self) -> pa.RecordBatch | None:
        """Return the next rows, once there are some; None at the end."""
        with self._turn:
            self._turn.wait_for(lambda: self._rows is not None or self._is_complete)
            if self._error is not None:
                raise self._error
            rows, self._rows = self._rows, None
            self._turn.notify_all()
            return rows

    def close(self) -> None:
        """Take no more rows."""
        with self._turn:
            self.is_closed = True
            self._rows = None
            self._turn.notify_all()

    def begin(self) -> None:
        """Begin the pass: what is not opened by now reads by itself."""
        with self._turn:
            self._may_open = False

    @property
    def is_wanted(self) -> bool:
        """Whether the export reads these rows."""
        return self.is_opened and not self.is_closed

    def put(self, rows: pa.RecordBatch, stop: Event) -> None:
        """Add rows, once the export has taken those before; drop them if it has ended.

        Raises:
            StoppedError: If *stop* is set meanwhile.
        """
        with self._turn:
            while not self._turn.wait_for(
                lambda: self._rows is None or not self.is_wanted, LOOK_S
            ):
                if stop.is_set():
                    raise StoppedError
            if self.is_wanted:
                self._rows = rows
                self._turn.notify_all()

    def finish(self, error: BaseException | None) -> None:
        """End the stream, with the error of the pass if there is one."""
        with self._turn:
            self._error = error
            self._is_complete = True
            self._turn.notify_all()


def feed_side_by_side(
    works: Sequence[Callable[[], T]],
    feeds: Sequence[RowFeed],
    open_pass: OpenPass,
    turn: Condition,
    stop: Event,
) -> list[Future[T]]:
    """Run exports in threads, and feed them from one pass.

    Args:
        works: Runs one export to its end.
        feeds: The feed that each of them reads.
        open_pass: Opens the pass.
        turn: The condition of all feeds.
        stop: Ends the pass between two batches.

    Returns:
        The future of each export: its result or its error.

    Raises:
        GcbatchError: If it ended the pass: it concerns all exports. Any other error of
            the pass is that of each export.
    """

    def run(work: Callable[[], T], feed: RowFeed) -> T:
        try:
            return work()
        finally:
            feed.close()

    done: list[Future[T]] = []
    error: BaseException | None = None
    with ThreadPoolExecutor(len(works), "gcbatch-export") as pool:
        try:
            for work, feed in zip(works, feeds, strict=True):
                done.append(pool.submit(run, work, feed))
            _feed(feeds, open_pass, turn, stop)
        except BaseException as exc:
            error = exc
            is_of_exports = isinstance(exc, Exception) and len(done) == len(works)
            if isinstance(exc, GcbatchError) or not is_of_exports:
                raise
        finally:
            for feed in feeds:
                feed.finish(error)
    return done


def _feed(
    feeds: Sequence[RowFeed], open_pass: OpenPass, turn: Condition, stop: Event
) -> None:
    with turn:
        turn.wait_for(
            lambda: all(feed.is_opened or feed.is_closed for feed in feeds),
            MAX_START_S,
        )
        for feed in feeds:
            feed.begin()

    def is_wanted(table: str) -> bool:
        return any(feed.is_wanted for feed in feeds if feed.table == table)

    tables = {feed.table for feed in feeds if feed.is_wanted}
    if not tables:
        return
    for table, rows in open_pass(tables, is_wanted):
        for feed in feeds:
            if feed.table == table:
                feed.put(rows, stop)
        del rows  # or it would stay in memory while the next is made
