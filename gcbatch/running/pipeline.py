"""The pipeline: a job becomes a plan, parts, tables, exports and a report."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

from gcbatch.errors import GcbatchError
from gcbatch.fetching import Observer, OrgSessions
from gcbatch.genesys import EntityListing
from gcbatch.job import Job, Refetch
from gcbatch.planning import SavedPlan
from gcbatch.running.job_run import JobRun
from gcbatch.running.notebook import usual_observer
from gcbatch.running.open_engine import require_engine
from gcbatch.running.options import RunOptions
from gcbatch.running.org_run import OrgRun
from gcbatch.running.report import RunReport
from gcbatch.running.resolved_plan import ResolvedPlan
from gcbatch.tables import Catalog, MultiOrgCatalog

__all__ = [
    "acheck",
    "aexport_job",
    "aplan",
    "arun",
    "arun_all",
    "blocking",
    "check",
    "declared_tables",
    "export_job",
    "last_run_of",
    "list_table",
    "plan",
    "run",
    "tables_of",
]

T = TypeVar("T")


def run(
    job: Job,
    *,
    fresh: bool = False,
    refetch: Refetch | None = None,
    allow_partial: bool = False,
    replace: bool = False,
    fail_on_empty: bool = False,
    observer: Observer | None = None,
) -> RunReport:
    """Run a job; see arun. Works in a running event loop too, as in a notebook."""
    return blocking(
        arun(
            job,
            fresh=fresh,
            refetch=refetch,
            allow_partial=allow_partial,
            replace=replace,
            fail_on_empty=fail_on_empty,
            observer=observer,
        )
    )


async def arun(
    job: Job,
    *,
    fresh: bool = False,
    refetch: Refetch | None = None,
    allow_partial: bool = False,
    replace: bool = False,
    fail_on_empty: bool = False,
    observer: Observer | None = None,
) -> RunReport:
    """Run a job: fetch what is missing, export all of it.

    Args:
        job: A job, as load_job returns it.
        fresh: Whether to fetch again what is stored already.
        refetch: A span that is fetched again, as `"2026-11-21..2026-11-23"` or a pair
            of dates; a list has several. Ends are as `query.from` and `query.to` take
            them: a date is a local midnight, and the second end is exclusive. Parts
            whose window touches a span are fetched again; all of the job is exported.
        allow_partial: Whether to continue if a query fails, and to export what there
            is; the gaps of the report are what is missing.
        replace: Whether a range that settings of load_job narrowed may replace an
            output of a wider range. A range of the job file itself always may.
        fail_on_empty: Whether to fail, before an output is replaced, if there are no
            rows; if one of several orgs, or a queue of `query.queues`, has none; or if
            an export would have none that had some in the last run.
        observer: Receives the progress. None shows a bar in a notebook, and nothing
            elsewhere.

    Returns:
        The run report, with the tables.

    Raises:
        JobError: If *refetch* is no span, or not within the job's range; or if a
            narrowed range would replace an output of a wider one.
        DataError: If the run lacks what `expect:` or *fail_on_empty* ask for.
        GcbatchError: What prevents the run. Parts fetched by then are stored, and the
            next run continues from there. A job of several orgs fails only if all do;
            the failures of the report name the others.
    """
    (done,) = await arun_all(
        [job],
        fresh=fresh,
        refetch=refetch,
        allow_partial=allow_partial,
        replace=replace,
        fail_on_empty=fail_on_empty,
        observer=observer,
    )
    if isinstance(done, GcbatchError):
        raise done
    return done


async def arun_all(
    jobs: Sequence[Job],
    *,
    fresh: bool = False,
    refetch: Refetch | None = None,
    allow_partial: bool = False,
    replace: bool = False,
    fail_on_empty: bool = False,
    observer: Observer | None = None,
) -> list[RunReport | GcbatchError]:
    """Run several jobs, one after another, with one token and one quota per org.

    Args:
        jobs: The jobs.
        fresh: For each of them, as the others; see arun.
        refetch: See arun.
        allow_partial: See arun.
        replace: See arun.
        fail_on_empty: See arun.
        observer: See arun.

    Returns:
        For each job its report, or the error that prevented it.

    Raises:
        JobError: If *refetch* is no span.
    """
    options = RunOptions.of(
        fresh=fresh,
        refetch=refetch,
        allow_partial=allow_partial,
        replace=replace,
        fail_on_empty=fail_on_empty,
    )
    done: list[RunReport | GcbatchError] = []
    async with OrgSessions(jobs) as orgs:
        for job in jobs:
            try:
                # A store in a bucket is asked over the network.
                own = await asyncio.to_thread(JobRun, job, observer or usual_observer())
                done.append(await own.run(orgs, options))
            except GcbatchError as exc:
                done.append(exc)
    return done


def plan(job: Job, *, refetch: Refetch | None = None) -> ResolvedPlan:
    """Return what a run would request, without any data request.

    Names are listed if no run has saved them or they are too old.

    Args:
        job: A job of one org; of several orgs, one of Job.per_org().
        refetch: What the run would fetch again; see arun.

    Raises:
        JobError: If *refetch* is no span, or not within the job's range.
        GcbatchError: What prevents the plan.
    """
    options = RunOptions.of(refetch=refetch)
    return blocking(_with_org(job, partial(OrgRun.plan, options=options)))


def check(job: Job) -> tuple[str, ...]:
    """Try credentials and permissions with the smallest possible requests.

    Args:
        job: A job of one org; of several orgs, one of Job.per_org().

    Returns:
        Warnings: what does not prevent a run, such as names that cannot be listed, or
        targets for queues that the org does not list.

    Raises:
        AccessError: If the credentials or the permission for the data are missing.
        GcbatchError: If anything else prevents a run.
    """
    return blocking(_with_org(job, OrgRun.check))


async def aplan(job: Job, *, refetch: Refetch | None = None) -> ResolvedPlan:
    """Return what a run would request, in a thread; see plan."""
    return await asyncio.to_thread(plan, job, refetch=refetch)


async def acheck(job: Job) -> tuple[str, ...]:
    """Try credentials and permissions, in a thread; see check."""
    return await asyncio.to_thread(check, job)


def list_table(job: Job, table: str) -> EntityListing:
    """Return what the org of a job lists now for a table of entities.

    Nothing is stored.

    Args:
        job: A job of one org; of several orgs, one of Job.per_org().
        table: A table of entities, whether the job exports it or not.

    Raises:
        AccessError: If the credentials or the permission are missing; names it.
        GcbatchError: If it cannot be listed completely.
    """
    return blocking(_list_table(job, table))


async def _list_table(job: Job, table: str) -> EntityListing:
    async with OrgSessions([job], [table]) as orgs:
        session = await orgs.session(job)
        return await session.list_table(table)


async def _with_org(job: Job, work: Callable[[OrgRun, OrgSessions], Awaitable[T]]) -> T:
    """Check engine and exports of a job of one org; return the result of *work*."""
    require_engine(job)
    async with OrgSessions([job]) as orgs:
        own = JobRun(job, Observer())
        if not job.org_name:  # exports of several orgs have a column more
            own.exporters()
        return await work(own.only, orgs)


def declared_tables(job: Job) -> Catalog | MultiOrgCatalog:
    """Return the tables of a job as it declares them, without rows.

    Sends no request, and needs neither credentials nor a store.

    Raises:
        JobError: If `from` and `to` give no range.
    """
    return JobRun(job, Observer()).empty_catalog()


def tables_of(job: Job, *, without: Collection[str] = ()) -> Catalog | MultiOrgCatalog:
    """Return the tables that the last run of a job left in the store.

    Args:
        job: The job.
        without: Orgs of several whose rows are left out, as if they had failed.

    Raises:
        DataError: If the store does not have all that the job requests.
        JobError: If the job requests other data than its last run did.
    """
    return JobRun(job, Observer()).saved_catalog(without)


def export_job(
    job: Job, *, replace: bool = False, observer: Observer | None = None
) -> RunReport:
    """Export a job again from the store, without any request.

    Works in a running event loop too, as in a notebook.

    Args:
        job: The job.
        replace: Whether a narrowed range may replace outputs of a wider one; see arun.
        observer: Receives the progress.

    Raises:
        DataError: If the store does not have all that the job requests.
        JobError: If the job requests other data than its last run did, or a narrowed
            range would replace an output of a wider one.
    """
    own = JobRun(job, observer or usual_observer())
    return blocking(own.export_again(RunOptions.of(replace=replace)))


async def aexport_job(
    job: Job, *, replace: bool = False, observer: Observer | None = None
) -> RunReport:
    """Export a job again from the store, in a thread; see export_job."""
    return await asyncio.to_thread(export_job, job, replace=replace, observer=observer)


def last_run_of(job: Job) -> SavedPlan:
    """Return the plan of the last complete run of a job.

    Raises:
        DataError: If it never ran.
        JobError: If the job requests other data than its last run did.
    """
    return JobRun(job, Observer()).only.planner.saved_plan()


def blocking(work: Coroutine[Any, Any, T]) -> T:
    """Run *work* to its end, in another thread if an event loop is running already."""
    results: list[T] = []

    async def keep() -> None:
        # Not returned: when asyncio.run puts the handler of Ctrl-C back, it makes text
        # of the whole result twice (Python 3.11, signal.signal). For a plan of 17,520
        # queries that took 10 s and 1.5 GB.
        results.append(await work)

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        asyncio.run(keep())
    else:
        with ThreadPoolExecutor(max_workers=1) as pool:
            pool.submit(asyncio.run, keep()).result()
    return results.pop()
