"""Tables of user details: the records of a user, each once.

The service sends a record with every window that it touches.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Final, Self

import pyarrow as pa

from gcbatch.errors import SHAPE_HINT, DataError
from gcbatch.genesys import USER_DETAIL
from gcbatch.lazy import lazy_import
from gcbatch.table import INSTANT
from gcbatch.tables.documents.columns import (
    Column,
    FromPart,
    NameOf,
    columns_of,
    extra_column,
)
from gcbatch.tables.documents.document_batch import DocumentBatch
from gcbatch.tables.documents.row_builder import RowBuilder
from gcbatch.tables.documents.shape import Shape
from gcbatch.tables.documents.table import (
    DocumentsTable,
    RowStream,
    document_batches,
)
from gcbatch.tables.name_lookup import name_field
from gcbatch.tables.source import TableSource
from gcbatch.windows import Window

__all__ = ["UsersTable"]

pc = lazy_import("pyarrow.compute")

_Ends = Mapping[tuple[str, datetime], datetime | None]
"""The end of each record by user and start; None while it goes on."""

_ID: Final = pa.field(
    "user_id", pa.string(), nullable=False, metadata={"source": "userId"}
)


class UsersTable(DocumentsTable):
    """A table of users' records, by window, user_id and start_time."""

    time: ClassVar[str | None] = None
    record_time: ClassVar[str | None] = "start_time"

    @classmethod
    def of_records(cls, name: str, records: str, state: str) -> Self:
        """Return the table of one kind of records.

        Args:
            name: The name of the table in job files.
            records: The list of a user's document whose records make a row each.
            state: The field of a record that says what the user was.
        """
        first = ("startTime", "endTime", state)
        columns = (
            Column(_ID, FromPart("id")),
            Column(name_field("user_name", "user_id"), NameOf("user_id", "userId")),
            *columns_of(USER_DETAIL, (records,), first),
            *columns_of(USER_DETAIL, (records,), without=first),
            extra_column(),
        )
        key = ("user_id", "start_time")
        return cls(name, Shape("user", USER_DETAIL, (records,), columns, key))

    def open(self, source: TableSource) -> RowStream:
        """Return a new stream of the records of a job."""
        return _RecordStream(self, source)


class _RecordStream(RowStream):
    """The records of users, in one pass.

    A record that went on when its window was fetched gets its end from the part of a
    later window.
    """

    def __init__(self, table: DocumentsTable, source: TableSource) -> None:
        super().__init__(table, source)
        self._table = table
        self._source = source
        self._window = source.plan.window
        self._is_first = True
        self._held: list[pa.RecordBatch] = []
        self._ends: _Ends | None = None

    def start_window(self, window: Window, *, is_first: bool) -> None:
        """Begin a window of the plan."""
        self._window = window
        self._is_first = is_first

    def add(self, batch: DocumentBatch) -> list[pa.RecordBatch]:
        """Return the records of users whose records are all there."""
        found: list[pa.RecordBatch] = []
        for rows in super().add(batch):
            if not rows.num_rows:
                continue
            users = rows.column("user_id")
            is_last_user = pc.equal(users, users[-1])
            whole = rows.filter(pc.invert(is_last_user))
            if self._held and self._held[-1].column("user_id")[0] != users[-1]:
                found.append(self._records([*self._held, whole]))
                self._held = []
            elif whole.num_rows:
                found.append(self._records([whole]))
            self._held.append(rows.filter(is_last_user))
        return found

    def end_window(self) -> list[pa.RecordBatch]:
        """Return the records of the last user."""
        held, self._held = self._held, []
        return [self._records(held)] if held else []

    def _records(self, rows: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
        """Return the records that belong to the window, with their ends."""
        found = _started_in(
            pa.concat_batches(rows), self._window, is_first=self._is_first
        )
        # What began in the last window is in no later part.
        last = pa.scalar(self._source.plan.queries[-1].window.start, INSTANT)
        began_before = pc.less(found.column("start_time"), last)
        is_open = found.column("end_time").is_null()
        if not pc.any(pc.and_(is_open, began_before)).as_py():
            return found
        if self._ends is None:
            self._ends = _ends_of_records(self._table, self._source)
        return _with_ends(found, self._ends)


def _ends_of_records(table: DocumentsTable, source: TableSource) -> _Ends:
    """Read all parts for the ends of records that went on in an earlier one.

    Memory holds these records alone: at most one for each user and window.
    """
    builder = RowBuilder(table.shape, {})
    windows = [window for window, _ in source.plan.windows]
    ends: dict[tuple[str, datetime], datetime | None] = {}
    for number, _, documents in document_batches(source, [table.shape]):
        begin = pa.scalar(windows[number].start, INSTANT)
        rows = builder.rows(documents)
        is_open = rows.column("end_time").is_null()
        for user, start, _ in _spans(rows, is_open):
            ends.setdefault((user, start), None)
        began_before = pc.less(rows.column("start_time"), begin)
        ended = pc.and_(began_before, pc.invert(is_open))
        for user, start, end in _spans(rows, ended):
            if (user, start) in ends:
                known = ends[user, start]
                ends[user, start] = max(end, known or end)
    return ends


def _started_in(
    rows: pa.RecordBatch, window: Window, *, is_first: bool
) -> pa.RecordBatch:
    """Return the records that belong to a window, by user and start, each once.

    A record belongs to the window in which it starts. To the plan's first window
    belongs also what started before and reaches into it.

    Raises:
        DataError: If a record has no start; names the user.
    """
    starts = rows.column("start_time")
    if starts.null_count:
        user = rows.column("user_id")[pc.index(starts.is_null(), value=True).as_py()]
        msg = f"user {user}: a record has no startTime"
        raise DataError(msg, hint=SHAPE_HINT)
    belongs = pc.less(starts, pa.scalar(window.end, INSTANT))
    started = pc.greater_equal(starts, pa.scalar(window.start, INSTANT))
    if is_first:
        # Requests are for whole days: some records were over before the range began.
        ends = rows.column("end_time")
        reaches = pc.greater(ends, pa.scalar(window.start, INSTANT))
        started = pc.or_(started, pc.fill_null(reaches, fill_value=True))
    return _distinct(rows.filter(pc.and_(belongs, started)))


def _spans(
    rows: pa.RecordBatch, which: pa.Array
) -> Iterator[tuple[str, datetime, Any]]:
    """Return user, start and end of some rows."""
    columns = ("user_id", "start_time", "end_time")
    return zip(
        *(rows.column(n).filter(which).to_pylist() for n in columns), strict=True
    )


def _with_ends(rows: pa.RecordBatch, ends: _Ends) -> pa.RecordBatch:
    """Return the records, with the known end of each that has none."""
    at = rows.schema.get_field_index("end_time")
    is_open = rows.column(at).is_null()
    found = [ends.get((user, start)) for user, start, _ in _spans(rows, is_open)]
    whole = pc.replace_with_mask(rows.column(at), is_open, pa.array(found, INSTANT))
    return rows.set_column(at, rows.schema.field(at), whole)


def _distinct(rows: pa.RecordBatch) -> pa.RecordBatch:
    """Return the records of users, sorted, each once.

    A window may be requested in pieces, or a page twice: a record that came twice has
    the same start. Of two ends the later one is newer; an end is newer than none.
    """
    by_key = ("user_id", "start_time")
    order = [*((name, "ascending") for name in by_key), ("end_time", "descending")]
    rows = rows.sort_by(order)
    pairs = [pc.equal(rows.column(name)[1:], rows.column(name)[:-1]) for name in by_key]
    is_new = pc.invert(pc.and_(*pairs))
    is_first = pa.array([True] * min(rows.num_rows, 1), pa.bool_())
    return rows.filter(pa.concat_arrays([is_first, is_new]))
