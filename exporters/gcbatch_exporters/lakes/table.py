"""A lake's table: opened, and checked whether a job may write into it."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, ClassVar, Final, Self

from gcbatch.errors import JobError
from gcbatch.table import Table
from gcbatch_exporters.lakes.columns import Column, compare_columns, require_columns
from gcbatch_exporters.lakes.loads import Commit, Load
from gcbatch_exporters.lakes.rows import LakeRows
from gcbatch_exporters.lakes.selection import Selection

__all__ = ["ConflictError", "LakeTable"]

JOB: Final = "gcbatch.job"
TABLE: Final = "gcbatch.table"
ZONE: Final = "gcbatch.timezone"
"""Properties of a lake's table. They are part of its metadata, and outlive the history
of loads, which is cleaned up."""


class ConflictError(Exception):
    """Another program was faster; nothing has changed, and the load can be repeated."""


class LakeTable(ABC):
    """What a table is to be in a lake, and what is there.

    Args:
        place: Where it is, as the user would name it.
        table: The table.
        columns: Its columns there.
        partitions: What it is partitioned by.
        add_columns: Whether columns that are missing there may be added.

    Attributes:
        selection: What the table covers.
    """

    kind: ClassVar[str]
    """What it is, such as `a Delta table`."""
    elsewhere: ClassVar[str]
    """The way out if it belongs to someone else."""

    def __init__(
        self,
        place: str,
        table: Table,
        columns: Sequence[Column],
        partitions: Sequence[str],
        *,
        add_columns: bool,
    ) -> None:
        self.place = place
        self.table = table
        self.selection = Selection.of(table)
        self.columns = columns
        self.partitions = tuple(partitions)
        self.add_columns = add_columns

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:  # noqa: B027 - most have nothing open
        """Give back connections."""

    @abstractmethod
    def open(self) -> Any:
        """Return what is there; None if there is nothing.

        Raises:
            JobError: If there cannot be such a table.
            OutputError: If it cannot be read.
        """

    @abstractmethod
    def load(self, load: Load) -> int:
        """Replace the rows that the table covers by one commit.

        Args:
            load: What the commit says. The table covers something.

        Returns:
            The number of rows that were loaded.

        Raises:
            ConflictError: If another program was faster. Nothing has changed.
            JobError: If what is there is not the job's, does not fit, or has a row that
                reaches over an edge of what is covered.
            OutputError: If it cannot be written, or then has another number of rows.
        """

    @abstractmethod
    def rows(self, present: Any) -> LakeRows:
        """Return the rows there of what the table covers."""

    @abstractmethod
    def commits(self, present: Any) -> Iterable[Commit]:
        """Return the history of what is there, newest first."""

    @abstractmethod
    def reported(self) -> AbstractContextManager[None]:
        """Turn what the lake's library raises into an OutputError."""

    @abstractmethod
    def _properties_of(self, present: Any) -> Mapping[str, str]: ...

    @abstractmethod
    def _has_rows(self, present: Any) -> bool: ...

    @abstractmethod
    def _partitions_of(self, present: Any) -> Sequence[str]: ...

    @abstractmethod
    def _columns_of(self, present: Any) -> Sequence[Column]: ...

    @property
    def _zone(self) -> str | None:
        """The time zone by which rows are partitioned; None if they are not."""
        return None

    @property
    def properties(self) -> dict[str, str]:
        """The properties by which it says whose it is."""
        own = {JOB: self.table.job, TABLE: self.table.name}
        if self._zone is not None:
            own[ZONE] = self._zone
        return own

    def agree(self, present: Any) -> bool:
        """Check whether the job may write into what is there.

        Returns:
            Whether it is the job's; otherwise it has no rows and no owner.

        Raises:
            JobError: If it is of another job or table, was not written by gcbatch and
                has rows, or its columns do not fit.
        """
        said = self._properties_of(present)
        is_own = JOB in said
        if not is_own and self._has_rows(present):
            msg = f"{self.place}: is {self.kind} with rows that gcbatch did not write"
            raise JobError(msg, hint=f"{self.elsewhere}, or move it away")
        if is_own:
            self._refuse_others(said)
        found = tuple(self._partitions_of(present))
        if found != self.partitions:
            msg = f"{self.place}: is partitioned by {', '.join(found) or 'nothing'}"
            msg += f", not by {', '.join(self.partitions) or 'nothing'}"
            raise JobError(msg, hint=f"{self.elsewhere}, or change partition_by")
        self.new_columns(present)
        return is_own

    def new_columns(self, present: Any) -> list[str]:
        """Return the names of the columns that are to be added to what is there.

        Raises:
            JobError: If its columns do not fit.
        """
        there = self._columns_of(present)
        names = [column.name for column in there]
        require_columns(self.place, names, self.table, way_out=self.elsewhere)
        return compare_columns(self.place, there, self.columns, add=self.add_columns)

    def _refuse_others(self, said: Mapping[str, str]) -> None:
        job = self.table.job
        if said[JOB] != job:
            msg = f"{self.place}: belongs to job {said[JOB]!r}, this is {job!r}"
            hint = f"{self.elsewhere}; to hand the table over, set its property "
            raise JobError(msg, hint=f"{hint}{JOB} to {job!r}")
        if said.get(TABLE) != self.table.name:
            msg = f"{self.place}: has rows of {said.get(TABLE)}, not {self.table.name}"
            raise JobError(msg, hint=f"{self.elsewhere}, such as one with {{table}}")
        zone = self._zone
        if zone is not None and said.get(ZONE) != zone:
            msg = f"{self.place}: has days of {said.get(ZONE)}, this job's are of "
            raise JobError(msg + zone, hint=f"{self.elsewhere}, or keep the timezone")
