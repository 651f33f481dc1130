"""The command `verify`."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from gcbatch.cli.job_argument import PerOrg, exit_with_failures, load
from gcbatch.cli.options import AsJson, From, JobFile, Sets, To
from gcbatch.cli.output import print_json, print_screen

if TYPE_CHECKING:
    from gcbatch.job import Job
    from gcbatch.verifying import VerifyResult

__all__ = ["verify"]


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

    shares = PerOrg(loaded)
    checked = shares.each(lambda share: verify_job(share, offline=offline))
    found = list(checked)
    if as_json:
        print_json(shares.told([_told_of(*one) for one in found]))
    else:
        from gcbatch.cli.screens.verification import verification_screen

        for _, one in found:
            print_screen(verification_screen(one))
    exit_with_failures(
        [*(one.error for _, one in found if one.error), *shares.failures]
    )


def _told_of(job: "Job", found: "VerifyResult") -> dict[str, Any]:
    org = {"org": job.org_name} if job.org_name else {}
    return {**found.to_json(), **org}
