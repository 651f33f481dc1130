"""The table `intervals`: a row per bucket and group, as the service reports it."""

from collections.abc import Iterator
from typing import Final

import pyarrow as pa

from gcbatch.table import Table
from gcbatch.tables.name_lookup import NAMED, PRESENCE_METRIC, NameLookup, name_field
from gcbatch.tables.service_levels.calendars import Calendars
from gcbatch.tables.source import TableSource

__all__ = ["named_groups", "table"]

_HIDDEN: Final = frozenset({"deleted"})
"""Columns of parts that only the table `sla` uses."""

_IS_OPEN: Final = pa.field(
    "is_open", pa.bool_(), metadata={"description": "within the hours of `calendar`"}
)


def named_groups(source: TableSource) -> dict[str, str]:
    """Return the groups of a job that are ids with names: columns and dimensions."""
    groups = {*source.groups}
    if PRESENCE_METRIC not in source.job.query.metrics:
        groups.discard("qualifier")
    return {ids: of for ids, (_, of) in NAMED.items() if ids in groups}


def table(source: TableSource) -> Table:
    """Return the table of a job.

    Rows are in the order of interval_start and the groups, however the queues were cut
    into batches. An id without a name is its own name.
    """
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
    schema = pa.schema(
        [
            *fields,
            *endpoint.derive_columns(part_schema.empty_table()).schema,
            *([_IS_OPEN] if calendars else []),
        ]
    )
    queue_names = names.get("queueId", {})

    def batches() -> Iterator[pa.RecordBatch]:
        for _, rows in source.aggregate_rows():
            columns = []
            for field in shown:
                columns.append(rows[field.name])
                if field.name in lookups:
                    columns.append(lookups[field.name].named(rows[field.name]))
            columns += endpoint.derive_columns(rows).columns
            if calendars:
                columns.append(calendars.is_open(rows, queue_names))
            yield from pa.Table.from_arrays(columns, schema=schema).to_batches()

    key = ("interval_start", *source.groups)
    return source.new_table(
        "intervals", schema, key=key, batches=batches, end="interval_end"
    )
