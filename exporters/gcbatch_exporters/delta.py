"""Delta Lake: one table in a folder, whose history stays."""

import random
import time
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from typing import Any, ClassVar, Final, Literal
from uuid import uuid4

import pyarrow as pa
from pydantic import BaseModel

from gcbatch.errors import OutputError
from gcbatch.exporting import FileOptions, Mismatch, Receipt, Target
from gcbatch.lazy import lazy_import
from gcbatch.table import BATCH_ROWS, Table
from gcbatch.windows import iso
from gcbatch_exporters.base import only_table
from gcbatch_exporters.lakes.delta_log import KEY, Load, last_load
from gcbatch_exporters.lakes.delta_table import (
    DeltaLayout,
    open_table,
    own_table,
    reported,
)
from gcbatch_exporters.lakes.row_stream import RowStream
from gcbatch_exporters.lakes.selection import Selection

__all__ = ["DeltaExporter", "DeltaOptions"]

deltalake = lazy_import("deltalake")
delta_errors = lazy_import("deltalake.exceptions")

MAX_TRIES: Final = 8
"""Loads of one table at the same time each win once: so many may meet."""

PAUSE_S: Final = 0.2
"""Longest first pause after a conflict; it doubles each time."""

MAX_COMMITS: Final = 1_000
"""Commits that are searched for the last load of a span."""


class DeltaOptions(FileOptions):
    """Options of the delta exporter.

    Args:
        path: The folder of the Delta table, relative to the current directory, and
            exactly as given.
        partition_by: Columns of text, whole numbers or booleans whose values become
            partitions, and `day` or `month` of the table's times in its time zone,
            which become columns of the Delta table. Default: no partitions.
        new_columns: Whether columns that an existing Delta table lacks are added to it,
            null in earlier rows, or refused.
    """

    partition_by: tuple[str, ...] = ()
    new_columns: Literal["add", "refuse"] = "add"


class DeltaExporter:
    """Writes one table as a Delta table; rows of other ranges stay.

    One commit removes the rows of what the table covers and adds the new ones. It is
    the ledger too: it says of which job, run and spans they are. The Delta table
    belongs to the job that created it.
    """

    api_version: ClassVar[int] = 2
    deterministic: ClassVar[bool] = True
    side_by_side: ClassVar[bool] = True
    requires: ClassVar[tuple[str, ...]] = ("deltalake",)
    Options: ClassVar[type[BaseModel]] = DeltaOptions

    def __init__(self, options: DeltaOptions) -> None:
        self._options = options

    def destinations(self, names: Sequence[str]) -> Sequence[str]:
        """Return the folder, once for each table: it takes only one."""
        return [str(self._options.path) for _ in names]

    def check(self, tables: Mapping[str, Table]) -> None:
        """Refuse what cannot be exported.

        Raises:
            JobError: If there is not exactly one table, it cannot be partitioned as
                asked, or what is in the folder is not the job's or does not fit.
            OutputError: If the folder cannot be read.
        """
        layout = self._layout(tables)
        present = open_table(layout.path)
        if present is not None:
            with reported(layout.path):
                layout.agree(present)

    def export(self, tables: Mapping[str, Table], target: Target) -> Receipt:
        """Replace what the table covers.

        Raises:
            JobError: As in check.
            OutputError: If a row of the Delta table reaches over an edge of what is
                covered, other programs kept writing to it, or it cannot be written.
        """
        layout = self._layout(tables)
        selection = Selection.of(layout.table)
        if not selection:
            return Receipt(str(layout.path), 0)
        tries = 0
        while True:
            try:
                return self._load(layout, selection, target)
            except delta_errors.CommitFailedError as exc:
                tries += 1
                if tries == MAX_TRIES or target.is_stopped:
                    msg = f"{layout.path}: others kept writing to it ({tries} tries)"
                    hint = "the table is as they left it; try again"
                    raise OutputError(msg, hint=hint) from exc
            time.sleep(random.uniform(0, PAUSE_S * 2**tries))  # noqa: S311 - no secret

    def holds(self, tables: Mapping[str, Table], target: Target) -> Receipt | None:
        """Return the receipt if the Delta table holds what would be written.

        It does if the last load of what the table covers has the same fingerprint, no
        other program changed rows since, and their number is still the same.
        """
        layout = self._layout(tables)
        selection = Selection.of(layout.table)
        present = open_table(layout.path)
        if present is None or not selection or not target.fingerprint:
            return None
        with reported(layout.path):
            if not layout.agree(present):
                return None
            found = last_load(
                present.history(MAX_COMMITS),
                selection.spans,
                timeless=layout.table.is_timeless,
            )
            if found is None:
                return None
            load, rows = found
            is_same = (load.fingerprint, load.spans) == (
                target.fingerprint,
                selection.spans,
            )
            if not is_same or _count(present, layout, selection.condition) != rows:
                return None
        return Receipt(str(layout.path), rows)

    def _layout(self, tables: Mapping[str, Table]) -> DeltaLayout:
        options = self._options
        return DeltaLayout.of(
            options.path,
            only_table(tables, "delta"),
            options.partition_by,
            add_columns=options.new_columns == "add",
        )

    def _load(
        self, layout: DeltaLayout, selection: Selection, target: Target
    ) -> Receipt:
        """Replace the rows by one commit.

        Raises:
            CommitFailedError: If another program was faster; nothing has changed.
        """
        path, table = layout.path, layout.table
        present = own_table(layout)
        with reported(path):
            _refuse_cut_rows(present, layout, selection)
            load = Load(
                id=uuid4().hex,
                job=table.job,
                run_id=table.run_id,
                table=table.name,
                spans=selection.spans,
                fingerprint=target.fingerprint,
                version=version("gcbatch"),
            )
            rows = RowStream(table, layout.schema, layout.partitions, selection)
            try:
                deltalake.write_deltalake(
                    present,
                    rows.reader(),
                    mode="overwrite",
                    predicate=selection.condition,
                    schema_mode="merge",  # adds columns; their types were compared
                    writer_properties=_writer_properties(layout),
                    commit_properties=_commit_properties(present, load),
                )
            except Exception:
                if rows.error is not None:  # Delta has only its text
                    raise rows.error from None
                raise
            _compare_counts(present, layout, selection, rows.count, load)
        return Receipt(str(path), rows.count)

    def verify(self, tables: Mapping[str, Table]) -> Iterator[Mismatch]:
        """Yield where the Delta table does not hold the rows of the table.

        Raises:
            JobError: As in check.
            OutputError: If the Delta table is missing or cannot be read.
        """
        raise NotImplementedError


def _writer_properties(layout: DeltaLayout) -> Any:
    """Return how Parquet is written.

    Delta keeps a file of each partition open. Dictionaries of numbers took half of the
    memory of that; without them its files were a fifth smaller.
    """
    numbers = [f.name for f in layout.schema if not pa.types.is_string(f.type)]
    plain = deltalake.ColumnProperties(dictionary_enabled=False)
    return deltalake.WriterProperties(
        compression="ZSTD",
        max_row_group_size=BATCH_ROWS,
        column_properties=dict.fromkeys(numbers, plain)
        if layout.partitions.names
        else None,
    )


def _commit_properties(present: Any, load: Load) -> Any:
    """Return what the commit carries.

    Of two commits with the next number of a transaction, Delta refuses the second. So a
    load that did not see the one before it is tried again.
    """
    last = present.transaction_version(KEY)
    following = deltalake.Transaction(KEY, 0 if last is None else last + 1)
    return deltalake.CommitProperties(
        custom_metadata=load.metadata, app_transactions=[following]
    )


def _refuse_cut_rows(present: Any, layout: DeltaLayout, selection: Selection) -> None:
    """Refuse to replace a part of what a row is about.

    Raises:
        OutputError: If a row reaches over an edge of a span: it cannot be cut.
    """
    if selection.time is None or selection.end is None:
        return
    columns = [selection.time, selection.end]
    for batch in _scan(present, columns, selection.cut):
        for start, end in zip(*(batch.column(name) for name in columns), strict=True):
            msg = f"{layout.path}: a row of {iso(start.as_py())} to {iso(end.as_py())}"
            msg += f" is only partly in {layout.table.covered}"
            hint = "let from and to be edges of its rows, or name another path"
            raise OutputError(msg, hint=hint)


def _compare_counts(
    present: Any, layout: DeltaLayout, selection: Selection, sent: int, load: Load
) -> None:
    """Make sure that the Delta table holds the rows that it was sent.

    Raises:
        OutputError: If it does not; the commit stays.
    """
    commits = present.history(MAX_COMMITS)
    (own,) = (c for c in commits if Load.of_commit(c) == load)
    added = own["operationMetrics"]["num_added_rows"]
    present.load_as_version(own["version"])  # another load may have followed already
    held = _count(present, layout, selection.condition)
    if not sent == added == held:
        msg = f"{layout.path}: {sent} rows were sent, {added} added, {held} are there"
        msg += f" (version {own['version']})"
        raise OutputError(msg, hint="restore the version before, and report this")


def _count(present: Any, layout: DeltaLayout, condition: str) -> int:
    batches = _scan(present, [layout.table.schema.names[0]], condition)
    return sum(batch.num_rows for batch in batches)


def _scan(present: Any, columns: list[str], condition: str) -> pa.RecordBatchReader:
    found = present.scan(columns=columns, predicate=condition)
    return pa.RecordBatchReader.from_stream(found)
