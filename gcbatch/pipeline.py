"""The pipeline: a job becomes a plan, parts, tables, exports and a report."""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Collection, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Final, TypeVar

from gcbatch.dates import resolve_range
from gcbatch.digests import inputs_of, outputs_at
from gcbatch.errors import (
    AccessError,
    DamagedPartError,
    DataError,
    GcbatchError,
    JobError,
    OutOfReachError,
    ReplacedPartError,
    ServiceError,
)
from gcbatch.exporting import Exporter, export, load_exporter
from gcbatch.fetch import Observer, Quiet, fetch_parts
from gcbatch.genesys.endpoints import Endpoint, endpoint_named
from gcbatch.genesys.names import LISTINGS, Names, is_id, queue_ids
from gcbatch.job import Export, Job
from gcbatch.kept import Kept, asked_by
from gcbatch.orgs import Orgs, OrgSession, Spending, identity_of
from gcbatch.plan import Plan, Scope, make_plan
from gcbatch.query import Query
from gcbatch.question import QueueFile
from gcbatch.report import REPORT_NOTE, Exported, Gap, RunReport
from gcbatch.splitting import Splitter
from gcbatch.store import Account, Part, Store
from gcbatch.tables.catalog import Catalog
from gcbatch.tables.table import Table
from gcbatch.windows import Window, bucket_edges

__all__ = [
    "Planned",
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
FRESH_NOTE: Final = "fresh.json"
"""Is there while a run with --fresh is not done, however often it is interrupted."""

MOST_GAPS: Final = 5
"""Told of one by one."""

MOST_ROUNDS: Final = 3
"""So often parts that are damaged, or that another run replaces, are put up with."""


@dataclass(frozen=True)
class Planned:
    """A plan, with the names that it was made by and what is stored of it.

    Args:
        plan: The queries.
        names: What ids are called.
        stored: How many of the queries have a settled part.
    """

    plan: Plan
    names: Names
    stored: int

    def without(self, queries: Collection[Query]) -> "Planned":
        """Return the plan of the queries that are left."""
        if not queries:
            return self
        left = tuple(q for q in self.plan.queries if q not in queries)
        return replace(self, plan=replace(self.plan, queries=left))


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
    return _Pipeline(job, Quiet()).kept()


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
        self._store = Store(job.fetch.store, job.name)
        self._endpoint: Endpoint = endpoint_named(job.query.endpoint)
        self._identity = identity_of(job.org)
        self._asked = asked_by(job, self._identity, self._queues())
        self._started = datetime.now(UTC), time.monotonic()

    async def run(self, orgs: Orgs, *, fresh: bool, allow_partial: bool) -> RunReport:
        """Fetch what is missing, export all of it."""
        exporters = self._exporters()
        effort = _Effort(allow_partial)
        if fresh:
            self._store.write_note(FRESH_NOTE, {"since": self._started[0].isoformat()})
        planned = self._plan_as_kept()
        if planned is None or planned.stored < len(planned.plan.queries):
            self._store.prepare()
            session = await self._session(orgs)
            effort.spent = Spending(session)
            planned = await self._plan_anew(session)
            if unreadable := sum(map(self._is_unreadable, planned.plan.queries)):
                effort.remarks.append(f"damaged parts, fetched anew: {unreadable:,}")
            todo = self._unsettled(planned.plan)
            await self._fetch(session, planned.plan, todo, effort)
            if not effort.gaps:
                # Not before: until then the last whole run is what can be exported.
                Kept(self._asked, planned.names, planned.plan).write(self._store)
                self._store.discard_note(FRESH_NOTE)
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
        return self._plan_as_kept() or await self._plan_anew(await self._session(orgs))

    async def check(self, orgs: Orgs) -> tuple[str, ...]:
        """Sign in, list names, and ask for one bucket."""
        self._exporters()
        session = await self._session(orgs)
        planned = await self._plan_anew(session)
        first, asked = planned.plan.queries[0], self._job.query
        start, end, *_ = bucket_edges(first.window, asked.granularity, asked.zone)
        await self._ask(session, replace(first, window=Window(start, end)))
        return planned.names.warnings

    def export_again(self) -> RunReport:
        """Export what the last run fetched."""
        exporters = self._exporters()
        kept = self.kept()
        planned = Planned(kept.plan, kept.names, 0)
        return self._finish(planned, exporters, _Effort())

    def kept_catalog(self) -> Catalog:
        """Return the tables of what the last run fetched."""
        kept = self.kept()
        for query in kept.plan.queries:
            self._account(query)
        return self._catalog(kept.plan, kept.names)

    def kept(self) -> Kept:
        """Return what the last whole run asked."""
        kept = Kept.read(self._store)
        if kept is None:
            msg = f"{self._store.folder}: holds no run of this job"
            raise DataError(msg, hint="`gcbatch run JOB` fetches first")
        if kept.asked != self._asked:
            msg = f"{self._job.name}: asks something else than its last run did"
            raise JobError(msg, hint="`gcbatch run JOB` fetches what is new")
        return kept

    def _exporters(self) -> list[tuple[Export, Exporter]]:
        """Make the exporters, and let them refuse the job before any request."""
        made: list[tuple[Export, Exporter]] = []
        empty = self._catalog(Plan(self._window(), ()), Names())
        for spec in self._job.exports:
            kind = load_exporter(spec.exporter)
            exporter = kind(kind.Options.model_validate(spec.options))
            if (refuse := getattr(exporter, "check", None)) is not None:
                refuse(_given(spec, empty))
            made.append((spec, exporter))
        return made

    def _window(self) -> Window:
        query = self._job.query
        try:
            return resolve_range(
                query.start,
                query.end,
                granularity=query.granularity,
                zone=query.zone,
                now=self._started[0],
            )
        except (ValueError, OverflowError) as exc:
            msg = f"query: {exc}"
            raise JobError(msg, hint="mend from and to") from exc

    def _plan_as_kept(self) -> Planned | None:
        """Return the plan by kept names; None where they do not suffice."""
        kept = Kept.read(self._store)
        if kept is None or kept.asked != self._asked:
            return None
        if self._named() - kept.names.listed.keys() and not kept.names.warnings:
            return None  # a section `sla:` that came later wants names of its own
        try:
            return self._planned(kept.names)
        except GcbatchError:
            return None

    async def _plan_anew(self, session: OrgSession) -> Planned:
        kept = Kept.read(self._store)
        known = kept.names if kept else Names()
        return self._planned(await session.learn_names(self._named(), known))

    def _named(self) -> set[str]:
        """Return the dimensions whose names the job needs."""
        dimensions = {listing.dimension for listing in LISTINGS}
        wanted = dimensions & set(self._job.query.group_by)
        by_name = not all(map(is_id, self._queues() or ()))
        if by_name or self._endpoint.queues_at_once or self._job.sla:
            wanted.add("queueId")
        return wanted

    def _planned(self, names: Names) -> Planned:
        queues = self._queues()
        if queues is not None:
            queues = tuple(queue_ids(queues, names))
        elif self._endpoint.queues_at_once:
            queues = self._all_listed(names, f"{self._endpoint.name} asks by queue")
            if not queues:
                msg = f"{self._endpoint.name} asks by queue: the org lists none"
                raise AccessError(msg, hint="check the divisions of the client's role")
        if self._job.sla and not self._job.sla.include_deleted:
            self._all_listed(names, "sla.include_deleted: false needs all queues")
        scope = Scope(
            identity=self._identity,
            window=self._window(),
            queue_ids=queues,
            queues_listed=names.listed.get("queueId", 0),
        )
        plan = make_plan(self._job, scope, self._endpoint)
        return Planned(plan, names, len(plan.queries) - len(self._unsettled(plan)))

    def _all_listed(self, names: Names, why: str) -> tuple[str, ...]:
        """Return the ids of all queues, from a complete listing."""
        if "queueId" not in names.listed:
            detail = "; ".join(names.warnings) or "they are not listed"
            msg = f"{why}: {detail}"
            raise AccessError(msg, hint="grant the permission to list queues")
        return tuple(sorted(names.listed_ids("queueId")))

    def _queues(self) -> tuple[str, ...] | None:
        """Return the queues that the job names; None is all."""
        queues = self._job.query.queues
        if not isinstance(queues, QueueFile):
            return queues
        try:
            lines = queues.file.read_text("utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as exc:
            reason = getattr(exc, "strerror", None) or "not UTF-8"
            msg = f"query.queues.file: {queues.file}: cannot be read: {reason}"
            raise JobError(msg, hint="a name or an id a line") from exc
        named = (line.strip() for line in lines)
        found = tuple(line for line in named if line and not line.startswith("#"))
        if not found:
            msg = f"query.queues.file: {queues.file}: names no queue"
            raise JobError(msg, hint="a name or an id a line; leave queues out for all")
        return found

    @cached_property
    def _fresh_since(self) -> datetime | None:
        """When a run with --fresh began that did not end; older parts do not count."""
        note = self._store.read_note(FRESH_NOTE) or {}
        try:
            return datetime.fromisoformat(note["since"])
        except (KeyError, TypeError, ValueError):
            return None

    def _unsettled(self, plan: Plan) -> list[Query]:
        """Return the queries whose part is missing or provisional."""
        return [q for q in plan.queries if not self._is_settled(q)]

    def _is_settled(self, query: Query) -> bool:
        account = self._store.account(query.digest)
        zone, settle = self._job.query.zone, self._job.fetch.settle
        if account is None or not account.settled(settle, zone):
            return False
        return self._fresh_since is None or account.asked_at >= self._fresh_since

    def _is_unreadable(self, query: Query) -> bool:
        """Say whether there is a part, but one that tells nothing of itself."""
        there = self._store.path(query.digest).exists()
        return there and self._store.account(query.digest) is None

    async def _ask(self, session: OrgSession, query: Query) -> Part:
        return await self._endpoint.fetch(session.client, query, self._job.query)

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
        splitter = Splitter(self._endpoint, session.client, self._job.query)
        try:
            await fetch_parts(
                todo,
                splitter.ask,
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
        effort.fetched += len(todo) - len(effort.gaps)
        effort.remarks += splitter.remarks()

    def _catalog(
        self, plan: Plan, names: Names, stop: threading.Event | None = None
    ) -> Catalog:
        return Catalog(self._job, self._endpoint, plan, names, self._store, stop)

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
        catalog = self._catalog(planned.plan, planned.names, stop)
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
        counted = sum((Counter(a.remarks) for a in accounts), Counter[str]())
        remarks = [f"{what}: {number:,}" for what, number in sorted(counted.items())]
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
                *remarks,
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
