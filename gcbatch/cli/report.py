"""The command `report`."""

from typing import Annotated, Any

import typer

from gcbatch.cli.job_argument import exit_with_failures, load
from gcbatch.cli.options import AsJson, From, JobFile, Sets, To
from gcbatch.cli.output import print_json, print_sla, say
from gcbatch.errors import JobError

__all__ = ["report"]


def report(
    job: JobFile,
    *,
    start: From = "",
    end: To = "",
    settings: Sets = [],  # noqa: B006 - typer copies it
    period: Annotated[
        str, typer.Option(help="interval, hour, day, week, month or total.")
    ] = "total",
    as_json: AsJson = False,
) -> None:
    """Print the service levels again from the store, without any request."""
    loaded = load(job, start, end, settings)
    if loaded.sla is None:
        msg = f"{job}: has no section sla to report on"
        hint = "add `sla: {}`"
        if loaded.lists_only:
            hint = "add a section `query:` too; without one a job only lists tables"
        if loaded.query.details:
            hint = "use endpoint: conversation-aggregates; details have no buckets"
        raise JobError(msg, hint=hint)
    from gcbatch.job import PERIODS
    from gcbatch.suggest import unknown

    if period not in PERIODS:
        msg = f"--period: {unknown('period', period, PERIODS)}"
        raise JobError(msg, hint="add `--period day`, for example")
    if misfit := loaded.period_conflict(period):
        msg = f"--period {period}: {misfit}"
        raise JobError(msg, hint="change query.granularity, or use a longer period")
    from gcbatch.cli.screens.grid import names_line
    from gcbatch.running import tables_of
    from gcbatch.tables import MultiOrgCatalog

    catalog = tables_of(loaded)
    if line := names_line(catalog.names_at, loaded.query.zone):
        say(line, err=as_json)
    if as_json:
        rows = catalog.table("sla", period=period).read_all().to_pylist()
        print_json(rows, default=_instant)
    else:
        print_sla(loaded, catalog, period)
    if isinstance(catalog, MultiOrgCatalog):
        exit_with_failures(catalog.failures.values())


def _instant(value: Any) -> str:
    from gcbatch.windows import iso

    return iso(value)
