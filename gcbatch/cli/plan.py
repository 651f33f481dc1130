"""The command `plan`."""

from functools import partial
from typing import TYPE_CHECKING, Any

from gcbatch.cli.job_argument import PerOrg, exit_with_failures, load
from gcbatch.cli.options import AsJson, From, JobFile, Refetch, Sets, To

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
    refetch: Refetch = [],  # noqa: B006 - typer copies it
    as_json: AsJson = False,
) -> None:
    """Show what a run would request and what that costs; request no data."""
    orgs = PerOrg(load(job, start, end, settings))
    from gcbatch.cli.screens.plan import plan_screen
    from gcbatch.running import plan as plan_job

    work = partial(plan_job, refetch=[*refetch])
    orgs.show(work, screen=plan_screen, to_json=_to_json if as_json else None)
    exit_with_failures(orgs.failures)


def _to_json(job: "Job", planned: "ResolvedPlan") -> dict[str, Any]:
    from gcbatch.windows import iso

    each = planned.cost.min_requests
    per_minute = job.fetch.requests_per_minute
    windows = [
        {"from": iso(w.start), "to": iso(w.end), "requests": each * len(queries)}
        for w, queries in planned.plan.windows
    ]
    return {
        "job": job.name,
        "requests": planned.requests + each * planned.stored,
        "requests_exact": planned.is_exact,
        "name_requests": planned.name_requests,
        "stored": planned.stored,
        "minutes": round(planned.requests / per_minute, 3),
        "windows": windows,
        "listings": [
            {
                "table": one.table,
                "requests": one.min_requests,
                "listed_at": iso(one.listed_at) if one.listed_at else None,
            }
            for one in planned.planned_listings
        ],
        "exports": [e.spec.model_dump(mode="json") for e in job.expanded_exports],
        "provisional": [span.to_json() for span in planned.provisional],
        "warnings": list(planned.warnings),
    }
