"""Variants of sample tables: other values, ranges and columns."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import pyarrow as pa

from gcbatch.coverage import Coverage
from gcbatch.table import Table
from gcbatch.testing.samples import Row
from gcbatch.windows import Window

__all__ = [
    "corrected",
    "cut",
    "joined",
    "minutes_of",
    "outside",
    "retyped",
    "rows_of",
    "with_column",
]

_CORRECTION = 1_000_000


def rows_of(table: Table) -> list[Row]:
    """Return all rows of a table."""
    rows: list[Row] = table.read_all().to_pylist()
    return rows


def minutes_of(table: Table, start: float, end: float) -> Window:
    """Return a window by minutes since the begin of a table's range."""
    begin = table.covered.start
    return Window(begin + timedelta(minutes=start), begin + timedelta(minutes=end))


def corrected(table: Table) -> Table:
    """Return a table of which the service corrected a figure of every row."""
    data = table.read_all()
    at = data.schema.get_field_index("t_handle_count")
    counts = [count + _CORRECTION for count in data["t_handle_count"].to_pylist()]
    field = data.schema.field(at)
    return _of(table, data.set_column(at, field, pa.array(counts, field.type)))


def cut(table: Table, *windows: Window, keeps: Sequence[Window] | None = None) -> Table:
    """Return a table that is about some windows of another.

    Args:
        table: A table of one org.
        windows: What it is about, in order.
        keeps: The windows whose rows it has, if they are others.
    """
    data = table.read_all()
    wanted = windows if keeps is None else keeps

    def is_kept(instant: datetime) -> bool:
        return any(one.start <= instant < one.end for one in wanted)

    mask = pa.array(map(is_kept, data["interval_start"].to_pylist()), pa.bool_())
    whole = Window(min(w.start for w in windows), max(w.end for w in windows))
    gaps = [Window(a.end, b.start) for a, b in pairwise(windows)]
    covered = Coverage.whole(whole).without(gaps)
    return replace(_of(table, data.filter(mask)), covered=covered)


def retyped(table: Table, name: str, kind: pa.DataType) -> Table:
    """Return a table of which a column has another type, and values of it."""
    data = table.read_all()
    at = data.schema.get_field_index(name)
    values = [None if v is None else n for n, v in enumerate(data[name].to_pylist())]
    return _of(
        table,
        data.set_column(at, pa.field(name, kind), pa.array(values).cast(kind)),
    )


def with_column(table: Table, name: str) -> Table:
    """Return a table with a column of whole numbers more."""
    data = table.read_all()
    numbers = pa.array(range(data.num_rows), pa.int64())
    return _of(table, data.append_column(pa.field(name, pa.int64()), numbers))


def outside(table: Table, window: Window) -> list[Row]:
    """Return the rows of a table that begin outside a window."""
    return [
        row
        for row in rows_of(table)
        if not window.start <= row["interval_start"] < window.end
    ]


def joined(part: Table, whole: Table, window: Window) -> Table:
    """Return a table with the rows of *part*, and those of *whole* beyond a window."""
    rows = [*outside(whole, window), *rows_of(part)]
    data = pa.Table.from_pylist(rows, schema=whole.schema)
    return replace(whole, batches=lambda: iter(data.to_batches()))


def _of(table: Table, data: pa.Table) -> Table:
    return replace(table, schema=data.schema, batches=lambda: iter(data.to_batches()))
