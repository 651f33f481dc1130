"""The exporter: what it refuses, and how it loads all tables or none."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import ClassVar

from gcbatch import OutputError, Table
from gcbatch.exporting import LocalPath, Mismatch, Options, Receipt, Target
from pydantic import BaseModel, Field

from gcbatch_call_history.loading import compare_columns, load
from gcbatch_call_history.verifying import mismatches

__all__ = ["CallHistoryExporter", "CallHistoryOptions"]


class CallHistoryOptions(Options):
    """Options of the exporter: its keys in the job file.

    Args:
        path: The database file, relative to the current directory.
        wait_s: Seconds to wait while another program writes to the database.
    """

    path: LocalPath
    wait_s: float = Field(default=60, ge=0)


class CallHistoryExporter:
    """Writes tables into a SQLite database, each into one of the same name.

    A run replaces the rows of the range that it covers; all others stay.
    """

    api_version: ClassVar[int] = 2
    Options: ClassVar[type[BaseModel]] = CallHistoryOptions

    def __init__(self, options: CallHistoryOptions) -> None:
        self._options = options

    def check(self, tables: Mapping[str, Table]) -> None:
        """Refuse tables that the database cannot take, before the first request.

        Raises:
            JobError: If a column has another type there; names both types.
        """
        if self._options.path.exists():
            with self._connect() as db:
                for table in tables.values():
                    compare_columns(db, table)

    def destinations(self, names: Sequence[str]) -> Sequence[str]:
        """Return where tables of these names go, without secrets."""
        return [f"{self._options.path}: {name}" for name in names]

    def export(self, tables: Mapping[str, Table], target: Target) -> Receipt:
        """Load all tables in one transaction.

        Raises:
            JobError: If a table does not fit the one that is there.
            OutputError: If the database cannot be written. It is then as before.
        """
        del target  # stages files; a database has transactions
        self._options.path.parent.mkdir(parents=True, exist_ok=True)
        with self._connect() as db:
            db.execute("BEGIN IMMEDIATE")  # from here on no one else writes
            with db:  # commits, or rolls back
                rows = sum(load(db, table) for table in tables.values())
        return Receipt(str(self._options.path), rows)

    def verify(self, tables: Mapping[str, Table]) -> Iterator[Mismatch]:
        """Yield the days on which the database does not hold the tables' rows."""
        with self._connect() as db:
            for table in tables.values():
                yield from mismatches(db, table)

    @contextmanager
    def _connect(self) -> Iterator[sqlite3.Connection]:
        path, wait_s = self._options.path, self._options.wait_s
        try:
            opened = sqlite3.connect(path, timeout=wait_s, isolation_level=None)
            with closing(opened) as db:
                yield db
        except sqlite3.Error as exc:
            msg = f"{path}: {exc}"
            raise OutputError(msg, hint="check the file, and who has it open") from exc
