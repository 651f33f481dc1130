"""The command `tables`."""

from pathlib import Path
from typing import Annotated

import typer

from gcbatch.cli.options import AsJson
from gcbatch.cli.output import print_json, print_screen

__all__ = ["tables"]


def tables(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="A table; leave out to list all.")
    ] = "",
    *,
    job: Annotated[
        Path | None,
        typer.Option("--job", help="A job file: show its tables and their columns."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List all tables, or the columns of one."""
    from gcbatch.cli.job_argument import load

    loaded = None if job is None else load(job, "", "", [])
    from gcbatch.cli.listed_tables import find_table, tables_of_any_job, tables_of_job

    found = tables_of_any_job() if loaded is None else tables_of_job(loaded)
    if name:
        found = find_table(found, name, job)
    if as_json:
        print_json([one.to_json() for one in found])
        return
    from gcbatch.cli.screens.tables import table_screen, tables_screen

    print_screen(table_screen(found) if name else tables_screen(found))
