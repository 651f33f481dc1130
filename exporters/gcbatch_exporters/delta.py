"""Delta Lake: one table in a folder, whose history stays."""

import random
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final, Literal

from pydantic import BaseModel

from gcbatch.errors import OutputError
from gcbatch.exporting import FileOptions, Mismatch, Receipt, Target, compare_days
from gcbatch.lazy import lazy_import
from gcbatch.table import Table
from gcbatch_exporters.base import only_table
from gcbatch_exporters.lakes.delta_load import load_table
from gcbatch_exporters.lakes.delta_log import last_load
from gcbatch_exporters.lakes.delta_rows import DeltaRows
from gcbatch_exporters.lakes.delta_table import DeltaLayout, open_table, reported
from gcbatch_exporters.lakes.selection import Selection

__all__ = ["DeltaExporter", "DeltaOptions"]

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
                asked, what is in the folder is not the job's or does not fit, or a row
                there reaches over an edge of what is covered.
            OutputError: If the folder cannot be read.
        """
        layout = self._layout(tables)
        present = open_table(layout.path)
        if present is not None:
            with reported(layout.path):
                layout.agree(present)
                _rows_of(layout, present).refuse_cut()

    def export(self, tables: Mapping[str, Table], target: Target) -> Receipt:
        """Replace what the table covers.

        Raises:
            JobError: As in check.
            OutputError: If others kept writing to it, or it cannot be written.
        """
        layout = self._layout(tables)
        selection = Selection.of(layout.table)
        if not selection:
            return Receipt(str(layout.path), 0)
        tries = 0
        while True:
            try:
                rows = load_table(layout, selection, target.fingerprint)
                return Receipt(str(layout.path), rows)
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
            wanted = target.fingerprint, selection.spans
            if (load.fingerprint, load.spans) != wanted:
                return None
            if _rows_of(layout, present).count() != rows:
                return None
        return Receipt(str(layout.path), rows)

    def verify(self, tables: Mapping[str, Table]) -> Iterator[Mismatch]:
        """Yield where the Delta table does not hold the rows of the table.

        Raises:
            JobError: As in check.
            OutputError: If the Delta table is missing or cannot be read.
        """
        layout = self._layout(tables)
        selection = Selection.of(layout.table)
        if not selection:
            return
        present = open_table(layout.path)
        if present is None:
            msg = f"{layout.path}: is missing"
            raise OutputError(msg, hint="`gcbatch export JOB` loads it again")
        with reported(layout.path):
            layout.agree(present)
            yield from compare_days(layout.table, _rows_of(layout, present).batches())

    def _layout(self, tables: Mapping[str, Table]) -> DeltaLayout:
        options = self._options
        return DeltaLayout.of(
            options.path,
            only_table(tables, "delta"),
            options.partition_by,
            add_columns=options.new_columns == "add",
        )


def _rows_of(layout: DeltaLayout, present: Any) -> DeltaRows:
    return DeltaRows(layout.path, present, layout.table, Selection.of(layout.table))
