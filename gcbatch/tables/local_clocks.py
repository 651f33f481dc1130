"""The twin of a table for SQL: clocks of the job's time zone beside its instants."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final
from zoneinfo import ZoneInfo

import pyarrow as pa

from gcbatch.lazy import lazy_import
from gcbatch.local_time import LOCAL, local_clocks
from gcbatch.table import INSTANT, Table

__all__ = ["with_local_clocks"]

pc = lazy_import("pyarrow.compute")

OFFSET: Final = "_offset_min"


def with_local_clocks(table: Table, zone: ZoneInfo) -> Table:
    """Return a table with two columns after each instant.

    `<column>_local` is what the clocks of the zone show, a timestamp without offset;
    `<column>_offset_min` is how many minutes they are ahead of UTC, which differs
    between the two hours that a clock change makes of one. A column that the table
    itself has under such a name stays.
    """
    have = {*table.schema.names}
    instants = [field.name for field in table.schema if field.type == INSTANT]
    fields: list[pa.Field] = []
    for field in table.schema:
        added = _fields_of(field.name, zone) if field.name in instants else ()
        fields += (field, *(one for one in added if one.name not in have))
    schema = pa.schema(fields)

    def batches() -> Iterator[pa.RecordBatch]:
        for batch in table.batches():
            columns = {name: batch[name] for name in table.schema.names}
            for name in instants:
                clocks, offsets = local_clocks(batch[name], zone)
                columns.setdefault(name + LOCAL, clocks)
                columns.setdefault(name + OFFSET, pc.divide(offsets, 60))
            yield pa.RecordBatch.from_arrays(
                [columns[name] for name in schema.names], schema=schema
            )
            del batch, columns  # or they would stay while the next is made

    return replace(table, schema=schema, batches=batches)


def _fields_of(name: str, zone: ZoneInfo) -> tuple[pa.Field, pa.Field]:
    about = {"description": f"{name} by the clock of {zone.key}"}
    ahead = {"description": f"{name}{LOCAL} is so far ahead of UTC", "unit": "min"}
    return (
        pa.field(name + LOCAL, pa.timestamp("ms"), metadata=about),
        pa.field(name + OFFSET, pa.int64(), metadata=ahead),
    )
