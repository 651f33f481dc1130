"""What a job requests otherwise than its last run did."""

from collections.abc import Iterator, Mapping
from typing import Any

from gcbatch.errors import JobError
from gcbatch.job import Job, span_for_refetch
from gcbatch.planning import SavedPlan, describe_differences
from gcbatch.windows import Window

__all__ = ["other_request"]


def other_request(
    saved: SavedPlan, requested: Mapping[str, Any], job: Job, window: Window
) -> JobError:
    """Return the error of a job that requests other data than its last run did.

    Args:
        saved: The plan of the last run.
        requested: What the job requests now; see requested_by.
        job: The job, of one org.
        window: Its range now.
    """
    if saved.requested is None:  # a release saved it that kept the queries alone
        is_range_other = saved.plan.window != window
        found = list(_differences_in_queries(saved, job, window))
    else:
        old, new = (r.get("query", {}) for r in (saved.requested, requested))
        is_range_other = any(old.get(key) != new.get(key) for key in ("from", "to"))
        found = list(describe_differences(saved.requested, requested))
    msg = f"{job.name}: requests other data than its last run did"
    hint = "`gcbatch run JOB` fetches what is new"
    if is_range_other:
        hint = f"give the --from and --to of that run, if it had any; or {hint}"
    return JobError(f"{msg}: {'; '.join(found)}" if found else msg, hint=hint)


def _differences_in_queries(
    saved: SavedPlan, job: Job, window: Window
) -> Iterator[str]:
    if saved.plan.window != window:
        zone = job.query.zone
        old, new = (
            span_for_refetch(span, zone) for span in (saved.plan.window, window)
        )
        yield f"range: {old} -> {new}"
    endpoints = {query.endpoint for query in saved.plan.queries}
    if endpoints and endpoints != {job.query.endpoint}:
        old = ", ".join(sorted(endpoints))
        yield f"endpoint: {old} -> {job.query.endpoint}"
