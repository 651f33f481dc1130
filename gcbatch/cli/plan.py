"""What can be known before a run: what it would ask, and whether it would get in."""

from typing import TYPE_CHECKING, Any

from gcbatch.cli.job_argument import PerOrg, exit_with_failures, load
from gcbatch.cli.options import AsJson, From, JobFile, Sets, To
from gcbatch.cli.output import print_json, print_screen

if TYPE_CHECKING:
    from gcbatch.job import Job
    from gcbatch.running import ResolvedPlan

__all__ = ["plan"]


def plan(
    job: JobFile,
    *,
    start: From = "",
    end: To = "",
    settings: Sets = [],  # noqa: B006 - typer copies it
    as_json: AsJson = False,
) -> None:
    """Show what a run would ask and what that costs; no data request."""
    loaded = load(job, start, end, settings)
    from gcbatch.running import plan_job

    shares = PerOrg(loaded)
    plans = list(shares.each(plan_job))
    if as_json:
        print_json(shares.told([_plan_json(*one) for one in plans]))
    else:
        from gcbatch.cli.screens.plan import plan_screen

        for share, planned in plans:
            print_screen(plan_screen(share, planned))
    exit_with_failures(shares.failures)


def _plan_json(job: "Job", planned: "ResolvedPlan") -> dict[str, Any]:
    from gcbatch.windows import iso

    each = planned.price.min_requests
    requests = each * len(planned.plan.queries)
    per_minute = job.fetch.requests_per_minute
    windows = [
        {"from": iso(w.start), "to": iso(w.end), "requests": each * len(queries)}
        for w, queries in planned.plan.windows
    ]
    org = {"org": job.org_name} if job.org_name else {}
    return {
        "job": job.name,
        **org,
        "requests": requests,
        "requests_exact": planned.price.is_exact,
        "stored": planned.stored,
        "minutes": round((requests - each * planned.stored) / per_minute, 3),
        "windows": windows,
        "exports": [e.model_dump(mode="json") for e in job.exports],
        "warnings": list(planned.warnings),
    }
