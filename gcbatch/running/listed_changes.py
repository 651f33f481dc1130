"""What fetching again changed, as a table and summed up for a run."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

import pyarrow as pa

from gcbatch.errors import JobError
from gcbatch.job import CHANGES_TABLE, Job
from gcbatch.lazy import lazy_import
from gcbatch.running.pipeline import tables_of
from gcbatch.table import Table
from gcbatch.tables import Catalog, MultiOrgCatalog

__all__ = ["achanges", "changes", "changes_in"]

pc = lazy_import("pyarrow.compute")


def changes(job: Job, since: datetime | None = None) -> Table:
    """Return what fetching again changed, without any request.

    Args:
        job: A job that ran.
        since: Only what changed at this instant or later, aware; None means all that
            the store has.

    Returns:
        The table `changes`: a row for each figure, in the order of time.

    Raises:
        DataError: If the store does not have all that the job requests.
        JobError: If the job requests other data than its last run did, or has no
            query.
        ValueError: If *since* is naive: it would be taken for UTC.
    """
    if since is not None and since.tzinfo is None:
        msg = f"since: {since} has no time zone"
        raise ValueError(msg)
    return changes_in(tables_of(job), job, since=since)


async def achanges(job: Job, since: datetime | None = None) -> Table:
    """Return what fetching again changed, opened in a thread; see changes."""
    return await asyncio.to_thread(changes, job, since)


def changes_in(
    catalog: Catalog | MultiOrgCatalog,
    job: Job,
    *,
    since: datetime | None = None,
    table: str = "",
    day: str = "",
) -> Table:
    """Return some rows of the table `changes`.

    Args:
        catalog: The tables of the job.
        job: The job.
        since: Only what changed at this instant or later; None means all.
        table: Only the changes of this table; empty means all.
        day: Only the rows of this local day, such as 2026-11-21; empty means all.

    Raises:
        JobError: If the job has no query.
    """
    if job.lists_only:
        msg = f"{job.name}: without a section `query:`, nothing is fetched again"
        raise JobError(msg, hint="`listings: {history: true}` keeps versions of tables")
    found = catalog.table(CHANGES_TABLE)

    def batches() -> Iterator[pa.RecordBatch]:
        for batch in found.batches():
            rows = batch
            if since is not None:
                least = pa.scalar(since, pa.timestamp("us", tz="UTC"))
                rows = rows.filter(pc.greater_equal(rows.column("changed_at"), least))
            for name, value in (("table", table), ("day", day)):
                if value:
                    rows = rows.filter(pc.equal(rows.column(name), value))
            if rows.num_rows:
                yield rows

    return replace(found, batches=batches)
