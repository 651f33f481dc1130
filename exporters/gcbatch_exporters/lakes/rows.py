"""The rows of a lake's table that a table is about, read a batch at a time."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Sequence

import pyarrow as pa

from gcbatch.errors import JobError, OutputError
from gcbatch.table import Table
from gcbatch.windows import iso
from gcbatch_exporters.lakes.selection import Selection

__all__ = ["LakeRows"]


class LakeRows(ABC):
    """The rows of a lake's table in the spans that a table covers.

    Args:
        place: The lake's table, for errors.
        table: The table.
        selection: What the table covers.
    """

    def __init__(self, place: str, table: Table, selection: Selection) -> None:
        self.place = place
        self._table = table
        self._selection = selection

    @property
    @abstractmethod
    def names(self) -> Collection[str]:
        """The names of the columns there."""

    @abstractmethod
    def _covered(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield some columns of the rows that the table replaces."""

    @abstractmethod
    def _cut(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield some columns of rows that reach over an edge of a span."""

    def refuse_cut(self) -> None:
        """Refuse to replace a part of what a row is about.

        Raises:
            JobError: If a row reaches over an edge of a span.
        """
        selection = self._selection
        if not selection or selection.time is None or selection.end is None:
            return
        columns = [selection.time, selection.end]
        for batch in self._cut(columns):
            for row in batch.slice(0, 1).to_pylist():
                start, end = (iso(row[name]) for name in columns)
                msg = f"{self.place}: has a row of {start}/{end}, only a part of which"
                msg += f" is in {self._table.covered}: its figures cannot be divided"
                hint = "let the job's range begin and end where such rows do, or "
                raise JobError(msg, hint=hint + "write into another table")

    def count(self) -> int:
        """Return the number of rows."""
        first = self._table.schema.names[:1]
        return sum(batch.num_rows for batch in self._covered(first))

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows, with the columns and types of the table.

        Raises:
            OutputError: If the lake's table lacks a column.
        """
        schema = self._table.schema
        if missing := [name for name in schema.names if name not in self.names]:
            msg = f"{self.place}: has no column {missing[0]}"
            raise OutputError(msg, hint="`gcbatch export JOB` adds it")
        for batch in self._covered(schema.names):
            columns = [batch.column(field.name).cast(field.type) for field in schema]
            yield pa.RecordBatch.from_arrays(columns, schema=schema)
