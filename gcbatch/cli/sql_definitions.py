"""The definitions of tables in a database, for the command `schema`."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gcbatch.cli.any_job import any_job
from gcbatch.errors import JobError

if TYPE_CHECKING:
    from gcbatch.job import Job

__all__ = ["sql_of_any_job", "sql_of_job"]

WITHOUT_JOB: Final = """\
-- These tables are the same in all jobs of one org. The columns of the others follow
-- from the job: `gcbatch schema --sql {dialect} JOB` prints them.
"""


def sql_of_job(job: "Job", path: Path, dialect: str, table: str) -> Iterator[str]:
    """Yield the definitions of a job's tables.

    Args:
        job: The job.
        path: Its file, for messages.
        dialect: One of gcbatch.dialects.DIALECTS.
        table: The only table to define; empty means all.

    Raises:
        JobError: If the job has no such table, or there is no such dialect.
    """
    names = _chosen(job.exportable, table, f"{path}: ")
    yield from _definitions(job, names, dialect, of=job.name)


def sql_of_any_job(dialect: str, table: str) -> Iterator[str]:
    """Yield the definitions of the tables that are the same in all jobs.

    Args:
        dialect: One of gcbatch.dialects.DIALECTS.
        table: The only table to define; empty means all.

    Raises:
        JobError: If the columns of the table follow from a job, there is no such table,
            or there is no such dialect.
    """
    from gcbatch.genesys import DETAILS, ENTITY_TABLES
    from gcbatch.job import CHANGES_TABLE
    from gcbatch.registry import module_names

    jobs = [any_job(details.name) for details in DETAILS]
    if table in module_names("tables/aggregates"):
        msg = f"--table {table}: its columns follow from a job"
        raise JobError(msg, hint=f"gcbatch schema --sql {dialect} --table {table} JOB")
    own = [name for job in jobs for name in job.tables]
    chosen = _chosen([*own, CHANGES_TABLE, *ENTITY_TABLES], table, "")
    if not table:
        yield WITHOUT_JOB.format(dialect=dialect)
    for job in jobs:
        yield from _definitions(job, [n for n in job.tables if n in chosen], dialect)
    listed = [n for n in (CHANGES_TABLE, *ENTITY_TABLES) if n in chosen]
    yield from _definitions(jobs[0], listed, dialect)


def _chosen(names: Sequence[str], table: str, where: str) -> Sequence[str]:
    """Return the tables to define.

    Raises:
        JobError: If *table* is none of them.
    """
    if not table:
        return names
    if table in names:
        return (table,)
    from gcbatch.suggest import unknown

    msg = f"{where}--table: {unknown('table', table, names)}"
    raise JobError(msg, hint=f"there are {', '.join(names)}")


def _definitions(
    job: "Job", names: Sequence[str], dialect: str, *, of: str = ""
) -> Iterator[str]:
    from gcbatch.dialects import comment_of_table, create_table
    from gcbatch.running import declared_tables

    catalog = declared_tables(job)
    for name in names:
        table = catalog.table(name)
        yield create_table(
            name,
            table.schema,
            dialect=dialect,
            key=table.key,
            about=comment_of_table(table, of),
        )
