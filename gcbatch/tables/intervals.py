"""The table `intervals`: a row per bucket and group, as the service answered."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from gcbatch.plan import Plan
from gcbatch.rows import joined
from gcbatch.store import Store
from gcbatch.tables.table import Table

__all__ = ["intervals_table"]

_NAMED: Final = {
    "queue_id": ("queue_name", "queueId"),
    "user_id": ("user_name", "userId"),
    "wrap_up_code": ("wrap_up_code_name", "wrapUpCode"),
}
"""Columns of ids: the column for their names, and the dimension that they are of."""

_UNSHOWN: Final = frozenset({"deleted"})
"""Columns of parts that only the table `sla` makes use of."""


def intervals_table(
    plan: Plan,
    store: Store,
    *,
    part_schema: pa.Schema,
    groups: tuple[str, ...],
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
        names: For each dimension that was listed, names by id. An id without a name
            is its own name.
        timezone: The job's.
    """
    lookups = {
        ids: (column, *_lookup(names.get(dimension, {})))
        for ids, (column, dimension) in _NAMED.items()
        if ids in groups and column not in part_schema.names
    }
    shown = [field for field in part_schema if field.name not in _UNSHOWN]
    schema = _with_names(shown, {ids: column for ids, (column, *_) in lookups.items()})

    def batches() -> Iterator[pa.RecordBatch]:
        for _, queries in plan.windows:
            parts = [store.read(query.digest) for query in queries]
            table = joined(parts, groups, str(queries[0]))
            columns = []
            for field in shown:
                columns.append(table[field.name])
                if field.name in lookups:
                    _, known, called = lookups[field.name]
                    columns.append(_named(table[field.name], known, called))
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


def _lookup(names: Mapping[str, str]) -> tuple[pa.Array, pa.Array]:
    """Return the ids, sorted, and their names, as two arrays of one length."""
    ids = sorted(names)
    return pa.array(ids, pa.string()), pa.array([names[i] for i in ids], pa.string())


def _with_names(shown: Iterable[pa.Field], name_of: Mapping[str, str]) -> pa.Schema:
    fields: list[pa.Field] = []
    for field in shown:
        fields.append(field)
        if field.name in name_of:
            about = {"description": f"name of {field.name}"}
            fields.append(pa.field(name_of[field.name], pa.string(), metadata=about))
    return pa.schema(fields)


def _named(ids: pa.ChunkedArray, known: pa.Array, names: pa.Array) -> pa.ChunkedArray:
    """Return the names of *ids*; an id that is not known is its own name."""
    return pc.coalesce(names.take(pc.index_in(ids, value_set=known)), ids)
