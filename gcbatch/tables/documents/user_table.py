"""Tables of what users were when: records that windows share, each once."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from gcbatch.errors import SHAPE_HINT, DataError
from gcbatch.planning import Plan
from gcbatch.table import INSTANT
from gcbatch.tables.documents.table import DocumentsTable, Names
from gcbatch.tables.latest import Parts
from gcbatch.windows import Window

__all__ = ["UsersTable"]

Ends = Mapping[tuple[str, datetime], datetime | None]
"""The end of each record by user and start; None while it goes on."""


class UsersTable(DocumentsTable):
    """A table of users' records, by window, user_id and start_time.

    A record that went on when its window was fetched has the end that a later window's
    part tells.
    """

    time: ClassVar[str | None] = None

    def _batches(
        self, plan: Plan, store: Parts, names: Names
    ) -> Iterator[pa.RecordBatch]:
        ends: Ends | None = None
        for rows in super()._batches(plan, store, names):
            # What began in the last window is in no later part.
            last = pa.scalar(plan.queries[-1].window.start, INSTANT)
            began_before = pc.less(rows.column("start_time"), last)
            is_open = rows.column("end_time").is_null()
            if not pc.any(pc.and_(is_open, began_before)).as_py():
                yield rows
                continue
            if ends is None:
                ends = self._ends(plan, store)
            yield _ended(rows, ends)

    def _ends(self, plan: Plan, store: Parts) -> Ends:
        """Read all parts for the ends of records that went on in an earlier one.

        Only these records are held: at most one a user and window.
        """
        make = self.maker({}, ())
        ends: dict[tuple[str, datetime], datetime | None] = {}
        for window, queries in plan.windows:
            begin = pa.scalar(window.start, INSTANT)
            for query in queries:
                for documents in store.batches(query.digest):
                    rows = make(documents)
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

    def _belonging(
        self, rows: Iterator[pa.RecordBatch], window: Window, *, is_first: bool
    ) -> Iterator[pa.RecordBatch]:
        for records in _by_user(rows):
            yield _begun_in(records, window, is_first=is_first)


def _by_user(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yield the records of users, all of a user in one batch.

    Args:
        batches: By user; the last of one may go on in the next.
    """
    held: list[pa.RecordBatch] = []
    for batch in batches:
        if not batch.num_rows:
            continue
        users = batch.column("user_id")
        rest = pc.equal(users, users[-1])
        whole = batch.filter(pc.invert(rest))
        if held and held[-1].column("user_id")[0] != users[-1]:
            yield pa.concat_batches([*held, whole])
            held = []
        elif whole.num_rows:
            yield whole
        held.append(batch.filter(rest))
    if held:
        yield pa.concat_batches(held)


def _begun_in(
    rows: pa.RecordBatch, window: Window, *, is_first: bool
) -> pa.RecordBatch:
    """Return the records of users that belong to a window, by user and start, once.

    The service sends a record with every window that it touches. It belongs to the one
    in which it starts; to the plan's first, if it started before and reaches into it.

    Raises:
        DataError: If a record has no start; names the user.
    """
    starts = rows.column("start_time")
    if starts.null_count:
        user = rows.column("user_id")[pc.index(starts.is_null(), value=True).as_py()]
        msg = f"user {user}: a record has no startTime"
        raise DataError(msg, hint=SHAPE_HINT)
    belongs = pc.less(starts, pa.scalar(window.end, INSTANT))
    begun = pc.greater_equal(starts, pa.scalar(window.start, INSTANT))
    if is_first:
        # Whole days are asked: some records were over before the range began.
        ends = rows.column("end_time")
        reaches = pc.greater(ends, pa.scalar(window.start, INSTANT))
        begun = pc.or_(begun, pc.fill_null(reaches, fill_value=True))
    return _once(rows.filter(pc.and_(belongs, begun)))


def _spans(
    rows: pa.RecordBatch, which: pa.Array
) -> Iterator[tuple[str, datetime, Any]]:
    """Return user, start and end of some rows."""
    columns = ("user_id", "start_time", "end_time")
    return zip(
        *(rows.column(n).filter(which).to_pylist() for n in columns), strict=True
    )


def _ended(rows: pa.RecordBatch, ends: Ends) -> pa.RecordBatch:
    """Return records with the ends that are known of those that have none."""
    at = rows.schema.get_field_index("end_time")
    is_open = rows.column(at).is_null()
    told = [ends.get((user, start)) for user, start, _ in _spans(rows, is_open)]
    whole = pc.replace_with_mask(rows.column(at), is_open, pa.array(told, INSTANT))
    return rows.set_column(at, rows.schema.field(at), whole)


def _once(rows: pa.RecordBatch) -> pa.RecordBatch:
    """Return the records of users, sorted, each once.

    A window may be asked in pieces, or a page again: a record that came twice is known
    by its start. Of two ends the later one is newer, and an end newer than none.
    """
    by_key = ("user_id", "start_time")
    order = [*((name, "ascending") for name in by_key), ("end_time", "descending")]
    rows = rows.sort_by(order)
    pairs = [pc.equal(rows.column(name)[1:], rows.column(name)[:-1]) for name in by_key]
    is_new = pc.invert(pc.and_(*pairs))
    is_first = pa.array([True] * min(rows.num_rows, 1), pa.bool_())
    return rows.filter(pa.concat_arrays([is_first, is_new]))
