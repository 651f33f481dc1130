"""Loads tables into PostgreSQL."""

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Final

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, field_validator

from gcbatch.dialects import JsonType, quoted
from gcbatch.errors import JobError
from gcbatch.exporting import SecretUri, reveal
from gcbatch.table import Table
from gcbatch.windows import Period, parse_period_or_zero
from gcbatch_exporters.databases.database import Database
from gcbatch_exporters.databases.exporter import (
    DatabaseExporter,
    DatabaseOptions,
    IsStopped,
)
from gcbatch_exporters.databases.table_load import TableLoad
from gcbatch_exporters.postgres.address import shown_address
from gcbatch_exporters.postgres.database import PostgresDatabase
from gcbatch_exporters.postgres.session import Session

__all__ = ["PostgresExporter", "PostgresOptions"]

MAX_LOCK_TIMEOUT: Final = Period.parse("P1D")
"""The server takes up to 24 days; no load should wait so long."""

GLANCE_S: Final = 1.0
"""Longest wait for a lock when a job is only checked."""


def _check_wait(period: Period) -> Period:
    if period.typical_s > MAX_LOCK_TIMEOUT.typical_s:
        msg = f"{period} is longer than {MAX_LOCK_TIMEOUT}"
        raise ValueError(msg)
    return period


def _describe_wait(schema: dict[str, Any]) -> None:
    schema.clear()
    examples = ["PT30S", "PT10M"]
    schema.update(type="string", format="duration", pattern="^P", examples=examples)


LockTimeout = Annotated[
    Period,
    BeforeValidator(parse_period_or_zero),
    AfterValidator(_check_wait),
    Field(json_schema_extra=_describe_wait),
]


class PostgresOptions(DatabaseOptions):
    """Options of the postgres exporter.

    Args:
        uri: Where the database is, and who connects:
            `postgresql://USER:${PASSWORD}@HOST:5432/DATABASE`, or libpq's keywords.
        db_schema: The schema of the tables and of the ledger `_gcbatch_loads`. Default:
            the first of the role's search_path, mostly `public`.
        role: The role to act as (SET ROLE), which then owns what is created. Default:
            the user of `uri`.
        lock_timeout: Longest wait for another load of the same table, or for a session
            that uses it in a way that the load cannot share; then the load fails and
            names the session. `PT0S` waits for ever.
    """

    uri: SecretUri
    db_schema: str | None = None
    role: str | None = None
    json_type: Annotated[
        JsonType,
        Field(
            alias="json",  # a name that pydantic has for something else
            description="The type of columns that hold JSON: `text`, as the service "
            "sent it, or `jsonb`, which PostgreSQL searches.",
        ),
    ] = "text"
    lock_timeout: LockTimeout = Period.parse("PT30S")

    @field_validator("db_schema", "role", "name")
    @classmethod
    def _check_name(cls, name: str | None) -> str | None:
        if name is not None:
            try:
                quoted(name, "postgresql")
            except JobError as exc:
                raise ValueError(exc.problem) from exc
        return name


class PostgresExporter(DatabaseExporter[PostgresOptions]):
    """Loads tables into PostgreSQL, each load in one transaction.

    Whole numbers are bigint, fractions double precision, times timestamptz, JSON text
    or jsonb. Tables that it creates have comments, and an index (BRIN) on their time.
    """

    Options: ClassVar[type[BaseModel]] = PostgresOptions
    exporter_name: ClassVar[str] = "postgres"
    requires: ClassVar[tuple[str, ...]] = ("adbc_driver_postgresql",)

    @property
    def place(self) -> str:
        """Host, port and database."""
        return shown_address(reveal(self._options.uri))

    def destinations(self, names: Sequence[str]) -> Sequence[str]:
        """Return where the rows of tables go: server, schema if it is given, table."""
        db_schema = self._options.db_schema
        within = f"{self.place}: {db_schema}." if db_schema else f"{self.place}: "
        return [f"{within}{self._name_of(name)}" for name in names]

    def exists(self) -> bool:
        """Return true: only a connection shows that."""
        return True

    def connect(self, *, is_stopped: IsStopped, may_wait: bool) -> PostgresDatabase:
        """Open a connection with a transaction.

        Raises:
            OutputError: If the server cannot be reached, or refuses user, role or
                schema.
        """
        options = self._options
        wait_s = options.lock_timeout.elapsed.total_seconds()
        session = Session.open(
            reveal(options.uri),
            role=options.role or "",
            lock_timeout_s=wait_s if may_wait else GLANCE_S,
            is_stopped=is_stopped if may_wait else None,
        )
        try:
            return PostgresDatabase(session, options.db_schema or "", options.json_type)
        except BaseException:
            session.close()
            raise

    def _load(self, db: Database, table: Table) -> TableLoad:
        if isinstance(db, PostgresDatabase):
            db.name_job(table.job)
            db.name_table(self._name_of(table.name))
        return super()._load(db, table)
