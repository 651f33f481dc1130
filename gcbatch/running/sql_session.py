"""SQL over the tables that the last run of a job left in the store."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from threading import Event
from typing import TYPE_CHECKING

import pyarrow as pa

from gcbatch.errors import GcbatchError
from gcbatch.fetching import Observer
from gcbatch.job import Job
from gcbatch.local_time import LOCAL
from gcbatch.running.job_run import JobRun
from gcbatch.table import BATCH_ROWS, Table
from gcbatch.tables import MultiOrgCatalog

if TYPE_CHECKING:
    from gcbatch.selecting import Limits, Rows, Session, Statement

__all__ = ["SqlTables", "asql", "open_sql", "sql"]


@dataclass(frozen=True)
class SqlTables:
    """The tables of a job, and what answers queries over them.

    Args:
        names: The tables, without those that only add local times.
        table: Returns one by its name.
        session: Runs queries.
        failures: The error of each org that has no rows in them.
    """

    names: tuple[str, ...]
    table: Callable[[str], Table]
    session: "Session"
    failures: Mapping[str, GcbatchError] = field(default_factory=dict)

    def run(self, statement: "Statement") -> "Rows":
        """Run a statement; see Session.select."""
        return self.session.run(statement)

    def as_table(self, rows: "Rows") -> Table:
        """Return rows as a table that exporters take; it can be read once."""
        return replace(
            self.table(self.names[0]),
            name="query",
            schema=rows.schema,
            key=(),
            batches=lambda: rows.batches,
            basis=None,
            batch_rows=BATCH_ROWS,
            time=None,
            record_time=None,
            end=None,
            lacks=(),
        )


@contextmanager
def open_sql(
    job: Job, limits: "Limits | None" = None, *, stop: Event | None = None
) -> Iterator[SqlTables]:
    """Open the tables that the last run of a job left, for SQL.

    Sends no request to the service. A table is read only if a query names it.

    Args:
        job: The job.
        limits: What queries may use.
        stop: Once set, a query ends with StoppedError.

    Raises:
        DataError: If the store does not have all that the job requests.
        JobError: If the job requests other data than its last run did, or DuckDB is
            not installed.
    """
    from gcbatch.selecting import Session  # noqa: PLC0415 - no run needs it

    catalog = JobRun(job, Observer()).saved_catalog(stop=stop)
    failures = catalog.failures if isinstance(catalog, MultiOrgCatalog) else {}
    names = [name for name in job.relations if not name.endswith(LOCAL)]
    with Session(job.relations, catalog.relation, limits, stop=stop) as session:
        yield SqlTables(tuple(names), catalog.relation, session, failures)


def sql(
    job: Job, query: str, *, memory: str = "1GB", allow_files: bool = False
) -> pa.Table:
    """Return the answer of a query over the tables that the last run of a job left.

    Sends no request to the service. The query is one SELECT in DuckDB's SQL; beside
    each table such as `intervals` there is `intervals_local`, with local times.

    Args:
        job: The job, as load_job returns it.
        query: The query.
        memory: What DuckDB may use; a query that needs more is refused.
        allow_files: Whether the query may read and write files, use the network, and
            do more than read.

    Raises:
        JobError: If the query is wrong, or DuckDB is not installed.
        GcbatchError: If the tables cannot be read, those of one org included.
    """
    from gcbatch.selecting import Limits  # noqa: PLC0415 - no run needs it

    with open_sql(job, Limits(memory, allow_files)) as tables:
        for failure in tables.failures.values():
            raise failure
        return tables.session.select(query).read_all()


async def asql(
    job: Job, query: str, *, memory: str = "1GB", allow_files: bool = False
) -> pa.Table:
    """Return the answer of a query, which runs in a thread; see sql."""
    return await asyncio.to_thread(
        sql, job, query, memory=memory, allow_files=allow_files
    )
