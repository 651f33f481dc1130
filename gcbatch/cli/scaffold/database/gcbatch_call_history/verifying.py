"""Reads the database back, for `gcbatch verify`."""

import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa
from gcbatch import Table
from gcbatch.exporting import Mismatch, compare_days
from gcbatch.windows import parse_instant

from gcbatch_call_history.loading import compare_columns, replaced

__all__ = ["mismatches"]

BATCH_ROWS = 10_000


def mismatches(db: sqlite3.Connection, table: Table) -> Iterator[Mismatch]:
    """Yield the days on which a table's covered rows are not those in the database."""
    if compare_columns(db, table):
        yield Mismatch(table.name, "", None, "lacks columns, or is not there")
        return
    yield from compare_days(table, _stored(db, table))


def _stored(db: sqlite3.Connection, table: Table) -> Iterator[pa.RecordBatch]:
    """Yield the rows of the spans that a table covers, as Arrow batches."""
    names = ", ".join(f'"{name}"' for name in table.schema.names)
    for where, values in replaced(table):
        found = db.execute(f'SELECT {names} FROM "{table.name}" WHERE {where}', values)
        while rows := found.fetchmany(BATCH_ROWS):
            columns = zip(*rows, strict=True)
            arrays = [
                _column(column, field.type)
                for column, field in zip(columns, table.schema, strict=True)
            ]
            yield pa.RecordBatch.from_arrays(arrays, schema=table.schema)


def _column(values: Iterable[Any], kind: pa.DataType) -> pa.Array:
    if pa.types.is_timestamp(kind):
        values = [None if text is None else parse_instant(text) for text in values]
    elif pa.types.is_boolean(kind):
        values = [None if number is None else bool(number) for number in values]
    return pa.array(values, kind)
