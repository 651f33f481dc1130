"""PostgreSQL as the loads of all databases see it: its types and statements."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any, ClassVar

import pyarrow as pa

from gcbatch.dialects import JsonType, add_columns, sql_type, table_statements
from gcbatch_exporters.databases.database import Database, Value
from gcbatch_exporters.databases.ledger import LEDGER
from gcbatch_exporters.postgres.catalog import (
    find_schema,
    find_table,
    require_create,
    require_owner,
)
from gcbatch_exporters.postgres.session import Session
from gcbatch_exporters.postgres.table_name import TableName

__all__ = ["PostgresDatabase"]


class PostgresDatabase(Database):
    """A schema of a PostgreSQL database, through one transaction.

    Args:
        session: The connection, which it closes.
        db_schema: The schema of all tables, the ledger among them; empty is the first
            of the role's search_path.
        json: The type of columns with JSON.

    Raises:
        OutputError: If the schema does not exist, or the role may not use it.
    """

    dialect: ClassVar[str] = "postgresql"

    def __init__(self, session: Session, db_schema: str, json: JsonType) -> None:
        self._session = session
        self._schema = find_schema(session, db_schema)
        self._json = json
        # Names without a schema then mean this one's tables, never temporary ones.
        path = f"{self.quoted(self._schema)}, pg_temp"
        session.execute("search_path", f"SET LOCAL search_path = {path}")
        self._table = TableName(self._schema, "")

    def name_job(self, job: str) -> None:
        """Show the server's administrator which job this is."""
        self._session.name_job(job)

    def name_table(self, name: str) -> None:
        """Say which table the statements are about from now on, for errors."""
        self._table = self._named(name)

    def marker(self, number: int) -> str:
        """Return `$1` for the first value."""
        return f"${number}"

    def folded(self, name: str) -> str:
        """Return the name: in quotes, `A` and `a` are two."""
        return name

    def columns(self, name: str) -> Mapping[str, str] | None:
        """Return the columns of a table; None if there is none.

        Raises:
            OutputError: If the role may not read it, or it is no table.
        """
        found = find_table(self._session, self._named(name))
        return None if found is None else found.columns

    def column_type(self, field: pa.Field) -> str:
        """Return the type that a column gets, and has to have."""
        return sql_type(field, self.dialect, json=self._json)

    def create(
        self, name: str, schema: pa.Schema, *, about: str = "", time: str | None = None
    ) -> None:
        """Create a table with comments, and an index on its time.

        Raises:
            OutputError: If the role may not; names the GRANT.
        """
        table = self._named(name)
        require_create(self._session, table)
        for statement in table_statements(
            name,
            schema,
            dialect=self.dialect,
            db_schema=self._schema,
            about=about,
            json=self._json,
        ):
            self._session.execute(table, statement)
        if time is not None:
            # Rows lie in the order of their loads, which is nearly that of time: an
            # index of this kind has some kilobytes, and costs a load next to nothing.
            index = f"CREATE INDEX ON {table.sql} USING brin ({self.quoted(time)})"
            self._session.execute(table, index)

    def add_column(self, name: str, field: pa.Field) -> None:
        """Add a column with its comment.

        Raises:
            OutputError: If the role does not own the table, or a session that reads it
                does not end.
        """
        table = self._named(name)
        alter, *comments = add_columns(
            name, [field], dialect=self.dialect, db_schema=self._schema, json=self._json
        )
        require_owner(self._session, table, alter)
        for statement in (alter, *comments):
            self._session.execute(table, statement)

    def execute(self, statement: str, values: Sequence[Value] = ()) -> None:
        """Run a statement that has no result."""
        self._session.execute(self._table, statement, *values)

    def query(
        self, statement: str, values: Sequence[Value] = ()
    ) -> list[tuple[Any, ...]]:
        """Return the rows of a small result."""
        return self._session.rows(self._table, statement, *values)

    def insert(self, name: str, rows: pa.RecordBatchReader) -> None:
        """Add rows to a table, column by name.

        Raises:
            OutputError: If the server refuses one; names row and column.
        """
        # Only values of Arrow's type for JSON are sent as jsonb.
        fields = [
            f.with_type(pa.json_()) if self.column_type(f) == "jsonb" else f
            for f in rows.schema
        ]
        schema = pa.schema(fields)
        if schema != rows.schema:
            rows = pa.RecordBatchReader.from_batches(schema, _marked(rows, schema))
        self._session.ingest(self._named(name), rows)

    def read(
        self, statement: str, values: Sequence[Value], schema: pa.Schema
    ) -> Iterator[pa.RecordBatch]:
        """Yield the rows of a large result, with the server's types.

        Columns of jsonb are left out: the server writes their texts in its own way.
        """
        del schema
        found = self._session.batches(self._table, statement, *values)
        with closing(found):
            for batch in found:
                yield _without_jsonb(batch)

    def lock(self, name: str) -> None:
        """Wait until no other run loads this table, and keep others from it.

        Raises:
            OutputError: If that takes too long, or the role may not load it.
        """
        ledger, self._table = self._named(LEDGER), self._named(name)
        if find_table(self._session, ledger, ["SELECT", "INSERT"]) is None:
            # Of two first loads only one creates the ledger. It is locked before any
            # table, or two loads could wait for each other.
            self._session.lock(ledger)
        self._session.lock(self._table)
        find_table(self._session, self._table, ["SELECT", "INSERT", "DELETE"])

    def commit(self) -> None:
        """Make all of it visible at once."""
        self._session.commit()

    def close(self) -> None:
        """Undo what is not committed, and close the connection."""
        self._session.close()

    def _named(self, name: str) -> TableName:
        return TableName(self._schema, name)


def _marked(rows: pa.RecordBatchReader, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Yield rows with texts of JSON marked as JSON."""
    for batch in rows:
        columns = [
            pa.ExtensionArray.from_storage(field.type, column)
            if isinstance(field.type, pa.JsonType)
            else column
            for field, column in zip(schema, batch.columns, strict=True)
        ]
        del batch  # or it would stay in memory while the next is made
        yield pa.RecordBatch.from_arrays(columns, schema=schema)
        del columns


def _without_jsonb(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return rows without jsonb, whose texts the server writes in its own way."""
    is_jsonb = [isinstance(field.type, pa.JsonType) for field in batch.schema]
    return batch.drop_columns(
        [n for n, of_json in zip(batch.schema.names, is_jsonb, strict=True) if of_json]
    )
