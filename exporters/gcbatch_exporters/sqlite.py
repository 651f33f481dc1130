"""SQLite: tables of a database file, by the standard library."""

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, Final

import pyarrow as pa
from pydantic import BaseModel

from gcbatch.errors import OutputError
from gcbatch.exporting import LocalPath
from gcbatch.lazy import lazy_import
from gcbatch.windows import iso
from gcbatch_exporters.databases.database import Database, Value
from gcbatch_exporters.databases.exporter import DatabaseExporter, DatabaseOptions
from gcbatch_exporters.databases.waiting import PATIENCE_S, attempts
from gcbatch_exporters.text_columns import as_text

__all__ = ["SqliteExporter", "SqliteOptions"]

pc = lazy_import("pyarrow.compute")

_BUSY: Final = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_TRY_S: Final = 1.0
"""How long SQLite itself waits before it says that a file is busy. It does not see that
a run should end, so it gets little time, and more than one try."""


class SqliteOptions(DatabaseOptions):
    """Options of the sqlite exporter.

    Args:
        path: The database file; it is created if it is missing.
    """

    path: LocalPath


class SqliteExporter(DatabaseExporter[SqliteOptions]):
    """Loads tables into a SQLite database file.

    Times are text, ISO 8601 in UTC with milliseconds, so that they sort; booleans are
    0 and 1.
    """

    Options: ClassVar[type[BaseModel]] = SqliteOptions
    exporter_name: ClassVar[str] = "sqlite"

    @property
    def place(self) -> str:
        """The path of the file."""
        return str(self._options.path)

    def exists(self) -> bool:
        """Return whether the file is there."""
        return self._options.path.exists()

    def connect(
        self, *, is_stopped: Callable[[], bool], is_patient: bool
    ) -> "_Connection":
        """Open the file; its folder is created.

        Raises:
            OutputError: If it cannot be opened, or is no database.
        """
        return _Connection(self._options.path, is_stopped, is_patient=is_patient)


class _Connection(Database):
    """A connection to a database file, with a transaction from lock to commit."""

    def __init__(
        self, path: Path, is_stopped: Callable[[], bool], *, is_patient: bool
    ) -> None:
        self._path = path
        self._is_stopped = is_stopped
        self._is_patient = is_patient
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, isolation_level=None, timeout=_TRY_S)
        except (OSError, sqlite3.Error) as exc:
            msg = f"{path}: cannot be opened: {getattr(exc, 'strerror', None) or exc}"
            raise OutputError(msg, hint="check the folder and its permissions") from exc

    def columns(self, name: str) -> Mapping[str, str] | None:
        """Return the declared types."""
        found = self.query(f"SELECT name, type FROM pragma_table_info({_text(name)})")  # noqa: S608 - it is quoted
        return dict(found) or None

    def column_type(self, field: pa.Field) -> str:
        """Return the type that a column is declared with."""
        return sql_type(field, "sqlite")

    def create(self, name: str, schema: pa.Schema, *, time: str | None = None) -> None:
        """Create a table, with an index on its time."""
        for statement in create_table(name, schema, "sqlite"):
            self.execute(statement)
        if time is not None:
            index = self.quoted(f"{name}_{time}")
            columns = f"{self.quoted(name)} ({self.quoted(time)})"
            self.execute(f"CREATE INDEX IF NOT EXISTS {index} ON {columns}")

    def execute(self, statement: str, values: Sequence[Value] = ()) -> None:
        """Run a statement, again if the file is busy."""
        self._run(statement, values)

    def query(
        self, statement: str, values: Sequence[Value] = ()
    ) -> list[tuple[Any, ...]]:
        """Return the rows of a small result."""
        return self._run(statement, values)

    def insert(self, name: str, rows: pa.RecordBatchReader) -> None:
        """Add rows, a batch at a time."""
        columns = ", ".join(map(self.quoted, rows.schema.names))
        markers = ", ".join("?" * len(rows.schema))
        statement = f"INSERT INTO {self.quoted(name)} ({columns}) VALUES ({markers})"  # noqa: S608 - names are quoted
        for batch in rows:
            values = zip(*map(_values, batch.columns, batch.schema.names), strict=True)
            with self._translated():
                self._db.executemany(statement, values)

    def read(
        self, statement: str, values: Sequence[Value], schema: pa.Schema
    ) -> Iterator[pa.RecordBatch]:
        """Yield the rows of a result; a value of another type becomes null."""
        with self._translated(), closing(self._db.execute(statement, _bound(values))) as rows:
            while some := rows.fetchmany(_ROWS_READ):
                columns = zip(*some, strict=True)
                arrays = [
                    _array(list(column), field.type)
                    for column, field in zip(columns, schema, strict=True)
                ]
                yield pa.RecordBatch.from_arrays(arrays, schema=schema)

    def lock(self, name: str) -> None:
        """Begin the transaction; it locks the whole file against other writers."""
        del name
        if not self._db.in_transaction:
            self._run("BEGIN IMMEDIATE")

    def commit(self) -> None:
        """Commit; waits for readers, unless the file is in WAL mode."""
        if self._db.in_transaction:
            self._run("COMMIT")

    def close(self) -> None:
        """Close the file; SQLite rolls back."""
        self._db.close()
