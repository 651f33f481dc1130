"""One org's share of a run: its plan, its parts, its tables, its account."""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any, Final

from gcbatch.endpoints import DetailsEndpoint, FetchContext
from gcbatch.errors import DataError, GcbatchError, OutOfReachError, ServiceError
from gcbatch.exporting import PublishedFile
from gcbatch.fetching import Engine, FetchWork, Observer, OrgSession, OrgSessions, Usage
from gcbatch.genesys import Documents, Names
from gcbatch.genesys.client import HIDDEN
from gcbatch.job import Job, is_relative
from gcbatch.planning import Plan, SavedPlan, digest_parts
from gcbatch.query import Query
from gcbatch.running.planner import Planner, ResolvedPlan
from gcbatch.running.report import Exported, FailedExport, Gap, RunReport
from gcbatch.store import REPORT_NOTE, PartMetadata
from gcbatch.tables import Catalog, LatestParts, TableSource
from gcbatch.text import one_line

__all__ = ["OrgRun"]

MOST_GAPS: Final = 5
"""Told of one by one."""

MOST_OFF: Final = timedelta(minutes=5)
"""With a clock that is less off, only a run within minutes of midnight takes another
day for today."""

TO_THE_SECOND: Final = "%Y-%m-%dT%H:%M:%SZ"
MOST_CHARS: Final = 4_000
"""Of a warning; what the service and the org call things may stand in it."""

MENDED: Final = "damaged parts, fetched again"
"""How many there were is told of a run."""

ECHOED: Final = f"answers that repeated the credentials, which became {HIDDEN}"
"""Data, too: parts and outputs hold no secret; how often is told of a run."""

MOST_NEWER: Final = 20
"""Fields told of by name."""


@dataclass
class _Progress:
    """What a run did to have all parts.

    Args:
        allow_partial: Whether to go on where a query fails.
        fetched: Queries that were asked.
        spent: What that took.
        remarks: What the reader should know of it, how often it was so.
        gaps: The queries that failed, and why.
    """

    allow_partial: bool = False
    fetched: int = 0
    spent: Usage = field(default_factory=Usage)
    remarks: Counter[str] = field(default_factory=Counter)
    gaps: dict[Query, GcbatchError] = field(default_factory=dict)

    def tolerates(self, query: Query, problem: GcbatchError) -> bool:
        """Note what failed, and say whether to go on with the rest."""
        one_query = isinstance(problem, (ServiceError, DataError))
        if not self.allow_partial or isinstance(problem, OutOfReachError):
            return False
        if one_query:
            self.gaps[query] = problem
        return one_query


class OrgRun:
    """One org's share of a run.

    Args:
        job: Of one org.
        observer: Is told of progress.
    """

    def __init__(self, job: Job, observer: Observer) -> None:
        self.job = job
        self._observer = observer
        self._started = datetime.now(UTC), time.monotonic()
        self.planner = Planner(job, self._started[0])
        self._store = self.planner.store
        self._endpoint = self.planner.endpoint
        self._effort = _Progress()
        self._planned: ResolvedPlan | None = None

    @property
    def org(self) -> str:
        """What the job calls the org; empty where it is the only one."""
        return self.job.org_name

    @property
    def planned(self) -> ResolvedPlan:
        """The plan; there is one once fetch or use_kept is done."""
        if self._planned is None:
            msg = "nothing is planned yet"
            raise RuntimeError(msg)
        return self._planned

    async def fetch(
        self, orgs: OrgSessions, engine: Engine, *, fresh: bool, allow_partial: bool
    ) -> None:
        """Fetch what is missing.

        Raises:
            GcbatchError: What keeps it from being had.
        """
        effort = self._effort = _Progress(allow_partial)
        if fresh:
            self._store.begin_fresh()
        planned = self.planner.as_kept()
        spare = planned if planned and planned.is_stored else None
        if planned is None or spare is None or self.planner.is_outdated(spare.names):
            self._store.prepare()
            session = await self._session(orgs)
            with effort.spent.noting(session):
                planned = await self._fetch_missing(session, engine, spare)
        else:
            total = len(planned.plan.queries)
            per_minute = self.job.fetch.requests_per_minute
            self._observer.planned(self.job.store_name, total, total, per_minute)
            self._observer.finished()
        self._planned = planned

    async def _fetch_missing(
        self, session: OrgSession, engine: Engine, spare: ResolvedPlan | None
    ) -> ResolvedPlan:
        """Bring names up to date, and fetch what has no settled part.

        Args:
            session: The open org.
            engine: Who fetches.
            spare: The plan by kept names, if all of it is stored.
        """
        effort = self._effort
        planned = await self.planner.anew(session, spare=spare)
        if unreadable := sum(map(self._store.is_unreadable, planned.plan.queries)):
            effort.remarks[MENDED] += unreadable
        todo = self.planner.unsettled(planned.plan)
        await self._fetch(session, engine, planned.plan, todo)
        if not effort.gaps:
            # Not before: until then the last whole run is what can be exported.
            planned = self.planner.keep(planned)
        return planned.without(effort.gaps)

    async def mend(self, orgs: OrgSessions, engine: Engine) -> None:
        """Fetch again whatever cannot be read, as its checksum shows."""
        plan, store = self.planned.plan, self._store
        damaged = [q for q in plan.queries if not store.is_whole(q.digest)]
        if not damaged:
            return
        session = await self._session(orgs)
        self._effort.remarks[MENDED] += len(damaged)
        with self._effort.spent.noting(session):
            await self._fetch(session, engine, plan, damaged)
        self._planned = self.planned.without(self._effort.gaps)

    def reset_seen(self) -> None:
        """Take parts as they are now for what is to be read."""
        self._store.reset_seen()

    async def plan(self, orgs: OrgSessions) -> ResolvedPlan:
        """Return the plan, from kept names where they suffice and are not too old."""
        kept = self.planner.as_kept()
        if kept is not None and not self.planner.is_outdated(kept.names):
            return kept
        return await self.planner.anew(await self._session(orgs), spare=kept)

    async def check(self, orgs: OrgSessions) -> tuple[str, ...]:
        """Sign in, list names, and ask as little as possible."""
        session = await self._session(orgs)
        planned = await self.planner.anew(session)
        await self._endpoint.probe(self._desk(session), planned.plan.queries[0])
        return planned.warnings

    def use_kept(self) -> SavedPlan:
        """Take what the last run fetched.

        Raises:
            DataError: If the store does not hold all of it.
            JobError: If the job asks something else than its last run did.
        """
        kept = self.planner.kept()
        self._planned = ResolvedPlan(kept.plan, kept.names, 0)
        for query in kept.plan.queries:
            self._account(query)
        return kept

    async def _session(self, orgs: OrgSessions) -> OrgSession:
        session = await orgs.session(self.job)
        session.client.retry_settings.on_wait = self._observer.waiting
        self.planner.clock = session.client.clock
        return session

    def _desk(self, session: OrgSession) -> FetchContext:
        job, paged = self.job, self._observer.paged
        return FetchContext(session.client, job.query, job.fetch, self._store, paged)

    async def _fetch(
        self, session: OrgSession, engine: Engine, plan: Plan, todo: Sequence[Query]
    ) -> None:
        effort, total = self._effort, len(plan.queries)
        per_minute = session.access.limiter.per_minute
        stored = total - len(todo)
        self._observer.planned(self.job.store_name, total, stored, per_minute)
        work = FetchWork(
            org=self.org or "org",
            endpoint=self._endpoint,
            desk=self._desk(session),
            access=session.access,
            connection=session.connection,
            queries=todo,
            observer=self._observer,
            tolerate=effort.tolerates,
        )
        try:
            if todo:
                effort.remarks += await engine.fetch(work)
        except GcbatchError as exc:
            exc.missing = self._told_missing(plan)
            raise
        finally:
            self._observer.finished()
        effort.fetched += sum(query not in effort.gaps for query in todo)

    def catalog(self, stop: Event | None = None) -> Catalog:
        """Return the tables of what is planned."""
        return self._catalog(self.planned, stop)

    def empty_catalog(self) -> Catalog:
        """Return the tables as they are without any row, before anything is asked."""
        none: dict[str, Documents] = {table: {} for table in self.job.entities}
        plan = Plan(self.planner.window(), ())
        return self._catalog(ResolvedPlan(plan, Names(), 0, listings=none), None)

    def _catalog(self, planned: ResolvedPlan, stop: Event | None) -> Catalog:
        latest = None
        if isinstance(self._endpoint, DetailsEndpoint) and self._endpoint.known_by_id:
            failed = self._effort.gaps
            beside = tuple(q for q in failed if self._store.metadata_of(q) is not None)
            latest = LatestParts(planned.plan, self._store, stop, beside)
        source = TableSource(
            self.job,
            self._endpoint,
            planned.plan,
            planned.names,
            self._store,
            planned.listings,
            names_at=self.planner.names_at(planned.names),
            lacks=tuple(query.window for query in self._effort.gaps),
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
    ) -> RunReport:
        """Return the account of this share.

        Args:
            catalog: Its tables.
            exports: What was written.
            failed: What could not be.
            outputs: The files that were published.
        """
        planned, effort, spent = self.planned, self._effort, self._effort.spent
        accounts = [self._account(query) for query in planned.plan.queries]
        zone, settle = self.job.query.zone, self.job.fetch.settle
        at, clock = self._started
        return RunReport(
            job=self.job.store_name,
            run_id=planned.plan.run_id,
            window=planned.plan.window,
            started_at=at,
            seconds=time.monotonic() - clock,
            queries=len(planned.plan.queries),
            fetched=effort.fetched,
            provisional=sum(map(self.planner.is_provisional, accounts)),
            requests=spent.traffic.sent,
            retries=dict(spent.traffic.retries),
            throttled=spent.traffic.throttled,
            waited_s=spent.traffic.waited_s,
            tokens=spent.tokens,
            rows=sum(account.rows for account in accounts),
            exports=tuple(exports),
            failed_exports=tuple(failed),
            breaches=catalog.breaches(),
            answers=spent.answered,
            received=spent.traffic.received,
            quota_used_pct=spent.quota_used_pct,
            failed=spent.failed,
            gaps=tuple(map(self._gap, effort.gaps)),
            inputs=digest_parts(planned.plan, self._store),
            outputs=tuple(outputs),
            settle=str(settle),
            timezone=zone.key,
            names_at=catalog.names_at,
            warnings=tuple(
                one_line(warning, MOST_CHARS)
                for warning in (
                    *self._clock_warnings(),
                    *planned.names.warnings,
                    *(str(problem).splitlines()[0] for problem in effort.gaps.values()),
                    *_told(effort.remarks + Counter({ECHOED: spent.traffic.echoed})),
                    *catalog.remarks(),
                    *_remarks_of(accounts),
                )
            ),
            tables=catalog.all(),
            catalog=catalog,
        )

    def _clock_warnings(self) -> Iterator[str]:
        """Yield how far this machine's clock is off, if it is."""
        ahead = self.planner.clock.ahead
        if abs(ahead) < MOST_OFF:
            return
        own, now = datetime.now(UTC), self.planner.clock.now()
        used = "; `today` and `now` in the job file are this machine's"
        asked = self.job.query
        is_used = is_relative(asked.start) or is_relative(asked.end)
        yield (
            f"this machine's clock shows {own:{TO_THE_SECOND}}, the service's "
            f"{now:{TO_THE_SECOND}}{used if is_used else ''}"
        )

    def last_report(self) -> dict[str, Any]:
        """Return what the last run of this share said of itself; may be nothing."""
        return self._store.read_note(REPORT_NOTE) or {}

    def keep(self, report: RunReport) -> None:
        """Keep the account beside the parts.

        Raises:
            OutputError: If it cannot be written.
        """
        self._store.write_note(REPORT_NOTE, report.to_json())

    def _told_missing(self, plan: Plan) -> str:
        """Return which windows and queues have no part yet, in one line."""
        missing = [q for q in plan.queries if self._store.metadata_of(q) is None]
        if len(missing) in (0, len(plan.queries)):
            return ""  # nothing, or all of it
        gaps = "; ".join(map(str, map(self._gap, missing[:MOST_GAPS])))
        more = f"; and {len(missing) - MOST_GAPS:,} more" * (len(missing) > MOST_GAPS)
        return f"{len(missing):,} of {len(plan.queries):,} queries: {gaps}{more}"

    def _gap(self, query: Query) -> Gap:
        queues = self._endpoint.queues_of(query.template)
        return Gap(query.window, queues, self.org)

    def _account(self, query: Query) -> PartMetadata:
        account = self._store.metadata_of(query)
        if account is None:
            is_there = self._store.is_unreadable(query)
            what = "is damaged or of another query" if is_there else "is missing"
            msg = f"{query}: its part {what} in {self._store.folder}"
            raise DataError(msg, hint="`gcbatch run JOB` fetches it")
        return account


def _told(counts: Counter[str]) -> list[str]:
    """Return a line for each thing that was counted."""
    return [f"{what}: {number:,}" for what, number in counts.items()]


def _remarks_of(accounts: Sequence[PartMetadata]) -> list[str]:
    """Return what the reader of a run should know of its parts."""
    counted = sum((Counter(a.remarks) for a in accounts), Counter[str]())
    remarks = sorted(_told(counted))
    newer = {path for account in accounts for path in account.unknown_fields}
    left_out = {path for account in accounts for path in account.left_out}
    for what, names in (
        ("fields newer than this release, kept in the column extra", newer),
        ("answered, but unknown to this release or not asked for; left out", left_out),
    ):
        if names:
            shown = ", ".join(map(one_line, sorted(names)[:MOST_NEWER]))
            more = f" and {len(names) - MOST_NEWER:,} more" * (len(names) > MOST_NEWER)
            remarks.append(f"{what}: {shown}{more}")
    if first := next((a.first_odd for a in accounts if a.first_odd), ""):
        count = sum(account.odd for account in accounts)
        remarks.append(
            "values that do not fit their columns, kept in the column extra: "
            f"{count:,}, the first in {first}"
        )
    return remarks
