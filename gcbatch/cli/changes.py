"""The command `changes`."""

import csv
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gcbatch.cli.job_argument import exit_with_failures, load
from gcbatch.cli.options import AsJson, From, JobFile, Sets, To
from gcbatch.cli.output import print_json, print_screen
from gcbatch.errors import JobError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from gcbatch.job import Job
    from gcbatch.table import Table

__all__ = ["changes"]


def changes(
    job: JobFile,
    *,
    start: From = "",
    end: To = "",
    settings: Sets = [],  # noqa: B006 - typer copies it
    since: Annotated[
        str,
        typer.Option(
            "--since", help="Only what changed since a date, an instant or today-7d."
        ),
    ] = "",
    table: Annotated[
        str, typer.Option("--table", help="Only the changes of one table.")
    ] = "",
    day: Annotated[
        str, typer.Option("--day", help="Only the rows of one day: 2026-11-21.")
    ] = "",
    as_json: AsJson = False,
    as_csv: Annotated[
        bool, typer.Option("--csv", help="Print CSV, a line for each change.")
    ] = False,
) -> None:
    """List what fetching again has changed, without any request."""
    if as_json and as_csv:
        msg = "--json and --csv both say how to print"
        raise JobError(msg, hint="give one of them")
    loaded = load(job, start, end, settings)
    _check(loaded, table, day)
    instant = _instant(loaded, since) if since else None
    from gcbatch.cli.screens.changes import changes_screen
    from gcbatch.running import changes_in, tables_of
    from gcbatch.tables import MultiOrgCatalog

    catalog = tables_of(loaded)
    found = changes_in(catalog, loaded, since=instant, table=table, day=day)
    if as_csv:
        _print_csv(found)
    elif as_json:
        print_json([*_rows(found)])
    else:
        print_screen(changes_screen(found))
    if isinstance(catalog, MultiOrgCatalog):
        exit_with_failures(catalog.failures.values())


def _check(job: "Job", table: str, day: str) -> None:
    """Refuse a table that has no changes, or a day that is none.

    Raises:
        JobError: In these cases.
    """
    from datetime import date

    from gcbatch.suggest import unknown
    from gcbatch.tables import tables_in_changes

    known = () if job.lists_only else tables_in_changes(job)
    if table and table not in known:
        msg = f"--table: {unknown('table', table, known)}"
        raise JobError(msg, hint=f"changes are of {', '.join(known)}")
    try:
        if day and str(date.fromisoformat(day)) == day:
            return
    except ValueError:
        pass
    if day:
        msg = f"--day: {day!r} is not a date"
        raise JobError(msg, hint="write for example --day 2026-11-21")


def _instant(job: "Job", text: str) -> "datetime":
    """Return the instant of `--since`.

    Raises:
        JobError: If it is none.
    """
    from datetime import UTC, datetime

    from gcbatch.job import resolve_instant

    try:
        return resolve_instant(text, zone=job.query.zone, now=datetime.now(UTC))
    except ValueError as exc:
        msg = f"--since: {exc}"
        raise JobError(msg, hint="write for example --since today-7d") from exc


def _rows(table: "Table") -> "Iterator[dict[str, Any]]":
    """Yield rows as plain data: instants as text, the key as an object."""
    from datetime import datetime

    from gcbatch.windows import iso

    for batch in table:
        for row in batch.to_pylist():
            yield {k: iso(v) if isinstance(v, datetime) else v for k, v in row.items()}


def _print_csv(table: "Table") -> None:
    """Print the rows as CSV; null is empty."""
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(table.schema.names)
    for row in _rows(table):
        out.writerow(row.values())
