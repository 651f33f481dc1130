"""Compares the database with the tables, day by day."""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

from gcbatch import Table
from gcbatch.exporting import Mismatch
from gcbatch.windows import parse_instant, to_local

from gcbatch_call_history.loading import (
    compare_columns,
    replaced,
    rows_of,
)

__all__ = ["mismatches"]


Days = Counter[tuple[str, date | None]]


def mismatches(db: sqlite3.Connection, table: Table) -> Iterator[Mismatch]:
    """Yield the days on which a table's covered rows are not those in the database."""
    if compare_columns(db, table):
        yield Mismatch(table.name, "", None, "lacks columns, or is not there")
        return
    wanted, wanted_rows = _by_day(table, rows_of(table))
    found, found_rows = _by_day(table, _stored(db, table))
    for org, day in sorted({*wanted, *found}, key=str):
        rows, expected = found_rows[org, day], wanted_rows[org, day]
        if rows != expected:
            problem = f"{rows:,} rows, expected {expected:,}"
            yield Mismatch(table.name, org, day, problem)
        elif found[org, day] != wanted[org, day]:
            yield Mismatch(table.name, org, day, "rows have other values")


def _stored(db: sqlite3.Connection, table: Table) -> Iterator[tuple[Any, ...]]:
    names = ", ".join(f'"{name}"' for name in table.schema.names)
    for where, values in replaced(table):
        query = f'SELECT {names} FROM "{table.name}" WHERE {where}'
        yield from db.execute(query, values)


def _by_day(table: Table, rows: Iterable[tuple[Any, ...]]) -> tuple[Days, Days]:
    """Return the sum of the rows' hashes, and their number, by org and day.

    A sum does not depend on the order of rows, and changes with any value.
    """
    names = table.schema.names
    org = names.index("org") if "org" in names else None
    time = None if table.time is None else names.index(table.time)
    sums: Days = Counter()
    counts: Days = Counter()
    for row in rows:
        day = None if time is None else _day(row[time], table)
        key = ("" if org is None else row[org], day)
        sums[key] += hash(row)
        counts[key] += 1
    return sums, counts


def _day(instant: str, table: Table) -> date:
    return to_local(parse_instant(instant), table.timezone).date()
