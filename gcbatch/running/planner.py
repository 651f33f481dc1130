"""From a job to its plan: dates, queues and names resolved, stored parts counted."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Final

from msgspec import structs

from gcbatch.atomic_files import read_bounded
from gcbatch.endpoints import RequestCost, endpoint_named
from gcbatch.errors import AccessError, DataError, GcbatchError, JobError, ServiceError
from gcbatch.fetching import OrgSession, store_identity
from gcbatch.genesys import (
    ENTITY_KINDS,
    TARGETS,
    Documents,
    EntityListing,
    Names,
    check_targets,
    is_id,
    named_dimensions,
    names_from_listings,
    queue_ids,
    require_targets,
    unlisted_targets,
)
from gcbatch.genesys.client import ServiceClock
from gcbatch.job import Job, QueueFile, resolve_range
from gcbatch.planning import Plan, ResolvedScope, SavedPlan, job_fingerprint, make_plan
from gcbatch.query import Query
from gcbatch.store import PartMetadata, Store, has_entities, write_entities
from gcbatch.text import one_line
from gcbatch.windows import Window

__all__ = ["Planner", "ResolvedPlan"]

MOST_QUEUE_BYTES: Final = 16 << 20
"""Of a file of queues; 100,000 names have some four megabytes."""


@dataclass(frozen=True)
class ResolvedPlan:
    """A plan, with the names that it was made by and what is stored of it.

    Args:
        plan: The queries.
        names: What ids are called.
        stored: How many of the queries have a settled part.
        price: What a query costs.
        listings: What was listed for tables and is not kept yet: entities by table.
        remarks: What to know before a run, which says it in other words.
    """

    plan: Plan
    names: Names
    stored: int
    price: RequestCost = field(default_factory=RequestCost)
    listings: Mapping[str, Documents] = field(default_factory=dict, repr=False)
    remarks: tuple[str, ...] = ()

    @property
    def is_stored(self) -> bool:
        """Whether all of the queries have a settled part."""
        return self.stored == len(self.plan.queries)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What to know before a run."""
        return (*self.names.warnings, *self.remarks)

    def without(self, queries: Collection[Query]) -> "ResolvedPlan":
        """Return the plan of the queries that are left."""
        if not queries:
            return self
        left = tuple(q for q in self.plan.queries if q not in queries)
        return replace(self, plan=replace(self.plan, queries=left))


class Planner:
    """Makes the plan of one job.

    Args:
        job: Whose.
        started_at: What relative dates are counted from, UTC.

    Attributes:
        store: Where the job's parts are.
        endpoint: Whom it asks.
        clock: The service's, once it was asked; this machine's until then.
    """

    def __init__(self, job: Job, started_at: datetime) -> None:
        self._job = job
        self._started_at = started_at
        self.store = Store(job.fetch.store, job.store_name)
        self.endpoint = endpoint_named(job.query.endpoint)
        self.clock = ServiceClock()
        self._identity = store_identity(job.own_org)
        self._asked = job_fingerprint(
            job, self._identity, self._queues, self.endpoint.part_format
        )

    def kept(self) -> SavedPlan:
        """Return what the last whole run asked."""
        kept = SavedPlan.read(self.store)
        if kept is None:
            msg = f"{self.store.folder}: holds no run of this job"
            raise DataError(msg, hint="`gcbatch run JOB` fetches first")
        if kept.fingerprint != self._asked:
            msg = f"{self._job.name}: asks something else than its last run did"
            raise JobError(msg, hint="`gcbatch run JOB` fetches what is new")
        self._check_targets(kept.names)
        return kept

    def keep(self, planned: ResolvedPlan) -> ResolvedPlan:
        """Keep a plan whose parts are all there, for export and the next run.

        Returns:
            The plan, its listings now in the store.
        """
        write_entities(self.store, planned.listings)
        SavedPlan(self._asked, planned.names, planned.plan).write(self.store)
        self.store.end_fresh()
        return replace(planned, listings={})

    def require_listings(self) -> None:
        """Refuse to export what the last run did not list.

        Raises:
            DataError: If the listing of a table is not kept, or damaged.
        """
        for table in self._unlisted():
            msg = f"table {table}: the last run of this job did not keep its listing"
            raise DataError(msg, hint="`gcbatch run JOB` lists it")

    def _unlisted(self) -> list[str]:
        """Return the tables that the job exports and no run has listed for it."""
        return [t for t in self._job.entities if not has_entities(self.store, t)]

    def window(self) -> Window:
        """Return the job's range.

        Raises:
            JobError: If it is none.
        """
        query = self._job.query
        try:
            return resolve_range(
                query.start,
                query.end,
                granularity=query.granularity,
                zone=query.zone,
                now=self._started_at,
            )
        except (ValueError, OverflowError) as exc:
            msg = f"query: {exc}"
            raise JobError(msg, hint="mend from and to") from exc

    def as_kept(self) -> ResolvedPlan | None:
        """Return the plan by kept names; None where they do not suffice."""
        kept = SavedPlan.read(self.store)
        if kept is None or kept.fingerprint != self._asked:
            return None
        if self._unlisted():
            return None  # an export came later, and wants what it exports
        try:
            return self._planned(kept.names)
        except GcbatchError:
            return None

    def is_outdated(self, names: Names) -> bool:
        """Say whether a name that the job needs was listed too long ago, or never."""
        longest = timedelta(seconds=self._job.fetch.names_max_age.typical_s)
        asked_at = (names.asked_at.get(dimension) for dimension in self._named())
        # What lies ahead was noted by a clock that was wrong.
        return any(
            at is None or not timedelta(0) <= self._started_at - at < longest
            for at in asked_at
        )

    def names_at(self, names: Names) -> dict[str, datetime]:
        """Return when the names and targets that the job needs were listed, by table.

        What was never listed is not among them.
        """
        named = {li.dimension: li.table for li in ENTITY_KINDS}
        named = {d: table for d, table in named.items() if d in self._named()}
        if self._job.sla:
            named[TARGETS] = TARGETS
        known = names.listed_at
        return {table: known[d] for d, table in named.items() if d in known}

    async def anew(
        self, session: OrgSession, *, spare: ResolvedPlan | None = None
    ) -> ResolvedPlan:
        """Return the plan by names that are listed now.

        Args:
            session: The open org.
            spare: A plan by kept names that would do. It stands, with those names,
                where the queues cannot be listed.

        Raises:
            GcbatchError: What keeps it from being made: also a listing that cannot be
                had, if the job exports it, or plans by it and there is no *spare*.
        """
        kept = SavedPlan.read(self.store)
        known = kept.names if kept else Names()
        found = await self._list(session, spare)
        names = known.updated_with(names_from_listings(found, known))
        tables = [await session.list_table(table) for table in self._job.entities]
        poor = [
            f"{found.kind.label} are listed without their settings: {found.reason}"
            for found in tables
            if found.refused
        ]
        sla = self._job.sla
        if sla and sla.target is None:
            poor += _unknown_targets(found, names)
        names = structs.replace(names, warnings=(*names.warnings, *poor))
        lacking = {li.kind.dimension: li.lacking for li in found if li.lacking}
        if spare is not None and "queueId" in lacking:
            self._check_targets(names, lacking["queueId"])
            planned = replace(spare, names=names)
        else:
            planned = self._planned(names, lacking.get("queueId"))
        listings = {found.kind.table: found.documents for found in tables}
        return replace(planned, listings=listings)

    async def _list(
        self, session: OrgSession, spare: ResolvedPlan | None
    ) -> list[EntityListing]:
        """List what the job needs the names of; see anew."""
        named = self._named()
        is_needed = self._plans_by_queues or self._targets_by_name
        needed = {"queueId"} if is_needed and spare is None else set()
        try:
            return await session.list_all(named, needed=needed)
        except ServiceError as exc:
            if spare is None or self._job.entities:
                raise
            # Nobody answers: there is nothing to be had but what is kept.
            unheard = [li for li in ENTITY_KINDS if li.dimension in named]
            return [EntityListing(listing, None, failure=exc) for listing in unheard]

    def _named(self) -> set[str]:
        """Return the dimensions whose names the job needs."""
        dimensions = named_dimensions()
        exported = {
            li.dimension for li in ENTITY_KINDS if li.table in self._job.entities
        }
        wanted = set(exported)
        if self._job.query.family:  # a tutorial's answers bring names, not ids
            wanted |= dimensions & set(self._job.query.group_by)
        if self._job.query.details:
            # Rows of details carry ids of all kinds; each gets its name beside it.
            wanted |= dimensions
        if self._plans_by_queues or self._job.sla:
            wanted.add("queueId")
        return wanted

    @property
    def _plans_by_queues(self) -> bool:
        """Whether what is asked, or counts, depends on which queues are listed."""
        if self._queues is not None:
            by_listing = not all(map(is_id, self._queues))
        else:
            by_listing = bool(self.endpoint.queues_at_once)
        sla = self._job.sla
        return by_listing or (sla is not None and not sla.include_deleted)

    @property
    def _targets_by_name(self) -> bool:
        """Whether it takes a listing to know whose the job's targets are."""
        sla = self._job.sla
        if sla is None or not self._job.query.family:
            return False  # a tutorial's answers bring names
        return not all(map(is_id, sla.targets))

    def _check_targets(self, names: Names, failure: GcbatchError | None = None) -> None:
        """Refuse targets of which is not known for sure which queue they are for."""
        if self._job.sla:
            check_targets(self._job.sla.targets, names)
            if self._targets_by_name:
                require_targets(self._job.sla.targets, names, failure)

    def _planned(
        self, names: Names, failure: GcbatchError | None = None
    ) -> ResolvedPlan:
        """Return the plan by names.

        Args:
            names: What queues are called.
            failure: Why their listing is not whole; None if it is.
        """
        self._check_targets(names, failure)
        queues = self._queues
        if queues is not None:
            queues = tuple(queue_ids(queues, names, failure))
        elif self.endpoint.queues_at_once:
            why = f"{self.endpoint.name} asks by queue"
            queues = self._all_listed(names, why, failure)
            if not queues:
                msg = f"{self.endpoint.name} asks by queue: the org lists none"
                raise AccessError(msg, hint="check the divisions of the client's role")
        if self._job.sla and not self._job.sla.include_deleted:
            why = "sla.include_deleted: false needs all queues"
            self._all_listed(names, why, failure)
        scope = ResolvedScope(
            identity=self._identity,
            window=self.window(),
            queue_ids=queues,
            queues_listed=names.listed.get("queueId", 0),
        )
        plan = make_plan(self._job, scope, self.endpoint)
        stored = len(plan.queries) - len(self.unsettled(plan))
        price = self.endpoint.price(self._job.fetch)
        sla = self._job.sla
        remarks = unlisted_targets(sla.targets, names) if sla and not failure else ()
        return ResolvedPlan(plan, names, stored, price, remarks=remarks)

    def _all_listed(
        self, names: Names, why: str, failure: GcbatchError | None
    ) -> tuple[str, ...]:
        """Return the ids of all queues, from a complete listing."""
        if failure is not None:
            raise failure.within(why) from failure
        if "queueId" not in names.listed:
            detail = "; ".join(names.warnings) or "they are not listed"
            msg = f"{why}: {detail}"
            raise AccessError(msg, hint="grant the permission to list queues")
        return tuple(sorted(names.listed_ids("queueId")))

    @cached_property
    def _queues(self) -> tuple[str, ...] | None:
        """The queues that the job names, read from their file once; None is all."""
        queues = self._job.query.queues
        if not isinstance(queues, QueueFile):
            return queues
        try:
            content = read_bounded(queues.file, MOST_QUEUE_BYTES)
            lines = content.decode("utf-8-sig").splitlines()
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

    def unsettled(self, plan: Plan) -> list[Query]:
        """Return the queries whose part is missing or provisional."""
        return [q for q in plan.queries if not self._is_settled(q)]

    def _is_settled(self, query: Query) -> bool:
        account = self.store.metadata_of(query)
        if account is None or self.is_provisional(account):
            return False
        return self.store.is_fresh(query.digest)

    def is_provisional(self, account: PartMetadata) -> bool:
        """Say whether a part is to be fetched again, as its figures may change."""
        zone, settle = self._job.query.zone, self._job.fetch.settle
        return not account.is_final(settle, zone, self.clock.now())


def _unknown_targets(found: Iterable[EntityListing], names: Names) -> Iterator[str]:
    """Yield which of the queues' own targets are not known, if some are not."""
    if TARGETS not in names.listed_at:
        yield "sla: the queues' own targets are not known"
    odd = sorted(i for li in found for i, e in li.entities.items() if e.has_odd_target)
    if odd:
        yield (
            "sla: queues whose own targets are no numbers, and so not known: "
            f"{len(odd):,}, the first {one_line(odd[0])}"
        )
