"""Writes gcbatch tables into a SQLite database."""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from datetime import datetime
from typing import Any, ClassVar

from gcbatch import JobError, Table
from gcbatch.exporting import FileOptions, Receipt, Target
from gcbatch.windows import iso


class SqliteExporter:
    """Keeps history: a range written again is replaced, others stay."""

    api_version: ClassVar[int] = 1
    Options: ClassVar[type[FileOptions]] = FileOptions  # one key, `path`

    def __init__(self, options: FileOptions) -> None:
        self._path = options.path

    def check(self, tables: Mapping[str, Table]) -> None:
        """Refuse tables whose rows belong to no day, such as `queues`."""
        if timeless := [name for name, table in tables.items() if table.time is None]:
            msg = f"sqlite: {timeless[0]} has no column to tell ranges apart by"
            raise JobError(msg, hint="export it as csv or parquet")

    def export(self, tables: Mapping[str, Table], target: Target) -> Receipt:
        """Write every table into one of the same name."""
        del target  # is for files; a database has transactions
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(self._path)) as db, db:  # commits, or rolls back
            rows = sum(_replace(db, table) for table in tables.values())
        return Receipt(str(self._path), rows)


def _replace(db: sqlite3.Connection, table: Table) -> int:
    name, columns = f'"{table.name}"', ", ".join(f'"{c}"' for c in table.schema.names)
    covered = iso(table.covered.start), iso(table.covered.end)
    db.execute(f"CREATE TABLE IF NOT EXISTS {name} ({columns})")
    within = f"{table.time} >= ? AND {table.time} < ?"
    db.execute(f"DELETE FROM {name} WHERE {within}", covered)  # noqa: S608 - names cannot be bound
    insert = f"INSERT INTO {name} VALUES ({', '.join('?' * len(table.schema))})"  # noqa: S608 - likewise
    rows = (map(_cell, row.values()) for batch in table for row in batch.to_pylist())
    return db.executemany(insert, map(tuple, rows)).rowcount


def _cell(value: Any) -> Any:
    return iso(value) if isinstance(value, datetime) else value
