"""Tables of user details: the records of a user, each once.

The service sends a record with every window that it touches.
"""

from collections.abc import Iterable, Iterator, Mapping
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
from gcbatch.tables.documents.row_builder import Shape
from gcbatch.tables.documents.table import DocumentsTable
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
    """A table of users' records, by window, user_id and start_time.

    A record that went on when its window was fetched gets its end from the part of a
    later window.
    """

    time: ClassVar[str | None] = None

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
        return cls.of_shape(name, Shape("user", USER_DETAIL, (records,), columns, key))

    def _batches(self, source: TableSource) -> Iterator[pa.RecordBatch]:
        ends: _Ends | None = None
        for rows in super()._batches(source):
            # What began in the last window is in no later part.
            last = pa.scalar(source.plan.queries[-1].window.start, INSTANT)
            began_before = pc.less(rows.column("start_time"), last)
            is_open = rows.column("end_time").is_null()
            if not pc.any(pc.and_(is_open, began_before)).as_py():
                yield rows
                continue
            if ends is None:
                ends = self._ends(source)
            yield _with_ends(rows, ends)

    def _ends(self, source: TableSource) -> _Ends:
        """Read all parts for the ends of records that went on in an earlier one.

        Memory holds these records alone: at most one for each user and window.
        """
        read = self.new_reader({}, ())
        ends: dict[tuple[str, datetime], datetime | None] = {}
        for window, queries in source.plan.windows:
            begin = pa.scalar(window.start, INSTANT)
            for query in queries:
                for documents in source.parts.batches(query.digest):
                    rows = read(documents)
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

    def _rows_of_window(
        self, rows: Iterator[pa.RecordBatch], window: Window, *, is_first: bool
    ) -> Iterator[pa.RecordBatch]:
        for records in _by_user(rows):
            yield _started_in(records, window, is_first=is_first)


def _by_user(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yield the records of users, all of a user in one batch.

    Args:
        batches: By user; the records of one user may go on in the next batch.
    """
    held: list[pa.RecordBatch] = []
    for batch in batches:
        if not batch.num_rows:
            continue
        users = batch.column("user_id")
        is_last_user = pc.equal(users, users[-1])
        whole = batch.filter(pc.invert(is_last_user))
        if held and held[-1].column("user_id")[0] != users[-1]:
            yield pa.concat_batches([*held, whole])
            held = []
        elif whole.num_rows:
            yield whole
        held.append(batch.filter(is_last_user))
    if held:
        yield pa.concat_batches(held)


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
