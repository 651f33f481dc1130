"""What a job would list for its tables, and what that costs at least."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

from gcbatch.genesys import EntityKind, Names, Paging, entity_kind
from gcbatch.job import Job

__all__ = ["PlannedListing", "planned_listings"]


@dataclass(frozen=True, slots=True)
class PlannedListing:
    """A listing that a run would read.

    Args:
        table: The table that is made of it.
        min_requests: The fewest requests beyond those of the listings before: one for
            each page of the last listing, one for each part of a listing that is read
            in parts, and one for each parent of a kind that is listed parent by parent.
            Several numbered pages are read twice, which shows that none has moved.
            0 if the stored listing is recent enough, or is a part of another one.
        listed_at: When it was last listed, UTC; None if it never was.
    """

    table: str
    min_requests: int
    listed_at: datetime | None = None


def planned_listings(
    job: Job, names: Names, recent: Collection[str]
) -> Iterator[PlannedListing]:
    """Yield the listings of the tables that a job exports.

    Args:
        job: The job.
        names: Those of its last run, which has counted the entities; may be empty.
        recent: The tables whose stored listings suffice.
    """
    counted = set(job.entities)
    for table in job.entities:
        kind = entity_kind(table)
        at = names.listed_at.get(kind.listing)
        if table in recent:
            yield PlannedListing(table, 0, at)
            continue
        requests = 0
        if kind.parent and kind.parent not in counted:
            counted.add(kind.parent)
            requests += _pages(entity_kind(kind.parent), names)
        if not kind.parent:
            requests += _pages(kind, names)
        elif not kind.expand:
            parents = names.listed.get(entity_kind(kind.parent).listing, 0)
            requests += max(1, parents)
        yield PlannedListing(table, requests, at)


def _pages(kind: EntityKind, names: Names) -> int:
    """Return how many pages the listing of a kind has at least."""
    full = -(-names.listed.get(kind.listing, 0) // kind.page_size)
    pages = max(len(kind.slices), full) + (kind.deleted is not None)
    is_read_twice = kind.paging is Paging.NUMBERED and full > len(kind.slices)
    return 2 * pages if is_read_twice else pages
