"""The rows of a Delta table that a table is about, read a batch at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from gcbatch.errors import JobError, OutputError
from gcbatch.table import Table
from gcbatch.windows import iso
from gcbatch_exporters.lakes.selection import Selection

__all__ = ["DeltaRows"]


@dataclass(frozen=True, slots=True)
class DeltaRows:
    """The rows of a Delta table in the spans that a table covers.

    Args:
        place: The Delta table, for errors.
        present: It, in the version that is read.
        table: The table.
        selection: What the table covers.
    """

    place: object
    present: Any
    table: Table
    selection: Selection

    def refuse_cut(self) -> None:
        """Refuse to replace a part of what a row is about.

        Raises:
            JobError: If a row reaches over an edge of a span.
        """
        selection = self.selection
        if not selection or selection.time is None or selection.end is None:
            return
        columns = [selection.time, selection.end]
        for batch in self._scan(columns, selection.cut):
            for row in batch.slice(0, 1).to_pylist():
                start, end = (iso(row[name]) for name in columns)
                msg = f"{self.place}: has a row of {start}/{end}, only a part of which "
                msg += f"is in {self.table.covered}: its figures cannot be divided"
                hint = "let the job's range begin and end where such rows do, or "
                raise JobError(msg, hint=hint + "name another path")

    def count(self) -> int:
        """Return the number of rows."""
        first = self.table.schema.names[:1]
        batches = self._scan(first, self.selection.condition)
        return sum(batch.num_rows for batch in batches)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows, with the columns and types of the table.

        Raises:
            OutputError: If the Delta table lacks a column.
        """
        schema = self.table.schema
        there = {field.name for field in self.present.schema().fields}
        if missing := [name for name in schema.names if name not in there]:
            msg = f"{self.place}: has no column {missing[0]}"
            raise OutputError(msg, hint="`gcbatch export JOB` adds it")
        for batch in self._scan(schema.names, self.selection.condition):
            columns = [
                column.cast(field.type)
                for column, field in zip(batch.columns, schema, strict=True)
            ]
            yield pa.RecordBatch.from_arrays(columns, schema=schema)

    def _scan(self, columns: list[str], condition: str) -> pa.RecordBatchReader:
        found = self.present.scan(columns=columns, predicate=condition)
        return pa.RecordBatchReader.from_stream(found)
