"""The table `intervals`: a row per bucket and group, as the service answered."""

from collections.abc import Iterator, Mapping
from typing import Final
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from gcbatch.genesys.metrics import snake
from gcbatch.plan import Plan
from gcbatch.store import Store
from gcbatch.tables.table import Table

__all__ = ["intervals_table"]

_NAME_COLUMNS: Final = {
    "queueId": "queue_name",
    "userId": "user_name",
    "wrapUpCode": "wrap_up_code_name",
}
"""Dimensions whose ids have a name column beside them."""


def intervals_table(
    plan: Plan,
    store: Store,
    *,
    part_schema: pa.Schema,
    dimensions: tuple[str, ...],
    names: Mapping[str, Mapping[str, str]],
    timezone: ZoneInfo,
) -> Table:
    """Return the table, read from the parts of *plan*.

    Rows are in the order of interval_start and the groups' ids, whatever order the
    answers came in and however the queues were cut into batches.

    Args:
        plan: Whose parts.
        store: Where they are.
        part_schema: The columns of a part.
        dimensions: What was grouped by.
        names: For each dimension that was listed, names by id. An id without a name
            is its own name.
        timezone: The job's.
    """
    key = [snake(dimension) for dimension in dimensions]
    if "qualifier" in part_schema.names:
        key.append("qualifier")
    name_of = {
        snake(d): (_NAME_COLUMNS[d], names.get(d, {}))
        for d in dimensions
        if d in _NAME_COLUMNS
    }
    schema = _with_names(part_schema, {ids: name for ids, (name, _) in name_of.items()})
    lookups = {
        ids: (
            pa.array(sorted(known), pa.string()),
            pa.array([known[i] for i in sorted(known)], pa.string()),
        )
        for ids, (_, known) in name_of.items()
    }

    def batches() -> Iterator[pa.RecordBatch]:
        for _, queries in plan.windows:
            table = pa.concat_tables([store.read(q.digest) for q in queries])
            if len(queries) > 1:
                order = [("interval_start", "ascending")]
                table = table.sort_by(order + [(k, "ascending") for k in key])
            table = table.combine_chunks()
            columns = []
            for name in part_schema.names:
                columns.append(table[name])
                if name in lookups:
                    columns.append(_named(table[name], *lookups[name]))
            yield from pa.Table.from_arrays(columns, schema=schema).to_batches()

    return Table(
        name="intervals",
        schema=schema,
        key=("interval_start", *key),
        covered=plan.window,
        timezone=timezone,
        run_id=plan.run_id,
        batches=batches,
    )


def _with_names(schema: pa.Schema, name_of: Mapping[str, str]) -> pa.Schema:
    fields: list[pa.Field] = []
    for field in schema:
        fields.append(field)
        if field.name in name_of:
            about = {"description": f"name of {field.name}"}
            fields.append(pa.field(name_of[field.name], pa.string(), metadata=about))
    return pa.schema(fields)


def _named(ids: pa.ChunkedArray, known: pa.Array, names: pa.Array) -> pa.ChunkedArray:
    """Return the names of *ids*; an id that is not known is its own name."""
    return pc.coalesce(names.take(pc.index_in(ids, value_set=known)), ids)
