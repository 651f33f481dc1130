"""What tables are made of: a job's plan, and what its runs left in the store."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from gcbatch.endpoints import AggregateEndpoint, DetailsEndpoint
from gcbatch.genesys import Documents, Names
from gcbatch.job import Job
from gcbatch.planning import Plan
from gcbatch.store import Store, read_entities
from gcbatch.tables.latest import LatestParts, Parts
from gcbatch.windows import Window

__all__ = ["TableSource"]


@dataclass(frozen=True)
class TableSource:
    """What a table is made of.

    Args:
        job: Whose tables.
        endpoint: Whom it asks.
        plan: The queries whose parts are read.
        names: What ids are called, and which queues are listed.
        store: Where the parts are.
        listings: Entities by table, where they are not to be read from the store.
        period: Another than the job's, of tables that have periods.
        names_at: When names and targets were listed, by table, UTC.
        lacks: Spans of the job's range of which a query failed.
        latest: The parts with each document once in all of them, where a document is
            known by its id alone; None where it is not, or there are no documents.
    """

    job: Job
    endpoint: AggregateEndpoint | DetailsEndpoint
    plan: Plan
    names: Names
    store: Store
    listings: Mapping[str, Documents] = field(default_factory=dict)
    period: str | None = None
    names_at: Mapping[str, datetime] = field(default_factory=dict)
    lacks: tuple[Window, ...] = ()
    latest: LatestParts | None = None

    @property
    def parts(self) -> Parts:
        """Where documents are read from."""
        return self.store if self.latest is None else self.latest

    @property
    def bucketed(self) -> AggregateEndpoint:
        """The endpoint, for tables that are made of buckets.

        Raises:
            TypeError: If it has none; job files are checked before.
        """
        if isinstance(self.endpoint, DetailsEndpoint):
            msg = f"{self.endpoint.name} has no buckets"
            raise TypeError(msg)
        return self.endpoint

    def documents(self, table: str) -> Iterable[tuple[str, str]]:
        """Return what is listed for a table: ids and JSON, by id.

        Raises:
            DataError: If the last run listed none, or they cannot be read.
        """
        if table not in self.listings:
            return read_entities(self.store, table)
        listed = self.listings[table]
        return ((identity, listed[identity].decode()) for identity in sorted(listed))
