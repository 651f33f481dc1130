"""The pipeline: a job becomes a plan, parts, tables, exports and a report."""

import asyncio
from collections.abc import Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from gcbatch.errors import GcbatchError
from gcbatch.fetching import NullObserver, Observer, OrgSessions
from gcbatch.job import Job
from gcbatch.planning import SavedPlan
from gcbatch.running.job_run import JobRun
from gcbatch.running.planner import ResolvedPlan
from gcbatch.running.report import RunReport
from gcbatch.tables import Catalog, MultiOrgCatalog

__all__ = [
    "arun",
    "arun_all",
    "blocking",
    "check",
    "export_job",
    "last_run_of",
    "plan_job",
    "run",
    "tables_of",
]

T = TypeVar("T")


def run(
    job: Job,
    *,
    fresh: bool = False,
    allow_partial: bool = False,
    observer: Observer | None = None,
) -> RunReport:
    """Run a job; see arun. Works inside a running event loop too, as in a notebook."""
    return blocking(
        arun(job, fresh=fresh, allow_partial=allow_partial, observer=observer)
    )


async def arun(
    job: Job,
    *,
    fresh: bool = False,
    allow_partial: bool = False,
    observer: Observer | None = None,
) -> RunReport:
    """Run a job: fetch what is missing, export all of it.

    Args:
        job: From load_job.
        fresh: Whether to fetch again what is stored already.
        allow_partial: Whether to go on where a query fails, and to export what there
            is; the report's gaps tell what is missing.
        observer: Is told of progress.

    Returns:
        What happened, with the tables to read on.

    Raises:
        GcbatchError: What keeps the job from being done. What was fetched by then is
            stored, and the next run goes on from there. Of several orgs only if all
            fail; else the report's failures tell of them.
    """
    async with OrgSessions([job]) as orgs:
        own = JobRun(job, observer or NullObserver())
        return await own.run(orgs, fresh=fresh, allow_partial=allow_partial)


async def arun_all(
    jobs: Sequence[Job],
    *,
    fresh: bool = False,
    allow_partial: bool = False,
    observer: Observer | None = None,
) -> list[RunReport | GcbatchError]:
    """Run several jobs, one after another, with one token and one pace per org.

    Returns:
        For each job its report, or what kept it from being done.
    """
    done: list[RunReport | GcbatchError] = []
    async with OrgSessions(jobs) as orgs:
        for job in jobs:
            try:
                own = JobRun(job, observer or NullObserver())
                report = await own.run(orgs, fresh=fresh, allow_partial=allow_partial)
                done.append(report)
            except GcbatchError as exc:
                done.append(exc)
    return done


def plan_job(job: Job) -> ResolvedPlan:
    """Return what a run would ask, without one data request.

    Names of queues may have to be looked up, where no earlier run kept them or they
    are too old.

    Args:
        job: Of one org; of several, one of its shares.

    Raises:
        GcbatchError: What keeps it from being planned.
    """

    async def planned() -> ResolvedPlan:
        async with OrgSessions([job]) as orgs:
            own = JobRun(job, NullObserver())
            own.exporters()
            return await own.only.plan(orgs)

    return blocking(planned())


def check(job: Job) -> tuple[str, ...]:
    """Try credentials and permissions with the smallest requests there are.

    Args:
        job: Of one org; of several, one of its shares.

    Returns:
        Warnings: what does not keep the job from running, such as names that cannot be
        listed, or targets for queues that the org does not list.

    Raises:
        AccessError: If the credentials or the permission for the data are missing.
        GcbatchError: If anything else keeps the job from running.
    """

    async def checked() -> tuple[str, ...]:
        async with OrgSessions([job]) as orgs:
            own = JobRun(job, NullObserver())
            own.exporters()
            return await own.only.check(orgs)

    return blocking(checked())


def tables_of(job: Job) -> Catalog | MultiOrgCatalog:
    """Return the tables that the last run of a job left in the store.

    Raises:
        DataError: If the store does not hold all that the job asks.
        JobError: If the job asks something else than its last run did.
    """
    return JobRun(job, NullObserver()).kept_catalog()


def export_job(job: Job) -> RunReport:
    """Export a job again from the store, without any request.

    Raises:
        DataError: If the store does not hold all that the job asks.
        JobError: If the job asks something else than its last run did.
    """
    return JobRun(job, NullObserver()).export_again()


def last_run_of(job: Job) -> SavedPlan:
    """Return what the last whole run of a job asked.

    Raises:
        DataError: If it never ran.
        JobError: If the job asks something else than its last run did.
    """
    return JobRun(job, NullObserver()).only.planner.kept()


def blocking(work: Coroutine[Any, Any, T]) -> T:
    """Run *work* to its end, in a thread of its own where a loop is running already."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(asyncio.run, work).result()
