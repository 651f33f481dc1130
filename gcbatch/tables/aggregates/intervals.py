"""The table `intervals`: a row per bucket and group, as the service reports it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Self

import pyarrow as pa

from gcbatch.table import Table
from gcbatch.tables.name_lookup import NAMED, PRESENCE_METRIC, NameLookup, name_field
from gcbatch.tables.service_levels.calendars import Calendars
from gcbatch.tables.source import TableSource

__all__ = ["END", "IS_OPEN", "IntervalRows", "key_of", "named_groups", "table"]

END: Final = "interval_end"

_HIDDEN: Final = frozenset({"deleted"})
"""Columns of parts that only the table `sla` uses."""

IS_OPEN: Final = pa.field(
    "is_open", pa.bool_(), metadata={"description": "within the hours of `calendar`"}
)


def named_groups(source: TableSource) -> dict[str, str]:
    """Return the groups of a job that are ids with names: columns and dimensions."""
    groups = {*source.groups}
    if PRESENCE_METRIC not in source.job.query.metrics:
        groups.discard("qualifier")
    return {ids: of for ids, (_, of) in NAMED.items() if ids in groups}


@dataclass(frozen=True)
class IntervalRows:
    """Makes the rows of the table from those of parts.

    Args:
        schema: The schema of the table.
        shown: The columns of parts that it shows.
        lookups: The names of the ids in some of them.
        derive: Computes further columns.
    """

    schema: pa.Schema
    shown: tuple[str, ...]
    lookups: Mapping[str, NameLookup]
    derive: Callable[[pa.Table], pa.Table]

    @classmethod
    def of(cls, source: TableSource) -> Self:
        """Return what makes the rows of a job. An id without a name is its own name."""
        endpoint = source.aggregate_endpoint
        part_schema = endpoint.schema(source.job.query)
        # Parts with a column queue_name hold names for all groups, not ids.
        has_names = "queue_name" in part_schema.names
        names = source.names.by_dimension
        lookups = {
            ids: NameLookup.of(names.get(dimension, {}))
            for ids, dimension in named_groups(source).items()
            if not has_names
        }
        shown = [field for field in part_schema if field.name not in _HIDDEN]
        fields: list[pa.Field] = []
        for field in shown:
            fields.append(field)
            if field.name in lookups:
                fields.append(name_field(NAMED[field.name][0], field.name))
        calendars = Calendars.of_job(source.job)

        def derive(rows: pa.Table) -> pa.Table:
            derived = endpoint.derive_columns(rows)
            if calendars is None:
                return derived
            is_open = calendars.is_open(rows, names.get("queueId", {}))
            return derived.append_column(IS_OPEN, is_open)

        derived = derive(part_schema.empty_table()).schema
        schema = pa.schema([*fields, *derived])
        return cls(schema, tuple(field.name for field in shown), lookups, derive)

    def batches(self, rows: pa.Table) -> list[pa.RecordBatch]:
        """Return the rows of parts as the table has them."""
        columns = []
        for name in self.shown:
            columns.append(rows[name])
            if name in self.lookups:
                columns.append(self.lookups[name].named(rows[name]))
        columns += self.derive(rows).columns
        table = pa.Table.from_arrays(columns, schema=self.schema)
        found: list[pa.RecordBatch] = table.to_batches()
        return found


def table(source: TableSource) -> Table:
    """Return the table of a job.

    Rows are in the order of interval_start and the groups, however the queues were cut
    into batches.
    """
    maker = IntervalRows.of(source)

    def batches() -> Iterator[pa.RecordBatch]:
        for _, rows in source.aggregate_rows():
            yield from maker.batches(rows)

    return source.new_table(
        "intervals", maker.schema, key=key_of(source), batches=batches, end=END
    )


def key_of(source: TableSource) -> tuple[str, ...]:
    """Return the columns that together identify a row."""
    return ("interval_start", *source.groups)
