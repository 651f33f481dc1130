"""What differs between databases: their connections, types and statements."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

import pyarrow as pa

from gcbatch.dialects import add_columns, quoted, sql_type, table_statements
from gcbatch.errors import OutputError

__all__ = ["ConflictError", "Database", "Value"]

Value = str | int | datetime
"""A value in a statement. Instants are UTC."""


class ConflictError(OutputError):
    """Another load of this process changed the same; the load may be tried again."""


class Database(ABC):
    """A connection with one transaction, which ends with commit or is undone by close.

    Statements have one marker for each value, in order; see `marker`.
    """

    dialect: ClassVar[str]
    """Its SQL, one of gcbatch.dialects.DIALECTS."""

    def quoted(self, name: str) -> str:
        """Return a name as it stands in statements."""
        return quoted(name, self.dialect)

    def marker(self, number: int) -> str:  # noqa: ARG002 - PostgreSQL needs it
        """Return what stands for a value; the first has number 1."""
        return "?"

    def folded(self, name: str) -> str:
        """Return what two names that are the same to the database have in common.

        SQLite and DuckDB take `Ä` and `ä` for different names, unlike `A` and `a`.
        """
        return name.encode().lower().decode()

    @abstractmethod
    def columns(self, name: str) -> Mapping[str, str] | None:
        """Return the columns of a table and their types, as the database says them.

        Returns:
            None if there is no such table.
        """

    def is_view(self, name: str) -> bool:  # noqa: ARG002 - not all databases look
        """Return whether what has this name is a view, which holds no rows."""
        return False

    def column_type(self, field: pa.Field) -> str:
        """Return the type of a column, as the database says it of such a column."""
        return sql_type(field, self.dialect)

    def create(
        self, name: str, schema: pa.Schema, *, about: str = "", time: str | None = None
    ) -> None:
        """Create a table, with what helps to read it: comments, an index on its time.

        Args:
            name: Its name.
            schema: Its columns; their metadata becomes comments.
            about: The comment of the table.
            time: The column by which rows belong to days; None if there is none.
        """
        statements = table_statements(name, schema, dialect=self.dialect, about=about)
        for statement in statements:
            self.execute(statement)
        if time is not None:
            self.index_time(name, time)

    def index_time(self, name: str, time: str) -> None:  # noqa: B027 - DuckDB needs none
        """Make it fast to find the rows of a span, where that takes an index."""

    def add_column(self, name: str, field: pa.Field) -> None:
        """Add a column, null in the rows that are there."""
        for statement in add_columns(name, [field], dialect=self.dialect):
            self.execute(statement)

    @abstractmethod
    def execute(self, statement: str, values: Sequence[Value] = ()) -> None:
        """Run a statement that has no result."""

    @abstractmethod
    def query(
        self, statement: str, values: Sequence[Value] = ()
    ) -> list[tuple[Any, ...]]:
        """Return the rows of a small result."""

    @abstractmethod
    def insert(self, name: str, rows: pa.RecordBatchReader) -> None:
        """Add rows to a table, column by name.

        Raises:
            Exception: As reading the rows raises it, not as the driver wraps it.
        """

    @abstractmethod
    def read(
        self, statement: str, values: Sequence[Value], schema: pa.Schema
    ) -> Iterator[pa.RecordBatch]:
        """Yield the rows of a large result.

        Args:
            statement: A query.
            values: Its values.
            schema: The columns, for databases that do not know their types; others
                return the types that they have.
        """

    @abstractmethod
    def lock(self, name: str) -> None:
        """Wait until no other run loads this table, and keep others from it."""

    @abstractmethod
    def commit(self) -> None:
        """Make all of it visible at once."""

    @abstractmethod
    def close(self) -> None:
        """Undo what is not committed, and close the connection."""
