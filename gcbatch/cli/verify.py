"""The command `verify`."""

import shlex
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gcbatch.cli.job_argument import PerOrg, exit_with_failures, load
from gcbatch.cli.options import AsJson, From, JobFile, Sets, To
from gcbatch.cli.output import print_screen

if TYPE_CHECKING:
    from gcbatch.job import Job

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
    orgs = PerOrg(loaded)
    from gcbatch.cli.screens.verification import (
        destinations_screen,
        verification_screen,
    )
    from gcbatch.verifying import RUN, VerifyResult, verify_destinations
    from gcbatch.verifying import verify as verify_job

    done = list(orgs.each(lambda org_job: verify_job(org_job, offline=offline)))
    # The orgs are exported together, so this comes once.
    destinations = verify_destinations(
        loaded, {org_job.org_name: result for org_job, result in done}
    )

    def to_json(org_job: "Job", result: VerifyResult) -> dict[str, Any]:
        org = org_job.org_name
        return {
            **result.to_json(),
            "good": result.is_good and destinations.is_good(org),
            "destinations": destinations.to_json(org),
        }

    orgs.show_done(
        done,
        screen=lambda _, result: verification_screen(result),
        to_json=to_json if as_json else None,
    )
    if destinations.destinations and not as_json:
        print_screen(destinations_screen(destinations))
    spans = dict.fromkeys(span for _, result in done for span in result.refetch)
    for _, result in done:
        if result.refetch:  # one command mends all orgs
            result.refetch = tuple(spans)
    errors = [result.error for _, result in done if result.error]
    errors += [*destinations.errors, *orgs.failures]
    command = shlex.join(["gcbatch", "run", str(job), *_given(start, end, settings)])
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
