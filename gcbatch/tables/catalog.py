"""The tables of a job, by name."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from threading import Event

import pyarrow as pa
import pyarrow.compute as pc

from gcbatch.genesys.endpoints import Bucketed, DetailsEndpoint
from gcbatch.genesys.listing import Documents
from gcbatch.genesys.names import Names
from gcbatch.job import Job, Sla
from gcbatch.listings import documents_in
from gcbatch.plan import Plan
from gcbatch.store import Store
from gcbatch.tables.details import detail_table
from gcbatch.tables.intervals import intervals_table
from gcbatch.tables.listed import LISTED_TABLES, listed_table
from gcbatch.tables.sla import Targets, sla_table
from gcbatch.tables.table import Table

__all__ = ["Catalog"]


class StoppedError(Exception):
    """Nobody waits for these rows any more."""


@dataclass(frozen=True)
class Catalog:
    """Makes the tables of a job from its parts.

    Args:
        job: Whose tables.
        endpoint: Whom it asks.
        plan: The queries whose parts are read.
        names: What ids are called, and which queues are listed.
        store: Where the parts are.
        stop: Once set, tables end with an error between two batches.
        listings: Entities by table, where they are not to be read from the store.
    """

    job: Job
    endpoint: Bucketed | DetailsEndpoint
    plan: Plan
    names: Names
    store: Store
    stop: Event | None = None
    listings: Mapping[str, Documents] = field(default_factory=dict)

    def table(self, name: str, *, period: str | None = None) -> Table:
        """Return one table.

        Args:
            name: One of the job's tables, or one of LISTED_TABLES.
            period: Of the table `sla`; None is the job's.
        """
        table = self._table(name, period)
        return replace(table, batches=lambda: self._until_stopped(table.batches()))

    def _until_stopped(
        self, batches: Iterator[pa.RecordBatch]
    ) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            if self.stop is not None and self.stop.is_set():
                raise StoppedError
            yield batch

    def _table(self, name: str, period: str | None) -> Table:
        endpoint = self.endpoint
        if name in LISTED_TABLES:
            return listed_table(
                name,
                self.plan,
                lambda: self._documents(name),
                names=self.names.by_dimension,
                former=self.names.former,
                timezone=self.job.query.zone,
            )
        if isinstance(endpoint, DetailsEndpoint):
            return detail_table(
                name,
                self.plan,
                self.store,
                names=self.names.by_dimension,
                timezone=self.job.query.zone,
            )
        if name == "sla" and self.job.sla is not None:
            return self._sla(endpoint, self.job.sla, period or self.job.sla.period)
        return intervals_table(
            self.plan,
            self.store,
            part_schema=endpoint.schema(self.job.query),
            groups=endpoint.groups(self.job.query),
            names=self.names.by_dimension,
            timezone=self.job.query.zone,
        )

    def _documents(self, table: str) -> Iterable[tuple[str, str]]:
        """Return what is listed: ids and JSON, by id."""
        if table not in self.listings:
            return documents_in(self.store, table)
        listed = self.listings[table]
        return ((identity, listed[identity].decode()) for identity in sorted(listed))

    def all(self) -> dict[str, Table]:
        """Return all tables of what the job asks."""
        return {name: self.table(name) for name in self.job.tables}

    def _sla(self, endpoint: Bucketed, sla: Sla, period: str) -> Table:
        return sla_table(
            self.plan,
            self.store,
            facts=endpoint.facts,
            groups=endpoint.groups(self.job.query),
            period=period,
            by_media_type="mediaType" in self.job.query.group_by,
            names=self.names.by_dimension.get("queueId", {}),
            targets=Targets(sla.target, sla.targets, self.names.targets),
            only=None if sla.include_deleted else self.names.listed_ids("queueId"),
            zone=self.job.query.zone,
        )

    def breaches(self) -> int:
        """Return how many rows of `sla` miss their target."""
        if self.job.sla is None:
            return 0
        missed = (pc.invert(batch["compliance_met"]) for batch in self.table("sla"))
        return sum(pc.sum(column).as_py() or 0 for column in missed)

    def remarks(self) -> Iterator[str]:
        """Yield what the reader of `sla` should know."""
        if self.job.sla is None or isinstance(self.endpoint, DetailsEndpoint):
            return
        totals = self.table("sla", period="total").read_all()
        ids, names = (totals[n].to_pylist() for n in ("queue_id", "queue_name"))
        met = {*ids, *(i.upper() for i in ids if i), *names}
        for queue in sorted(set(self.job.sla.targets) - met):
            yield f"sla.targets: no queue {queue!r} in this run"
        if not self.job.sla.include_deleted:
            queues = self._queues_of_parts(self.endpoint)
            left_out = queues - set(totals["queue_id"].to_pylist())
            if left_out:
                yield f"sla: deleted queues left out: {len(left_out)}"

    def _queues_of_parts(self, endpoint: Bucketed) -> set[str | None]:
        found: set[str | None] = set()
        for query in self.plan.queries:
            rows = endpoint.facts(self.store.read(query.digest))
            found |= set(rows["queue_id"].to_pylist())
        return found
