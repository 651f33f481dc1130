"""Tables of details: conversations and all within them, and what users were when."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, Protocol
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from gcbatch.account import Account
from gcbatch.errors import DataError
from gcbatch.genesys.answers import SHAPE_HINT
from gcbatch.plan import Plan
from gcbatch.tables import details_attributes as attributes
from gcbatch.tables.details_columns import INSTANT
from gcbatch.tables.details_reading import texts_of
from gcbatch.tables.details_rows import Rows
from gcbatch.tables.details_shapes import ATTRIBUTED, NESTED, SHAPES, USER_SHAPES
from gcbatch.tables.table import Table
from gcbatch.windows import Window

__all__ = ["DETAIL_TABLES", "USER_TABLES", "detail_schema", "detail_table"]

DETAIL_TABLES: Final = (*SHAPES, "participant_attributes", "conversations_nested")
"""Of conversations."""

USER_TABLES: Final = tuple(USER_SHAPES)
"""Of users."""

BATCH_ROWS: Final = 8_192
"""Rows of a batch: of sessions with their statistics some 30 MB."""

NESTED_BATCH_ROWS: Final = 1_024
"""Of whole conversations, of which a few have megabytes."""

Make = Callable[[pa.RecordBatch], pa.RecordBatch]
"""Makes rows of the documents of a part."""

Names = Mapping[str, Mapping[str, str]]


class Parts(Protocol):
    """Where parts are read from."""

    def batches(self, digest: str) -> Iterator[pa.RecordBatch]:
        """Yield the rows of a part: `id`, `at` and `document`."""
        ...

    def account(self, digest: str) -> Account | None:
        """Return the account of a part; None if it has none."""
        ...


def detail_schema(name: str) -> pa.Schema:
    """Return the columns of a table.

    Args:
        name: One of DETAIL_TABLES or USER_TABLES.
    """
    if name == "conversations_nested":
        return NESTED
    if name == "participant_attributes":
        return attributes.attributes_schema(ATTRIBUTED.schema)
    return (SHAPES | USER_SHAPES)[name].schema


def detail_table(
    name: str,
    plan: Plan,
    store: Parts,
    *,
    names: Names,
    timezone: ZoneInfo,
) -> Table:
    """Return a table, read from the parts of *plan* a batch at a time.

    Rows are in the order of conversation_start and conversation_id (of users by window,
    user_id and start_time), within a conversation as the service sent them.

    Args:
        name: One of DETAIL_TABLES or USER_TABLES.
        plan: Whose parts.
        store: Where they are.
        names: For each dimension that was listed, names by id. An id without a name
            is its own name.
        timezone: The job's.
    """
    of_users = name in USER_TABLES

    def batches() -> Iterator[pa.RecordBatch]:
        makers: dict[tuple[str, ...], Make] = {}
        for number, (window, queries) in enumerate(plan.windows):
            for query in queries:
                account = store.account(query.digest)
                newer = account.newer if account is not None else ()
                make = makers.get(newer) or makers.setdefault(
                    newer, _maker(name, names, newer)
                )
                found = store.batches(query.digest)
                rows = (make(batch) for batch in found if batch.num_rows)
                if not of_users:
                    yield from rows
                    continue
                for records in _by_user(rows):
                    yield _begun_in(records, window, is_first=number == 0)

    is_nested = name == "conversations_nested"
    return Table(
        name=name,
        schema=detail_schema(name),
        key=_key(name),
        covered=plan.window,
        timezone=timezone,
        run_id=plan.run_id,
        batches=batches,
        batch_rows=NESTED_BATCH_ROWS if is_nested else BATCH_ROWS,
        time=None if of_users else "conversation_start",
    )


def _key(name: str) -> tuple[str, ...]:
    if name == "conversations_nested":
        return ("conversation_id",)
    if name == "participant_attributes":
        return attributes.KEY
    return (SHAPES | USER_SHAPES)[name].key


def _maker(name: str, names: Names, newer: Iterable[str]) -> Make:
    if name == "conversations_nested":
        return _nested
    if name == "participant_attributes":
        participants, schema = Rows(ATTRIBUTED, names), detail_schema(name)
        return lambda b: attributes.each_attribute(participants.of(b), schema)
    return Rows((SHAPES | USER_SHAPES)[name], names, newer).of


def _nested(batch: pa.RecordBatch) -> pa.RecordBatch:
    texts = texts_of(batch, "conversation")
    columns = [batch.column("id"), batch.column("at"), texts]
    return pa.RecordBatch.from_arrays(columns, schema=NESTED)


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
