"""What differs between databases: their connections, types and statements."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import pyarrow as pa

__all__ = ["Database", "Value"]

Value = str | int | datetime
"""A value in a statement. Instants are UTC."""


class Database(ABC):
    """A connection with one transaction, which ends with commit or is undone by close.

    Statements have one marker for each value, in order; see `marker`.
    """

    def quoted(self, name: str) -> str:
        """Return a name as it stands in statements."""
        doubled = name.replace('"', '""')
        return f'"{doubled}"'

    def marker(self, number: int) -> str:  # noqa: ARG002 - PostgreSQL needs it
        """Return what stands for a value; the first has number 1."""
        return "?"

    def folded(self, name: str) -> str:
        """Return what two names that are the same to the database have in common."""
        return name.lower()

    @abstractmethod
    def columns(self, name: str) -> Mapping[str, str] | None:
        """Return the columns of a table and their types, as the database says them.

        Returns:
            None if there is no such table.
        """

    @abstractmethod
    def column_type(self, field: pa.Field) -> str:
        """Return the type of a column, as the database says it of such a column."""

    @abstractmethod
    def create(self, name: str, schema: pa.Schema, *, time: str | None = None) -> None:
        """Create a table, with what helps to read it: comments, an index on its time.

        Args:
            name: Its name.
            schema: Its columns; their metadata becomes comments.
            time: The column by which rows belong to days; None if there is none.
        """

    def add_column(self, name: str, field: pa.Field) -> None:
        """Add a column, null in the rows that are there."""
        column = f"{self.quoted(field.name)} {self.column_type(field)}"
        self.execute(f"ALTER TABLE {self.quoted(name)} ADD COLUMN {column}")

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
        """Yield the rows of a large result, with the types of *schema*."""

    @abstractmethod
    def lock(self, name: str) -> None:
        """Wait until no other run loads this table, and keep others from it."""

    @abstractmethod
    def commit(self) -> None:
        """Make all of it visible at once."""

    @abstractmethod
    def close(self) -> None:
        """Undo what is not committed, and close the connection."""
