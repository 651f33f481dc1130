"""The dialects of SQL: what each database calls a type, and how it writes names."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from gcbatch.errors import JobError
from gcbatch.sql.kinds import Kind
from gcbatch.suggest import unknown

__all__ = ["DIALECTS", "Dialect", "find_dialect"]

CommentStyle = Literal["statements", "inline", "options", "properties", "lines"]
"""Where comments go: COMMENT ON after the table, COMMENT in it, OPTIONS in it, extended
properties after it, or `--` lines that the database does not keep."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """The SQL of one database.

    Args:
        name: As the command line names it.
        types: The type of each kind of column; a kind that is not there fits none. A
            type may have `{digits}` of a second's fraction, `{precision}` and
            `{scale}`.
        comments: Where comments go.
        max_digits: Digits after the point of a second that instants keep.
        max_scale: Digits after the point of an exact decimal.
        quotes: What opens and closes a name.
        backslashes: Whether a backslash in a text escapes.
        quote_in_text: A quote within a text.
        max_name: Longest name in bytes of UTF-8; 0 is any.
        refused: Characters that no name may have.
        is_case_sensitive: Whether `A` and `a` are two columns.
        upper: Whether plain names are upper case, as they are without quotes.
        key_text: The type of texts that identify a row, if it differs.
        text_prefix: Stands before a text.
        nullable: Ends a column that may be null; where a setting of the session decides
            otherwise, it says so.
        schema: The schema of tables that are given none; comments need it.
    """

    name: str
    types: Mapping[Kind, str]
    comments: CommentStyle
    max_digits: int = 6
    max_scale: int = 38
    quotes: tuple[str, str] = ('"', '"')
    backslashes: bool = False
    quote_in_text: str = "''"
    max_name: int = 0
    refused: str = ""
    is_case_sensitive: bool = False
    upper: bool = False
    key_text: str = ""
    text_prefix: str = ""
    nullable: str = ""
    schema: str = ""


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
        Kind.INT8: "INTEGER",
        Kind.INT16: "INTEGER",
        Kind.INT32: "INTEGER",
        Kind.INT64: "INTEGER",
        Kind.UINT8: "INTEGER",
        Kind.UINT16: "INTEGER",
        Kind.UINT32: "INTEGER",
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

_NUMBER: Final = "NUMBER(19, 0)"
"""Whole numbers of Snowflake: 19 digits, as many as an int64 has."""

SNOWFLAKE: Final = Dialect(
    name="snowflake",
    types={
        Kind.BOOL: "BOOLEAN",
        Kind.INT8: _NUMBER,
        Kind.INT16: _NUMBER,
        Kind.INT32: _NUMBER,
        Kind.INT64: _NUMBER,
        Kind.UINT8: _NUMBER,
        Kind.UINT16: _NUMBER,
        Kind.UINT32: _NUMBER,
        Kind.FLOAT32: "FLOAT",
        Kind.FLOAT64: "FLOAT",
        Kind.TEXT: "VARCHAR",
        Kind.INSTANT: "TIMESTAMP_LTZ",
        Kind.LOCAL_TIME: "TIMESTAMP_NTZ",
        Kind.DATE: "DATE",
        Kind.DECIMAL: "NUMBER({precision}, {scale})",
        Kind.BINARY: "BINARY",
        Kind.TEXTS: "ARRAY",
    },
    comments="inline",
    max_digits=9,
    backslashes=True,
    max_name=255,
    is_case_sensitive=True,
    upper=True,
)

BIGQUERY: Final = Dialect(
    name="bigquery",
    types={
        Kind.BOOL: "BOOL",
        Kind.INT8: "INT64",
        Kind.INT16: "INT64",
        Kind.INT32: "INT64",
        Kind.INT64: "INT64",
        Kind.UINT8: "INT64",
        Kind.UINT16: "INT64",
        Kind.UINT32: "INT64",
        Kind.FLOAT32: "FLOAT64",
        Kind.FLOAT64: "FLOAT64",
        Kind.TEXT: "STRING",
        Kind.INSTANT: "TIMESTAMP",
        Kind.LOCAL_TIME: "DATETIME",
        Kind.DATE: "DATE",
        Kind.DECIMAL: "BIGNUMERIC({precision}, {scale})",
        Kind.BINARY: "BYTES",
        Kind.TEXTS: "ARRAY<STRING>",
    },
    comments="options",
    quotes=("`", "`"),
    backslashes=True,
    quote_in_text=r"\'",
    max_name=300,
    refused='!"$()*,./;?@[\\]^`{}~',
)

REDSHIFT: Final = Dialect(
    name="redshift",
    types={
        Kind.BOOL: "BOOLEAN",
        Kind.INT8: "SMALLINT",
        Kind.INT16: "SMALLINT",
        Kind.INT32: "INTEGER",
        Kind.INT64: "BIGINT",
        Kind.UINT8: "SMALLINT",
        Kind.UINT16: "INTEGER",
        Kind.UINT32: "BIGINT",
        Kind.FLOAT32: "REAL",
        Kind.FLOAT64: "DOUBLE PRECISION",
        Kind.TEXT: "VARCHAR(65535)",
        Kind.INSTANT: "TIMESTAMPTZ",
        Kind.LOCAL_TIME: "TIMESTAMP",
        Kind.DATE: "DATE",
        Kind.DECIMAL: "DECIMAL({precision}, {scale})",
        Kind.BINARY: "VARBYTE(1024000)",
    },
    comments="statements",
    max_scale=37,
    backslashes=True,
    max_name=127,
)

SQLSERVER: Final = Dialect(
    name="sqlserver",
    types={
        Kind.BOOL: "BIT",
        Kind.INT8: "SMALLINT",
        Kind.INT16: "SMALLINT",
        Kind.INT32: "INT",
        Kind.INT64: "BIGINT",
        Kind.UINT8: "SMALLINT",
        Kind.UINT16: "INT",
        Kind.UINT32: "BIGINT",
        Kind.FLOAT32: "REAL",
        Kind.FLOAT64: "FLOAT(53)",
        Kind.TEXT: "NVARCHAR(MAX)",
        Kind.INSTANT: "DATETIMEOFFSET({digits})",
        Kind.LOCAL_TIME: "DATETIME2({digits})",
        Kind.DATE: "DATE",
        Kind.DECIMAL: "DECIMAL({precision}, {scale})",
        Kind.BINARY: "VARBINARY(MAX)",
    },
    comments="properties",
    quotes=("[", "]"),
    max_name=128,
    key_text="NVARCHAR(450)",
    text_prefix="N",
    nullable=" NULL",
    schema="dbo",
)

FABRIC: Final = Dialect(
    name="fabric",
    types={
        Kind.BOOL: "BIT",
        Kind.INT8: "SMALLINT",
        Kind.INT16: "SMALLINT",
        Kind.INT32: "INT",
        Kind.INT64: "BIGINT",
        Kind.UINT8: "SMALLINT",
        Kind.UINT16: "INT",
        Kind.UINT32: "BIGINT",
        Kind.FLOAT32: "REAL",
        Kind.FLOAT64: "FLOAT(53)",
        Kind.TEXT: "VARCHAR(MAX)",
        Kind.INSTANT: "DATETIME2(6)",
        Kind.LOCAL_TIME: "DATETIME2(6)",
        Kind.DATE: "DATE",
        Kind.DECIMAL: "DECIMAL({precision}, {scale})",
        Kind.BINARY: "VARBINARY(MAX)",
    },
    comments="lines",
    quotes=("[", "]"),
    max_name=128,
    key_text="VARCHAR(900)",
    nullable=" NULL",
)

DATABRICKS: Final = Dialect(
    name="databricks",
    types={
        Kind.BOOL: "BOOLEAN",
        Kind.INT8: "TINYINT",
        Kind.INT16: "SMALLINT",
        Kind.INT32: "INT",
        Kind.INT64: "BIGINT",
        Kind.UINT8: "SMALLINT",
        Kind.UINT16: "INT",
        Kind.UINT32: "BIGINT",
        Kind.FLOAT32: "FLOAT",
        Kind.FLOAT64: "DOUBLE",
        Kind.TEXT: "STRING",
        Kind.INSTANT: "TIMESTAMP",
        Kind.LOCAL_TIME: "TIMESTAMP_NTZ",
        Kind.DATE: "DATE",
        Kind.DECIMAL: "DECIMAL({precision}, {scale})",
        Kind.BINARY: "BINARY",
        Kind.TEXTS: "ARRAY<STRING>",
    },
    comments="inline",
    quotes=("`", "`"),
    backslashes=True,
    quote_in_text=r"\'",
    max_name=255,
    refused=" ,;{}()\n\t=",
)

_BY_NAME: Final = {
    dialect.name: dialect
    for dialect in (
        POSTGRESQL,
        DUCKDB,
        SQLITE,
        SNOWFLAKE,
        BIGQUERY,
        REDSHIFT,
        SQLSERVER,
        FABRIC,
        DATABRICKS,
    )
}

DIALECTS: Final = tuple(_BY_NAME)
"""The names of all dialects."""


def find_dialect(name: str) -> Dialect:
    """Return a dialect.

    Raises:
        JobError: If there is none of this name; suggests the nearest.
    """
    if name not in _BY_NAME:
        raise JobError(
            unknown("dialect", name, DIALECTS), hint=f"there are {', '.join(DIALECTS)}"
        )
    return _BY_NAME[name]
