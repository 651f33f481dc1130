"""The tables of entities that a job exports: which the store has, which to list."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from msgspec import structs

from gcbatch.errors import AccessError, DataError
from gcbatch.fetching import OrgSession
from gcbatch.genesys import (
    ENTITY_TABLES,
    Documents,
    EntityListing,
    Names,
    entity_kind,
)
from gcbatch.job import Job
from gcbatch.planning import SavedPlan
from gcbatch.running.resolved_plan import ResolvedPlan
from gcbatch.store import (
    ListedEntities,
    Store,
    has_entities,
    history_of,
    same_but,
    write_entities,
    write_versions,
)
from gcbatch.windows import UTC_ZONE, step

__all__ = ["ListedTables"]


class ListedTables:
    """The tables of entities that a job of one org exports.

    Args:
        job: The job.
        store: The store of the job.
        started_at: The instant that ages count from, UTC.
    """

    def __init__(self, job: Job, store: Store, started_at: datetime) -> None:
        self._job = job
        self._store = store
        self._started_at = started_at

    @property
    def stored_names(self) -> tuple[str, ...]:
        """The names under which their listings are stored."""
        return tuple(map(self._stored, self._job.entities))

    def missing(self, saved: SavedPlan | None) -> list[str]:
        """Return the tables that the last run did not leave, undamaged.

        Args:
            saved: The plan that it saved; None if there is none.
        """
        return [t for t in self._job.entities if not self._is_in_store(t, saved)]

    def recent(self, saved: SavedPlan | None) -> set[str]:
        """Return the tables whose stored listing suffices for a run that fetches.

        One whose names are kept is not among them: it is listed with the names, as
        every run that fetches does.

        Args:
            saved: The plan that the last run saved; None if there is none.
        """
        if saved is None or self._store.fresh_run.wants_all:
            return set()
        asked_at = saved.names.asked_at
        return {
            kind.table
            for kind in map(entity_kind, self._job.entities)
            if not kind.keeps_names
            and self.is_recent(asked_at.get(kind.listing))
            and self._is_in_store(kind.table, saved)
        }

    def is_recent(self, at: datetime | None) -> bool:
        """Say whether what was listed then, or never, is recent enough."""
        max_age = timedelta(seconds=self._job.fetch.names_max_age.typical_s)
        # An instant in the future comes from a clock that was wrong.
        return at is not None and timedelta(0) <= self._started_at - at < max_age

    async def list_all(
        self,
        session: OrgSession,
        planned: ResolvedPlan,
        saved: SavedPlan | None,
        *,
        is_probe: bool = False,
    ) -> ResolvedPlan:
        """List the entities of the tables, without those listed recently.

        Args:
            session: The open org.
            planned: The plan.
            saved: The plan that the last run saved; None if there is none.
            is_probe: Whether all are listed, of one parent alone where there is a
                listing for each.

        Returns:
            The plan with them, and with what there is to say about them.

        Raises:
            GcbatchError: Why a listing is not complete; names the table.
        """
        recent = set() if is_probe else self.recent(saved)
        todo = [t for t in self._job.entities if t not in recent]
        found = await _list_each(session, todo, is_probe=is_probe)
        for listing in found:
            self._check_history(listing)
        names = _names_with(planned.names, found, is_counted=not is_probe)
        ahead = session.client.clock.ahead  # listings have times of this machine
        listings = {
            listing.kind.table: ListedEntities(self._kept(listing), listing.at + ahead)
            for listing in found
        }
        return replace(planned, names=names, listings=listings)

    def note_versions(self, planned: ResolvedPlan) -> ResolvedPlan:
        """Add the listings of tables of versions to the stored versions.

        They were observed, whatever becomes of the queries of this run.

        Returns:
            The plan with the other listings.

        Raises:
            GcbatchError: As write_versions does.
        """
        listings = dict(planned.listings)
        for table in [t for t in self._job.histories if t in listings]:
            listed = listings.pop(table)
            keep_from = step(listed.at, self._job.listings.keep, -1, UTC_ZONE)
            same = same_but(entity_kind(table).volatile)
            write_versions(self._store, table, listed, same, keep_from)
        return replace(planned, listings=listings)

    def write(self, planned: ResolvedPlan, saved: SavedPlan | None) -> None:
        """Store the listings of a plan; remove those of tables that are not exported.

        Args:
            planned: The plan, after note_versions.
            saved: The plan that the last run saved; None if there is none.

        Raises:
            OutputError: If the store cannot be written.
        """
        before = {*saved.tables} & {*ENTITY_TABLES} if saved else set()
        write_entities(self._store, planned.listings, before - {*self.stored_names})

    def _stored(self, table: str) -> str:
        """Return the name under which the listing of a table is stored."""
        return history_of(table) if table in self._job.histories else table

    def _is_in_store(self, table: str, saved: SavedPlan | None) -> bool:
        name = self._stored(table)
        was_left = saved is not None and name in saved.tables
        return was_left and has_entities(self._store, name)

    def _kept(self, found: EntityListing) -> Documents:
        """Return the entities to store: in a history, deleted ones have ended."""
        if found.kind.table not in self._job.histories:
            return found.documents
        gone = found.deleted
        return {i: sent for i, sent in found.documents.items() if i not in gone}

    def _check_history(self, found: EntityListing) -> None:
        """Refuse a listing that would end versions of what it only leaves out."""
        which = f"table {found.kind.table}: its history needs the whole listing"
        if found.kind.table not in self._job.histories:
            return
        if found.refused:
            raise found.refused.within(which)
        if found.kind.expand and found.remarks and not found.kind.is_single:
            msg = f"{which}: {found.remarks[0]}"
            raise DataError(msg, hint="run it again later, or drop listings.history")


async def _list_each(
    session: OrgSession, tables: Sequence[str], *, is_probe: bool
) -> list[EntityListing]:
    """List the entities of tables.

    Raises:
        GcbatchError: Why one is not complete; names all that may not be listed.
    """
    found: list[EntityListing] = []
    not_granted: list[AccessError] = []
    for table in tables:
        try:
            found.append(await session.list_table(table, is_probe=is_probe))
        except AccessError as exc:
            not_granted.append(exc)
    if not_granted:
        raise _all_of(not_granted)
    return found


def _all_of(errors: Sequence[AccessError]) -> AccessError:
    """Return one error with all that a client may not list."""
    first, *others = errors
    if not others:
        return first
    lines = [line for error in errors for line in error.problem.split("\n")]
    hint = "grant the permissions to the client's role"
    return AccessError(lines, hint=hint, response=first.response)


def _names_with(
    names: Names, found: Sequence[EntityListing], *, is_counted: bool
) -> Names:
    """Return names with what listings of tables say: times, counts and warnings.

    Args:
        names: The names.
        found: The listings.
        is_counted: Whether they are whole, so that their entities can be counted.
    """
    refused = [
        f"{listing.kind.label} are listed without their settings: {listing.reason}"
        for listing in found
        if listing.refused
    ]
    known = names.warnings
    remarks = [r for listing in found for r in listing.remarks if r not in known]
    at = {listing.kind.listing: listing.at for listing in found}
    counts = {
        listing.kind.listing: len(listing.documents)
        for listing in found
        if is_counted and not listing.kind.keeps_names
    }
    return structs.replace(
        names,
        warnings=(*names.warnings, *refused, *remarks),
        listed={**names.listed, **counts},
        listed_at={**names.listed_at, **at},
        asked_at={**names.asked_at, **at},
    )
