"""The rows of a Delta table that a table is about."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import pyarrow as pa

from gcbatch.table import Table
from gcbatch_exporters.lakes.rows import LakeRows
from gcbatch_exporters.lakes.selection import Selection

__all__ = ["DeltaRows"]


class DeltaRows(LakeRows):
    """The rows of a Delta table in the spans that a table covers.

    Args:
        place: The Delta table, for errors.
        present: It, in the version that is read.
        table: The table.
        selection: What the table covers.
    """

    def __init__(
        self, place: str, present: Any, table: Table, selection: Selection
    ) -> None:
        super().__init__(place, table, selection)
        self._present = present

    @property
    def names(self) -> Collection[str]:
        """The names of the columns there."""
        return {field.name for field in self._present.schema().fields}

    @property
    def condition(self) -> str:
        """The condition of the rows that the table replaces, in SQL."""
        return self._selection.condition

    def _covered(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        return self._scan(columns, self.condition)

    def _cut(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        return self._scan(columns, self._selection.cut)

    def _scan(self, columns: Sequence[str], condition: str) -> Iterator[pa.RecordBatch]:
        found = self._present.scan(columns=list(columns), predicate=condition)
        yield from pa.RecordBatchReader.from_stream(found)
