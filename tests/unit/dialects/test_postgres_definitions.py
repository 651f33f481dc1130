"""Definitions of tables, run by a PostgreSQL server and read from its catalogs."""

from typing import TYPE_CHECKING

import pyarrow as pa

from gcbatch.dialects import add_columns, create_table
from tests.support.sql_tables import HOSTILE, ODD, SHOWN, tables_of_ours

if TYPE_CHECKING:
    from tests.support.postgres_server import PostgresDatabase

KINDS = {
    pa.string(): "text",
    pa.timestamp("ms", "UTC"): "timestamp with time zone",
    pa.int64(): "bigint",
    pa.float64(): "double precision",
    pa.bool_(): "boolean",
}
OTHERS = {
    pa.int8(): "smallint",
    pa.uint16(): "integer",
    pa.uint32(): "bigint",
    pa.float32(): "real",
    pa.date32(): "date",
    pa.timestamp("us"): "timestamp without time zone",
    pa.decimal128(9, 2): "numeric(9,2)",
    pa.binary(): "bytea",
    pa.list_(pa.string()): "text[]",
}

COLUMNS = """\
SELECT attname, format_type(atttypid, atttypmod), attnotnull,
       col_description(attrelid, attnum)
FROM pg_attribute
WHERE attrelid = 't'::regclass AND attnum > 0
ORDER BY attnum"""


def test_the_server_takes_every_table(postgres: "PostgresDatabase") -> None:
    """Columns, their types, and which of them may be null, are those of the table."""
    for name, table in tables_of_ours().items():
        postgres.execute(
            "DROP TABLE IF EXISTS t",
            create_table("t", table.schema, dialect="postgresql"),
        )
        found = [row[:3] for row in postgres.rows(COLUMNS)]

        assert found == [
            (f.name, KINDS[f.type], not f.nullable) for f in table.schema
        ], name


def test_other_types(postgres: "PostgresDatabase") -> None:
    """Plain Arrow types of plugins have a type there too."""
    schema = pa.schema([(f"c{n}", kind) for n, kind in enumerate(OTHERS)])
    postgres.execute(create_table("t", schema, dialect="postgresql"))

    assert [row[1] for row in postgres.rows(COLUMNS)] == list(OTHERS.values())


def test_json_can_be_jsonb(postgres: "PostgresDatabase") -> None:
    """Only columns that hold JSON are."""
    extra = pa.field("extra", pa.string(), metadata={"content": "json"})
    schema = pa.schema([extra, ("name", pa.string())])
    postgres.execute(create_table("t", schema, dialect="postgresql", json="jsonb"))

    assert [row[1] for row in postgres.rows(COLUMNS)] == ["jsonb", "text"]


def test_odd_names_are_kept(postgres: "PostgresDatabase") -> None:
    """Also those of the table and its schema."""
    script = create_table(
        'ta"ble', ODD, dialect="postgresql", db_schema='sche"ma', about="odd"
    )
    postgres.execute('CREATE SCHEMA "sche""ma"', script)
    found = postgres.rows(
        "SELECT table_schema, table_name, column_name FROM information_schema.columns "
        "WHERE table_name LIKE 'ta%ble' ORDER BY ordinal_position"
    )

    assert found == [('sche"ma', 'ta"ble', name) for name in ODD.names]


def test_comments_are_kept(postgres: "PostgresDatabase") -> None:
    """Table and columns say what they are; a description cannot end its text."""
    said = {"description": HOSTILE, "unit": "ms", "source": "tHandle.sum"}
    schema = pa.schema([pa.field("a", pa.int64(), metadata=said), ("b", pa.int64())])
    postgres.execute(create_table("t", schema, dialect="postgresql", about=HOSTILE))

    assert [row[3] for row in postgres.rows(COLUMNS)] == [
        f"{SHOWN}; unit: ms; source: tHandle.sum",
        None,
    ]
    assert postgres.rows("SELECT obj_description('t'::regclass)") == [(SHOWN,)]


def test_columns_are_added(postgres: "PostgresDatabase") -> None:
    """They are nullable, as rows that are there have no value, and commented."""
    new = pa.field("n", pa.int64(), nullable=False, metadata={"unit": "s"})
    postgres.execute(
        "CREATE TABLE t (a int); INSERT INTO t VALUES (1)",
        *add_columns("t", [new], dialect="postgresql"),
    )

    assert postgres.rows(COLUMNS)[1] == ("n", "bigint", False, "unit: s")
