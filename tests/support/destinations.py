"""Databases and lakes that jobs load, each read by its own client.

A new destination is a class here and a row of DESTINATIONS: the tests of loads then run
against it too.
"""

import sqlite3
from abc import ABC, abstractmethod
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

import deltalake
import duckdb
import pyarrow as pa
import pytest

from tests.support import iceberg_files

if TYPE_CHECKING:
    from tests.support.postgres_server import PostgresDatabase

__all__ = [
    "DATABASES",
    "DESTINATIONS",
    "FILES",
    "ONE_FAST",
    "Database",
    "Destination",
    "Row",
    "place_of",
    "rows_of",
]


class Destination(ABC):
    """A kind of destination; `folder` stands for one of its own in each test."""

    exporter: ClassVar[str]
    takes_several: ClassVar[bool] = True

    @abstractmethod
    def options(self, folder: Path) -> dict[str, Any]:
        """Return the exporter's options, as a job file has them."""

    @abstractmethod
    def found(self, folder: Path, name: str) -> pa.Table | None:
        """Return all rows as the client gives them; None if the table is missing."""

    def read(self, folder: Path, name: str, schema: pa.Schema) -> pa.Table | None:
        """Return all rows with the types of *schema*; None if the table is missing.

        Columns are those of the schema, in its order; any other is a failure.
        """
        found = self.found(folder, name)
        if found is None:
            return None
        assert sorted(found.schema.names) == sorted(schema.names)
        return typed(found, schema)

    def exports(
        self, folder: Path, *tables: str, **options: Any
    ) -> list[dict[str, Any]]:
        """Return the exports of a job file that load some tables."""
        own = {**self.options(folder), **options}
        if not self.takes_several:
            return [{"exporter": self.exporter, "table": t, **own} for t in tables]
        what = {"table": tables[0]} if len(tables) == 1 else {"tables": list(tables)}
        return [{"exporter": self.exporter, **what, **own}]


class Database(Destination):
    """A destination that understands SQL, with a ledger."""

    @abstractmethod
    def query(self, folder: Path, statement: str) -> list[tuple[Any, ...]]:
        """Run a statement, commit, and return its rows."""

    def ledger(self, folder: Path, columns: str = "*") -> list[tuple[Any, ...]]:
        """Return the ledger, in the order of loads and spans."""
        return self.query(
            folder,
            f"SELECT {columns} FROM _gcbatch_loads "  # noqa: S608 - our own
            "ORDER BY load_number, org, from_time",
        )


_SQLITE_TYPES: Final = {
    "TEXT": pa.string(),
    "INTEGER": pa.int64(),
    "BOOLEAN": pa.int64(),
    "REAL": pa.float64(),
}


class SqliteFile(Database):
    """A database file, read by the standard library."""

    exporter = "sqlite"

    def options(self, folder: Path) -> dict[str, Any]:
        return {"path": str(folder / "genesys.db")}

    def query(self, folder: Path, statement: str) -> list[tuple[Any, ...]]:
        folder.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(folder / "genesys.db")) as db, db:
            return db.execute(statement).fetchall()

    def found(self, folder: Path, name: str) -> pa.Table | None:
        if not (folder / "genesys.db").exists():
            return None
        with closing(sqlite3.connect(folder / "genesys.db")) as db:
            known = db.execute("SELECT name, type FROM pragma_table_info(?)", [name])
            types = dict(known.fetchall())
            if not types:
                return None
            rows = db.execute(f'SELECT * FROM "{name}"').fetchall()  # noqa: S608 - our own
        columns = list(zip(*rows, strict=True)) or [()] * len(types)
        return pa.table(
            {
                column: pa.array(values, _SQLITE_TYPES[kind])  # refuses another type
                for (column, kind), values in zip(types.items(), columns, strict=True)
            }
        )


class DuckdbFile(Database):
    """A database file, read by DuckDB."""

    exporter = "duckdb"

    def options(self, folder: Path) -> dict[str, Any]:
        return {"path": str(folder / "genesys.duckdb")}

    def query(self, folder: Path, statement: str) -> list[tuple[Any, ...]]:
        folder.mkdir(parents=True, exist_ok=True)
        with duckdb.connect(folder / "genesys.duckdb") as db:
            db.execute("SET TimeZone = 'UTC'")
            return db.execute(statement).fetchall()

    def found(self, folder: Path, name: str) -> pa.Table | None:
        if not (folder / "genesys.duckdb").exists():
            return None
        with duckdb.connect(folder / "genesys.duckdb", read_only=True) as db:
            db.execute("SET TimeZone = 'UTC'")
            known = db.execute(
                "SELECT 1 FROM duckdb_tables() WHERE lower(table_name) = lower(?)",
                [name],
            ).fetchall()
            if not known:
                return None
            return db.sql(f'SELECT * FROM "{name}"').to_arrow_table()  # noqa: S608 - our own


@dataclass(frozen=True)
class PostgresSchema(Database):
    """A schema of a database on a real server, read by psycopg.

    Args:
        database: The database, which belongs to a test.
    """

    database: "PostgresDatabase"
    exporter = "postgres"

    def _schema(self, folder: Path) -> str:
        return f"s_{sha256(bytes(folder)).hexdigest()[:12]}"

    def options(self, folder: Path) -> dict[str, Any]:
        schema = self._schema(folder)
        self.database.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
        address = self.database.server.port
        uri = f"postgresql://gcbatch@127.0.0.1:{address}/{self.database.name}"
        return {"uri": uri, "db_schema": schema}

    def query(self, folder: Path, statement: str) -> list[tuple[Any, ...]]:
        self.options(folder)
        with self.database.connect() as db:
            db.execute("SET TIME ZONE 'UTC'")
            db.execute(f"SET search_path = {self._schema(folder)}".encode())
            found = db.execute(statement.encode())
            return [] if found.description is None else found.fetchall()

    def found(self, folder: Path, name: str) -> pa.Table | None:
        of_table = (
            "FROM information_schema.columns "
            f"WHERE table_schema = '{self._schema(folder)}' AND table_name = '{name}' "
        )
        known = self.query(
            folder, f"SELECT column_name {of_table} ORDER BY ordinal_position"
        )
        if not known:
            return None
        rows = self.query(folder, f'SELECT * FROM "{name}"')  # noqa: S608 - our own
        columns = list(zip(*rows, strict=True)) or [()] * len(known)
        names = [column for (column,) in known]
        return pa.table(dict(zip(names, map(pa.array, columns), strict=True)))


class DeltaFolder(Destination):
    """A Delta table for each table, read by its own library."""

    exporter = "delta"

    def options(self, folder: Path) -> dict[str, Any]:
        return {"path": str(folder / "lake" / "intervals")}

    def exports(
        self, folder: Path, *tables: str, **options: Any
    ) -> list[dict[str, Any]]:
        return [
            {
                "exporter": self.exporter,
                "table": table,
                "path": str(folder / "lake" / table),
                **options,
            }
            for table in tables
        ]

    def found(self, folder: Path, name: str) -> pa.Table | None:
        path = folder / "lake" / name
        if not deltalake.DeltaTable.is_deltatable(str(path)):
            return None
        scanned = deltalake.DeltaTable(path).to_pyarrow_table()
        assert isinstance(scanned, pa.Table)
        return scanned


class IcebergCatalogFile(Destination):
    """An Iceberg table for each table, read by its metadata, manifests and files."""

    exporter = "iceberg"
    takes_several = False

    def options(self, folder: Path) -> dict[str, Any]:
        return {
            "catalog": {
                "type": "sql",
                "uri": f"sqlite:///{folder / 'catalog.db'}",
                "warehouse": str(folder / "warehouse"),
            },
            "namespace": "genesys",
        }

    def found(self, folder: Path, name: str) -> pa.Table | None:
        return iceberg_files.read(folder / "catalog.db", "genesys", name)


FILES: Final = ("sqlite", "duckdb")
"""The exporters to database files."""

DATABASES: Final = (*FILES, "postgres")
"""The exporters to databases."""

DESTINATIONS: Final = (*DATABASES, "delta", "iceberg")
"""The exporters to databases and lakes."""


ONE_FAST: Final = (
    DESTINATIONS[0],
    *(pytest.param(name, marks=pytest.mark.slow) for name in DESTINATIONS[1:]),
)
"""All of them, one in the default suite and the others in the slow one."""


def place_of(exporter: str, request: "pytest.FixtureRequest") -> Any:
    """Return the destination of an exporter, for the test that asks."""
    if exporter == "postgres":
        return PostgresSchema(request.getfixturevalue("postgres"))
    kinds = (SqliteFile(), DuckdbFile(), DeltaFolder(), IcebergCatalogFile())
    return {kind.exporter: kind for kind in kinds}[exporter]


def typed(found: pa.Table, schema: pa.Schema) -> pa.Table:
    """Return columns with the types of *schema*; fails if that changes a value."""
    columns = [_typed(found[field.name], field.type) for field in schema]
    nullable = [
        field.with_nullable(nullable=True).remove_metadata() for field in schema
    ]
    return pa.Table.from_arrays(columns, schema=pa.schema(nullable))


def _typed(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    if column.type == kind:
        return column
    if pa.types.is_string(column.type) and pa.types.is_timestamp(kind):
        texts = column.to_pylist()
        instants = [None if t is None else datetime.fromisoformat(t) for t in texts]
        return pa.chunked_array([pa.array(instants, kind)])
    return column.cast(kind)  # raises if it loses anything


Row = tuple[Any, ...]


def rows_of(table: pa.Table | None) -> list[Row]:
    """Return all rows of a table with their values, in an order of their own."""
    if table is None:
        return []
    columns = [column.to_pylist() for column in table.columns]
    return sorted(zip(*columns, strict=True), key=repr)
