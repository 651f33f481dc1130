"""The command `verify`."""

from typing import Annotated

import typer

from gcbatch.cli.job_argument import PerOrg, exit_with_failures, load
from gcbatch.cli.options import AsJson, From, JobFile, Sets, To

__all__ = ["verify"]


def verify(
    job: JobFile,
    *,
    start: From = "",
    end: To = "",
    settings: Sets = [],  # noqa: B006 - typer copies it
    offline: Annotated[
        bool, typer.Option("--offline", help="Send no request to the service.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check parts and outputs, and compare them with the service's own totals."""
    orgs = PerOrg(load(job, start, end, settings))
    from gcbatch.cli.screens.verification import verification_screen
    from gcbatch.verifying import verify as verify_job

    results = orgs.show(
        lambda org_job: verify_job(org_job, offline=offline),
        screen=lambda _, result: verification_screen(result),
        to_json=(lambda _, result: result.to_json()) if as_json else None,
    )
    errors = [result.error for result in results if result.error]
    exit_with_failures([*errors, *orgs.failures])
