"""Runs queries over tables, each of which is read only if a query names it."""

import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any, Final, Self

import pyarrow as pa

from gcbatch.errors import DataError, GcbatchError, JobError
from gcbatch.selecting.columns import (
    ResultColumn,
    quoted,
    result_columns,
    typed_schema,
)
from gcbatch.selecting.connection import duckdb, open_duckdb
from gcbatch.selecting.problems import problem_of, unknown_table
from gcbatch.selecting.statements import Statement, Statements
from gcbatch.table import BATCH_ROWS, StoppedError, Table

__all__ = ["DEFAULT_MEMORY", "Limits", "Rows", "Session"]

DEFAULT_MEMORY: Final = "1GB"

_WATCH_S: Final = 0.1
"""How often a query looks whether it shall end."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What queries may use.

    Args:
        memory: DuckDB's memory, such as `1GB`; a query that needs more is refused.
        allow_files: Whether queries may read and write files, use the network, and do
            more than read: anything that DuckDB can.
        more_memory: What the user can do about too little memory.
        more_access: What the user can do to read files.
    """

    memory: str = DEFAULT_MEMORY
    allow_files: bool = False
    more_memory: str = "select less at once, or allow more: `--memory 4GB`"
    more_access: str = "`--allow-files` allows files, the network and all else"


@dataclass(frozen=True)
class Rows:
    """The result of a query.

    Args:
        schema: Its columns.
        batches: The rows, which can be read once, before the next query.
    """

    schema: pa.Schema
    batches: Iterator[pa.RecordBatch]

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        return self.batches

    def read_all(self) -> pa.Table:
        """Return all rows in memory."""
        return pa.Table.from_batches(self.batches, schema=self.schema)


class Session:
    """A DuckDB over tables; a context manager.

    Args:
        names: The tables that queries may name, in lower case.
        open_table: Returns one of them.
        limits: What queries may use.
        where: What asks, for messages.
        stop: Once set, a query ends with StoppedError.

    Attributes:
        names: The tables that queries may name.

    Raises:
        JobError: If DuckDB is not installed, or the memory is no size.
    """

    def __init__(
        self,
        names: Collection[str],
        open_table: Callable[[str], Table],
        limits: Limits | None = None,
        *,
        where: str = "query",
        stop: threading.Event | None = None,
    ) -> None:
        self.names = names
        self._open_table = open_table
        self._limits = limits or Limits()
        self._where = where
        self._stop = stop
        self._columns: dict[str, list[str]] = {}
        self._failure: BaseException | None = None
        self._done = threading.Event()
        self._connection = open_duckdb(
            self._limits.memory, allow_files=self._limits.allow_files, where=where
        )
        if stop is not None:
            threading.Thread(target=self._watch, args=(stop,), daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        with suppress(duckdb.Error):
            self._connection.interrupt()  # of what was not read to its end
        self._connection.close()

    def _watch(self, stop: threading.Event) -> None:
        """Interrupt DuckDB once the queries shall end."""
        while not self._done.wait(_WATCH_S):
            if stop.is_set():
                with suppress(duckdb.Error):
                    self._connection.interrupt()

    def select(self, sql: str) -> Rows:
        """Run one statement.

        Raises:
            JobError: If it is wrong, is more than one, or does more than it may.
            GcbatchError: As the tables' rows do.
        """
        with Statements(self._where) as reader:
            statement = reader.only(sql, self._where)
        return self.run(statement)

    def run(self, statement: Statement) -> Rows:
        """Run a statement; see select."""
        if not (statement.is_query or self._limits.allow_files):
            kind = statement.kind.replace("_", " ")
            msg = f"{self._where}: is no query ({kind})"
            raise JobError(msg, hint=f"write a SELECT; {self._limits.more_access}")
        self._failure = None
        relation, columns = self._bound(statement)
        if relation is None:
            return Rows(pa.schema([]), iter(()))
        schema = typed_schema(columns)
        return Rows(schema, self._batches(statement, relation, columns, schema))

    def schema_of(self, statement: Statement) -> pa.Schema:
        """Return the columns of a query, which is not run; see select."""
        _, columns = self._bound(statement)
        return typed_schema(columns)

    def rows_by_key(self, statement: Statement, key: Collection[str]) -> Rows:
        """Run a query; its rows come in its own order, else in that of *key*.

        Raises:
            DataError: If two rows of a query with an order of its own have one key.
            GcbatchError: As select does.
        """
        names = ", ".join(map(quoted, key))
        relation, columns = self._bound(statement)
        if statement.is_ordered:
            self._refuse_duplicates(statement, names)
        else:
            relation = relation.order(names)
        schema = typed_schema(columns)
        return Rows(schema, self._batches(statement, relation, columns, schema))

    def _refuse_duplicates(self, statement: Statement, names: str) -> None:
        with self._own_errors(statement):
            counted = self._connection.sql(statement.sql).aggregate(
                f"{names}, count(*) AS gcbatch_rows", names
            )
            found = counted.filter("gcbatch_rows > 1").limit(1).fetchall()
        if found:
            raise duplicate_key(self._where, found[0][:-1])

    def _bound(self, statement: Statement) -> tuple[Any, list[ResultColumn]]:
        """Return DuckDB's relation, whose columns are known and no row is read."""
        for name in sorted(statement.tables):
            self._register(name, statement)
        with self._own_errors(statement):
            relation = self._connection.sql(statement.sql)
            if relation is None:  # it returns no rows
                return None, []
            types = [*map(str, relation.types)]
            return relation, result_columns(relation.columns, types)

    def _register(self, name: str, statement: Statement) -> None:
        if name in self._columns:
            return
        if name not in self.names:
            if self._limits.allow_files or statement.is_guessed:
                return  # DuckDB may know it: a file, or a table of its own
            known = sorted(self.names)
            hint = self._limits.more_access
            raise unknown_table(self._where, name, statement.sql, known, hint)
        table = self._open_table(name)
        self._columns[name] = table.schema.names
        noted = replace(table, batches=lambda: self._noting_failure(table))
        with self._own_errors(statement):
            self._connection.register(name, noted)

    def _noting_failure(self, table: Table) -> Iterator[pa.RecordBatch]:
        """Yield the rows of a table; note a failure, of which DuckDB makes text."""
        try:
            yield from table.batches()
        except Exception as exc:
            self._failure = exc
            raise

    def _batches(
        self,
        statement: Statement,
        relation: Any,
        columns: list[ResultColumn],
        schema: pa.Schema,
    ) -> Iterator[pa.RecordBatch]:
        shown = ", ".join(c.expression(n) for n, c in enumerate(columns, 1))
        with self._own_errors(statement):
            reader = relation.project(shown).to_arrow_reader(BATCH_ROWS)
        while True:
            with self._own_errors(statement):
                try:
                    batch = reader.read_next_batch()
                except StopIteration:
                    return
            yield _as_typed(batch, schema)
            del batch  # or it would stay in memory while the next is made

    @contextmanager
    def _own_errors(self, statement: Statement) -> Iterator[None]:
        """Turn what DuckDB raises into our errors.

        Raises:
            GcbatchError: The table's own if its rows cannot be read; else what DuckDB
                says of the query.
            StoppedError: If the query shall end.
        """
        try:
            yield
        except (duckdb.Error, pa.ArrowException, OSError, RuntimeError) as exc:
            if self._failure is not None:
                raise self._failure from None
            if self._stop is not None and self._stop.is_set():
                raise StoppedError from None
            columns = [
                name
                for table in sorted(statement.tables & self._columns.keys())
                for name in self._columns[table]
            ]
            raise self._problem(exc, statement.sql, columns) from exc

    def _problem(self, exc: Exception, sql: str, columns: list[str]) -> GcbatchError:
        if isinstance(exc, duckdb.OutOfMemoryException):
            msg = f"{self._where}: needs more than {self._limits.memory} of memory"
            return JobError(msg, hint=self._limits.more_memory)
        if isinstance(exc, duckdb.PermissionException):
            hint = self._limits.more_access
            return problem_of(exc, self._where, sql, hint=hint)
        return problem_of(exc, self._where, sql, columns)


def duplicate_key(where: str, values: Collection[Any]) -> DataError:
    """Return the error for a key that two rows have."""
    shown = ", ".join(map(str, values))
    hint = "group by the key, or add to it the columns by which the rows differ"
    return DataError(f"{where}: two rows have the key {shown}", hint=hint)


def _as_typed(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Return rows with the types of a schema."""
    columns = [
        column.cast(field.type, safe=False)
        for column, field in zip(batch.columns, schema, strict=True)
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)
