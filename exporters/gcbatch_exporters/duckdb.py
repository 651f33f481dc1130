"""DuckDB: tables of a database file."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, ClassVar, Final

import pyarrow as pa
from pydantic import BaseModel

from gcbatch.dialects import find_dialect, quoted_text
from gcbatch.errors import OutputError
from gcbatch.exporting import Target
from gcbatch.lazy import lazy_import
from gcbatch_exporters.databases.database import ConflictError, Database, Value
from gcbatch_exporters.databases.file_database import (
    FileDatabaseExporter,
    FileDatabaseOptions,
)
from gcbatch_exporters.databases.row_stream import own_errors
from gcbatch_exporters.databases.waiting import MAX_WAIT_S, attempts

__all__ = ["DuckdbExporter", "DuckdbOptions"]

duckdb = lazy_import("duckdb")

_INCOMING: Final = "_gcbatch_incoming"
"""The name under which rows are read by DuckDB; lives in the connection only."""

_MEMORY: Final = "512MB"
"""What DuckDB may use while it loads. It takes most of the machine's otherwise."""

_LOCKED: Final = ("lock on file", "Unique file handle conflict")
"""What DuckDB says of a file that it cannot open now, and may be able to later."""

_THREADS: Final = 1
"""With two, a load of a million rows took a third more CPU and 100 MB more memory
(measured 2026-11, DuckDB 2.0)."""

_ROWS_READ: Final = 32_768


class DuckdbOptions(FileDatabaseOptions):
    """Options of the duckdb exporter."""


class DuckdbExporter(FileDatabaseExporter[DuckdbOptions]):
    """Loads tables into a DuckDB database file.

    DuckDB lets one process at a time open a file to write: a load waits for a while for
    others that have it open.
    """

    Options: ClassVar[type[BaseModel]] = DuckdbOptions
    requires: ClassVar[tuple[str, ...]] = ("duckdb",)
    exporter_name: ClassVar[str] = "duckdb"

    def connect(
        self, *, is_stopped: Callable[[], bool], may_wait: bool
    ) -> "_Connection":
        """Open the file; its folder is created.

        Raises:
            OutputError: If it cannot be opened, is no database, or another process
                keeps it open.
        """
        path = self._options.path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            msg = f"{path}: its folder cannot be created: {exc.strerror}"
            raise OutputError(msg, hint="check the folder's permissions") from exc
        for is_last in attempts(is_stopped, may_wait=may_wait):
            try:
                _create(path)
                return _Connection(path)
            except duckdb.Error as exc:
                if is_last or not _is_locked(exc):
                    raise _refusal(path, exc) from exc
        raise AssertionError  # the last attempt returns or raises


class _Connection(Database):
    """A connection to a database file, with a transaction from lock to commit."""

    dialect: ClassVar[str] = "duckdb"

    def __init__(self, path: Path) -> None:
        self._path = path
        self._db = duckdb.connect(path)
        # Other connections of this process to the same file have the same settings.
        ((self._memory, self._threads),) = self.query(
            "SELECT current_setting('memory_limit'), current_setting('threads')"
        )
        self.execute(f"SET memory_limit = '{_MEMORY}'")
        self.execute(f"SET threads = {_THREADS}")
        self._is_open = False

    def columns(self, name: str) -> Mapping[str, str] | None:
        """Return the columns of a table of the current schema."""
        found = self._described("columns", "table_name, column_name, data_type", name)
        return dict(found) or None

    def is_view(self, name: str) -> bool:
        """Return whether it is a view; DuckDB says that it has columns too."""
        return bool(self._described("views", "view_name, 1", name))

    def _described(self, what: str, columns: str, name: str) -> list[tuple[Any, ...]]:
        """Return what DuckDB says of a name in the current schema.

        Args:
            what: The kind of thing, such as `columns`.
            columns: The first is that of the name; it is not returned.
            name: The name.
        """
        found = self.query(
            f"SELECT {columns} FROM duckdb_{what}() "  # noqa: S608 - our own words
            "WHERE database_name = current_database() "
            "AND schema_name = current_schema()"
        )
        folded = self.folded(name)
        return [row[1:] for row in found if self.folded(row[0]) == folded]

    def column_type(self, field: pa.Field) -> str:
        """Return the type; DuckDB says that of instants in full."""
        kind = super().column_type(field)
        return "TIMESTAMP WITH TIME ZONE" if kind == "TIMESTAMPTZ" else kind

    def execute(self, statement: str, values: Sequence[Value] = ()) -> None:
        """Run a statement."""
        with self._translated():
            self._db.execute(statement, list(values))

    def query(
        self, statement: str, values: Sequence[Value] = ()
    ) -> list[tuple[Any, ...]]:
        """Return the rows of a small result."""
        with self._translated():
            rows: list[tuple[Any, ...]] = self._db.execute(
                statement, list(values)
            ).fetchall()
            return rows

    def insert(self, name: str, rows: pa.RecordBatchReader) -> None:
        """Add rows; DuckDB reads them as a stream."""
        columns = ", ".join(map(self.quoted, rows.schema.names))
        with self._translated(), own_errors(rows) as stream:
            self._db.register(_INCOMING, stream)
            try:
                self._db.execute(
                    f"INSERT INTO {self.quoted(name)} ({columns}) "  # noqa: S608 - names are quoted
                    f"SELECT {columns} FROM {_INCOMING}"
                )
            finally:
                self._db.unregister(_INCOMING)

    def read(
        self, statement: str, values: Sequence[Value], schema: pa.Schema
    ) -> Iterator[pa.RecordBatch]:
        """Yield the rows of a result; instants have microseconds."""
        del schema
        with self._translated():
            found = self._db.sql(statement, params=list(values))
            yield from found.to_arrow_reader(_ROWS_READ)

    def lock(self, name: str) -> None:
        """Begin the transaction, and keep other threads of this process from the table.

        No other process has the file meanwhile. Two threads that add rows to one table
        are no conflict to DuckDB, and would leave two copies; two that set its comment
        are one. If the table is missing, two that create it are.
        """
        if not self._is_open:
            self.execute("BEGIN TRANSACTION")
            self._is_open = True
        duck = find_dialect(self.dialect)
        for (about,) in self._described("tables", "table_name, comment", name):
            text = "NULL" if about is None else quoted_text(about, duck)
            self.execute(f"COMMENT ON TABLE {self.quoted(name)} IS {text}")

    def commit(self) -> None:
        """Commit."""
        if self._is_open:
            self.execute("COMMIT")
            self._is_open = False

    def close(self) -> None:
        """Close the file; DuckDB rolls back."""
        try:
            if self._is_open:
                self._db.execute("ROLLBACK")
            self._db.execute(f"SET memory_limit = '{self._memory}'")
            self._db.execute(f"SET threads = {self._threads}")
        except duckdb.Error:
            pass  # the file is closed in any case, which rolls back too
        finally:
            self._db.close()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Turn errors of DuckDB into OutputError."""
        try:
            yield
        except duckdb.Error as exc:
            raise _refusal(self._path, exc) from exc


def _create(path: Path) -> None:
    """Create an empty database, whole or not at all.

    DuckDB opens no file of which it has written only a part, so one that is left by a
    killed process or a full disk would have to be deleted by hand.

    Raises:
        duckdb.Error, OutputError: If it cannot be written.
    """
    if path.exists() or path.is_symlink():
        return
    with Target() as target:
        draft = target.stage(path)
        draft.unlink()  # DuckDB takes no empty file for a database
        duckdb.connect(draft).close()
        # A link replaces no database of another process that was faster. Where a disk
        # has no links, DuckDB creates the file in its place.
        with suppress(OSError):
            path.hardlink_to(draft)
        target.unstage(path)


def _is_locked(error: Exception) -> bool:
    """Return whether another process, or a thread that is closing it, has the file."""
    return any(text in str(error) for text in _LOCKED)


def _refusal(path: Path, error: Exception) -> OutputError:
    """Return what an error of DuckDB means."""
    if isinstance(error, duckdb.TransactionException) and "onflict" in str(error):
        return ConflictError(f"{path}: another load changed the same", hint="run again")
    if _is_locked(error):
        msg = f"{path}: another program has kept it open for {MAX_WAIT_S:.0f} s"
        hint = "close it there: while it is open to read, no other program can write"
        return OutputError(msg, hint=hint)
    reason = str(error).splitlines()[0].partition("Error: ")[2] or str(error)
    hint = "check the file, the disk and their permissions"
    return OutputError(f"{path}: {reason}", hint=hint)
