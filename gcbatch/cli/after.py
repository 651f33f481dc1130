"""What a run left behind, once more: exported, reported, verified."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from gcbatch.cli.jobs import Shares, load, settle
from gcbatch.cli.options import AsJson, From, JobFile, Sets, To
from gcbatch.cli.printing import print_json, print_screen, print_sla, say
from gcbatch.errors import JobError

if TYPE_CHECKING:
    from gcbatch.job import Job
    from gcbatch.verifying import VerifyResult

__all__ = ["export_again", "report", "verify"]


def export_again(
    job: JobFile,
    *,
    start: From = "",
    end: To = "",
    settings: Sets = [],  # noqa: B006 - typer copies it
    as_json: AsJson = False,
) -> None:
    """Export again from the store, without any request."""
    loaded = load(job, start, end, settings)
    from gcbatch.running import export_job

    report = export_job(loaded)
    if as_json:
        print_json(report.to_json())
    else:
        from gcbatch.screens import report_screen

        print_screen(report_screen(report, loaded.query.zone))
    settle(report.failures.values())


def report(
    job: JobFile,
    *,
    start: From = "",
    end: To = "",
    settings: Sets = [],  # noqa: B006 - typer copies it
    period: Annotated[
        str,
        typer.Option(help="interval, hour, day, week, month or total."),
    ] = "total",
    as_json: AsJson = False,
) -> None:
    """Print the service levels again from the store, without any request."""
    loaded = load(job, start, end, settings)
    if loaded.sla is None:
        msg = f"{job}: has no section sla to report on"
        hint = "add `sla: {}`"
        if loaded.query.details:
            hint = "use endpoint: conversation-aggregates; details have no buckets"
        raise JobError(msg, hint=hint)
    from gcbatch.job import PERIODS
    from gcbatch.suggest import unknown

    if period not in PERIODS:
        msg = f"--period: {unknown('period', period, PERIODS)}"
        raise JobError(msg, hint="add `--period day`, for example")
    if misfit := loaded.misfit_of_period(period):
        msg = f"--period {period}: {misfit}"
        raise JobError(msg, hint="change query.granularity, or name a longer period")
    from gcbatch.running import tables_of
    from gcbatch.screens import names_line
    from gcbatch.tables import MultiOrgCatalog

    catalog = tables_of(loaded)
    told = names_line(catalog.names_at, loaded.query.zone)
    if told:
        say(told, err=as_json)
    if as_json:
        rows = catalog.table("sla", period=period).read_all().to_pylist()
        print_json(rows, default=_instant)
    else:
        print_sla(loaded, catalog, period)
    if isinstance(catalog, MultiOrgCatalog):
        settle(catalog.failures.values())


def _instant(value: Any) -> str:
    from gcbatch.windows import iso

    return iso(value)


def verify(
    job: JobFile,
    *,
    start: From = "",
    end: To = "",
    settings: Sets = [],  # noqa: B006 - typer copies it
    offline: Annotated[
        bool, typer.Option("--offline", help="Leave the service alone.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check parts and outputs, and compare with the service's own day totals."""
    loaded = load(job, start, end, settings)
    from gcbatch.verifying import verify as verify_job

    shares = Shares(loaded)
    checked = shares.each(lambda share: verify_job(share, offline=offline))
    found = list(checked)
    if as_json:
        print_json(shares.told([_told_of(*one) for one in found]))
    else:
        from gcbatch.store_screens import verification_screen

        for _, one in found:
            print_screen(verification_screen(one))
    settle([*(one.error for _, one in found if one.error), *shares.failures])


def _told_of(job: "Job", found: "VerifyResult") -> dict[str, Any]:
    org = {"org": job.org_name} if job.org_name else {}
    return {**found.to_json(), **org}
