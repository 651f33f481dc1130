"""The column `is_provisional`: whether a row may still change."""

from dataclasses import replace
from functools import reduce
from typing import Final

import pyarrow as pa

from gcbatch.lazy import lazy_import
from gcbatch.provisional import ProvisionalSpan
from gcbatch.table import INSTANT, Table

__all__ = ["with_provisional_column"]

pc = lazy_import("pyarrow.compute")

_FIELD: Final = pa.field(
    "is_provisional",
    pa.bool_(),
    nullable=False,
    metadata={"description": "fetched before its figures had settled"},
)


def with_provisional_column(table: Table) -> Table:
    """Return a table with the column; rows are provisional by their time alone.

    A row is provisional if a part of its time is: also a period of `sla` in which the
    queue had no call on the provisional day, as there may still be one.

    Args:
        table: A table whose rows have a begin and an end.
    """
    start, end = table.time, table.end
    if start is None or end is None:
        return table

    def marked(rows: pa.RecordBatch) -> pa.RecordBatch:
        return _marked(rows, start, end, table.provisional)

    return replace(
        table,
        schema=table.schema.append(_FIELD),
        batches=lambda: map(marked, table.batches()),
        basis=table.basis and with_provisional_column(table.basis),
    )


def _marked(
    rows: pa.RecordBatch, start: str, end: str, spans: tuple[ProvisionalSpan, ...]
) -> pa.RecordBatch:
    none = pa.repeat(pa.scalar(value=False), rows.num_rows)
    masks = (
        pc.and_(
            pc.less(rows[start], pa.scalar(span.window.end, INSTANT)),
            pc.greater(rows[end], pa.scalar(span.window.start, INSTANT)),
        )
        for span in spans
    )
    mask = reduce(pc.or_, masks, none)
    return pa.RecordBatch.from_arrays(
        [*rows.columns, mask], schema=rows.schema.append(_FIELD)
    )
