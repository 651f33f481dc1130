"""The run of one org: its plan, parts, tables and run report."""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from threading import Event
from typing import Any, Final

from gcbatch.endpoints import DetailsEndpoint, FetchContext
from gcbatch.errors import (
    DataError,
    GcbatchError,
    OutOfReachError,
    ServiceError,
)
from gcbatch.exporting import PublishedFile
from gcbatch.fetching import Engine, FetchWork, Observer, OrgSession, OrgSessions, Usage
from gcbatch.genesys import Names
from gcbatch.job import Changes, Job
from gcbatch.planning import Plan, digest_parts
from gcbatch.provisional import provisional_spans
from gcbatch.query import Query
from gcbatch.running.change_summary import TableChanges, summarize_changes
from gcbatch.running.empty_queues import EmptyQueues, find_empty_queues
from gcbatch.running.exports import CheckedExport
from gcbatch.running.missing_rows import OrgRows
from gcbatch.running.narrowing import refuse_narrowing, updated_ranges
from gcbatch.running.options import RunOptions
from gcbatch.running.output_range import OutputRange
from gcbatch.running.planned_listings import planned_listings
from gcbatch.running.planner import Planner
from gcbatch.running.remarks import (
    DROPPED_CHANGES,
    ECHOED,
    REFETCHED,
    PartSums,
    clock_warnings,
    count_lines,
)
from gcbatch.running.report import Exported, FailedExport, Gap, RunReport
from gcbatch.running.resolved_plan import ResolvedPlan
from gcbatch.running.run_notes import RunNotes
from gcbatch.store import (
    ListedEntities,
    PartMetadata,
    RunMark,
    StoreRoot,
)
from gcbatch.tables import Catalog, LatestParts, TableSource
from gcbatch.text import one_line
from gcbatch.windows import UTC_ZONE, Window, step

__all__ = ["OrgRun"]

MAX_GAPS: Final = 5
"""Gaps that an error lists one by one."""

MAX_CHARS: Final = 4_000
"""Length of a warning; it can quote names of the org and the service."""


@dataclass
class _Progress:
    """The progress of a run: what was fetched, and what failed.

    Args:
        allow_partial: Whether to continue when a query fails.
        fetched: Queries that were fetched.
        usage: The requests that this took.
        remarks: Remarks for the run report, and how often each was made.
        gaps: The queries that failed, and why.
    """

    allow_partial: bool = False
    fetched: int = 0
    usage: Usage = field(default_factory=Usage)
    remarks: Counter[str] = field(default_factory=Counter)
    gaps: dict[Query, GcbatchError] = field(default_factory=dict)

    def tolerates(self, query: Query, problem: GcbatchError) -> bool:
        """Say whether to continue with the other queries; note this one as a gap."""
        is_of_query = isinstance(problem, (ServiceError, DataError))
        if not self.allow_partial or isinstance(problem, OutOfReachError):
            return False
        if is_of_query:
            self.gaps[query] = problem
        return is_of_query


class OrgRun:
    """The run of one org."""

    def __init__(
        self, job: Job, observer: Observer, root: StoreRoot | None = None
    ) -> None:
        self.job = job
        self._observer = observer
        self._started = datetime.now(UTC), time.monotonic()
        self.planner = Planner(job, self._started[0], root)
        self._store = self.planner.store
        self._endpoint = self.planner.endpoint
        self._progress = _Progress()
        self._planned: ResolvedPlan | None = None
        self.notes = RunNotes(self._store, self._started[0])

    @property
    def org(self) -> str:
        """The org's name in the job; empty if it is the only one."""
        return self.job.org_name

    @property
    def planned(self) -> ResolvedPlan:
        """The plan, after fetch or use_saved_plan."""
        if self._planned is None:
            msg = "nothing is planned yet"
            raise RuntimeError(msg)
        return self._planned

    async def fetch(
        self, orgs: OrgSessions, engine: Engine, options: RunOptions
    ) -> None:
        """Fetch what is missing.

        Raises:
            GcbatchError: What prevents it.
        """
        self._progress = _Progress(options.allow_partial)
        await asyncio.to_thread(self.notes.begin)
        planned = await asyncio.to_thread(self._begin, options)
        fallback = planned if planned and planned.is_stored else None
        if (
            planned is None
            or fallback is None
            or self.planner.is_outdated(fallback.names)
        ):
            await asyncio.to_thread(self._store.prepare)
            session = await self._session(orgs)
            with self._progress.usage.counting(session):
                planned = await self._fetch_missing(session, engine, fallback)
        else:
            if total := len(planned.plan.queries):
                per_minute = self.job.fetch.requests_per_minute
                self._observer.planned(self.job.store_name, total, total, per_minute)
            self._observer.finished()
        self._planned = planned

    def _begin(self, options: RunOptions) -> ResolvedPlan | None:
        """Return the plan that is saved, as far as it can be used.

        A store in a bucket waits for the network here, so this runs in a thread.
        """
        if options.fresh:
            self._store.begin_fresh()
        elif options.refetch:
            self._store.begin_fresh(self.planner.range.refetched(options.refetch))
        return self.planner.plan_from_saved()

    async def _fetch_missing(
        self, session: OrgSession, engine: Engine, fallback: ResolvedPlan | None
    ) -> ResolvedPlan:
        """Update the names, and fetch every query that has no final part."""
        planned = await self.planner.plan_fresh(session, fallback=fallback)
        planned = await self.planner.list_tables(session, planned)
        if self.job.histories:
            planned = await asyncio.to_thread(self.planner.note_versions, planned)
        if unreadable := sum(map(self._store.is_unreadable, planned.plan.queries)):
            self._progress.remarks[REFETCHED] += unreadable
        todo = self.planner.unsettled(planned.plan)
        await self._fetch(session, engine, planned.plan, todo)
        if not self._progress.gaps:
            # Not earlier: until now, `export` uses the last complete run.
            planned = await asyncio.to_thread(self.planner.save, planned)
        return planned.without(self._progress.gaps)

    async def refetch_damaged(self, orgs: OrgSessions, engine: Engine) -> None:
        """Fetch again every part that its checksum shows as damaged."""
        plan, store = self.planned.plan, self._store
        store.expect(query.digest for query in plan.queries)
        damaged = [q for q in plan.queries if not store.check_again(q.digest)]
        if not damaged:
            return
        session = await self._session(orgs)
        self._progress.remarks[REFETCHED] += len(damaged)
        with self._progress.usage.counting(session):
            await self._fetch(session, engine, plan, damaged)
        self._planned = self.planned.without(self._progress.gaps)

    def reset_seen(self) -> None:
        """Forget which parts were read; from now on replaced ones may be read."""
        self._store.reset_seen()

    async def plan(self, orgs: OrgSessions, options: RunOptions) -> ResolvedPlan:
        """Return the plan, with saved names if they suffice and are recent."""
        if options.refetch:
            self._store.imagine_fresh(self.planner.range.refetched(options.refetch))
        saved = self.planner.plan_from_saved()
        is_recent = saved is not None and not self.planner.is_outdated(saved.names)
        if self.job.lists_only:
            # To list is all that its run does.
            nothing = Plan(self.planner.range.window(), ())
            planned = saved or ResolvedPlan(nothing, self.planner.known_names(), 0)
        elif saved is not None and is_recent:
            planned = saved
        else:
            session = await self._session(orgs)
            planned = await self.planner.plan_fresh(session, fallback=saved)
        is_done = is_recent and planned.is_stored
        recent = self.job.entities if is_done else self.planner.recent_tables()
        listings = planned_listings(self.job, planned.names, recent)
        return replace(
            planned,
            planned_listings=tuple(listings),
            name_listings=() if is_done else self.planner.name_listings(),
            provisional=self.planner.still_open(planned.plan),
        )

    async def check(self, orgs: OrgSessions) -> tuple[str, ...]:
        """Sign in, list names and tables, and send the smallest data request."""
        session = await self._session(orgs)
        planned = await self.planner.plan_fresh(session)
        planned = await self.planner.list_tables(session, planned, is_probe=True)
        for first in planned.plan.queries[:1]:
            await self._endpoint.probe(self._context(session), first)
        return planned.warnings

    def use_saved_plan(self) -> None:
        """Use the parts of the last run.

        Raises:
            DataError: If the store does not have all of them.
            JobError: If the job requests other data than its last run did.
        """
        saved = self.planner.saved_plan()
        names = self.planner.with_unlisted(saved.names)
        self._planned = ResolvedPlan(saved.plan, names, 0)
        for query in saved.plan.queries:
            self._metadata(query)

    async def _session(self, orgs: OrgSessions) -> OrgSession:
        session = await orgs.session(self.job)
        session.client.retry_settings.on_wait = self._observer.waiting
        self.planner.clock = session.client.clock
        return session

    def _context(self, session: OrgSession) -> FetchContext:
        job, paged = self.job, self._observer.paged
        return FetchContext(session.client, job.query, job.fetch, self._store, paged)

    async def _fetch(
        self, session: OrgSession, engine: Engine, plan: Plan, todo: Sequence[Query]
    ) -> None:
        progress, total = self._progress, len(plan.queries)
        if not total:
            return  # a job of tables alone
        if self.job.fetch.changes:
            self._store.run = RunMark(plan.run_id, self._started[0])
        per_minute = session.org_client.limiter.per_minute
        stored = total - len(todo)
        self._observer.planned(self.job.store_name, total, stored, per_minute)
        work = FetchWork(
            org=self.org or "org",
            endpoint=self._endpoint,
            context=self._context(session),
            org_client=session.org_client,
            client_config=session.client_config,
            queries=todo,
            observer=self._observer,
            tolerate=progress.tolerates,
        )
        try:
            if todo:
                progress.remarks += await engine.fetch(work)
        except GcbatchError as exc:
            exc.missing = self._describe_missing(plan)
            raise
        finally:
            self._observer.finished()
        progress.fetched += sum(query not in progress.gaps for query in todo)
        if todo and self.job.fetch.changes:
            await asyncio.to_thread(self._trim_changes, self.job.fetch.changes)

    def _trim_changes(self, limits: Changes) -> None:
        """Drop what is older or more than the change log keeps, and say so."""
        keep_from = step(self._started[0], limits.keep, -1, UTC_ZONE)
        gone = self._store.changes.trim(keep_from, limits.max_mb << 20)
        self._progress.remarks[DROPPED_CHANGES] += len(gone)

    def catalog(self, stop: Event | None = None) -> Catalog:
        """Return the tables of the plan."""
        return self._catalog(self.planned, stop)

    def empty_catalog(self) -> Catalog:
        """Return the tables without rows, before any request."""
        empty = ListedEntities({}, self._started[0])
        none = dict.fromkeys(self.job.entities, empty)
        plan = Plan(self.planner.range.window(), ())
        return self._catalog(ResolvedPlan(plan, Names(), 0, listings=none), None)

    def _catalog(self, planned: ResolvedPlan, stop: Event | None) -> Catalog:
        latest, gaps = None, self._progress.gaps
        if isinstance(self._endpoint, DetailsEndpoint) and self._endpoint.known_by_id:
            failed = tuple(q for q in gaps if self._store.metadata_of(q) is not None)
            latest = LatestParts(planned.plan, self._store, stop, failed)
        source = TableSource(
            self.job,
            self._endpoint,
            planned.plan,
            planned.names,
            self._store,
            planned.listings,
            names_at=self.planner.names_at(planned.names),
            lacks=tuple(query.window for query in gaps),
            latest=latest,
        )
        return Catalog(source, stop)

    def report(
        self,
        catalog: Catalog,
        exports: Sequence[Exported],
        outputs: Sequence[PublishedFile],
        *,
        failed: Sequence[FailedExport] = (),
        rows: OrgRows,
    ) -> RunReport:
        """Return the run report of this org."""
        planned, usage, gaps = self.planned, self._progress.usage, self._progress.gaps
        parts, provisional = PartSums(), list[Window]()
        for query in planned.plan.queries:
            metadata = self._metadata(query)
            is_provisional = self.planner.is_provisional(metadata)
            if is_provisional:
                provisional.append(query.window)
            parts.add(metadata, is_provisional=is_provisional)
        at, clock = self._started
        warnings = (
            *clock_warnings(self.planner.clock, self.job.query),
            *planned.names.warnings,
            *(str(problem).splitlines()[0] for problem in gaps.values()),
            *count_lines(
                self._progress.remarks + Counter({ECHOED: usage.traffic.echoed})
            ),
            *catalog.remarks(),
            *parts.remarks(),
            *rows.warnings,
        )
        return RunReport(
            job=self.job.store_name,
            run_id=planned.plan.run_id,
            window=None if self.job.lists_only else planned.plan.window,
            started_at=at,
            seconds=time.monotonic() - clock,
            queries=len(planned.plan.queries),
            fetched=self._progress.fetched,
            provisional=parts.provisional,
            requests=usage.traffic.sent,
            retries=dict(usage.traffic.retries),
            throttled=usage.traffic.throttled,
            waited_s=usage.traffic.waited_s,
            tokens=usage.tokens,
            rows=parts.rows,
            exports=tuple(exports),
            failed_exports=tuple(failed),
            breaches=catalog.breaches(),
            changes=self._changes(catalog),
            answers=usage.answered,
            received=usage.traffic.received,
            quota_used_pct=usage.quota_used_pct,
            failed=usage.failed,
            gaps=tuple(map(self._gap, gaps)),
            inputs=digest_parts(planned.plan, self._store),
            listings=catalog.source.listing_checksums(self.job.entities),
            outputs=tuple(outputs),
            settle=str(self.job.settle),
            timezone=self.job.query.timezone,
            names_at=catalog.names_at,
            provisional_spans=provisional_spans(
                provisional,
                self.job.settle,
                self.job.query.zone,
                fetched_at=self.planner.clock.now(),
                org=self.org,
            ),
            ranges=self._ranges(exports),
            empty_queues=rows.queues,
            warnings=tuple(one_line(warning, MAX_CHARS) for warning in warnings),
            tables=catalog.all(),
            catalog=catalog,
        )

    def refuse_narrowing(self, exports: Sequence[CheckedExport]) -> None:
        """Refuse a range that options narrowed if it would replace wider outputs.

        Raises:
            JobError: If so.
        """
        own = self.planner.range.own_window()
        if own is not None:
            asked = self.planner.range.window()
            zone = self.job.query.zone
            refuse_narrowing(zone, exports, asked, own, self.notes.last_report)

    def count_rows(self, catalog: Catalog) -> OrgRows:
        """Return what the run has of this org, before its tables are exported."""
        last = self.notes.last_report
        if self.job.lists_only:
            tables = map(catalog.table, self.job.entities)
            rows = sum(batch.num_rows for t in tables for batch in t.batches())
            return OrgRows(self.org, rows, None, EmptyQueues())
        rows = sum(self._metadata(q).rows for q in self.planned.plan.queries)
        before = last.get("rows")
        known = before if isinstance(before, int) else None
        queues = self._empty_queues(last) if rows else EmptyQueues()
        return OrgRows(self.org, rows, known, queues)

    def _empty_queues(self, last: Mapping[str, Any]) -> EmptyQueues:
        """Return the queues that should have rows, and have none."""
        wanted = self.planner.wanted_queues(self.planned.names)
        if not wanted:
            expects = self.job.expect is not None and self.job.expect.queues
            unknown = "the org's queues are not listed" if expects else ""
            return EmptyQueues(unknown=unknown)
        names = self.planned.names.by_dimension.get("queueId", {})
        wanted_names = {queue: names.get(queue, queue) for queue in wanted}
        return find_empty_queues(self.planned.plan, self._store, wanted_names, last)

    def write_report(self, report: RunReport) -> None:
        """Store the run report beside the parts.

        Raises:
            OutputError: If it cannot be written.
        """
        self.notes.write_report(report)
        self._store.save_index()

    def _changes(self, catalog: Catalog) -> tuple[TableChanges, ...]:
        """Return what fetching again changed, in this run and those that failed."""
        has_fetched = self._progress.fetched > 0
        files = self.notes.find_unreported(has_fetched=has_fetched)
        return summarize_changes(catalog, files)

    def _ranges(self, exports: Sequence[Exported]) -> tuple[OutputRange, ...]:
        """Return which range each output holds, after this run."""
        window = None if self.job.lists_only else self.planned.plan.window
        own = self.planner.range.own_window()
        is_narrowed = own is not None and window is not None and own not in window
        return updated_ranges(
            self.notes.last_report, exports, window, is_narrowed=is_narrowed
        )

    def _describe_missing(self, plan: Plan) -> str:
        """Return which windows and queues have no part yet, in one line."""
        missing = [q for q in plan.queries if self._store.metadata_of(q) is None]
        if len(missing) in (0, len(plan.queries)):
            return ""  # nothing, or all of it
        gaps = "; ".join(map(str, map(self._gap, missing[:MAX_GAPS])))
        more = f"; and {len(missing) - MAX_GAPS:,} more" * (len(missing) > MAX_GAPS)
        return f"{len(missing):,} of {len(plan.queries):,} queries: {gaps}{more}"

    def _gap(self, query: Query) -> Gap:
        queues = self._endpoint.queues_of(query.template)
        return Gap(query.window, queues, self.org)

    def _metadata(self, query: Query) -> PartMetadata:
        metadata = self._store.metadata_of(query)
        if metadata is None:
            is_there = self._store.is_unreadable(query)
            what = "is damaged or of another query" if is_there else "is missing"
            msg = f"{query}: its part {what} in {self._store.place}"
            raise DataError(msg, hint="`gcbatch run JOB` fetches it")
        return metadata
