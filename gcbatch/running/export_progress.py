"""Reports how many rows of an export were read; exporters need not know of it."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Final

import pyarrow as pa

from gcbatch.fetching import Observer
from gcbatch.job import Export
from gcbatch.table import Table

__all__ = ["export_names", "observing_rows"]

SECONDS_BETWEEN: Final = 0.1
"""Time between two reports of an export: batches can be small and many."""

MAX_TABLES: Final = 2
"""Tables that the name of an export has."""


def export_names(exports: Mapping[int, Export]) -> dict[int, str]:
    """Return how progress names the exports of a job, each differently.

    Args:
        exports: By their position among the exports of the job; the first is 0.
    """
    names = {position: _name(spec) for position, spec in exports.items()}
    return {
        position: f"{name} ({position + 1})" if _is_twice(name, names) else name
        for position, name in names.items()
    }


def _name(spec: Export) -> str:
    tables = spec.table_names
    listed = ", ".join(tables)
    return f"{spec.exporter} " + (
        f"{len(tables)} tables" if len(tables) > MAX_TABLES else listed
    )


def _is_twice(name: str, names: Mapping[int, str]) -> bool:
    return sum(other == name for other in names.values()) > 1


@contextmanager
def observing_rows(
    name: str,
    tables: Mapping[str, Table],
    observer: Observer,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[dict[str, Table]]:
    """Yield the tables of an export that report the rows that are read of them.

    The observer hears of the export at its begin, at most ten times a second while
    rows are read, in the thread that reads them, and at its end.

    Args:
        name: The export, as progress names it.
        tables: Its tables, by name.
        observer: Receives the progress.
        clock: Returns seconds.
    """
    counted = _ReadRows(name, observer, clock)
    observer.exporting(name, 0)
    try:
        yield {key: counted.table(table) for key, table in tables.items()}
    finally:
        observer.exported(name, counted.total)


@dataclass
class _ReadRows:
    """The rows of an export that were read.

    A table that is read again, as by an exporter that first looks at its values, does
    not count twice.
    """

    name: str
    observer: Observer
    clock: Callable[[], float]
    rows: dict[str, int] = field(default_factory=dict)
    reported_at: float = field(init=False)

    def __post_init__(self) -> None:
        self.reported_at = self.clock()

    @property
    def total(self) -> int:
        """The rows of all tables."""
        return sum(list(self.rows.values()))

    def table(self, table: Table) -> Table:
        """Return a table whose rows are counted; so are those of its basis."""
        basis = table.basis
        return replace(
            table,
            batches=lambda: self._counted(table.name, table.batches()),
            basis=None if basis is None else self.table(basis),
        )

    def _counted(
        self, table: str, batches: Iterator[pa.RecordBatch]
    ) -> Iterator[pa.RecordBatch]:
        rows = 0
        for batch in batches:
            rows += batch.num_rows
            if rows > self.rows.get(table, 0):
                self.rows[table] = rows
            now = self.clock()
            if now - self.reported_at >= SECONDS_BETWEEN:
                self.reported_at = now
                self.observer.exporting(self.name, self.total)
            yield batch
            del batch  # or it would stay in memory while the next is made
