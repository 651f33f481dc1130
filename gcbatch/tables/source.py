"""The inputs of a table: a job, its plan, its stored parts and names."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

import pyarrow as pa

from gcbatch.coverage import Coverage
from gcbatch.endpoints import AggregateEndpoint, DetailsEndpoint
from gcbatch.genesys import Names
from gcbatch.job import Job
from gcbatch.planning import Plan
from gcbatch.provisional import ProvisionalSpan, provisional_spans
from gcbatch.store import (
    ListedEntities,
    Store,
    StoredEntities,
    StoredVersions,
    concat_parts,
    history_of,
    listing_checksums,
    read_entities,
    read_versions,
)
from gcbatch.table import BATCH_ROWS, Table
from gcbatch.tables.latest import LatestParts, Parts
from gcbatch.windows import EPOCH, Window

__all__ = ["TableSource"]


@dataclass(frozen=True)
class TableSource:
    """The inputs of a table.

    Args:
        job: The job.
        endpoint: The endpoint that it queries.
        plan: The queries whose parts are read.
        names: Names of ids, and the queues that are listed.
        store: Where the parts are.
        listings: Entities by table; those of other tables are read from the store.
        period: Replaces the job's, for tables that have periods.
        names_at: When names and targets were listed, by table, UTC.
        lacks: Spans of the job's range that are missing because a query failed.
        latest: The parts without superseded documents; None where documents are not
            known by their id alone, or there are none.
    """

    job: Job
    endpoint: AggregateEndpoint | DetailsEndpoint
    plan: Plan
    names: Names
    store: Store
    listings: Mapping[str, ListedEntities] = field(default_factory=dict)
    period: str | None = None
    names_at: Mapping[str, datetime] = field(default_factory=dict)
    lacks: tuple[Window, ...] = ()
    latest: LatestParts | None = None

    @property
    def parts(self) -> Parts:
        """Reads the parts of documents."""
        return self.store if self.latest is None else self.latest

    @property
    def aggregate_endpoint(self) -> AggregateEndpoint:
        """The endpoint, for tables that are made of buckets.

        Raises:
            TypeError: If it has no buckets; job files are checked before.
        """
        if isinstance(self.endpoint, DetailsEndpoint):
            msg = f"{self.endpoint.name} has no buckets"
            raise TypeError(msg)
        return self.endpoint

    @cached_property
    def provisional(self) -> tuple[ProvisionalSpan, ...]:
        """The spans of parts that were fetched before their figures had settled.

        It depends on the parts alone, not on the present time.
        """
        job, settle, zone = self.job, self.job.settle, self.job.query.zone
        found = filter(None, map(self.store.metadata_of, self.plan.queries))
        parts = [p for p in found if not p.is_final(settle, zone, p.asked_at)]
        return provisional_spans(
            (part.window for part in parts),
            settle,
            zone,
            fetched_at=max((part.asked_at for part in parts), default=EPOCH),
            org=job.org_name,
        )

    @property
    def groups(self) -> tuple[str, ...]:
        """The columns that with interval_start make the key of a part's row."""
        return self.aggregate_endpoint.groups(self.job.query)

    def aggregate_rows(self) -> Iterator[tuple[Window, pa.Table]]:
        """Yield the rows of the parts of each window, by interval_start and groups.

        Raises:
            DataError: As concat_parts and Store.read do.
        """
        self.store.expect(query.digest for query in self.plan.queries)
        for window, queries in self.plan.windows:
            parts = [self.store.read(query.digest) for query in queries]
            yield window, concat_parts(parts, self.groups, str(queries[0]))

    def listing_checksums(self, tables: Iterable[str]) -> dict[str, str]:
        """Return the checksums of the stored listings of tables, by table.

        A table whose listing is not stored, or damaged, is left out.
        """
        stored = {
            history_of(table) if table in self.job.histories else table: table
            for table in tables
            if table not in self.listings
        }
        found = listing_checksums(self.store, stored)
        return {stored[name]: checksum for name, checksum in found}

    def entities(self, table: str) -> StoredEntities:
        """Return the listed entities of a table.

        Raises:
            DataError: If the last run listed none, or they cannot be read.
        """
        if table not in self.listings:
            return read_entities(self.store, table)
        listed = self.listings[table]
        documents = listed.documents
        ids = sorted(documents)
        return StoredEntities(listed.at, ((i, documents[i].decode()) for i in ids))

    def versions(self, table: str) -> StoredVersions:
        """Return the versions of the entities of a table.

        Raises:
            DataError: If none are stored, or they cannot be read.
        """
        if table in self.listings:  # it has no rows yet
            return StoredVersions(self.listings[table].at, iter(()))
        return read_versions(self.store, table)

    def new_table(
        self,
        name: str,
        schema: pa.Schema,
        *,
        key: tuple[str, ...],
        batches: Callable[[], Iterator[pa.RecordBatch]],
        batch_rows: int = BATCH_ROWS,
        time: str | None = "interval_start",
        record_time: str | None = None,
        end: str | None = None,
        is_of_range: bool = False,
    ) -> Table:
        """Return a table of the job; see Table."""
        return Table(
            name=name,
            schema=schema,
            key=key,
            covered=Coverage.whole(self.plan.window),
            timezone=self.job.query.zone,
            run_id=self.plan.run_id,
            job=self.job.name,
            batches=batches,
            batch_rows=batch_rows,
            time=time,
            record_time=record_time,
            end=end,
            is_of_range=is_of_range,
        )
