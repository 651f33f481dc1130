"""What a job of tables alone would list, and what that costs at least."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from gcbatch.genesys import ENTITY_KINDS, LISTING_PAGE, Names
from gcbatch.job import Job

__all__ = ["PlannedListing", "planned_listings"]


@dataclass(frozen=True, slots=True)
class PlannedListing:
    """A listing that a run would read.

    Args:
        table: The table that is made of it.
        min_requests: The fewest requests: one for each page of the last listing, and
            one for each part of a listing that is read in parts. 0 if the stored
            listing is recent enough.
        listed_at: When it was last listed, UTC; None if it never was.
    """

    table: str
    min_requests: int
    listed_at: datetime | None = None


def planned_listings(
    job: Job, names: Names, *, is_recent: bool
) -> Iterator[PlannedListing]:
    """Yield the listings of the tables that a job exports.

    Args:
        job: The job.
        names: Those of its last run, which has counted the entities; may be empty.
        is_recent: Whether the stored listings suffice.
    """
    for kind in ENTITY_KINDS:
        if kind.table not in job.entities:
            continue
        pages = -(-names.listed.get(kind.dimension, 0) // LISTING_PAGE)
        requests = 0 if is_recent else max(len(kind.slices), pages)
        yield PlannedListing(kind.table, requests, names.listed_at.get(kind.dimension))
