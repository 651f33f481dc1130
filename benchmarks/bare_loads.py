"""Loads a Parquet file of intervals into a database by its library alone.

    python -m benchmarks.bare_loads DESTINATION PARQUET PLACE FROM TO

The rows of the days from FROM to TO are deleted and those of the file are added, in one
transaction. Nothing is checked, counted or noted, and the table has no index or
comment. Types are gcbatch's: SQLite has text for times.
"""

import sqlite3
import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

BATCH_ROWS: Final = 32_768
TABLE: Final = "intervals"
NAMESPACE: Final = "bench"


def catalog_of(place: str) -> Mapping[str, str]:
    """Return type, address and warehouse of the Iceberg catalog in a folder."""
    Path(place).mkdir(parents=True, exist_ok=True)
    return {
        "type": "sql",
        "uri": f"sqlite:///{place}/catalog.db",
        "warehouse": f"{place}/warehouse",
    }


def to_sqlite(path: str, place: str, start: str, end: str) -> None:
    """Load by executemany; times are converted a column at a time."""
    file = pq.ParquetFile(path)
    names = file.schema_arrow.names
    kinds = {pa.int64(): "INTEGER", pa.float64(): "REAL"}
    columns = ", ".join(
        f"{f.name} {kinds.get(f.type, 'TEXT')}" for f in file.schema_arrow
    )
    insert = f"INSERT INTO {TABLE} VALUES ({', '.join('?' * len(names))})"
    db = sqlite3.connect(place, isolation_level=None)
    db.execute(f"CREATE TABLE IF NOT EXISTS {TABLE} ({columns})")
    db.execute("BEGIN IMMEDIATE")
    db.execute(
        f"DELETE FROM {TABLE} WHERE interval_start >= ? AND interval_start < ?",
        [f"{start}T00:00:00.000Z", f"{end}T00:00:00.000Z"],
    )
    for batch in file.iter_batches(BATCH_ROWS):
        values = (_plain(column).to_pylist() for column in batch.columns)
        db.executemany(insert, zip(*values, strict=True))
    db.execute("COMMIT")
    db.close()


def _plain(column: pa.Array) -> pa.Array:
    if not pa.types.is_timestamp(column.type):
        return column
    # Without a zone Arrow need not look it up, which takes most of the time.
    return pc.strftime(column.cast(pa.timestamp("ms")), "%Y-%m-%dT%H:%M:%SZ")


def to_duckdb(path: str, place: str, start: str, end: str) -> None:
    """Load by INSERT of what DuckDB itself reads of the file."""
    import duckdb  # noqa: PLC0415 - the process of another library needs none

    source = f"SELECT * FROM read_parquet('{path}')"
    with duckdb.connect(place) as db:
        db.execute("SET TimeZone = 'UTC'")
        db.execute(f"CREATE TABLE IF NOT EXISTS {TABLE} AS {source} LIMIT 0")
        db.execute("BEGIN TRANSACTION")
        db.execute(
            f"DELETE FROM {TABLE} "
            f"WHERE interval_start >= '{start}' AND interval_start < '{end}'"
        )
        db.execute(f"INSERT INTO {TABLE} {source}")
        db.execute("COMMIT")


def to_postgres(path: str, place: str, start: str, end: str) -> None:
    """Load by the COPY of Arrow's own driver."""
    dbapi = import_module("adbc_driver_postgresql.dbapi")
    file = pq.ParquetFile(path)
    rows = pa.RecordBatchReader.from_batches(
        file.schema_arrow, file.iter_batches(BATCH_ROWS)
    )
    with dbapi.connect(place) as db, db.cursor() as cursor:
        none = file.schema_arrow.empty_table()
        cursor.adbc_ingest(TABLE, none, mode="create_append")
        cursor.execute(
            f"DELETE FROM {TABLE} "
            f"WHERE interval_start >= '{start}Z' AND interval_start < '{end}Z'"
        )
        cursor.adbc_ingest(TABLE, rows, mode="append")
        db.commit()


def to_delta(path: str, place: str, start: str, end: str) -> None:
    """Load by write_deltalake with a predicate, with row groups as gcbatch's."""
    from deltalake import WriterProperties, write_deltalake  # noqa: PLC0415 - likewise

    file = pq.ParquetFile(path)
    rows = pa.RecordBatchReader.from_batches(
        file.schema_arrow, file.iter_batches(BATCH_ROWS)
    )
    within = (
        f"interval_start >= '{start}T00:00:00Z' AND interval_start < '{end}T00:00:00Z'"
    )
    write_deltalake(
        place,
        rows,
        mode="overwrite",
        predicate=within if Path(place).exists() else None,
        writer_properties=WriterProperties(
            compression="ZSTD", max_row_group_size=BATCH_ROWS
        ),
    )


def to_iceberg(path: str, place: str, start: str, end: str) -> None:
    """Load by overwrite with a filter; pyiceberg takes only a whole table for that."""
    from pyiceberg.catalog.sql import SqlCatalog  # noqa: PLC0415 - likewise
    from pyiceberg.exceptions import NoSuchTableError  # noqa: PLC0415

    rows, name = pq.read_table(path), f"{NAMESPACE}.{TABLE}"
    layout = {"write.parquet.row-group-limit": str(BATCH_ROWS)}
    with SqlCatalog("default", **catalog_of(place)) as catalog:
        try:
            table = catalog.load_table(name)
        except NoSuchTableError:
            catalog.create_namespace_if_not_exists(NAMESPACE)
            catalog.create_table(name, rows.schema, properties=layout).append(rows)
            return
        table.overwrite(
            rows,
            f"interval_start >= '{start}T00:00:00+00:00' "
            f"AND interval_start < '{end}T00:00:00+00:00'",
        )


LOADS: Final[Mapping[str, Callable[[str, str, str, str], None]]] = {
    "sqlite": to_sqlite,
    "duckdb": to_duckdb,
    "postgres": to_postgres,
    "delta": to_delta,
    "iceberg": to_iceberg,
}

if __name__ == "__main__":
    LOADS[sys.argv[1]](*sys.argv[2:])
