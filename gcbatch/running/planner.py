"""Makes the plan of a job: resolves dates, queues and names, counts stored parts."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from typing import Final

from msgspec import structs

from gcbatch.endpoints import endpoint_named
from gcbatch.errors import AccessError, DataError, GcbatchError, ServiceError
from gcbatch.fetching import OrgSession, store_identity
from gcbatch.genesys import (
    ENTITY_KINDS,
    ENTITY_TABLES,
    NAMED_KINDS,
    TARGETS,
    EntityKind,
    EntityListing,
    Names,
    ServiceClock,
    check_targets,
    entity_kind,
    is_id,
    names_from_listings,
    queue_ids,
    require_targets,
    unlisted_targets,
)
from gcbatch.job import Job
from gcbatch.planning import (
    Plan,
    ResolvedScope,
    SavedPlan,
    fingerprint_of,
    make_plan,
    requested_by,
)
from gcbatch.provisional import ProvisionalSpan, provisional_spans
from gcbatch.query import Query
from gcbatch.running.job_range import JobRange
from gcbatch.running.listed_tables import ListedTables
from gcbatch.running.queue_file import named_queues
from gcbatch.running.resolved_plan import ResolvedPlan
from gcbatch.running.saved_differences import other_request
from gcbatch.store import (
    PartMetadata,
    Store,
    StoreRoot,
)
from gcbatch.tables import Catalog, TableSource
from gcbatch.text import one_line
from gcbatch.windows import step

__all__ = ["Planner"]

USUAL: Final = frozenset(("queueId", "userId", "wrapUpCode"))
"""Dimensions whose names jobs without exports have too."""


class Planner:
    """Makes the plan of a job of one org.

    Args:
        job: The job.
        started_at: The instant that relative dates count from, UTC.
        root: The store. Default: opened as the job says.

    Attributes:
        store: Contains the job's parts.
        endpoint: The job's endpoint.
        range: The job's range.
        clock: The service's after the first answer; until then this machine's.
    """

    def __init__(
        self, job: Job, started_at: datetime, root: StoreRoot | None = None
    ) -> None:
        self._job = job
        self._started_at = started_at
        self.store = Store(root or job.open_store(), job.store_name)
        self.endpoint = endpoint_named(job.query.endpoint)
        self.clock = ServiceClock()
        self.range = JobRange(job, started_at)
        self._tables = ListedTables(job, self.store, started_at)
        self._queues = named_queues(job.query.queues)
        self._identity = store_identity(job.own_org)
        self._requested = requested_by(
            job, self._identity, self._queues, self.endpoint.part_format
        )
        self._fingerprint = fingerprint_of(self._requested)

    def saved_plan(self) -> SavedPlan:
        """Return the plan of the last complete run.

        Raises:
            DataError: If the job never ran.
            JobError: If it requests other data than its last run did.
        """
        saved = SavedPlan.read(self.store)
        if saved is None:
            msg = f"{self.store.place}: holds no run of this job"
            raise DataError(msg, hint="`gcbatch run JOB` fetches its data")
        if saved.fingerprint != self._fingerprint:
            window = self.range.window()
            raise other_request(saved, self._requested, self._job, window)
        self._check_targets(saved.names)
        return saved

    def save(self, planned: ResolvedPlan) -> ResolvedPlan:
        """Save a plan whose parts are all stored, for export and the next run.

        Returns:
            The plan; its listings are now in the store.
        """
        self._tables.write(planned, SavedPlan.read(self.store))
        tables = self._tables.stored_names
        SavedPlan(
            self._fingerprint, planned.names, planned.plan, tables, self._requested
        ).write(self.store)
        self.store.end_fresh()
        self.store.save_index()
        return replace(planned, listings={})

    def require_listings(self) -> None:
        """Refuse to export entities that the last run did not list.

        Raises:
            DataError: If the listing of a table is not stored, or damaged.
        """
        saved = SavedPlan.read(self.store) if self._job.entities else None
        for table in self._tables.missing(saved):
            msg = f"table {table}: the last run of this job did not list it"
            raise DataError(msg, hint="`gcbatch run JOB` lists it")

    def recent_tables(self) -> set[str]:
        """Return the exported tables of entities that a run would not list again."""
        if not self._job.entities:
            return set()
        return self._tables.recent(SavedPlan.read(self.store))

    def known_names(self) -> Names:
        """Return the names that the last run saved; none if there was none."""
        saved = SavedPlan.read(self.store)
        return saved.names if saved else Names()

    def plan_from_saved(self) -> ResolvedPlan | None:
        """Return the plan with saved names; None if they do not suffice."""
        saved = SavedPlan.read(self.store)
        if saved is None or saved.fingerprint != self._fingerprint:
            return None
        if self._tables.missing(saved):
            return None  # an export was added that needs another listing
        if self._job.lists_only and self.store.fresh:
            return None  # its listings are all that there is to fetch again
        try:
            return self._resolve(saved.names)
        except GcbatchError:
            return None

    def is_outdated(self, names: Names) -> bool:
        """Say whether a name that the job needs was listed too long ago, or never."""
        listed_at = (names.asked_at.get(k.listing) for k in self._listed_kinds())
        return not all(map(self._tables.is_recent, listed_at))

    def name_listings(self) -> tuple[str, ...]:
        """Return what is listed for names alone, by table, whenever a run fetches."""
        tables = {kind.table: None for kind in self._listed_kinds()}
        return tuple(name for name in tables if name not in self._job.entities)

    def names_at(self, names: Names) -> dict[str, datetime]:
        """Return when the needed names and targets were listed, by table.

        What was never listed is left out.
        """
        tables = {k.listing: k.table for k in self._listed_kinds()}
        if self._job.sla:
            tables[TARGETS] = TARGETS
        known = names.listed_at
        return {table: known[key] for key, table in tables.items() if key in known}

    def _listed_kinds(self) -> list[EntityKind]:
        """Return the kinds of entities that the job lists."""
        named, tables = self._named(), self._job.entities
        return [
            kind
            for kind in ENTITY_KINDS
            if kind.table in tables or (kind.keeps_names and kind.dimension in named)
        ]

    async def plan_fresh(
        self, session: OrgSession, *, fallback: ResolvedPlan | None = None
    ) -> ResolvedPlan:
        """Return the plan with names that are listed now.

        Args:
            session: The open org.
            fallback: A usable plan with saved names. It is returned, with these names,
                if the queues cannot be listed.

        Raises:
            GcbatchError: What prevents the plan: also a failed listing that the job
                exports, or that its plan needs if there is no *fallback*.
        """
        known = self.known_names()
        listings = await self._list(session, fallback)
        names = known.updated_with(names_from_listings(listings, known))
        sla = self._job.sla
        if sla and sla.target is None:
            unknown = _unknown_targets(listings, names)
            names = structs.replace(names, warnings=(*names.warnings, *unknown))
        lacking = {li.kind.dimension: li.lacking for li in listings if li.lacking}
        if fallback is not None and "queueId" in lacking:
            self._check_targets(names, lacking["queueId"])
            return replace(fallback, names=names)
        return self._resolve(names, lacking.get("queueId"))

    async def list_tables(
        self, session: OrgSession, planned: ResolvedPlan, *, is_probe: bool = False
    ) -> ResolvedPlan:
        """List the entities that the job exports, without those listed recently.

        Args:
            session: The open org.
            planned: The plan.
            is_probe: Whether one parent is enough, where there is a listing for each.

        Returns:
            The plan with them, and with what there is to say about them.

        Raises:
            GcbatchError: Why a listing is not complete; names the table.
        """
        if not self._job.entities:
            return planned
        saved = SavedPlan.read(self.store)
        return await self._tables.list_all(session, planned, saved, is_probe=is_probe)

    def note_versions(self, planned: ResolvedPlan) -> ResolvedPlan:
        """Add the listings of tables of versions to the stored versions.

        They were observed, whatever becomes of the queries of this run.

        Returns:
            The plan with the other listings.

        Raises:
            GcbatchError: As write_versions does.
        """
        return self._tables.note_versions(planned)

    async def _list(
        self, session: OrgSession, fallback: ResolvedPlan | None
    ) -> list[EntityListing]:
        """List the entities whose names the job needs; see plan_fresh."""
        named = self._named()
        is_needed = self._plans_by_queues or self._targets_by_name
        needed = {"queueId"} if is_needed and fallback is None else set()
        try:
            return await session.list_all(named, needed=needed)
        except ServiceError as exc:
            if fallback is None or self._job.entities:
                raise
            # The service does not answer; the saved names remain.
            kinds = [kind for kind in NAMED_KINDS if kind.dimension in named]
            return [EntityListing(kind, None, failure=exc) for kind in kinds]

    @cached_property
    def _shown(self) -> set[str]:
        """The dimensions whose names the exported tables show beside their ids."""
        exports = self._job.expanded_exports
        named = {t for e in exports for t in e.spec.table_names}
        tables = {*self._job.base_tables(named)} - {*ENTITY_TABLES}
        if not tables:
            return set()
        plan = Plan(self.range.window(), ())
        source = TableSource(self._job, self.endpoint, plan, Names(), self.store)
        return Catalog(source).named_dimensions(tables)

    def with_unlisted(self, names: Names) -> Names:
        """Return saved names, with a warning for what exports show by id meanwhile."""
        lacking = [
            f"{kind.label} are shown by id: the last run did not list them; "
            "`gcbatch run` does"
            for kind in NAMED_KINDS
            if kind.dimension in self._shown and kind.dimension not in names.asked_at
        ]
        return structs.replace(names, warnings=(*names.warnings, *lacking))

    def _named(self) -> set[str]:
        """Return the dimensions whose names the job needs."""
        needed = set(map(_keeping_names, map(entity_kind, self._job.entities)))
        needed.discard("")
        needed |= self._shown
        if self._job.query.details:
            return needed | USUAL  # rows of details have ids of these kinds
        if self._job.query.family:  # a tutorial's answers have names, not ids
            needed |= USUAL & set(self._job.query.group_by)
        if self._plans_by_queues or self._job.sla:
            needed.add("queueId")
        return needed

    @property
    def _plans_by_queues(self) -> bool:
        """Whether the plan or the table `sla` depends on which queues are listed."""
        if self._queues is not None:
            by_listing = not all(map(is_id, self._queues))
        else:
            by_listing = bool(self.endpoint.queues_at_once)
        sla = self._job.sla
        return by_listing or (sla is not None and not sla.include_deleted)

    @property
    def _targets_by_name(self) -> bool:
        """Whether the job's targets name queues whose ids must be listed."""
        sla = self._job.sla
        if sla is None or not self._job.query.family:
            return False  # a tutorial's answers have names
        return not all(map(is_id, [q for _, keys in self._by_queue for q in keys]))

    @property
    def _by_queue(self) -> list[tuple[str, Collection[str]]]:
        """What the job says of single queues: the key, and their names and ids."""
        sla, calendar = self._job.sla, self._job.calendar
        keys: list[tuple[str, Collection[str]]] = []
        if sla:
            keys.append(("sla.targets", sla.targets))
        if calendar:
            keys.append(("calendar.queues", calendar.queues))
        return keys

    def _check_targets(self, names: Names, failure: GcbatchError | None = None) -> None:
        """Refuse targets, and hours, whose queue is not known for certain."""
        for place, queues in self._by_queue:
            check_targets(queues, names, place=place)
            if self._targets_by_name:
                require_targets(queues, names, failure, place=place)

    def _resolve(
        self, names: Names, failure: GcbatchError | None = None
    ) -> ResolvedPlan:
        """Return the plan with some names."""
        self._check_targets(names, failure)
        sla, queues = self._job.sla, self._queues
        if queues is not None:
            queues = tuple(queue_ids(queues, names, failure))
        elif self.endpoint.queues_at_once:
            why = f"{self.endpoint.name} requests data by queue"
            queues = self._all_listed(names, why, failure)
            if not queues:
                msg = f"{why}: the org lists none"
                raise AccessError(msg, hint="check the divisions of the client's role")
        if sla and not sla.include_deleted:
            why = "sla.include_deleted: false needs all queues"
            self._all_listed(names, why, failure)
        scope = ResolvedScope(
            identity=self._identity,
            window=self.range.window(),
            queue_ids=queues,
            queues_listed=names.listed.get("queueId", 0),
        )
        plan = make_plan(self._job, scope, self.endpoint)
        stored = len(plan.queries) - len(self.unsettled(plan))
        cost = self.endpoint.request_cost(self._job.fetch)
        remarks = [
            remark
            for place, named in ([] if failure else self._by_queue)
            for remark in unlisted_targets(named, names, place=place)
        ]
        return ResolvedPlan(plan, names, stored, cost, remarks=tuple(remarks))

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

    def unsettled(self, plan: Plan) -> list[Query]:
        """Return the queries whose part is missing or provisional."""
        return [q for q in plan.queries if not self._is_settled(q)]

    def _is_settled(self, query: Query) -> bool:
        metadata = self.store.metadata_of(query)
        if metadata is None or self.is_provisional(metadata):
            return False
        return self.store.is_fresh(query.digest, query.window)

    def is_provisional(self, metadata: PartMetadata) -> bool:
        """Say whether a part must be fetched again because its figures may change."""
        zone, settle = self._job.query.zone, self._job.settle
        return not metadata.is_final(settle, zone, self.clock.now())

    def wanted_queues(self, names: Names) -> frozenset[str]:
        """Return the ids of the queues that should have rows; none if that is open.

        These are the queues that the job names, or, where it expects all, those that
        the org lists.
        """
        query, expect = self._job.query, self._job.expect
        if query.family is None or "queueId" not in query.group_by:
            return frozenset()
        if self._queues is not None:
            return frozenset(queue_ids(self._queues, names, None))
        if expect is None or expect.queues is None or "queueId" not in names.listed:
            return frozenset()
        return frozenset(names.listed_ids("queueId"))

    def still_open(self, plan: Plan) -> tuple[ProvisionalSpan, ...]:
        """Return the spans of a plan that a run now would fetch provisionally."""
        zone, settle = self._job.query.zone, self._job.settle
        now = self.clock.now()
        windows = [w for w, _ in plan.windows if now < step(w.end, settle, 1, zone)]
        org = self._job.org_name
        return provisional_spans(windows, settle, zone, fetched_at=now, org=org)


def _keeping_names(kind: EntityKind) -> str:
    """Return the dimension whose names a table of entities needs; empty if none."""
    named = entity_kind(kind.parent) if kind.parent else kind
    return named.dimension if named.keeps_names else ""


def _unknown_targets(found: Iterable[EntityListing], names: Names) -> Iterator[str]:
    """Yield warnings of the queues' own targets that are not known."""
    if TARGETS not in names.listed_at:
        yield "sla: the queues' own targets are not known"
    odd = sorted(i for li in found for i, e in li.entities.items() if e.has_odd_target)
    if odd:
        yield (
            f"sla: queues whose own targets are not numbers: {len(odd):,}, the first "
            f"{one_line(odd[0])}"
        )
