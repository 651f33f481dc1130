"""The table `intervals`: a row per bucket and group, as the service answered."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final
from zoneinfo import ZoneInfo

import pyarrow as pa

from gcbatch.planning import Plan
from gcbatch.store import Store, concat_parts
from gcbatch.table import Table
from gcbatch.tables.name_lookup import NAMED, NameLookup, name_field
from gcbatch.tables.source import TableSource

__all__ = ["intervals_table", "table"]

_UNSHOWN: Final = frozenset({"deleted"})
"""Columns of parts that only the table `sla` makes use of."""


def table(source: TableSource) -> Table:
    """Return the table of a job."""
    asked = source.job.query
    return intervals_table(
        source.plan,
        source.store,
        part_schema=source.bucketed.schema(asked),
        groups=source.bucketed.groups(asked),
        derived=source.bucketed.derived,
        names=source.names.by_dimension,
        timezone=asked.zone,
    )


def intervals_table(
    plan: Plan,
    store: Store,
    *,
    part_schema: pa.Schema,
    groups: tuple[str, ...],
    derived: Callable[[pa.Table], pa.Table],
    names: Mapping[str, Mapping[str, str]],
    timezone: ZoneInfo,
) -> Table:
    """Return the table, read from the parts of *plan*.

    Rows are in the order of interval_start and *groups*, whatever order the answers
    came in and however the queues were cut into batches.

    Args:
        plan: Whose parts.
        store: Where they are.
        part_schema: The columns of a part.
        groups: Columns that with interval_start make the key.
        derived: Returns the columns that follow from a part's rows.
        names: For each dimension that was listed, names by id. An id without a name
            is its own name.
        timezone: The job's.
    """
    # Answers that bring the queue's name have names for all groups, not ids.
    brings_names = "queue_name" in part_schema.names
    lookups = {
        ids: (column, NameLookup.of(names.get(dimension, {})))
        for ids, (column, dimension) in NAMED.items()
        if ids in groups and not brings_names
    }
    shown = [field for field in part_schema if field.name not in _UNSHOWN]
    schema = _with_names(shown, {ids: column for ids, (column, _) in lookups.items()})
    schema = pa.schema([*schema, *derived(part_schema.empty_table()).schema])

    def batches() -> Iterator[pa.RecordBatch]:
        for _, queries in plan.windows:
            parts = [store.read(query.digest) for query in queries]
            rows = concat_parts(parts, groups, str(queries[0]))
            columns = []
            for field in shown:
                columns.append(rows[field.name])
                if field.name in lookups:
                    _, lookup = lookups[field.name]
                    columns.append(lookup.named(rows[field.name]))
            columns += derived(rows).columns
            yield from pa.Table.from_arrays(columns, schema=schema).to_batches()

    return Table(
        name="intervals",
        schema=schema,
        key=("interval_start", *groups),
        covered=plan.window,
        timezone=timezone,
        run_id=plan.run_id,
        batches=batches,
    )


def _with_names(shown: Iterable[pa.Field], name_of: Mapping[str, str]) -> pa.Schema:
    fields: list[pa.Field] = []
    for field in shown:
        fields.append(field)
        if field.name in name_of:
            fields.append(name_field(name_of[field.name], field.name))
    return pa.schema(fields)
