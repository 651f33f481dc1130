"""The command `schema`."""

from pathlib import Path
from typing import Annotated

import typer

from gcbatch.cli.options import From, Sets, To
from gcbatch.cli.output import print_json, print_text
from gcbatch.errors import JobError

__all__ = ["schema"]


def schema(
    job: Annotated[
        Path | None,
        typer.Argument(metavar="[JOB]", help="With --sql: a job file (YAML)."),
    ] = None,
    *,
    start: From = "",
    end: To = "",
    settings: Sets = [],  # noqa: B006 - typer copies it
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print it as a page for people.")
    ] = False,
    sql: Annotated[
        str,
        typer.Option(
            metavar="DIALECT",
            help="Print the definitions of tables instead: postgresql, duckdb, sqlite, "
            "snowflake, bigquery, redshift, sqlserver, fabric or databricks.",
        ),
    ] = "",
    table: Annotated[
        str, typer.Option(metavar="NAME", help="With --sql: define only this table.")
    ] = "",
) -> None:
    """Print the JSON Schema of job files, or the SQL of their tables."""
    if sql:
        if markdown:
            msg = "--markdown: does not go with --sql"
            raise JobError(msg, hint="leave one of them out")
        _print_sql(job, start, end, settings, dialect=sql, table=table)
        return
    if job or start or end or settings or table:
        msg = "schema: JOB, --from, --to, --set and --table need --sql"
        raise JobError(msg, hint="gcbatch schema --sql postgresql JOB")
    from gcbatch.job import job_schema

    if markdown:
        from gcbatch.job import job_reference

        print_text(job_reference(job_schema()).removesuffix("\n"))
        return
    print_json(job_schema())


def _print_sql(
    job: Path | None,
    start: str,
    end: str,
    settings: list[str],
    *,
    dialect: str,
    table: str,
) -> None:
    """Print the definitions of a job's tables, or of those that need no job."""
    from gcbatch.cli.job_argument import load
    from gcbatch.cli.sql_definitions import sql_of_any_job, sql_of_job
    from gcbatch.dialects import find_dialect

    try:
        find_dialect(dialect)
    except JobError as exc:
        msg = f"--sql: {exc.problem}"
        raise JobError(msg, hint=exc.hint) from exc
    if job is None:
        if start or end or settings:
            msg = "schema: --from, --to and --set need JOB"
            raise JobError(msg, hint=f"gcbatch schema --sql {dialect} JOB")
        found = sql_of_any_job(dialect, table)
    else:
        loaded = load(job, start, end, settings)
        found = sql_of_job(loaded, job, dialect, table)
    print_text("\n".join(found).removesuffix("\n"))
