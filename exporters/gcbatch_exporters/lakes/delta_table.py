"""One Delta table: opened, created, and loaded."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, Final

import pyarrow as pa

from gcbatch.errors import JobError, OutputError
from gcbatch.lazy import lazy_import
from gcbatch.table import Table
from gcbatch_exporters.lakes.columns import Column
from gcbatch_exporters.lakes.delta_load import load_table
from gcbatch_exporters.lakes.delta_log import commits_of
from gcbatch_exporters.lakes.delta_place import DeltaPlace
from gcbatch_exporters.lakes.delta_rows import DeltaRows
from gcbatch_exporters.lakes.delta_schema import delta_columns, delta_schema
from gcbatch_exporters.lakes.loads import Commit, Load
from gcbatch_exporters.lakes.partition_columns import PartitionColumns
from gcbatch_exporters.lakes.row_stream import RowStream
from gcbatch_exporters.lakes.table import ConflictError, LakeTable

__all__ = ["DeltaLakeTable"]

deltalake = lazy_import("deltalake")
delta_errors = lazy_import("deltalake.exceptions")

MAX_COMMITS: Final = 1_000
"""Commits that are searched for the last load of a span."""


class DeltaLakeTable(LakeTable):
    """What a table is to be as a Delta table, and what is there.

    Args:
        folder: Its folder.
        table: The table.
        partition_by: As in the options.
        add_columns: Whether columns that are missing there may be added.

    Raises:
        JobError: If Delta has no such table, or it cannot be partitioned so.
    """

    kind: ClassVar[str] = "a Delta table"
    elsewhere: ClassVar[str] = "name another path"

    def __init__(
        self,
        folder: DeltaPlace,
        table: Table,
        partition_by: tuple[str, ...],
        *,
        add_columns: bool,
    ) -> None:
        self._partitions = PartitionColumns.of(table, partition_by)
        self._schema = delta_schema(table, self._partitions)
        self._folder = folder
        super().__init__(
            str(folder),
            table,
            delta_columns(self._schema),
            partition_by,
            add_columns=add_columns,
        )

    @property
    def _zone(self) -> str | None:
        return self.table.timezone.key if self._partitions.made else None

    def open(self) -> Any:
        """Return the Delta table in the folder; None if there is none.

        Raises:
            JobError: If Delta cannot have a table there, or other files are there,
                which Delta's vacuum would remove.
            OutputError: If it cannot be read.
        """
        folder = self._folder
        folder.refuse_misread()
        with self.reported():
            if folder.has_table():
                return deltalake.DeltaTable(folder.uri, storage_options=folder.options)
            other = folder.first_other()
        if other is not None:
            msg = f"{folder}: has files that are no Delta table ({other})"
            raise JobError(msg, hint=folder.other_folder)
        return None

    def load(self, load: Load) -> int:
        """Replace the rows that the table covers by one commit."""
        present = self._own()
        self._folder.refuse_unsafe(present.version())
        there = self.rows(present)
        with self.reported():
            there.refuse_cut()
            rows = RowStream(self.table, self._schema, self._partitions)
            return load_table(rows, present, there, load)

    def rows(self, present: Any) -> DeltaRows:
        """Return the rows there of what the table covers."""
        return DeltaRows(self.place, present, self.table, self.selection)

    def commits(self, present: Any) -> Iterator[Commit]:
        """Yield the history of the Delta table, newest first."""
        return commits_of(present.history(MAX_COMMITS))

    @contextmanager
    def reported(self) -> Iterator[None]:
        """Turn what Delta and the disk raise into an OutputError that names the table.

        Raises:
            ConflictError: If another commit was faster.
            OutputError: If Delta or the disk failed.
        """
        try:
            yield
        except (delta_errors.DeltaError, OSError) as exc:
            if problem := self._folder.problem_of(exc):
                raise problem from None  # the library's words have addresses and keys
            if isinstance(exc, delta_errors.CommitFailedError):
                raise ConflictError from exc
            first = str(exc).strip().partition("\n")[0].rstrip(".")
            msg = f"{self.place}: {first or type(exc).__name__}"
            raise OutputError(msg, hint="the table is as it was") from exc

    def _own(self) -> Any:
        """Return the Delta table, created if it is missing, and the job's."""
        present = self.open()
        with self.reported():
            if present is None:
                # If another process creates it at this moment, theirs is opened.
                present = deltalake.DeltaTable.create(
                    self._folder.uri,
                    self._schema,
                    mode="ignore",
                    partition_by=list(self.partitions),
                    description=f"{self.table.name} of Genesys Cloud, "
                    "written by gcbatch",
                    configuration=self.properties,
                    raise_if_key_not_exists=False,
                    storage_options=self._folder.options,
                )
            if not self.agree(present):
                present.alter.set_table_properties(
                    self.properties, raise_if_not_exists=False
                )
        return present

    def _properties_of(self, present: Any) -> Mapping[str, str]:
        said: Mapping[str, str] = present.metadata().configuration
        return said

    def _has_rows(self, present: Any) -> bool:
        return bool(present.count())

    def _partitions_of(self, present: Any) -> Sequence[str]:
        names: Sequence[str] = present.metadata().partition_columns
        return names

    def _columns_of(self, present: Any) -> Sequence[Column]:
        return delta_columns(pa.schema(present.schema().to_arrow()))
