"""Loads one table: the rows of the range that it covers replace those that are there.

The names of tables and columns are gcbatch's own, so they need no more than quotes.
"""

import sqlite3
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from gcbatch import JobError, OutputError, Table
from gcbatch.windows import iso

__all__ = ["compare_columns", "load", "replaced"]

TYPES = {
    "string": "TEXT",
    "int64": "INTEGER",
    "double": "REAL",
    "bool": "BOOLEAN",
    "timestamp[ms, tz=UTC]": "TIMESTAMP",
}
"""The types of all columns of gcbatch, and what SQLite shall call them."""


def compare_columns(db: sqlite3.Connection, table: Table) -> dict[str, str]:
    """Return the columns that the database lacks, with their types.

    Raises:
        JobError: If the rows that are there cannot be distinguished from those of this
            job, or a column has another type. SQLite would mix both without a word.
    """
    wanted = {field.name: TYPES[str(field.type)] for field in table.schema}
    info = db.execute(f'PRAGMA table_info("{table.name}")').fetchall()
    found = {name: kind for _, name, kind, *_ in info}
    if not found:
        return wanted
    if ("org" in found) != ("org" in wanted):
        has, lacks = ("has", "lacks") if "org" in found else ("lacks", "has")
        msg = f"{table.name}: {has} a column org there, and {lacks} it in this job"
        raise JobError(msg, hint="name another database")
    for name, kind in wanted.items():
        if found.get(name, kind) != kind:
            msg = f"{table.name}: {name} is {found[name]} there, and {kind} in this job"
            raise JobError(msg, hint="name another database, or change the column")
    return {name: kind for name, kind in wanted.items() if name not in found}


def load(db: sqlite3.Connection, table: Table) -> int:
    """Replace what a table covers, within the caller's transaction.

    Returns:
        The number of rows that were loaded.

    Raises:
        JobError: If it does not fit the table that is there.
        OutputError: If a row that is there would be cut in two.
    """
    missing = compare_columns(db, table)
    if len(missing) == len(table.schema):
        columns = ", ".join(f'"{name}" {kind}' for name, kind in missing.items())
        db.execute(f'CREATE TABLE IF NOT EXISTS "{table.name}" ({columns})')
    else:
        for name, kind in missing.items():
            db.execute(f'ALTER TABLE "{table.name}" ADD COLUMN "{name}" {kind}')
    _refuse_to_cut(db, table)
    for where, values in replaced(table):
        db.execute(f'DELETE FROM "{table.name}" WHERE {where}', values)
    names = ", ".join(f'"{name}"' for name in table.schema.names)
    marks = ", ".join("?" * len(table.schema))
    insert = f'INSERT INTO "{table.name}" ({names}) VALUES ({marks})'
    before = db.total_changes
    db.executemany(insert, _rows_of(table))
    return db.total_changes - before


def replaced(table: Table) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the conditions of the rows that a table replaces, with their values.

    They come from the spans that it covers, never from its rows: a row that the service
    has taken back must go, and those of an org that failed must stay.
    """
    for org, window in table.covered.spans:
        where, values = _of_org(table, org)
        if not table.is_timeless:
            where += f' AND "{table.row_time}" >= ? AND "{table.row_time}" < ?'
            values += (iso(window.start), iso(window.end))
        yield where, values


def _rows_of(table: Table) -> Iterator[tuple[Any, ...]]:
    """Yield the rows as SQLite stores them, without those of half-fetched spans."""
    for batch in table.covered_rows():  # a table may be larger than memory
        for row in batch.to_pylist():
            yield tuple(map(_cell, row.values()))


def _of_org(table: Table, org: str) -> tuple[str, tuple[str, ...]]:
    return ("org = ?", (org,)) if "org" in table.schema.names else ("TRUE", ())


def _refuse_to_cut(db: sqlite3.Connection, table: Table) -> None:
    """Refuse a range that ends within rows that are there, such as days in weeks."""
    if table.is_timeless or table.end is None:
        return
    for org, window in table.covered.spans:
        where, values = _of_org(table, org)
        for edge in (iso(window.start), iso(window.end)):
            over = f'{where} AND "{table.row_time}" < ? AND "{table.end}" > ?'
            query = f'SELECT 1 FROM "{table.name}" WHERE {over} LIMIT 1'
            if db.execute(query, (*values, edge, edge)).fetchone():
                msg = f"{table.name}: has a row that reaches over {edge}"
                raise OutputError(msg, hint="choose a range that does not cut it")


def _cell(value: Any) -> Any:
    return iso(value) if isinstance(value, datetime) else value
