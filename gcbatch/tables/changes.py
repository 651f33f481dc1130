"""The table `changes`: a row for each figure that fetching again changed."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from gcbatch.coverage import Coverage
from gcbatch.endpoints import DetailsEndpoint
from gcbatch.job import CHANGES_TABLE, Job
from gcbatch.store import Replacement
from gcbatch.table import BATCH_ROWS, INSTANT, Table
from gcbatch.tables.row_changes import ComparedTable, RowChange
from gcbatch.tables.source import TableSource
from gcbatch.windows import Window, midnight, to_local

if TYPE_CHECKING:
    from gcbatch.tables.changed_documents import ChangedDocuments

__all__ = ["SCHEMA", "ChangesTable", "tables_in_changes"]


WHOLE: Final = "conversations_nested"
"""A table whose one column is the whole document: the others say what changed."""


def _field(
    name: str, kind: pa.DataType, about: str, *, nullable: bool = True
) -> pa.Field:
    return pa.field(name, kind, nullable=nullable, metadata={"description": about})


SCHEMA: Final = pa.schema(
    [
        _field("changed_at", INSTANT, "when the new value was fetched", nullable=False),
        _field("table", pa.string(), "where it changed", nullable=False),
        _field("day", pa.string(), "of row_time, in the job's time zone"),
        _field("row_time", INSTANT, "when the row's interval or record begins"),
        _field("queue_id", pa.string(), "of the row, if it has one"),
        _field("queue_name", pa.string(), "name of queue_id"),
        pa.field(
            "key",
            pa.string(),
            nullable=False,
            metadata={"content": "json", "description": "the key columns of the row"},
        ),
        _field("column", pa.string(), "null: the row as a whole"),
        _field("old", pa.string(), "before; null: none"),
        _field("new", pa.string(), "now; null: none"),
        _field("change", pa.string(), "added, removed or changed", nullable=False),
        _field("first_fetched_at", INSTANT, "when the query was first fetched"),
        _field("run_id", pa.string(), "of the run that fetched the new value"),
    ]
)

KEY: Final = ("changed_at", "table", "key", "column")


def tables_in_changes(job: Job) -> tuple[str, ...]:
    """Return the tables of a job whose changes are listed: those that it exports."""
    if not job.query.details:
        return ("intervals",)
    exported = {name for e in job.exports for name in e.names_of(job.tables)}
    own = [name for name in job.tables if name != WHOLE]
    return tuple(name for name in own if name in exported) or tuple(own)


@dataclass(frozen=True)
class ChangesTable:
    """The changes of a job.

    Args:
        source: What its tables are made of.
    """

    source: TableSource

    @cached_property
    def replacements(self) -> list[Replacement]:
        """All replacements in the log, in the order of time."""
        store = self.source.store
        if not self.source.plan.queries:
            return []  # nothing was fetched, or nothing is read yet
        return store.changes.replacements(store.checksum)

    def table(self) -> Table:
        """Return the table of a job, in the order of time.

        It covers the time from its first change on: a database keeps earlier ones,
        which the log has no more.
        """
        zone = self.source.job.query.zone
        ats = [one.changed_at for one in self.replacements]
        window = self.source.plan.window
        covered = Coverage(window.start, window.end)
        if ats:
            last = to_local(max(ats), zone).date() + timedelta(days=1)
            covered = Coverage.whole(Window(_to_the_ms(min(ats)), midnight(last, zone)))
        return Table(
            name=CHANGES_TABLE,
            schema=SCHEMA,
            key=KEY,
            covered=covered,
            timezone=zone,
            run_id=self.source.plan.run_id,
            job=self.source.job.name,
            batches=self.batches,
            time="changed_at",
        )

    def batches(self, names: Collection[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Yield the rows.

        Args:
            names: Only those of these files of the log; None means all.

        Raises:
            DataError: If a document cannot be read.
        """
        rows: list[dict[str, Any]] = []
        for one in self.replacements:
            if names is not None and one.name not in names:
                continue
            for change in self._changes(one):
                rows.append(self._row(one, change))
                if len(rows) >= BATCH_ROWS:
                    yield pa.RecordBatch.from_pylist(rows, SCHEMA)
                    rows.clear()
        if rows:
            yield pa.RecordBatch.from_pylist(rows, SCHEMA)

    def _row(self, one: Replacement, change: RowChange) -> dict[str, Any]:
        at = change.row_time
        zone = self.source.job.query.zone
        return {
            **change._asdict(),
            "day": None if at is None else f"{to_local(at, zone):%Y-%m-%d}",
            "changed_at": _to_the_ms(one.changed_at),
            "first_fetched_at": _to_the_ms(one.first_fetched_at),
            "run_id": one.run.run_id,
        }

    def _changes(self, one: Replacement) -> Iterator[RowChange]:
        if self._documents is not None:
            return self._documents.of(one)
        return iter(self._intervals(one))

    @cached_property
    def _documents(self) -> "ChangedDocuments | None":
        """Compares documents; None in jobs of aggregates."""
        if not isinstance(self.source.endpoint, DetailsEndpoint):
            return None
        from gcbatch.tables.changed_documents import ChangedDocuments  # noqa: PLC0415 - only jobs of details need it

        names = tables_in_changes(self.source.job)
        return ChangedDocuments(self.source, names, self.replacements)

    def _intervals(self, one: Replacement) -> Sequence[RowChange]:
        """Return what changed in the table `intervals`.

        A part of a query with other groups or figures than the job has now is left out.
        """
        from gcbatch.tables.aggregates.intervals import (  # noqa: PLC0415 - details do not need it
            END,
            IS_OPEN,
            IntervalRows,
            key_of,
        )

        key = key_of(self.source)
        schema = self.source.aggregate_endpoint.schema(self.source.job.query)
        if not {*key} <= {*one.columns} <= {*schema.names}:
            return ()
        maker = IntervalRows.of(self.source)
        about = (END, IS_OPEN.name)
        compared = ComparedTable(
            "intervals", key, "interval_start", about, by_figure=True
        )
        old, new = (
            [
                rows
                for batch in self.source.store.changes.batches(one, is_new=side)
                for rows in maker.batches(_in_schema(batch, schema))
            ]
            for side in (False, True)
        )
        return compared.changes(old, new)


def _to_the_ms(at: datetime) -> datetime:
    """Return an instant as INSTANT holds it; Arrow refuses what it would cut off."""
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def _in_schema(batch: pa.RecordBatch, schema: pa.Schema) -> pa.Table:
    """Return rows with all columns of a schema; those that they lack are null."""
    columns = [
        batch.column(field.name).cast(field.type)
        if field.name in batch.schema.names
        else pa.nulls(batch.num_rows, field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)
