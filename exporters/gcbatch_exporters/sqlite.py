"""SQLite: tables of a database file, by the standard library."""

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar, Final

import pyarrow as pa
from pydantic import BaseModel, field_validator

from gcbatch.errors import OutputError
from gcbatch.windows import iso, parse_instant
from gcbatch_exporters.databases.database import Database, Value
from gcbatch_exporters.databases.file_database import (
    FileDatabaseExporter,
    FileDatabaseOptions,
)
from gcbatch_exporters.databases.waiting import MAX_WAIT_S, attempts
from gcbatch_exporters.text_columns import as_text

__all__ = ["SqliteExporter", "SqliteOptions"]

_BUSY: Final = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_ROWS_READ: Final = 8_192
"""Rows of a batch that is read back."""

_BOOLEANS: Final = {None: None, 0: False, 1: True}

_TRY_S: Final = 1.0
"""How long SQLite itself waits before it says that a file is busy. It does not see that
a run should end, so it gets little time, and more than one try."""


class SqliteOptions(FileDatabaseOptions):
    """Options of the sqlite exporter."""

    @field_validator("name")
    @classmethod
    def _is_not_reserved(cls, name: str | None) -> str | None:
        """Refuse what SQLite keeps for itself."""
        if name is not None and name.lower().startswith("sqlite_"):
            msg = "names that begin with sqlite_ are SQLite's own; use another"
            raise ValueError(msg)
        return name


class SqliteExporter(FileDatabaseExporter[SqliteOptions]):
    """Loads tables into a SQLite database file.

    Times are text, ISO 8601 in UTC with milliseconds, so that they sort; booleans are
    0 and 1.
    """

    Options: ClassVar[type[BaseModel]] = SqliteOptions
    exporter_name: ClassVar[str] = "sqlite"

    def connect(
        self, *, is_stopped: Callable[[], bool], may_wait: bool
    ) -> "_Connection":
        """Open the file; its folder is created.

        Raises:
            OutputError: If it cannot be opened, or is no database.
        """
        return _Connection(self._options.path, is_stopped, may_wait=may_wait)


class _Connection(Database):
    """A connection to a database file, with a transaction from lock to commit."""

    dialect: ClassVar[str] = "sqlite"

    def __init__(
        self, path: Path, is_stopped: Callable[[], bool], *, may_wait: bool
    ) -> None:
        self._path = path
        self._is_stopped = is_stopped
        self._may_wait = may_wait
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, isolation_level=None, timeout=_TRY_S)
        except (OSError, sqlite3.Error) as exc:
            msg = f"{path}: cannot be opened: {getattr(exc, 'strerror', None) or exc}"
            raise OutputError(msg, hint="check the folder and its permissions") from exc

    def columns(self, name: str) -> Mapping[str, str] | None:
        """Return the declared types, in upper case as ours are."""
        found = self.query("SELECT name, upper(type) FROM pragma_table_info(?)", [name])
        return dict(found) or None

    def is_view(self, name: str) -> bool:
        """Return whether it is a view; SQLite says that it has columns too."""
        views = self.query("SELECT name FROM sqlite_master WHERE type = 'view'")
        return self.folded(name) in {self.folded(view) for (view,) in views}

    def index_time(self, name: str, time: str) -> None:
        """Index the column of times."""
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
        """Yield the rows of a result.

        SQLite keeps what it is given: a column with a value of another type comes as
        texts.
        """
        with self._translated():
            found = self._db.execute(statement, _bound(values))
        with closing(found) as rows:
            while some := self._fetched(rows):
                columns = zip(*some, strict=True)
                arrays = map(_array, columns, schema.types)
                yield pa.RecordBatch.from_arrays(list(arrays), schema.names)

    def lock(self, name: str) -> None:
        """Begin the transaction; it locks the whole file against other writers."""
        del name
        if not self._db.in_transaction:
            self._run("BEGIN IMMEDIATE")
            # While a reader has the file, pages that do not fit into the cache stay in
            # memory. SQLite would wait for the reader at each of them; commit waits.
            self._run("PRAGMA busy_timeout = 0")

    def commit(self) -> None:
        """Commit; waits for readers, unless the file is in WAL mode."""
        if self._db.in_transaction:
            self._run("COMMIT")

    def close(self) -> None:
        """Close the file; SQLite rolls back."""
        self._db.close()

    def _fetched(self, rows: sqlite3.Cursor) -> list[tuple[Any, ...]]:
        with self._translated():
            return rows.fetchmany(_ROWS_READ)

    def _run(
        self, statement: str, values: Sequence[Value] = ()
    ) -> list[tuple[Any, ...]]:
        """Run a statement, again if the file is busy; return its rows."""
        with self._translated():
            for is_last in attempts(self._is_stopped, may_wait=self._may_wait):
                try:
                    return self._db.execute(statement, _bound(values)).fetchall()
                except sqlite3.OperationalError as exc:
                    if is_last or _code(exc) not in _BUSY:
                        raise
        raise AssertionError  # the last attempt returns or raises

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Turn errors of SQLite into OutputError."""
        try:
            yield
        except sqlite3.Error as exc:
            hint = "check the file, the disk and their permissions"
            problem = str(exc)
            if _code(exc) in _BUSY:
                problem = f"another program has kept it locked for {MAX_WAIT_S:.0f} s"
                hint = (
                    "end that program, or let it read while gcbatch writes: "
                    "PRAGMA journal_mode=WAL"
                )
            elif _code(exc) == sqlite3.SQLITE_NOTADB:
                problem, hint = "is no SQLite database", "name another file"
            elif _code(exc) == sqlite3.SQLITE_CONSTRAINT:
                hint = "drop the constraint of the table there, or choose another name"
            msg = f"{self._path}: {problem}"
            raise OutputError(msg, hint=hint) from exc


def _code(error: sqlite3.Error) -> int:
    """Return the primary code of an error; 0 if it has none."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _bound(values: Sequence[Value]) -> list[str | int]:
    """Return values as SQLite stores them."""
    return [iso(v) if isinstance(v, datetime) else v for v in values]


def _values(column: pa.Array, name: str) -> list[Any]:
    """Return a column as SQLite stores it."""
    kind = column.type
    if pa.types.is_boolean(kind):
        column = column.cast(pa.int8())
    elif pa.types.is_temporal(kind) or pa.types.is_nested(kind):
        column = as_text(column, name)
    values: list[Any] = column.to_pylist()
    return values


def _array(column: Sequence[Any], kind: pa.DataType) -> pa.Array:
    """Return a column of a result; as texts if a value is not of its type."""
    try:
        if pa.types.is_timestamp(kind):
            distinct = {text: parse_instant(text) for text in {*column} - {None}}
            times = [None if text is None else distinct[text] for text in column]
            # With the microseconds that a hand may have written.
            return pa.array(times, pa.timestamp("us", tz=kind.tz))
        if pa.types.is_boolean(kind):
            return pa.array([_BOOLEANS[value] for value in column], kind)
        if pa.types.is_integer(kind):
            found = pa.array(column)  # given the type, Arrow would make 1 of 1.5
            return found.cast(kind) if pa.types.is_null(found.type) else found
        return pa.array(column, kind)
    except (ValueError, TypeError, KeyError, OverflowError, pa.ArrowException):
        return pa.array([None if v is None else str(v) for v in column], pa.string())
