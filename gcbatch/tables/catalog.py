"""The tables of a job, by name."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property, partial
from threading import Event
from typing import Any, Final, TypeVar

import pyarrow as pa

from gcbatch.endpoints import DetailsEndpoint
from gcbatch.genesys import ENTITY_TABLES, entity_kind
from gcbatch.job import CHANGES_TABLE, PROVISIONAL_TABLES, Job, Sla, relation_named
from gcbatch.lazy import lazy_import
from gcbatch.local_time import local_fields, with_local_columns
from gcbatch.registry import load_member
from gcbatch.table import Lack, StoppedError, Table
from gcbatch.tables.changes import ChangesTable
from gcbatch.tables.name_lookup import NAMED
from gcbatch.tables.provisional_column import with_provisional_column
from gcbatch.tables.source import TableSource

__all__ = ["Catalog"]

pc = lazy_import("pyarrow.compute")

T = TypeVar("T")

SUPERSEDED: Final = (
    "conversations in two windows, because the service corrected their start; "
    "the older version is left out"
)
"""A run's warning; the number of them follows."""


@dataclass(frozen=True)
class Catalog:
    """The tables of a job.

    Args:
        source: The inputs of the tables.
        stop: Once set, reading a table ends with StoppedError between two batches.
    """

    source: TableSource
    stop: Event | None = None
    _schemas: dict[str, pa.Schema] = field(default_factory=dict, compare=False)
    """Columns of derived tables, for which DuckDB has to be asked."""

    @property
    def job(self) -> Job:
        """The job."""
        return self.source.job

    @property
    def names_at(self) -> dict[str, datetime]:
        """When the names and targets in the tables were listed, by table, UTC."""
        return dict(self.source.names_at)

    def table(self, name: str, *, period: str | None = None) -> Table:
        """Return one table.

        Args:
            name: A table that the job can export.
            period: The period of the table `sla`; None is the job's.
        """
        table = self._plain_table(name, period)
        is_derived = name in self.job.derived  # its columns are those of its SQL
        return table if is_derived else self._with_local_times(table)

    def _plain_table(self, name: str, period: str | None) -> Table:
        """Return a table without the columns that the job's `local_time` asks for."""
        if name == CHANGES_TABLE:
            found = self.changes.table()
            return replace(found, batches=partial(self._read, found))
        table: Table = self._declared(name)(replace(self.source, period=period))
        lacks = () if name in ENTITY_TABLES else tuple(map(Lack, self.source.lacks))
        lacks = table.lacks or lacks
        covered = table.covered.without(lack.window for lack in lacks)
        if lacks and table.is_timeless:
            covered = replace(
                covered, spans=()
            )  # a part of its rows stands for nothing
        table = replace(
            table,
            batches=partial(self._read, table),
            covered=covered,
            lacks=lacks,
        )
        if name not in ENTITY_TABLES:
            table = replace(table, find_provisional=lambda: self.source.provisional)
        if self.job.is_provisional and name in PROVISIONAL_TABLES:
            table = with_provisional_column(table)
        return table

    def _read(self, table: Table) -> Iterator[pa.RecordBatch]:
        return self._until_stopped(table.batches())

    def _with_local_times(self, table: Table) -> Table:
        """Return a table with the columns that the job's `local_time` asks for."""
        if self.job.local_zone is None:
            return table
        return replace(
            table,
            schema=local_fields(table.schema),
            batches=lambda: map(self._localized, table.batches()),
            basis=table.basis and self._with_local_times(table.basis),
        )

    def _localized(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        zone = self.job.local_zone
        return rows if zone is None else with_local_columns(rows, zone)

    @cached_property
    def changes(self) -> ChangesTable:
        """What fetching again changed."""
        return ChangesTable(self.source)

    def named_dimensions(self, names: Collection[str]) -> set[str]:
        """Return the dimensions whose names some tables show beside their ids."""
        if self.job.query.family:
            from gcbatch.tables.aggregates.intervals import named_groups  # noqa: PLC0415 - details do not need it

            shows = not {"intervals", CHANGES_TABLE}.isdisjoint(names)
            return set(named_groups(self.source).values()) if shows else set()
        columns = {c for name in names for c in self.table(name).schema.names}
        return {
            dimension
            for ids, (shown, dimension) in NAMED.items()
            if {ids, shown} <= columns
        }

    def relation(self, name: str) -> Table:
        """Return the table that a name in SQL means; one of Job.relations."""
        found = relation_named(name)
        if not found.is_local:
            return self.table(found.table, period=found.period)
        from gcbatch.tables.local_clocks import with_local_clocks  # noqa: PLC0415 - for SQL only

        table = self._plain_table(found.table, found.period)
        return with_local_clocks(table, table.timezone)

    def _declared(self, name: str) -> Any:
        if name in self.job.derived:
            from gcbatch.tables.derived import Derived  # noqa: PLC0415 - few jobs have any

            return Derived(name, self.relation, self._schemas, self.stop)
        if name in ENTITY_TABLES:
            from gcbatch.tables.entity_table import EntityTable  # noqa: PLC0415 - few jobs list entities
            from gcbatch.tables.version_table import VersionTable  # noqa: PLC0415 - as above

            is_history = name in self.job.histories
            kind = VersionTable if is_history else EntityTable
            return kind(entity_kind(name))
        return load_member(self.job.table_folder, name, "table")

    def is_of_documents(self, name: str) -> bool:
        """Return whether a table can share a pass over the documents; see rows_of."""
        is_own = name in self.job.tables
        return isinstance(self.source.endpoint, DetailsEndpoint) and is_own

    def rows_of(
        self, names: Collection[str], is_wanted: Callable[[str], bool]
    ) -> Iterator[tuple[str, pa.RecordBatch]]:
        """Yield the rows of several tables of documents; see rows_of_tables."""
        from gcbatch.tables.documents.table import rows_of_tables  # noqa: PLC0415 - only jobs of details need it

        tables = [self._declared(name) for name in sorted(names)]
        for name, rows in self._until_stopped(
            rows_of_tables(self.source, tables, is_wanted)
        ):
            yield name, self._localized(rows)

    def _until_stopped(self, batches: Iterator[T]) -> Iterator[T]:
        for batch in batches:
            if self.stop is not None and self.stop.is_set():
                raise StoppedError
            yield batch
            del batch  # or it would stay in memory while the next is made

    def all(self) -> dict[str, Table]:
        """Return all tables of the job's endpoint, and the derived ones."""
        return {name: self.table(name) for name in self.job.all_tables}

    def breaches(self) -> int:
        """Return how many rows of `sla` miss their target."""
        if self.job.sla is None:
            return 0
        missed = (pc.invert(batch["compliance_met"]) for batch in self.table("sla"))
        return sum(pc.sum(column).as_py() or 0 for column in missed)

    def remarks(self) -> Iterator[str]:
        """Yield warnings about the tables."""
        latest = self.source.latest
        if latest is not None and latest.dropped:
            yield f"{SUPERSEDED}: {latest.dropped:,}"
        if lost := self.source.store.changes.damaged:
            yield f"files of the change log that are damaged, and left out: {len(lost)}"
        if self.job.sla is not None:
            yield from self._remarks_on_sla(self.job.sla)

    def _remarks_on_sla(self, sla: Sla) -> Iterator[str]:
        from gcbatch.tables.service_levels.earlier import Earlier  # noqa: PLC0415 - few jobs have `sla`

        for period in self.job.sla_periods:
            earlier = Earlier(self.job, period, (), self.source.plan.window)
            for label in earlier.unknown_throughout():
                yield (
                    f"sla: {label} by {period} is null, as it reaches back before the "
                    "range"
                )
        totals = self.table("sla", period="total").read_all()
        ids, names = (totals[n].to_pylist() for n in ("queue_id", "queue_name"))
        met = {*ids, *(i.upper() for i in ids if i), *names}
        for queue in sorted(set(sla.targets) - met):
            yield f"sla.targets: no queue {queue!r} in this run"
        if self.job.calendar:
            for queue in sorted(set(self.job.calendar.queues) - met):
                yield f"calendar.queues: no queue {queue!r} in this run"
            yield _outside_hours(totals)
        if not sla.include_deleted and (gone := self._queues_of_parts() - set(ids)):
            yield f"sla: deleted queues left out: {len(gone)}"

    def _queues_of_parts(self) -> set[str | None]:
        endpoint, store = self.source.aggregate_endpoint, self.source.store
        store.expect(query.digest for query in self.source.plan.queries)
        parts = (store.read(query.digest) for query in self.source.plan.queries)
        queues = (endpoint.sla_inputs(part)["queue_id"].unique() for part in parts)
        return {queue for ids in queues for queue in ids.to_pylist()}


def _outside_hours(totals: pa.Table) -> str:
    """Return how many calls the opening hours leave out of the table `sla`."""
    outside, inside = (
        pc.sum(totals[name]).as_py() or 0
        for name in ("offered_outside_hours", "offered")
    )
    return (
        f"calendar: offered outside opening hours, not counted in sla: "
        f"{outside:,} of {outside + inside:,}"
    )
