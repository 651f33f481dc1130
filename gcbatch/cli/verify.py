"""The command `verify`."""

import shlex
from collections.abc import Iterator, Sequence
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
    from gcbatch.verifying import RUN
    from gcbatch.verifying import verify as verify_job

    found = verify_job(loaded, offline=offline)
    if as_json:
        print_json_of_orgs(loaded, found.to_json(), found.failures.values())
    else:
        for result in found.orgs.values():
            print_screen(verification_screen(result))
        if found.destinations.destinations:
            print_screen(destinations_screen(found.destinations))
    command = shlex.join(["gcbatch", "run", str(job), *_given(start, end, settings)])
    errors = found.errors
    for error in errors:
        if error.hint:
            error.hint = error.hint.replace(RUN, command)
    exit_with_failures(errors)


def _given(start: str, end: str, settings: Sequence[str]) -> Iterator[str]:
    """Yield the options with which a run is the run that was checked."""
    for option, value in (("--from", start), ("--to", end)):
        if value:
            yield from (option, value)
    for setting in settings:
        yield from ("--set", setting)
