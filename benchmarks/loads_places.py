"""Where the benchmark of loads puts its rows, and the rows that must be there.

Each program has a place of its own. What is there is counted and added up by SQL, in a
process that shares nothing with gcbatch: by SQLite, DuckDB and PostgreSQL of their own
tables, by DuckDB of the files that a table of a lake names.
"""

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import duckdb
import psycopg
from deltalake import DeltaTable
from pyiceberg.catalog.sql import SqlCatalog

from benchmarks.aggregates_data import pattern_of, queue_id, totals
from benchmarks.bare_loads import catalog_of
from benchmarks.own_jobs import FIRST_DAY
from tests.support.postgres_server import (
    PostgresServer,
    find_postgres,
    new_database,
)

__all__ = ["NAMES", "Places", "opened_places", "sums_of", "truth"]

NAMES: Final = ("sqlite", "duckdb", "postgres", "delta", "iceberg")
"""The destinations, by the names of gcbatch's exporters."""

SUMS: Final = {
    "n_offered": "nOffered.count",
    "t_answered_count": "tAnswered.count",
    "t_answered_sum_ms": "tAnswered.sum",
    "t_handle_sum_ms": "tHandle.sum",
    "o_service_level_numerator": "oServiceLevel.numerator",
}
"""Columns that are added up, and the figures of the server that they hold."""

COUNTED: Final = ("interval_start", "interval_end", "queue_id")
"""Columns whose distinct values are counted."""

Sums = tuple[int, ...]


def truth(days: int, queues: int) -> Sums:
    """Return what `sums_of` must return, from what the server has.

    Args:
        days: From the first day on; times are quarters of an hour.
        queues: Number of queues.
    """
    each = [
        totals(pattern_of(queue, FIRST_DAY + timedelta(day)))
        for day in range(days)
        for queue in range(queues)
    ]
    times = days * 96
    sums = (int(sum(one[figure] for one in each)) for figure in SUMS.values())
    ids = {queue_id(queue) for queue in range(queues)}
    return (times * queues, times, times, len(ids), *sums)


def query(table: str) -> str:
    """Return the SQL of the number of rows, of distinct values, and of sums."""
    counts = ", ".join(f"count(DISTINCT {column})" for column in COUNTED)
    sums = ", ".join(f"sum({column})" for column in SUMS)
    return f"SELECT count(*), {counts}, {sums} FROM {table}"


@dataclass(frozen=True)
class Places:
    """A place for each program and destination.

    Args:
        folder: For files.
        uris: The database of each program at the PostgreSQL server; empty if there is
            none.
    """

    folder: Path
    uris: Mapping[str, str]

    @property
    def names(self) -> Sequence[str]:
        """The destinations that are there."""
        return [name for name in NAMES if name != "postgres" or self.uris]

    def of(self, program: str, name: str) -> str:
        """Return the place of a program: a path, or the address of a database."""
        if name == "postgres":
            return self.uris[program]
        return str(self.folder / f"{program}.{name}")

    def settle(self, program: str, name: str) -> None:
        """Let PostgreSQL do now what it would do later, while a load is measured."""
        if name == "postgres":
            with psycopg.connect(self.of(program, name), autocommit=True) as db:
                db.execute("VACUUM")
                db.execute("ANALYZE")


@contextmanager
def opened_places(folder: Path, programs: Sequence[str]) -> Iterator[Places]:
    """Give places, with a PostgreSQL server if one is installed.

    Args:
        folder: For files.
        programs: Their names.
    """
    with ExitStack() as stack:
        uris = {}
        if find_postgres() is not None:
            server = PostgresServer.create()
            stack.callback(server.close)
            for program in programs:
                uris[program] = stack.enter_context(new_database(server)).uri
        yield Places(folder, uris)


def sums_of(name: str, place: str, table: str) -> Sums:
    """Return the number of rows, distinct values and sums of a table in a place.

    Args:
        name: The destination.
        place: As Places.of returns it.
        table: Its name there, with the namespace; a place of Delta has only one.
    """
    (row,) = _READERS[name](place, table)
    return tuple(map(int, row))


def _of_sqlite(place: str, table: str) -> Sequence[Sequence[Any]]:
    with closing(sqlite3.connect(f"file:{place}?mode=ro", uri=True)) as db:
        return db.execute(query(table)).fetchall()


def _of_duckdb(place: str, table: str) -> Sequence[Sequence[Any]]:
    with duckdb.connect(place, read_only=True) as db:
        return db.execute(query(table)).fetchall()


def _of_postgres(place: str, table: str) -> Sequence[Sequence[Any]]:
    with psycopg.connect(place) as db:
        return db.execute(query(table).encode()).fetchall()


def _of_delta(place: str, table: str) -> Sequence[Sequence[Any]]:
    del table
    return _of_files(DeltaTable(place).file_uris())


def _of_iceberg(place: str, table: str) -> Sequence[Sequence[Any]]:
    with SqlCatalog("default", **catalog_of(place)) as catalog:
        tasks = catalog.load_table(table).scan().plan_files()
        return _of_files([task.file.file_path for task in tasks])


def _of_files(paths: Sequence[str]) -> Sequence[Sequence[Any]]:
    with duckdb.connect() as db:
        return db.execute(query(f"read_parquet({paths!r})")).fetchall()


_READERS: Final[Mapping[str, Callable[[str, str], Sequence[Sequence[Any]]]]] = {
    "sqlite": _of_sqlite,
    "duckdb": _of_duckdb,
    "postgres": _of_postgres,
    "delta": _of_delta,
    "iceberg": _of_iceberg,
}
