"""The pipeline: a job becomes a plan, parts, tables, exports and a report."""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeVar

from gcbatch.account import Account
from gcbatch.digests import inputs_of, outputs_at
from gcbatch.errors import (
    DamagedPartError,
    DataError,
    GcbatchError,
    OutOfReachError,
    ReplacedPartError,
    ServiceError,
)
from gcbatch.exporting import Exporter, export, load_exporter
from gcbatch.fetch import Observer, Quiet, fetch_parts
from gcbatch.genesys.endpoints import Desk
from gcbatch.genesys.listing import Documents
from gcbatch.genesys.names import Names
from gcbatch.job import Export, Job
from gcbatch.kept import Kept
from gcbatch.orgs import Orgs, OrgSession, Spending
from gcbatch.plain import plain
from gcbatch.plan import Plan
from gcbatch.planning import Planned, Planner
from gcbatch.query import Query
from gcbatch.report import REPORT_NOTE, Exported, Gap, RunReport
from gcbatch.tables.catalog import Catalog
from gcbatch.tables.table import Table

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
MOST_GAPS: Final = 5
"""Told of one by one."""

MOST_NEWER: Final = 20
"""Fields told of by name."""

MOST_ROUNDS: Final = 3
"""So often parts that are damaged, or that another run replaces, are put up with."""


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
            stored, and the next run goes on from there.
    """
    async with Orgs([job]) as orgs:
        pipeline = _Pipeline(job, observer or Quiet())
        return await pipeline.run(orgs, fresh=fresh, allow_partial=allow_partial)


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
    async with Orgs(jobs) as orgs:
        for job in jobs:
            try:
                pipeline = _Pipeline(job, observer or Quiet())
                report = await pipeline.run(
                    orgs, fresh=fresh, allow_partial=allow_partial
                )
                done.append(report)
            except GcbatchError as exc:
                done.append(exc)
    return done


def plan_job(job: Job) -> Planned:
    """Return what a run would ask, without one data request.

    Names of queues may have to be looked up, where no earlier run kept them.
    """

    async def planned() -> Planned:
        async with Orgs([job]) as orgs:
            return await _Pipeline(job, Quiet()).plan(orgs)

    return blocking(planned())


def check(job: Job) -> tuple[str, ...]:
    """Try credentials and permissions with the smallest requests there are.

    Returns:
        Warnings: permissions that are missing without keeping the job from running.

    Raises:
        AccessError: If the credentials or the permission for the data are missing.
        GcbatchError: If anything else keeps the job from running.
    """

    async def checked() -> tuple[str, ...]:
        async with Orgs([job]) as orgs:
            return await _Pipeline(job, Quiet()).check(orgs)

    return blocking(checked())


def tables_of(job: Job) -> Catalog:
    """Return the tables that the last run of a job left in the store.

    Raises:
        DataError: If the store does not hold all that the job asks.
        JobError: If the job asks something else than its last run did.
    """
    return _Pipeline(job, Quiet()).kept_catalog()


def export_job(job: Job) -> RunReport:
    """Export a job again from the store, without any request.

    Raises:
        DataError: If the store does not hold all that the job asks.
        JobError: If the job asks something else than its last run did.
    """
    return _Pipeline(job, Quiet()).export_again()


def last_run_of(job: Job) -> Kept:
    """Return what the last whole run of a job asked.

    Raises:
        DataError: If it never ran.
        JobError: If the job asks something else than its last run did.
    """
    return _Pipeline(job, Quiet()).planner.kept()


@dataclass
class _Effort:
    """What a run did to have all parts.

    Args:
        allow_partial: Whether to go on where a query fails.
        fetched: Queries that were asked.
        spent: What that took; None where nothing was asked.
        remarks: What the reader should know of it.
        gaps: The queries that failed, and why.
    """

    allow_partial: bool = False
    fetched: int = 0
    spent: Spending | None = None
    remarks: list[str] = field(default_factory=list)
    gaps: dict[Query, GcbatchError] = field(default_factory=dict)

    def tolerates(self, query: Query, problem: GcbatchError) -> bool:
        """Note what failed, and say whether to go on with the rest."""
        one_query = isinstance(problem, (ServiceError, DataError))
        if not self.allow_partial or isinstance(problem, OutOfReachError):
            return False
        if one_query:
            self.gaps[query] = problem
        return one_query


class _Pipeline:
    """One job on its way from file to report."""

    def __init__(self, job: Job, observer: Observer) -> None:
        self._job = job
        self._observer = observer
        self._started = datetime.now(UTC), time.monotonic()
        self.planner = Planner(job, self._started[0])
        self._store = self.planner.store
        self._endpoint = self.planner.endpoint

    async def run(self, orgs: Orgs, *, fresh: bool, allow_partial: bool) -> RunReport:
        """Fetch what is missing, export all of it."""
        exporters = self._exporters()
        effort = _Effort(allow_partial)
        if fresh:
            self.planner.begin_fresh()
        planned = self.planner.as_kept()
        if planned is None or planned.stored < len(planned.plan.queries):
            self._store.prepare()
            session = await self._session(orgs)
            effort.spent = Spending(session)
            planned = await self.planner.anew(session)
            if unreadable := sum(map(self.planner.is_unreadable, planned.plan.queries)):
                effort.remarks.append(f"damaged parts, fetched anew: {unreadable:,}")
            todo = self.planner.unsettled(planned.plan)
            await self._fetch(session, planned.plan, todo, effort)
            if not effort.gaps:
                # Not before: until then the last whole run is what can be exported.
                planned = self.planner.keep(planned)
            planned = planned.without(effort.gaps)
        else:
            total = len(planned.plan.queries)
            per_minute = self._job.fetch.requests_per_minute
            self._observer.planned(self._job.name, total, total, per_minute)
            self._observer.finished()
        for _ in range(MOST_ROUNDS):
            try:
                return await self._finished(planned, exporters, effort)
            except ReplacedPartError:
                self._store.forget_reads()
            except DamagedPartError:
                await self._mend(await self._session(orgs), planned.plan, effort)
        return await self._finished(planned, exporters, effort)

    async def _session(self, orgs: Orgs) -> OrgSession:
        session = await orgs.session(self._job)
        session.client.patience.on_wait = self._observer.waiting
        return session

    async def _finished(
        self,
        planned: Planned,
        exporters: "Sequence[tuple[Export, Exporter]]",
        effort: "_Effort",
    ) -> RunReport:
        """Export in a thread, so that Ctrl-C is heard; it stops between two batches."""
        stop = threading.Event()
        try:
            return await asyncio.to_thread(
                self._finish, planned, exporters, effort, stop
            )
        except asyncio.CancelledError:
            stop.set()
            raise

    async def _mend(self, session: OrgSession, plan: Plan, effort: "_Effort") -> None:
        """Fetch again whatever cannot be read, as its checksum shows."""
        damaged = [q for q in plan.queries if not self._store.is_whole(q.digest)]
        effort.spent = effort.spent or Spending(session)
        effort.remarks.append(f"damaged parts, fetched anew: {len(damaged):,}")
        await self._fetch(session, plan, damaged, effort)

    async def plan(self, orgs: Orgs) -> Planned:
        """Return the plan, from kept names where they suffice."""
        self._exporters()
        return self.planner.as_kept() or await self.planner.anew(
            await self._session(orgs)
        )

    async def check(self, orgs: Orgs) -> tuple[str, ...]:
        """Sign in, list names, and ask for one bucket."""
        self._exporters()
        session = await self._session(orgs)
        planned = await self.planner.anew(session)
        await self._endpoint.probe(self._desk(session), planned.plan.queries[0])
        return planned.names.warnings

    def export_again(self) -> RunReport:
        """Export what the last run fetched."""
        exporters = self._exporters()
        kept = self.planner.kept()
        self.planner.require_listings()
        planned = Planned(kept.plan, kept.names, 0)
        return self._finish(planned, exporters, _Effort())

    def kept_catalog(self) -> Catalog:
        """Return the tables of what the last run fetched."""
        kept = self.planner.kept()
        for query in kept.plan.queries:
            self._account(query)
        return self._catalog(Planned(kept.plan, kept.names, 0))

    def _exporters(self) -> list[tuple[Export, Exporter]]:
        """Make the exporters, and let them refuse the job before any request."""
        made: list[tuple[Export, Exporter]] = []
        none: dict[str, Documents] = {table: {} for table in self._job.listed}
        plan = Plan(self.planner.window(), ())
        empty = self._catalog(Planned(plan, Names(), 0, listings=none))
        for spec in self._job.exports:
            kind = load_exporter(spec.exporter)
            exporter = kind(kind.Options.model_validate(spec.options))
            if (refuse := getattr(exporter, "check", None)) is not None:
                refuse(_given(spec, empty))
            made.append((spec, exporter))
        return made

    def _desk(self, session: OrgSession) -> Desk:
        job = self._job
        return Desk(
            session.client, job.query, job.fetch, self._store, self._observer.paged
        )

    async def _fetch(
        self,
        session: OrgSession,
        plan: Plan,
        todo: Sequence[Query],
        effort: "_Effort",
    ) -> None:
        total = len(plan.queries)
        per_minute = session.client.pacer.per_minute
        stored = total - len(todo)
        self._observer.planned(self._job.name, total, stored, per_minute)
        asker = self._endpoint.asker(self._desk(session))
        try:
            await fetch_parts(
                todo,
                asker.ask,
                self._store,
                concurrency=self._job.fetch.concurrency,
                observer=self._observer,
                tolerate=effort.tolerates,
            )
        except GcbatchError as exc:
            exc.missing = self._told_missing(plan)
            raise
        finally:
            self._observer.finished()
        effort.fetched += sum(query not in effort.gaps for query in todo)
        effort.remarks += asker.remarks()

    def _catalog(
        self, planned: Planned, stop: threading.Event | None = None
    ) -> Catalog:
        return Catalog(
            self._job,
            self._endpoint,
            planned.plan,
            planned.names,
            self._store,
            stop,
            planned.listings,
        )

    def _told_missing(self, plan: Plan) -> str:
        """Return which windows and queues have no part yet, in one line."""
        missing = [q for q in plan.queries if self._store.account(q.digest) is None]
        if len(missing) in (0, len(plan.queries)):
            return ""  # nothing, or all of it
        gaps = "; ".join(map(str, map(self._gap, missing[:MOST_GAPS])))
        more = f"; and {len(missing) - MOST_GAPS:,} more" * (len(missing) > MOST_GAPS)
        return f"{len(missing):,} of {len(plan.queries):,} queries: {gaps}{more}"

    def _gap(self, query: Query) -> Gap:
        return Gap(query.window, self._endpoint.queues_of(query.template))

    def _finish(
        self,
        planned: Planned,
        exporters: Sequence[tuple[Export, Exporter]],
        effort: "_Effort",
        stop: threading.Event | None = None,
    ) -> RunReport:
        """Export, and report."""
        accounts = [self._account(query) for query in planned.plan.queries]
        catalog = self._catalog(planned, stop)
        exports = []
        published: list[Path] = []
        for spec, exporter in exporters:
            receipt, paths = export(exporter, spec.exporter, _given(spec, catalog))
            published += paths
            exports.append(
                Exported(
                    spec.exporter, spec.table_names, receipt.location, receipt.rows
                )
            )
        zone, settle = self._job.query.zone, self._job.fetch.settle
        at, clock = self._started
        spent = effort.spent or Spending()
        report = RunReport(
            job=self._job.name,
            run_id=planned.plan.run_id,
            window=planned.plan.window,
            started_at=at,
            seconds=time.monotonic() - clock,
            queries=len(planned.plan.queries),
            fetched=effort.fetched,
            provisional=sum(not a.settled(settle, zone) for a in accounts),
            requests=spent.requests,
            retries=spent.retries,
            throttled=spent.throttled,
            waited_s=spent.waited_s,
            tokens=spent.tokens,
            rows=sum(account.rows for account in accounts),
            exports=tuple(exports),
            breaches=catalog.breaches(),
            answers=spent.answered,
            received=spent.received,
            quota_used_pct=spent.quota_used_pct,
            failed=spent.failed,
            gaps=tuple(map(self._gap, effort.gaps)),
            inputs=inputs_of(planned.plan, self._store),
            outputs=outputs_at(published),
            settle=str(settle),
            timezone=zone.key,
            warnings=(
                *planned.names.warnings,
                *(str(problem).splitlines()[0] for problem in effort.gaps.values()),
                *effort.remarks,
                *catalog.remarks(),
                *_remarks_of(accounts),
            ),
            tables=catalog.all(),
            catalog=catalog,
        )
        self._store.write_note(REPORT_NOTE, report.to_json())
        return report

    def _account(self, query: Query) -> Account:
        account = self._store.account(query.digest)
        if account is None:
            msg = f"{query}: its part is missing from {self._store.folder}"
            raise DataError(msg, hint="`gcbatch run JOB` fetches what is missing")
        return account


def _remarks_of(accounts: Sequence[Account]) -> list[str]:
    """Return what the reader of a run should know of its parts."""
    counted = sum((Counter(a.remarks) for a in accounts), Counter[str]())
    remarks = [f"{what}: {number:,}" for what, number in sorted(counted.items())]
    if newer := sorted({path for account in accounts for path in account.newer}):
        told = ", ".join(map(plain, newer[:MOST_NEWER]))
        more = f" and {len(newer) - MOST_NEWER:,} more" * (len(newer) > MOST_NEWER)
        remarks.append(
            f"fields newer than this release, kept in the column extra: {told}{more}"
        )
    return remarks


def _given(spec: Export, catalog: Catalog) -> dict[str, Table]:
    """Return the tables that an export is handed."""
    return {n: catalog.table(n, period=spec.period) for n in spec.table_names}


def blocking(work: Coroutine[Any, Any, T]) -> T:
    """Run *work* to its end, in a thread of its own where a loop is running already."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(asyncio.run, work).result()
