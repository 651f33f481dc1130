"""Delta Lake: one table in a folder, whose history stays."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import BaseModel

from gcbatch.exporting import FileOptions, ObjectPath, require_writable
from gcbatch.table import Table
from gcbatch_exporters.lakes.delta_place import (
    DeltaFolder,
    DeltaObjects,
    DeltaPlace,
)
from gcbatch_exporters.lakes.delta_table import DeltaLakeTable
from gcbatch_exporters.lakes.exporter import LakeExporter

__all__ = ["DeltaExporter", "DeltaOptions"]


class DeltaOptions(FileOptions):
    """Options of the delta exporter.

    Args:
        path: The folder of the Delta table: a path, which starts at the current
            directory if it is relative, exactly as given; or the URL of a folder in an
            object store, such as `s3://bucket/intervals`.
        partition_by: Columns of text, whole numbers or booleans whose values become
            partitions, and `day` or `month` of the table's times in its time zone,
            which become columns of the Delta table. Default: no partitions.
        new_columns: Whether columns that an existing Delta table lacks are added to it,
            null in earlier rows, or refused.
    """

    partition_by: tuple[str, ...] = ()
    new_columns: Literal["add", "refuse"] = "add"


class DeltaExporter(LakeExporter):
    """Writes one table as a Delta table; rows of other ranges stay.

    One commit removes the rows of what the table covers and adds the new ones. It is
    the ledger too: it says of which job, run and spans they are. The Delta table
    belongs to the job that created it.
    """

    # The library reads in threads that all of its tables share: one that waits for its
    # rows keeps the others from beginning.
    side_by_side: ClassVar[bool] = False
    exporter_name: ClassVar[str] = "delta"
    requires: ClassVar[tuple[str, ...]] = ("deltalake",)
    Options: ClassVar[type[BaseModel]] = DeltaOptions

    def __init__(self, options: DeltaOptions) -> None:
        self._options = options

    def destinations(self, names: Sequence[str]) -> Sequence[str]:
        """Return the folder, once for each table: it takes only one."""
        return [str(self._options.path) for _ in names]

    def reach(self) -> None:
        """Refuse a folder that could not be written now.

        Raises:
            OutputError: If it could not; says why.
        """
        path = self._options.path
        require_writable(path, "folder", buckets=self._options.buckets)

    @property
    def _place(self) -> DeltaPlace:
        path = self._options.path
        if isinstance(path, ObjectPath):
            return DeltaObjects(path, self._options.buckets)
        return DeltaFolder(Path(path))

    def _of_lake(self, table: Table) -> DeltaLakeTable:
        options = self._options
        return DeltaLakeTable(
            self._place,
            table,
            options.partition_by,
            add_columns=options.new_columns == "add",
        )
