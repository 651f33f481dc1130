"""The base of exporters to databases: one transaction, exact after any run."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import ClassVar, Generic, Literal, TypeVar

from pydantic import field_validator

from gcbatch.errors import JobError, OutputError
from gcbatch.exporting import Mismatch, Options, Receipt, Target, compare_days
from gcbatch.table import Table
from gcbatch_exporters.base import require_tables
from gcbatch_exporters.databases.database import ConflictError, Database
from gcbatch_exporters.databases.ledger import LEDGER
from gcbatch_exporters.databases.table_load import TableLoad
from gcbatch_exporters.databases.waiting import attempts

__all__ = ["DatabaseExporter", "DatabaseOptions"]


class DatabaseOptions(Options):
    """Options that all exporters to databases have.

    Args:
        name: The table's name in the database. Default: its own.
        new_columns: What to do if the table there lacks a column: `add` it, null in the
            rows that are there, or `refuse` the load.
    """

    name: str | None = None
    new_columns: Literal["add", "refuse"] = "add"

    @field_validator("name")
    @classmethod
    def _is_free(cls, name: str | None) -> str | None:
        """Refuse names that no table of ours can have."""
        if name is None:
            return None
        if not name.strip() or "\0" in name:
            msg = "must name a table, such as intervals"
            raise ValueError(msg)
        if name.lower() == LEDGER:
            msg = f"{LEDGER} is gcbatch's own table; use another name"
            raise ValueError(msg)
        return name


T = TypeVar("T", bound=DatabaseOptions)

IsStopped = Callable[[], bool]


class DatabaseExporter(ABC, Generic[T]):
    """Loads tables into a database; rows of other ranges stay.

    A load is one transaction: it deletes what the tables cover, adds their rows, counts
    them, and notes the load in the ledger. So the database has the old rows or the new
    ones, whatever happens.
    """

    api_version: ClassVar[int] = 2
    deterministic: ClassVar[bool] = True
    exporter_name: ClassVar[str]

    def __init__(self, options: T) -> None:
        self._options = options

    @property
    @abstractmethod
    def place(self) -> str:
        """The database, as the user would name it; without secrets."""

    @abstractmethod
    def exists(self) -> bool:
        """Return whether there is a database to look into."""

    @abstractmethod
    def connect(self, *, is_stopped: IsStopped, may_wait: bool) -> Database:
        """Open a connection with a transaction.

        Args:
            is_stopped: Says whether the run should end.
            may_wait: Whether to wait for a while if another process is in the way.

        Raises:
            OutputError: If it cannot be opened; says why.
        """

    def destinations(self, names: Sequence[str]) -> Sequence[str]:
        """Return where the rows of tables go: the database, and the table there."""
        return [f"{self.place}: {self._name_of(name)}" for name in names]

    def check(self, tables: Mapping[str, Table]) -> None:
        """Refuse what cannot be loaded.

        A database that cannot be reached now is no reason: it may be back when the rows
        are fetched.

        Raises:
            JobError: If there is no table, or one name for several; or as in
                TableLoad.check.
        """
        require_tables(tables, self.exporter_name)
        if self._options.name is not None and len(tables) > 1:
            msg = (
                f"exporter {self.exporter_name!r}: name is one for {len(tables)} tables"
            )
            hint = "write {table} in it, such as `name: gc_{table}`"
            raise JobError(msg, hint=hint)
        try:
            if not self.exists():
                return
            with self._open(lambda: False, may_wait=False) as db:
                for table in tables.values():
                    self._load(db, table).check()
        except OutputError:
            return

    def reach(self) -> None:
        """Refuse a database that cannot be opened now; one that is busy may be later.

        Raises:
            OutputError: If it cannot be reached, or refuses the connection.
        """
        if self.exists():
            opened = self._open(lambda: False, may_wait=False)
            with suppress(ConflictError), opened as db:
                db.columns(LEDGER)  # some open a file only when it is read

    def export(self, tables: Mapping[str, Table], target: Target) -> Receipt:
        """Load all tables in one transaction.

        Raises:
            JobError: As in check.
            OutputError: If the database cannot be reached, or refuses the load.
        """
        for is_last in attempts(lambda: target.is_stopped, may_wait=True):
            try:
                rows = self._export(tables, target)
            except ConflictError:
                if is_last:
                    raise
            else:
                return Receipt(self._location(tables), rows)
        raise AssertionError  # the last attempt returns or raises

    def _export(self, tables: Mapping[str, Table], target: Target) -> int:
        with self._open(lambda: target.is_stopped, may_wait=True) as db:
            rows = sum(
                self._load(db, table).run(target.fingerprint)
                for table in tables.values()
            )
            db.commit()
        return rows

    def holds(self, tables: Mapping[str, Table], target: Target) -> Receipt | None:
        """Return the receipt if the database holds what a load would make.

        Raises:
            OutputError: If the database cannot be reached.
        """
        if not self.exists():
            return None
        rows = 0
        with self._open(lambda: target.is_stopped, may_wait=False) as db:
            for table in tables.values():
                current = self._load(db, table).is_current(target.fingerprint)
                if current is None:
                    return None
                rows += current
        return Receipt(self._location(tables), rows)

    def verify(self, tables: Mapping[str, Table]) -> Iterator[Mismatch]:
        """Yield what the database does not hold as the tables have it.

        Raises:
            OutputError: If the database, a table or a column is missing.
        """
        if not self.exists():
            msg = f"{self.place}: is missing"
            raise OutputError(msg, hint="`gcbatch export JOB` loads it again")
        with self._open(lambda: False, may_wait=True) as db:
            for table in tables.values():
                yield from compare_days(table, self._load(db, table).rows())

    def _location(self, tables: Mapping[str, Table]) -> str:
        places = self.destinations(list(tables))
        return places[0] if len(places) == 1 else self.place

    def _name_of(self, name: str) -> str:
        return name if self._options.name is None else self._options.name

    def _load(self, db: Database, table: Table) -> TableLoad:
        (place,) = self.destinations([table.name])
        name, new_columns = self._name_of(table.name), self._options.new_columns
        return TableLoad(db, table, name, place, new_columns)

    @contextmanager
    def _open(self, is_stopped: IsStopped, *, may_wait: bool) -> Iterator[Database]:
        db = self.connect(is_stopped=is_stopped, may_wait=may_wait)
        try:
            yield db
        finally:
            db.close()
