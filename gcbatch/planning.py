"""From a job to its plan: dates, queues and names resolved, stored parts counted."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Final

from gcbatch.dates import resolve_range
from gcbatch.errors import AccessError, DataError, GcbatchError, JobError
from gcbatch.genesys.endpoints import Price, endpoint_named
from gcbatch.genesys.listing import LISTINGS, Documents
from gcbatch.genesys.names import Names, is_id, queue_ids
from gcbatch.job import Job
from gcbatch.kept import Kept, asked_by
from gcbatch.listings import is_kept, keep_listings
from gcbatch.orgs import OrgSession, identity_of
from gcbatch.plan import Plan, Scope, make_plan
from gcbatch.query import Query
from gcbatch.question import QueueFile
from gcbatch.store import Store
from gcbatch.windows import Window

__all__ = ["Planned", "Planner"]

FRESH_NOTE: Final = "fresh.json"
"""Is there while a run with --fresh is not done, however often it is interrupted."""


@dataclass(frozen=True)
class Planned:
    """A plan, with the names that it was made by and what is stored of it.

    Args:
        plan: The queries.
        names: What ids are called.
        stored: How many of the queries have a settled part.
        price: What a query costs.
        listings: What was listed for tables and is not kept yet: entities by table.
    """

    plan: Plan
    names: Names
    stored: int
    price: Price = field(default_factory=Price)
    listings: Mapping[str, Documents] = field(default_factory=dict, repr=False)

    def without(self, queries: Collection[Query]) -> "Planned":
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
    """

    def __init__(self, job: Job, started_at: datetime) -> None:
        self._job = job
        self._started_at = started_at
        self.store = Store(job.fetch.store, job.store_name)
        self.endpoint = endpoint_named(job.query.endpoint)
        self._identity = identity_of(job.own_org)
        self._asked = asked_by(job, self._identity, self._queues)

    def kept(self) -> Kept:
        """Return what the last whole run asked."""
        kept = Kept.read(self.store)
        if kept is None:
            msg = f"{self.store.folder}: holds no run of this job"
            raise DataError(msg, hint="`gcbatch run JOB` fetches first")
        if kept.asked != self._asked:
            msg = f"{self._job.name}: asks something else than its last run did"
            raise JobError(msg, hint="`gcbatch run JOB` fetches what is new")
        return kept

    def begin_fresh(self) -> None:
        """Count no part that was asked for before now, nor a job under way."""
        self.store.forget_pending()
        since = self._started_at.isoformat()
        self.store.write_note(FRESH_NOTE, {"since": since})

    def keep(self, planned: Planned) -> Planned:
        """Keep a plan whose parts are all there, for export and the next run.

        Returns:
            The plan, its listings now in the store.
        """
        keep_listings(self.store, planned.listings)
        Kept(self._asked, planned.names, planned.plan).write(self.store)
        self.store.discard_note(FRESH_NOTE)
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
        return [t for t in self._job.listed if not is_kept(self.store, t)]

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

    def as_kept(self) -> Planned | None:
        """Return the plan by kept names; None where they do not suffice."""
        kept = Kept.read(self.store)
        if kept is None or kept.asked != self._asked:
            return None
        if self._named() - kept.names.listed.keys() and not kept.names.warnings:
            return None  # a section `sla:` that came later wants names of its own
        if self._unlisted():
            return None  # likewise an export
        try:
            return self._planned(kept.names)
        except GcbatchError:
            return None

    async def anew(self, session: OrgSession) -> Planned:
        """Return the plan by names that are listed now."""
        kept = Kept.read(self.store)
        known = kept.names if kept else Names()
        names = await session.learn_names(self._named(), known)
        tables = [await session.list_table(table) for table in self._job.listed]
        poor = tuple(
            f"{found.listing.kind} are listed without their settings: {found.reason}"
            for found in tables
            if found.refused
        )
        planned = self._planned(replace(names, warnings=(*names.warnings, *poor)))
        listings = {found.listing.table: found.documents for found in tables}
        return replace(planned, listings=listings)

    def _named(self) -> set[str]:
        """Return the dimensions whose names the job needs."""
        dimensions = {listing.dimension for listing in LISTINGS}
        exported = {li.dimension for li in LISTINGS if li.table in self._job.listed}
        wanted = exported | dimensions & set(self._job.query.group_by)
        if self._job.query.details:
            # Rows of details carry ids of all kinds; each gets its name beside it.
            wanted |= dimensions
        by_name = not all(map(is_id, self._queues or ()))
        if by_name or self.endpoint.queues_at_once or self._job.sla:
            wanted.add("queueId")
        return wanted

    def _planned(self, names: Names) -> Planned:
        queues = self._queues
        if queues is not None:
            queues = tuple(queue_ids(queues, names))
        elif self.endpoint.queues_at_once:
            queues = self._all_listed(names, f"{self.endpoint.name} asks by queue")
            if not queues:
                msg = f"{self.endpoint.name} asks by queue: the org lists none"
                raise AccessError(msg, hint="check the divisions of the client's role")
        if self._job.sla and not self._job.sla.include_deleted:
            self._all_listed(names, "sla.include_deleted: false needs all queues")
        scope = Scope(
            identity=self._identity,
            window=self.window(),
            queue_ids=queues,
            queues_listed=names.listed.get("queueId", 0),
        )
        plan = make_plan(self._job, scope, self.endpoint)
        stored = len(plan.queries) - len(self.unsettled(plan))
        return Planned(plan, names, stored, self.endpoint.price(self._job.fetch))

    def _all_listed(self, names: Names, why: str) -> tuple[str, ...]:
        """Return the ids of all queues, from a complete listing."""
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
        note = self.store.read_note(FRESH_NOTE) or {}
        try:
            since = datetime.fromisoformat(note["since"])
        except (KeyError, TypeError, ValueError):
            return None
        return since if since.tzinfo else None

    def unsettled(self, plan: Plan) -> list[Query]:
        """Return the queries whose part is missing or provisional."""
        return [q for q in plan.queries if not self._is_settled(q)]

    def _is_settled(self, query: Query) -> bool:
        account = self.store.account(query.digest)
        zone, settle = self._job.query.zone, self._job.fetch.settle
        if account is None or not account.settled(settle, zone):
            return False
        return self._fresh_since is None or account.asked_at >= self._fresh_since

    def is_unreadable(self, query: Query) -> bool:
        """Say whether there is a part, but one that tells nothing of itself."""
        there = self.store.path(query.digest).exists()
        return there and self.store.account(query.digest) is None
