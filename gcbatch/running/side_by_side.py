"""Exports side by side: one pass over the documents feeds the exports of many tables.

Each export runs in a thread of its own and sees its table as a stream, as always. The
pass gives each of them its rows and waits for the slowest, so that only a few batches
are in memory.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Condition
from typing import Final, TypeVar

import pyarrow as pa

__all__ = ["RowFeed", "feed_side_by_side"]

MAX_WAITING: Final = 1
"""Batches that wait for one export; one has the rows of some 4 MB of documents."""

MAX_START_S: Final = 10.0
"""How long the pass waits for an export to begin to read. An export may first wait for
something that another one holds, such as a lock: then it reads on its own later."""

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
        self._rows: deque[pa.RecordBatch] = deque()
        self._may_open = True
        self._is_complete = False
        self._is_waiting = False
        self._error: BaseException | None = None

    def open(self) -> Iterator[pa.RecordBatch]:
        """Return the rows: of the pass the first time, later of a pass of their own."""
        with self._turn:
            is_own = self.is_opened or not self._may_open
            self.is_opened = self.is_opened or self._may_open
            self._turn.notify_all()
        return self._open_own() if is_own else self._stream()

    def _stream(self) -> Iterator[pa.RecordBatch]:
        while True:
            with self._turn:
                self._is_waiting = True
                self._turn.notify_all()
                self._turn.wait_for(lambda: self._rows or self._is_complete)
                if self._error is not None:
                    raise self._error
                if not self._rows:
                    return
                rows = self._rows.popleft()
                self._turn.notify_all()
            yield rows
            del rows  # or it would stay in memory while the next is made

    def close(self) -> None:
        """Take no more rows: the export has ended."""
        with self._turn:
            self.is_closed = True
            self._rows.clear()
            self._turn.notify_all()

    def begin(self) -> None:
        """Begin the pass: what is not opened by now reads on its own."""
        with self._turn:
            self._may_open = False

    @property
    def is_wanted(self) -> bool:
        """Whether the export reads these rows."""
        return self.is_opened and not self.is_closed

    def put(self, rows: pa.RecordBatch) -> None:
        """Add rows, once the export asks for them."""
        with self._turn:
            self._turn.wait_for(lambda: self.is_closed or len(self._rows) < MAX_WAITING)
            if self.is_wanted:
                self._rows.append(rows)
                self._is_waiting = False
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
) -> list[Future[T]]:
    """Run exports in threads, and feed them from one pass.

    Args:
        works: Runs one export to its end.
        feeds: The feed that each of them reads.
        open_pass: Opens the pass.
        turn: The condition of all feeds.

    Returns:
        The result or error of each export.

    Raises:
        BaseException: What ended the pass; all exports have ended by then.
    """

    def run(work: Callable[[], T], feed: RowFeed) -> T:
        try:
            return work()
        finally:
            feed.close()

    with ThreadPoolExecutor(len(works), "gcbatch-export") as pool:
        done = [
            pool.submit(run, work, feed)
            for work, feed in zip(works, feeds, strict=True)
        ]
        error: BaseException | None = None
        try:
            _feed(feeds, open_pass, turn)
        except BaseException as exc:
            error = exc
            raise
        finally:
            for feed in feeds:
                feed.finish(error)
    return done


def _feed(feeds: Sequence[RowFeed], open_pass: OpenPass, turn: Condition) -> None:
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
                feed.put(rows)
        del rows  # or it would stay in memory while the next is made
