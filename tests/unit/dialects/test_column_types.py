"""The types of columns in databases."""

import pyarrow as pa
import pytest

from gcbatch import JobError
from gcbatch.dialects import DIALECTS, sql_type

OURS = {
    "text": pa.string(),
    "instant": pa.timestamp("ms", "UTC"),
    "whole": pa.int64(),
    "number": pa.float64(),
    "truth": pa.bool_(),
}

TYPES = {
    "postgresql": "text timestamptz bigint double_precision boolean",
    "duckdb": "VARCHAR TIMESTAMPTZ BIGINT DOUBLE BOOLEAN",
    "sqlite": "TEXT TEXT INTEGER REAL BOOLEAN",
    "snowflake": "VARCHAR TIMESTAMP_LTZ NUMBER(19,_0) FLOAT BOOLEAN",
    "bigquery": "STRING TIMESTAMP INT64 FLOAT64 BOOL",
    "redshift": "VARCHAR(65535) TIMESTAMP BIGINT DOUBLE_PRECISION BOOLEAN",
    "sqlserver": "NVARCHAR(MAX) DATETIMEOFFSET(3) BIGINT FLOAT(53) BIT",
    "fabric": "VARCHAR(MAX) DATETIME2(6) BIGINT FLOAT(53) BIT",
    "databricks": "STRING TIMESTAMP BIGINT DOUBLE BOOLEAN",
}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_types_of_our_tables(dialect: str) -> None:
    """Each of the five Arrow types has one that holds all its values."""
    found = [sql_type(pa.field("c", kind), dialect) for kind in OURS.values()]

    assert found == [name.replace("_", " ") if "TIMESTAMP_" not in name else name
                     for name in TYPES[dialect].split()]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "dialect", "expected"),
    [
        pytest.param(pa.uint8(), "postgresql", "smallint", id="uint8"),
        pytest.param(pa.uint16(), "postgresql", "integer", id="uint16"),
        pytest.param(pa.uint32(), "postgresql", "bigint", id="uint32"),
        pytest.param(pa.uint32(), "databricks", "BIGINT", id="uint32 of Databricks"),
        pytest.param(pa.uint8(), "duckdb", "UTINYINT", id="DuckDB has unsigned ones"),
        pytest.param(pa.int8(), "sqlserver", "SMALLINT", id="its tinyint has no sign"),
        pytest.param(pa.float32(), "postgresql", "real", id="float32"),
        pytest.param(pa.date32(), "sqlite", "TEXT", id="dates of SQLite"),
        pytest.param(pa.timestamp("us"), "postgresql", "timestamp", id="local time"),
        pytest.param(
            pa.timestamp("us", "Europe/Berlin"),
            "sqlserver",
            "DATETIMEOFFSET(6)",
            id="digits of the unit",
        ),
        pytest.param(pa.decimal128(9, 2), "redshift", "DECIMAL(9, 2)", id="decimal"),
        pytest.param(pa.binary(), "bigquery", "BYTES", id="binary"),
        pytest.param(pa.list_(pa.string()), "postgresql", "text[]", id="texts"),
        pytest.param(pa.large_string(), "duckdb", "VARCHAR", id="large text"),
        pytest.param(
            pa.dictionary(pa.int32(), pa.string()), "duckdb", "VARCHAR", id="dictionary"
        ),
    ],
)
def test_types_of_other_tables(kind: pa.DataType, dialect: str, expected: str) -> None:
    """Plain Arrow types that plugins may have get a type that holds their values."""
    assert sql_type(pa.field("c", kind), dialect) == expected


@pytest.mark.parametrize(
    ("kind", "dialect"),
    [
        pytest.param(pa.uint64(), "postgresql", id="the upper half fits none"),
        pytest.param(pa.timestamp("ns", "UTC"), "postgresql", id="digits are lost"),
        pytest.param(pa.decimal128(9, 2), "sqlite", id="SQLite makes floats of them"),
        pytest.param(pa.decimal128(9, -2), "duckdb", id="a negative scale"),
        pytest.param(pa.decimal128(38, 38), "redshift", id="too many decimals"),
        pytest.param(pa.list_(pa.string()), "redshift", id="no lists"),
        pytest.param(pa.list_(pa.int64()), "postgresql", id="lists of numbers"),
        pytest.param(pa.struct([("a", pa.int64())]), "duckdb", id="struct"),
        pytest.param(pa.dictionary(pa.int32(), pa.int64()), "duckdb", id="numbers"),
    ],
)
def test_types_that_fit_no_value(kind: pa.DataType, dialect: str) -> None:
    """Column, database and type are named; nothing is cast silently."""
    with pytest.raises(JobError) as caught:
        sql_type(pa.field("the column", kind), dialect)

    assert caught.value.problem == (
        f"column 'the column': {dialect} has no type for {kind}"
    )


def test_json_is_text_or_jsonb() -> None:
    """Only columns that hold JSON become jsonb, and in PostgreSQL alone."""
    holds = pa.field("extra", pa.string(), metadata={"content": "json"})
    plain = pa.field("name", pa.string())
    found = [sql_type(f, "postgresql", json="jsonb") for f in (holds, plain)]

    assert [*found, sql_type(holds, "postgresql")] == ["jsonb", "text", "text"]
    with pytest.raises(ValueError, match="duckdb has no jsonb"):
        sql_type(holds, "duckdb", json="jsonb")


def test_texts_that_identify_rows_are_short_where_long_ones_have_no_index() -> None:
    """SQL Server indexes at most 900 bytes of a clustered key."""
    found = [
        sql_type(pa.field("id", pa.string()), dialect, is_key=True)
        for dialect in ("sqlserver", "fabric", "postgresql")
    ]

    assert found == ["NVARCHAR(450)", "VARCHAR(900)", "text"]
