"""One Iceberg table: opened, created, and loaded."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, Final

from gcbatch.errors import GcbatchError, OutputError
from gcbatch.lazy import lazy_import
from gcbatch.table import BATCH_ROWS, Table
from gcbatch_exporters.lakes.columns import Column
from gcbatch_exporters.lakes.iceberg_catalog import IcebergCatalog
from gcbatch_exporters.lakes.iceberg_commit import commit_of
from gcbatch_exporters.lakes.iceberg_files import MAX_BYTES
from gcbatch_exporters.lakes.iceberg_load import load_table
from gcbatch_exporters.lakes.iceberg_rows import IcebergRows
from gcbatch_exporters.lakes.iceberg_schema import (
    iceberg_columns,
    iceberg_schema,
    iceberg_spec,
    spec_names,
)
from gcbatch_exporters.lakes.loads import Commit, Load
from gcbatch_exporters.lakes.table import ConflictError, LakeTable

__all__ = ["IcebergLakeTable"]

ice_errors = lazy_import("pyiceberg.exceptions")
snapshots = lazy_import("pyiceberg.table.snapshots")

WRITTEN_AS: Final = {
    "write.parquet.row-group-limit": str(BATCH_ROWS),
    "write.target-file-size-bytes": str(MAX_BYTES),
}
"""Properties of new tables, so that other writers keep files small too: a load reads a
file, of which it replaces a part, as a whole."""


class IcebergLakeTable(LakeTable):
    """What a table is to be as an Iceberg table, and what is there.

    Args:
        catalog: Its catalog.
        identifier: Its namespace and name there.
        place: Where it is, as the user would name it.
        table: The table.
        partition_by: As in the options.
        add_columns: Whether columns that are missing there may be added.

    Raises:
        JobError: If Iceberg has no such table, or it cannot be partitioned so.
    """

    kind: ClassVar[str] = "an Iceberg table"
    elsewhere: ClassVar[str] = "give another name or namespace"

    def __init__(
        self,
        catalog: IcebergCatalog,
        identifier: tuple[str, ...],
        place: str,
        table: Table,
        partition_by: tuple[str, ...],
        *,
        add_columns: bool,
    ) -> None:
        self._catalog = catalog
        self._identifier = identifier
        self._opened: Any = None
        self.schema = iceberg_schema(table)
        self._spec = iceberg_spec(table, partition_by, self.schema)
        super().__init__(
            place,
            table,
            iceberg_columns(self.schema),
            partition_by,
            add_columns=add_columns,
        )

    def close(self) -> None:
        """Close the connections to the catalog."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def open(self) -> Any:
        """Return the Iceberg table; None if there is none.

        Raises:
            OutputError: If it cannot be read.
        """
        if self._opened is None and self._catalog.is_missing:
            return None
        with self.reported():
            return self._find()

    def load(self, load: Load) -> int:
        """Replace the rows that the table covers by one snapshot."""
        with self.reported():
            present = self._find()
            if present is None:
                present = self._create()
        return load_table(self, present, load)

    def rows(self, present: Any) -> IcebergRows:
        """Return the rows there of what the table covers."""
        return IcebergRows(self.place, present, self.table, self.selection)

    def commits(self, present: Any) -> Iterator[Commit]:
        """Yield the history of the Iceberg table, newest first."""
        newest = present.current_snapshot()
        return map(commit_of, snapshots.ancestors_of(newest, present.metadata))

    @contextmanager
    def reported(self) -> Iterator[None]:
        """Turn what the catalog and the disk raise into an OutputError.

        pyiceberg, SQLAlchemy and requests have no error in common.
        """
        try:
            yield
        except (GcbatchError, ConflictError):
            raise
        except Exception as exc:
            first = str(exc).strip().partition("\n")[0].rstrip(".")
            msg = f"{self.place}: {first or type(exc).__name__}"
            raise OutputError(msg, hint="the table is as it was") from exc

    def _find(self) -> Any:
        if self._opened is None:
            self._opened = self._catalog.open()
        try:
            return self._opened.load_table(self._identifier)
        except (ice_errors.NoSuchTableError, ice_errors.NoSuchNamespaceError):
            return None

    def _create(self) -> Any:
        """Create the Iceberg table; if another process just did, return theirs."""
        namespace = self._identifier[:-1]
        if not self._opened.namespace_exists(namespace):
            try:
                self._opened.create_namespace(namespace)
            except Exception:  # which one depends on the database of the catalog
                if not self._opened.namespace_exists(namespace):
                    raise
        try:
            return self._opened.create_table(
                self._identifier,
                self.schema,
                partition_spec=self._spec,
                properties={
                    **WRITTEN_AS,
                    "comment": f"{self.table.name} of Genesys Cloud, "
                    "written by gcbatch",
                    **self.properties,
                },
            )
        except ice_errors.TableAlreadyExistsError:
            return self._opened.load_table(self._identifier)

    def _properties_of(self, present: Any) -> Mapping[str, str]:
        said: Mapping[str, str] = present.properties
        return said

    def _has_rows(self, present: Any) -> bool:
        return any(task.file.record_count for task in present.scan().plan_files())

    def _partitions_of(self, present: Any) -> Sequence[str]:
        return spec_names(present.spec(), present.schema(), self.table.row_time)

    def _columns_of(self, present: Any) -> Sequence[Column]:
        return iceberg_columns(present.schema())
