"""A plan with everything that had to be looked up for it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from gcbatch.endpoints import RequestCost
from gcbatch.genesys import Names
from gcbatch.planning import Plan
from gcbatch.provisional import ProvisionalSpan
from gcbatch.query import Query
from gcbatch.running.planned_listings import PlannedListing
from gcbatch.store import ListedEntities

__all__ = ["ResolvedPlan"]


@dataclass(frozen=True, repr=False)
class ResolvedPlan:
    """A plan, the names that it was made with, and how much of it is stored.

    Args:
        plan: The queries.
        names: The names of ids.
        stored: How many of the queries have a final part.
        cost: The cost of one query.
        listings: Entities by table that were listed and are not in the store yet.
        remarks: Warnings before a run; the run report has its own.
        planned_listings: What a run would list for its tables.
        name_listings: What a run would list for names and targets alone, by table.
        provisional: The spans that a run now would fetch before their figures settle.
    """

    plan: Plan
    names: Names
    stored: int
    cost: RequestCost = field(default_factory=RequestCost)
    listings: Mapping[str, ListedEntities] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    planned_listings: tuple[PlannedListing, ...] = ()
    name_listings: tuple[str, ...] = ()
    provisional: tuple[ProvisionalSpan, ...] = ()

    def __repr__(self) -> str:
        total = len(self.plan.queries)
        return (
            f"<ResolvedPlan {self.plan.window}: {total:,} queries, {self.stored:,} "
            f"stored; {'' if self.is_exact else 'at least '}{self.requests:,} requests>"
        )

    @property
    def requests(self) -> int:
        """The fewest requests that a run sends for data and listings."""
        todo = len(self.plan.queries) - self.stored
        return self.cost.min_requests * todo + self.listing_requests

    @property
    def name_requests(self) -> int:
        """The fewest requests for names; they are not among `requests`."""
        return len(self.name_listings)

    @property
    def is_exact(self) -> bool:
        """Whether a run sends exactly so many requests, if none has to be repeated."""
        return self.cost.is_exact and not self.listing_requests

    @property
    def is_stored(self) -> bool:
        """Whether all queries have a final part."""
        return self.stored == len(self.plan.queries)

    @property
    def listing_requests(self) -> int:
        """The fewest requests for all planned listings."""
        return sum(one.min_requests for one in self.planned_listings)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Warnings before a run."""
        return (*self.names.warnings, *self.remarks)

    def without(self, queries: Collection[Query]) -> "ResolvedPlan":
        """Return the plan without some of its queries."""
        if not queries:
            return self
        remaining = tuple(q for q in self.plan.queries if q not in queries)
        return replace(self, plan=replace(self.plan, queries=remaining))
