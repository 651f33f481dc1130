"""A connection to PostgreSQL and its one transaction."""

from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Self

import pyarrow as pa

from gcbatch.dialects import quoted
from gcbatch.errors import OutputError
from gcbatch.lazy import lazy_import
from gcbatch_exporters.databases.database import Value
from gcbatch_exporters.databases.row_stream import own_errors
from gcbatch_exporters.databases.waiting import cancelling
from gcbatch_exporters.postgres.address import (
    APPLICATION,
    connection_text,
    shown_address,
)
from gcbatch_exporters.postgres.blockers import (
    LOCK_TIMEOUT,
    find_blockers,
    waited_too_long,
)
from gcbatch_exporters.postgres.errors import (
    PERMISSION,
    connection_error,
    statement_error,
)
from gcbatch_exporters.postgres.table_name import TableName

if TYPE_CHECKING:
    from adbc_driver_manager.dbapi import Connection

__all__ = ["Session"]

dbapi: Any = lazy_import("adbc_driver_postgresql.dbapi")
driver: Any = lazy_import("adbc_driver_manager")


@dataclass
class Session:
    """A connection with at most one transaction, which everything belongs to.

    All settings end with the transaction, so a pool that gives each transaction another
    connection, such as PgBouncer's, may stand between.

    Args:
        connection: The open connection.
        address: The server and the database, as they may be shown.
        role: Acts as this role; empty acts as the user that connects.
        lock_timeout_s: Longest wait for a lock, in seconds.
    """

    connection: "Connection"
    address: str
    role: str
    lock_timeout_s: float
    _watch: ExitStack = field(default_factory=ExitStack, init=False)

    @classmethod
    def open(
        cls,
        uri: str,
        *,
        role: str = "",
        lock_timeout_s: float,
        is_stopped: Callable[[], bool] | None = None,
    ) -> Self:
        """Connect and begin a transaction.

        Args:
            uri: URI or keywords as libpq has them, with the password.
            role: The role to act as; empty acts as the user that connects.
            lock_timeout_s: Longest wait for a lock, in seconds; 0 waits for ever.
            is_stopped: Says whether the run should end: the server then cancels what it
                does, however long it waits.

        Raises:
            OutputError: If the server cannot be reached, or refuses user or role.
        """
        address = shown_address(uri)
        try:
            connection = dbapi.connect(connection_text(uri), autocommit=False)
        except driver.Error as exc:
            error = connection_error(exc, address, uri)
        else:
            session = cls(connection, address, role, lock_timeout_s)
            try:
                if is_stopped is not None:
                    cancel = connection.adbc_cancel
                    session._watch.enter_context(cancelling(cancel, is_stopped))
                session.begin()
            except BaseException:
                session.close()
                raise
            return session
        raise error  # out here: the driver's error may quote a piece of the password

    def begin(self) -> None:
        """Begin a transaction.

        Raises:
            OutputError: If the server refuses the role.
        """
        # The driver sends UTF-8 whatever the server expects.
        settings = {"client_encoding": "UTF8", "timezone": "UTC"}
        settings["lock_timeout"] = str(round(self.lock_timeout_s * 1000))
        for name, value in settings.items():
            self.rows("settings", f"SELECT set_config('{name}', $1, true)", value)
        if self.role:
            self._act_as(quoted(self.role, "postgresql"))

    def name_job(self, job: str) -> None:
        """Show administrators which job this is, unless the user gave another name."""
        query = (
            "SELECT pg_catalog.set_config('application_name', $1, true) "
            "WHERE pg_catalog.current_setting('application_name') = $2"
        )
        self.rows("settings", query, f"{APPLICATION} {job}", APPLICATION)

    def _act_as(self, role: str) -> None:
        where = f"role {role}"
        try:
            self.execute(where, f"SET LOCAL ROLE {role}")
        except OutputError as exc:
            state = getattr(exc.__cause__, "sqlstate", "")
            hint = "correct `role`, or create it"
            if state == PERMISSION:
                self.rollback()
                user = self.rows(where, "SELECT pg_catalog.quote_ident(session_user)")
                hint = f"let its owner run: GRANT {role} TO {user[0][0]}"
            raise OutputError(exc.problem, hint=hint) from exc

    def lock(self, table: TableName) -> None:
        """Wait until no other load has the table, and keep others out until the end.

        The table need not exist. Readers and other programs are not kept out.

        Raises:
            OutputError: If it takes longer than lock_timeout_s; names who has it.
        """
        query = "SELECT pg_catalog.pg_advisory_xact_lock($1)"
        self.rows(table, query, table.lock_key)

    def execute(self, where: TableName | str, statement: str, *values: Value) -> None:
        """Run a statement.

        Args:
            where: What it is about, for errors.
            statement: With `$1` and so on for *values*.
            values: In their order; times are UTC.

        Raises:
            OutputError: If it fails; names *where*, and who holds a lock.
        """
        with self._cursor(where, alters=statement.startswith("ALTER")) as cursor:
            cursor.execute(statement, values or None)

    def rows(
        self, where: TableName | str, query: str, *values: Value
    ) -> list[tuple[Any, ...]]:
        """Return the rows of a query; see execute."""
        with self._cursor(where) as cursor:
            cursor.execute(query, values or None)
            found: list[tuple[Any, ...]] = cursor.fetchall()
            return found

    def batches(
        self, where: TableName | str, query: str, *values: Value
    ) -> Generator[pa.RecordBatch]:
        """Yield the rows of a query as Arrow batches of some 16 MB; see execute.

        Times have microseconds, in UTC. There is at least one batch.
        """
        with self._cursor(where) as cursor:
            cursor.execute(query, values or None)
            with cursor.fetch_record_batch() as reader:
                seen = False
                while (batch := _next(reader)) is not None:
                    yield batch
                    seen = True
                if not seen:
                    yield pa.RecordBatch.from_pylist([], schema=reader.schema)

    def ingest(self, table: TableName, rows: pa.RecordBatchReader) -> None:
        """Append rows to a table by COPY.

        Columns go by their names. The types must be the table's: neither the driver nor
        the server compares them, and 8 bytes of a whole number are read as a fraction.

        Args:
            table: The table, which exists.
            rows: The rows. What reading them raises is raised here as it is.

        Raises:
            OutputError: If it fails; names row and column if the server does.
        """
        with own_errors(rows) as stream, self._cursor(table) as cursor:
            cursor.adbc_ingest(
                table.name, stream, mode="append", db_schema_name=table.db_schema
            )

    def commit(self) -> None:
        """End the transaction and keep what it did.

        Raises:
            OutputError: If it fails. If the connection breaks just then, the server may
                have kept it.
        """
        try:
            self.connection.commit()
        except driver.Error as exc:
            raise statement_error(exc, f"{self.address}: commit") from exc

    def rollback(self) -> None:
        """Undo the transaction, also after an error or on a broken connection."""
        with suppress(driver.Error):
            self.connection.rollback()

    def close(self) -> None:
        """Undo what is not committed, and close the connection."""
        self._watch.close()  # first: a closed connection must not be cancelled
        self.rollback()
        with suppress(driver.Error):
            self.connection.close()

    @contextmanager
    def _cursor(self, where: TableName | str, *, alters: bool = False) -> Iterator[Any]:
        try:
            with self.connection.cursor() as cursor:
                yield cursor
        except driver.Error as exc:
            if exc.sqlstate != LOCK_TIMEOUT or isinstance(where, str):
                raise statement_error(exc, f"{self.address}: {where}") from exc
            self.rollback()
            raise self._waited(where, alters=alters) from exc

    def _waited(self, table: TableName, *, alters: bool) -> OutputError:
        """Return the error of a lock that was not got; names who has it."""
        found = find_blockers(partial(self.rows, "locks"), table, readers=alters)
        return waited_too_long(f"{self.address}: {table}", self.lock_timeout_s, found)


def _next(reader: pa.RecordBatchReader) -> pa.RecordBatch | None:
    """Return the next batch; None at the end."""
    try:
        return reader.read_next_batch()
    except StopIteration:
        return None
