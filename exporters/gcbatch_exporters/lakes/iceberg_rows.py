"""The rows of an Iceberg table that a table is about."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any

import pyarrow as pa

from gcbatch.lazy import lazy_import
from gcbatch.table import ORG, Table
from gcbatch.windows import Window
from gcbatch_exporters.lakes.rows import LakeRows
from gcbatch_exporters.lakes.selection import Selection

__all__ = ["IcebergRows", "covered_rows", "other_rows", "rows_of_file"]

ex = lazy_import("pyiceberg.expressions")
arrow_io = lazy_import("pyiceberg.io.pyarrow")


class IcebergRows(LakeRows):
    """The rows of an Iceberg table in the spans that a table covers.

    Args:
        place: The Iceberg table, for errors.
        present: It.
        table: The table.
        selection: What the table covers.
        snapshot_id: The snapshot that is read. Default: the newest.
    """

    def __init__(
        self,
        place: str,
        present: Any,
        table: Table,
        selection: Selection,
        snapshot_id: int | None = None,
    ) -> None:
        super().__init__(place, table, selection)
        self._present = present
        self._snapshot_id = snapshot_id

    @property
    def names(self) -> Collection[str]:
        """The names of the columns there."""
        names: Collection[str] = self._present.schema().column_names
        return names

    def _covered(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        return self._scan(columns, covered_rows(self._selection))

    def _cut(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        return self._scan(columns, _cut_rows(self._selection))

    def _scan(self, columns: Sequence[str], rows: Any) -> Iterator[pa.RecordBatch]:
        scan = self._present.scan(
            row_filter=rows,
            selected_fields=tuple(columns),
            snapshot_id=self._snapshot_id,
        )
        for task in scan.plan_files():
            yield from rows_of_file(self._present, task, rows, scan.projection())


def rows_of_file(
    present: Any, task: Any, rows: Any, schema: Any
) -> Iterator[pa.RecordBatch]:
    """Yield some rows of one data file, without those that were deleted.

    pyiceberg holds the rows of a file in memory, and those of all files of a scan if it
    is given them together.

    Args:
        present: The Iceberg table.
        task: The file, as a scan plans it.
        rows: Which rows.
        schema: The columns that are wanted.
    """
    scan = arrow_io.ArrowScan(present.metadata, present.io, schema, rows)
    found: Iterator[pa.RecordBatch] = scan.to_record_batches([task])
    return found


def covered_rows(selection: Selection) -> Any:
    """Return the condition of the rows that a table replaces."""
    time = selection.time
    if time is None:
        return _by_org(selection, lambda _: ex.AlwaysTrue())
    return _by_org(
        selection,
        lambda span: ex.And(
            ex.GreaterThanOrEqual(time, span.start), ex.LessThan(time, span.end)
        ),
    )


def other_rows(selection: Selection) -> Any:
    """Return the condition of the rows that stay; a comparison with null has none."""
    orgs = [ORG] if any(org for org, _ in selection.by_org) else []
    times = [] if selection.time is None else [selection.time]
    nulls = [ex.IsNull(name) for name in orgs + times]
    return _any([ex.Not(covered_rows(selection)), *nulls])


def _cut_rows(selection: Selection) -> Any:
    """Return the condition of rows that reach over an edge of a span."""
    time, end = selection.time, selection.end

    def cut(span: Window) -> Any:
        return _any(
            ex.And(ex.LessThan(time, edge), ex.GreaterThan(end, edge))
            for edge in (span.start, span.end)
        )

    return _by_org(selection, cut)


def _by_org(selection: Selection, condition: Callable[[Window], Any]) -> Any:
    """Return the condition that holds for a span of each org."""
    of_orgs = []
    for org, windows in selection.by_org:
        spans = _any(condition(window) for window in windows)
        of_orgs.append(ex.And(ex.EqualTo(ORG, org), spans) if org else spans)
    return _any(of_orgs)


def _any(conditions: Iterable[Any]) -> Any:
    first, *others = conditions
    return ex.Or(first, *others) if others else first
