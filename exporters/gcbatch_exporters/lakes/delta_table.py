"""One Delta table: opened, created, and checked whether a job may write into it."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import pyarrow as pa

from gcbatch.errors import JobError, OutputError
from gcbatch.lazy import lazy_import
from gcbatch.table import Table
from gcbatch_exporters.lakes.delta_schema import (
    compare_columns,
    delta_schema,
    require_columns,
)
from gcbatch_exporters.lakes.partition_columns import PartitionColumns

__all__ = ["DeltaLayout", "open_table", "own_table", "reported"]

deltalake = lazy_import("deltalake")
delta_errors = lazy_import("deltalake.exceptions")

JOB: Final = "gcbatch.job"
TABLE: Final = "gcbatch.table"
ZONE: Final = "gcbatch.timezone"
"""Properties of the Delta table. They are part of its metadata, which every checkpoint
repeats: they outlive the log of loads, which readers may remove after 30 days."""

LOG: Final = "_delta_log"

_MISREAD: Final = re.compile(r"%[0-9A-Fa-f]{2}|[#?|^`\[\]\\]")
"""What Delta's library takes for parts of a URL, here or there: it then writes to one
folder and reads from another, finds no history, or aborts (deltalake 1.6)."""


@dataclass(frozen=True, slots=True)
class DeltaLayout:
    """What a table is to be as a Delta table.

    Args:
        path: Its folder.
        table: The table.
        partitions: Its partition columns.
        schema: Its columns there.
        add_columns: Whether columns that are missing there may be added.
    """

    path: Path
    table: Table
    partitions: PartitionColumns
    schema: pa.Schema
    add_columns: bool

    @classmethod
    def of(
        cls,
        path: Path,
        table: Table,
        partition_by: tuple[str, ...],
        *,
        add_columns: bool,
    ) -> Self:
        """Return the layout of a table.

        Raises:
            JobError: If Delta has no such table, or it cannot be partitioned so.
        """
        partitions = PartitionColumns.of(table, partition_by)
        schema = delta_schema(table, partitions)
        return cls(path, table, partitions, schema, add_columns)

    @property
    def properties(self) -> dict[str, str]:
        """The properties by which the Delta table says whose it is."""
        own = {JOB: self.table.job, TABLE: self.table.name}
        if self.partitions.made:
            own[ZONE] = self.table.timezone.key
        return own

    def agree(self, present: Any) -> bool:
        """Check whether the job may write into a Delta table.

        Args:
            present: The Delta table.

        Returns:
            Whether it is the job's; otherwise it has no rows and no owner.

        Raises:
            JobError: If it is of another job or table, was not written by gcbatch and
                has rows, or its columns do not fit.
        """
        metadata = present.metadata()
        said: Mapping[str, str] = metadata.configuration
        is_own = JOB in said
        if not is_own and present.count():
            msg = f"{self.path}: is a Delta table with rows that gcbatch did not write"
            raise JobError(msg, hint="name another path, or move it away")
        if is_own:
            self._refuse_others(said)
        if tuple(metadata.partition_columns) != self.partitions.names:
            by = ", ".join(metadata.partition_columns) or "nothing"
            msg = f"{self.path}: is partitioned by {by}"
            msg += f", not by {', '.join(self.partitions.names) or 'nothing'}"
            raise JobError(msg, hint="name another path, or change partition_by")
        columns = pa.schema(present.schema().to_arrow())
        require_columns(self.path, columns, self.table)
        compare_columns(self.path, columns, self.schema, add=self.add_columns)
        return is_own

    def _refuse_others(self, said: Mapping[str, str]) -> None:
        job = self.table.job
        if said[JOB] != job:
            msg = f"{self.path}: belongs to job {said[JOB]!r}, this is {job!r}"
            hint = "name another path; to hand the table over, set its property "
            raise JobError(msg, hint=f"{hint}{JOB} to {job!r}")
        if said.get(TABLE) != self.table.name:
            msg = f"{self.path}: has rows of {said.get(TABLE)}, not {self.table.name}"
            raise JobError(msg, hint="name another path, such as one with {table}")
        zone = self.table.timezone.key
        if self.partitions.made and said.get(ZONE) != zone:
            msg = f"{self.path}: has days of {said.get(ZONE)}, this job's are of {zone}"
            raise JobError(msg, hint="name another path, or keep the timezone")


def open_table(path: Path) -> Any:
    """Return the Delta table in a folder; None if there is none.

    Raises:
        JobError: If Delta cannot have a table there, or other files are there, which
            Delta's vacuum would remove.
        OutputError: If it cannot be read.
    """
    if found := _MISREAD.search(path.absolute().as_posix()):
        msg = f"{path}: Delta tables support no {found[0]} in the path of their folder"
        raise JobError(msg, hint="name a path without it")
    with reported(path):
        if path.exists() and not path.is_dir():
            msg = f"{path}: is a file; a Delta table is a folder"
            raise JobError(msg, hint="name a folder")
        if (path / LOG).is_dir() and deltalake.DeltaTable.is_deltatable(_uri(path)):
            return deltalake.DeltaTable(_uri(path))
        others = (
            sorted({p.name for p in path.iterdir()} - {LOG}) if path.exists() else []
        )
    if others:
        msg = f"{path}: has files that are no Delta table ({others[0]})"
        raise JobError(msg, hint="name an empty folder, or one that is not there")
    return None


def own_table(layout: DeltaLayout) -> Any:
    """Return the Delta table of a layout, created if it is missing.

    Raises:
        JobError: If the job must not write into it, or other files are there.
        OutputError: If it cannot be read or created.
    """
    path, table = layout.path, layout.table
    present = open_table(path)
    if present is None:
        with reported(path):
            # If another process creates it at this moment, theirs is opened.
            present = deltalake.DeltaTable.create(
                _uri(path),
                layout.schema,
                mode="ignore",
                partition_by=list(layout.partitions.names),
                description=f"{table.name} of Genesys Cloud, written by gcbatch",
                configuration=layout.properties,
                raise_if_key_not_exists=False,
            )
    if not layout.agree(present):
        with reported(path):
            present.alter.set_table_properties(
                layout.properties, raise_if_not_exists=False
            )
    return present


@contextmanager
def reported(path: Path) -> Iterator[None]:
    """Turn what Delta and the disk raise into an OutputError that names the table.

    A commit that another one was faster than stays what it is: it can be tried again.
    """
    try:
        yield
    except delta_errors.CommitFailedError:
        raise
    except (delta_errors.DeltaError, OSError) as exc:
        first = str(exc).strip().partition("\n")[0].rstrip(".")
        msg = f"{path}: {first or type(exc).__name__}"
        raise OutputError(msg, hint="the table is as it was") from exc


def _uri(path: Path) -> str:
    return path.absolute().as_uri()
