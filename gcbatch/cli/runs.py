"""The command `runs`."""

from typing import TYPE_CHECKING, Any

from gcbatch.cli.job_argument import PerOrg, exit_with_failures, load
from gcbatch.cli.options import AsJson, JobFile, Sets
from gcbatch.cli.output import print_json, print_screen

if TYPE_CHECKING:
    from gcbatch.job import Job
    from gcbatch.running import PastRun

__all__ = ["runs"]


def runs(
    job: JobFile,
    *,
    settings: Sets = [],  # noqa: B006 - typer copies it
    as_json: AsJson = False,
) -> None:
    """List the last runs of a job: when, what they fetched and changed, how they ended.

    Sends no request to the service.
    """
    loaded = load(job, "", "", settings)
    orgs = PerOrg(loaded)
    from gcbatch.running import runs_of

    done = list(orgs.each(runs_of))
    if as_json:
        print_json([_to_json(own, run) for own, found in done for run in found])
    else:
        from gcbatch.cli.screens.runs import runs_screen

        for own, found in done:
            print_screen(runs_screen(own.store_name, found, own.query.zone))
    exit_with_failures(orgs.failures)


def _to_json(job: "Job", run: "PastRun") -> dict[str, Any]:
    """Return a run as plain data, with its org if there are several."""
    return {**run.to_json(), **({"org": job.org_name} if job.org_name else {})}
