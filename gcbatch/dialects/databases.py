"""The dialects of databases that the tests run."""

from typing import Final

from gcbatch.dialects.dialect import Dialect
from gcbatch.dialects.kinds import WHOLE_NUMBERS, Kind

__all__ = ["DUCKDB", "POSTGRESQL", "SQLITE"]

POSTGRESQL: Final = Dialect(
    # Source: postgresql.org/docs/17, "Data Types", "Lexical Structure" (names of more
    # than 63 bytes are cut), read 2026-11-27; and run by the tests.
    name="postgresql",
    types={
        Kind.BOOL: "boolean",
        Kind.INT8: "smallint",
        Kind.INT16: "smallint",
        Kind.INT32: "integer",
        Kind.INT64: "bigint",
        Kind.UINT8: "smallint",
        Kind.UINT16: "integer",
        Kind.UINT32: "bigint",
        Kind.FLOAT32: "real",
        Kind.FLOAT64: "double precision",
        Kind.TEXT: "text",
        Kind.INSTANT: "timestamptz",
        Kind.LOCAL_TIME: "timestamp",
        Kind.DATE: "date",
        Kind.DECIMAL: "numeric({precision}, {scale})",
        Kind.BINARY: "bytea",
        Kind.TEXTS: "text[]",
    },
    comments="statements",
    max_name=63,
    is_case_sensitive=True,
)

DUCKDB: Final = Dialect(
    # Source: duckdb.org/docs, "Data Types", "COMMENT ON", read 2026-11-27; and run by
    # the tests.
    name="duckdb",
    types={
        Kind.BOOL: "BOOLEAN",
        Kind.INT8: "TINYINT",
        Kind.INT16: "SMALLINT",
        Kind.INT32: "INTEGER",
        Kind.INT64: "BIGINT",
        Kind.UINT8: "UTINYINT",
        Kind.UINT16: "USMALLINT",
        Kind.UINT32: "UINTEGER",
        Kind.FLOAT32: "FLOAT",
        Kind.FLOAT64: "DOUBLE",
        Kind.TEXT: "VARCHAR",
        Kind.INSTANT: "TIMESTAMPTZ",
        Kind.LOCAL_TIME: "TIMESTAMP",
        Kind.DATE: "DATE",
        Kind.DECIMAL: "DECIMAL({precision}, {scale})",
        Kind.BINARY: "BLOB",
        Kind.TEXTS: "VARCHAR[]",
    },
    comments="statements",
)

SQLITE: Final = Dialect(
    # SQLite has no types of time: texts of one form in UTC sort as instants do. It has
    # no exact decimals either, so there are none here.
    # Source: sqlite.org/datatype3.html, read 2026-11-27; and run by the tests.
    name="sqlite",
    types={
        Kind.BOOL: "BOOLEAN",
        **dict.fromkeys(WHOLE_NUMBERS, "INTEGER"),
        Kind.FLOAT32: "REAL",
        Kind.FLOAT64: "REAL",
        Kind.TEXT: "TEXT",
        Kind.INSTANT: "TEXT",
        Kind.LOCAL_TIME: "TEXT",
        Kind.DATE: "TEXT",
        Kind.BINARY: "BLOB",
    },
    comments="lines",
)
