"""The command `verify`."""

from typing import Annotated

import typer

from gcbatch.cli.job_argument import exit_with_failures, load, print_json_of_orgs
from gcbatch.cli.options import AsJson, From, JobFile, Sets, To
from gcbatch.cli.output import print_screen

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
    loaded = load(job, start, end, settings)
    from gcbatch.cli.screens.verification import (
        destinations_screen,
        verification_screen,
    )
    from gcbatch.verifying import verify as verify_job

    found = verify_job(loaded, offline=offline)
    if as_json:
        print_json_of_orgs(loaded, found.to_json(), found.failures.values())
    else:
        for result in found.orgs.values():
            print_screen(verification_screen(result))
        if found.destinations.destinations:
            print_screen(destinations_screen(found.destinations))
    exit_with_failures(found.errors)
