"""Local times beside the instants of a table."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final
from zoneinfo import ZoneInfo

import pyarrow as pa

from gcbatch.table import INSTANT, Table
from gcbatch.windows import to_local

__all__ = ["with_local_times"]

_LOCAL: Final = "_local"
_OFFSET: Final = "_offset_min"


def with_local_times(table: Table) -> Table:
    """Return a table with two columns after each instant.

    `<column>_local` is what the clocks of the job's time zone show, without offset;
    `<column>_offset_min` is how many minutes they are ahead of UTC, which differs
    between the two hours that a clock change makes of one. A column that the table
    itself has under such a name stays.
    """
    schema, zone, have = table.schema, table.timezone, {*table.schema.names}
    fields: list[pa.Field] = []
    for field in schema:
        added = _fields_of(field, zone) if field.type == INSTANT else ()
        fields += (field, *(one for one in added if one.name not in have))
    whole = pa.schema(fields)

    def batches() -> Iterator[pa.RecordBatch]:
        for batch in table.batches():
            columns = {name: batch[name] for name in schema.names}
            for name in [f.name for f in schema if f.type == INSTANT]:
                local, offset = _local_times(batch[name], zone)
                columns.setdefault(name + _LOCAL, local)
                columns.setdefault(name + _OFFSET, offset)
            yield pa.RecordBatch.from_arrays(
                [columns[name] for name in whole.names], schema=whole
            )
            del batch, columns  # or they would stay while the next is made

    return replace(table, schema=whole, batches=batches)


def _fields_of(field: pa.Field, zone: ZoneInfo) -> tuple[pa.Field, pa.Field]:
    about = {"description": f"{field.name} in {zone.key}"}
    ahead = {"description": f"of {field.name}{_LOCAL} ahead of UTC", "unit": "min"}
    return (
        pa.field(field.name + _LOCAL, pa.timestamp("ms"), metadata=about),
        pa.field(field.name + _OFFSET, pa.int64(), metadata=ahead),
    )


def _local_times(times: pa.Array, zone: ZoneInfo) -> tuple[pa.Array, pa.Array]:
    """Return the local times of instants, and their offsets in minutes."""
    encoded = times.dictionary_encode()
    local, offsets = [], []
    for instant in encoded.dictionary.to_pylist():
        here = to_local(instant, zone)
        local.append(here.replace(tzinfo=None))
        ahead = here.utcoffset()
        offsets.append(None if ahead is None else round(ahead.total_seconds() / 60))
    return (
        pa.array(local, pa.timestamp("ms")).take(encoded.indices),
        pa.array(offsets, pa.int64()).take(encoded.indices),
    )
