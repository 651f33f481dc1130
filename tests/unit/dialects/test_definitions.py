"""Definitions of tables, read back by the databases that can be run here."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import duckdb
import pyarrow as pa
import pytest

from gcbatch import JobError
from gcbatch.dialects import (
    DIALECTS,
    add_columns,
    comment_of_table,
    create_table,
    table_statements,
)
from tests.support.sql_tables import HOSTILE, ODD, SHOWN, read_name, tables_of_ours

QUOTES = {
    **dict.fromkeys(DIALECTS, ('"', '"')),
    **dict.fromkeys(("bigquery", "databricks"), ("`", "`")),
    **dict.fromkeys(("sqlserver", "fabric"), ("[", "]")),
}

COMMENTED = pa.schema(
    [
        pa.field("said", pa.string(), metadata={"description": HOSTILE, "unit": "s"}),
        pa.field(
            "t_handle_sum_ms",
            pa.int64(),
            metadata={"unit": "ms", "source": "tHandle.sum"},
        ),
        pa.field("extra", pa.string(), metadata={"content": "json"}),
        pa.field("silent", pa.int64()),
    ]
)
SAID = {
    "said": f"{SHOWN}; unit: s",
    "t_handle_sum_ms": "unit: ms; source: tHandle.sum",
    "extra": "JSON",
    "silent": None,
}


PROPERTY = "EXEC sys.sp_addextendedproperty @name = N'MS_Description', @value ="
OF_T = (
    "@level0type = N'schema', @level0name = N'dbo', "
    "@level1type = N'table', @level1name = N't'"
)
OF_A = "@level2type = N'column', @level2name = N'a'"


def columns_of(definition: str, dialect: str) -> Iterator[tuple[str, bool]]:
    """Yield the name of each column, and whether it may be null."""
    inside = definition.split("(", 1)[1].split("\n)", 1)[0]
    for line in inside.split("\n")[1:]:
        name, rest = read_name(line.strip(), QUOTES[dialect])
        yield name, " NOT NULL" not in rest


@pytest.mark.parametrize("dialect", DIALECTS)
def test_definitions_have_the_columns_of_all_tables(dialect: str) -> None:
    """Every table of ours is defined, column by column in its order."""
    for name, table in tables_of_ours().items():
        found = create_table(
            table.name,
            table.schema,
            dialect=dialect,
            key=table.key,
            about=comment_of_table(table, "j"),
        )
        expected = [(f.name, f.nullable) for f in table.schema]
        if dialect == "snowflake":
            expected = [(name.upper(), null) for name, null in expected]

        assert list(columns_of(found, dialect)) == expected, name


def test_duckdb_takes_every_table() -> None:
    """The columns are the table's, and its rows can be inserted as they are."""
    with duckdb.connect() as connection:
        for name, table in tables_of_ours().items():
            connection.execute("DROP TABLE IF EXISTS t")
            connection.execute(create_table("t", table.schema, dialect="duckdb"))
            connection.register("rows", table.schema.empty_table())
            connection.execute("INSERT INTO t SELECT * FROM rows")
            found = connection.execute(
                "SELECT column_name, is_nullable FROM duckdb_columns() "
                "WHERE table_name = 't' ORDER BY column_index"
            ).fetchall()

            assert found == [(f.name, f.nullable) for f in table.schema], name


def test_duckdb_has_the_types() -> None:
    """Each column has the type that holds its values, whatever it is called there."""
    kinds = {
        pa.string(): "VARCHAR",
        pa.timestamp("ms", "UTC"): "TIMESTAMP WITH TIME ZONE",
        pa.int64(): "BIGINT",
        pa.float64(): "DOUBLE",
        pa.bool_(): "BOOLEAN",
    }
    schema = pa.schema([(f"c{n}", kind) for n, kind in enumerate(kinds)])
    with duckdb.connect() as connection:
        connection.execute(create_table("t", schema, dialect="duckdb"))
        found = connection.execute("DESCRIBE t").fetchall()

    assert [row[1] for row in found] == list(kinds.values())


def test_sqlite_takes_every_table() -> None:
    """Columns, and which of them may be null, are those of the table."""
    for name, table in tables_of_ours().items():
        with closing(sqlite3.connect(":memory:")) as connection:
            connection.executescript(create_table("t", table.schema, dialect="sqlite"))
            found = connection.execute("PRAGMA table_info(t)").fetchall()

        assert [(row[1], not row[3]) for row in found] == [
            (f.name, f.nullable) for f in table.schema
        ], name


def test_odd_names_are_kept() -> None:
    """Quotes, brackets, keywords, spaces and new lines are parts of names."""
    with duckdb.connect() as connection:
        script = create_table(
            'ta"ble', ODD, dialect="duckdb", db_schema='sche"ma', about="odd"
        )
        connection.execute('CREATE SCHEMA "sche""ma"')
        connection.execute(script)
        found = connection.execute(
            "SELECT schema_name, table_name, column_name FROM duckdb_columns() "
            "WHERE NOT internal ORDER BY column_index"
        ).fetchall()
    with closing(sqlite3.connect(":memory:")) as other:
        other.executescript(create_table('ta"ble', ODD, dialect="sqlite"))
        names = [row[1] for row in other.execute('PRAGMA table_info("ta""ble")')]

    assert found == [('sche"ma', 'ta"ble', name) for name in ODD.names]
    assert names == ODD.names


def test_comments_are_kept_by_duckdb() -> None:
    """Table and columns say what they are; a description cannot end its text."""
    with duckdb.connect() as connection:
        connection.execute(
            create_table("t", COMMENTED, dialect="duckdb", about=HOSTILE)
        )
        columns = "SELECT column_name, comment FROM duckdb_columns() WHERE NOT internal"
        found = dict(connection.execute(columns).fetchall())
        of_table = connection.execute("SELECT comment FROM duckdb_tables()").fetchall()

    assert (found, of_table) == (SAID, [(SHOWN,)])


def test_comments_are_lines_in_sqlite() -> None:
    """SQLite has none, but keeps the text of the definition."""
    with closing(sqlite3.connect(":memory:")) as connection:
        script = create_table("t", COMMENTED, dialect="sqlite", about=HOSTILE)
        connection.executescript(script)
        ((kept,),) = connection.execute("SELECT sql FROM sqlite_master")
        columns = connection.execute("PRAGMA table_info(t)").fetchall()

    lines = kept.split("\n")
    assert lines[0] == f'CREATE TABLE "t" ( -- {SHOWN}'
    assert [line.partition(" -- ")[2] or None for line in lines[1:-1]] == [
        *SAID.values()
    ]
    assert [row[1] for row in columns] == COMMENTED.names


@pytest.mark.parametrize(
    ("dialect", "expected"),
    [
        pytest.param(
            "snowflake",
            ["\"A\" NUMBER(19, 0) COMMENT 'it''s \\\\ x'", ") COMMENT = 'of all'"],
            id="snowflake",
        ),
        pytest.param(
            "bigquery",
            [
                "`a` INT64 OPTIONS (description='it\\'s \\\\ x')",
                ") OPTIONS (description='of all')",
            ],
            id="bigquery",
        ),
        pytest.param(
            "databricks",
            ["`a` BIGINT COMMENT 'it\\'s \\\\ x'", ") COMMENT 'of all'"],
            id="databricks",
        ),
        pytest.param(
            "redshift",
            [
                '"a" BIGINT',
                ");\nCOMMENT ON TABLE \"t\" IS 'of all'",
                "COMMENT ON COLUMN \"t\".\"a\" IS 'it''s \\\\ x'",
            ],
            id="redshift",
        ),
        pytest.param(
            "sqlserver",
            [
                "[a] BIGINT NULL",
                f"{PROPERTY} N'of all', {OF_T};",
                f"{PROPERTY} N'it''s \\ x', {OF_T}, {OF_A};",
            ],
            id="sqlserver",
        ),
        pytest.param(
            "fabric",
            ["CREATE TABLE [t] ( -- of all", "[a] BIGINT NULL -- it's \\ x"],
            id="fabric",
        ),
    ],
)
def test_comments_go_where_a_database_has_them(
    dialect: str, expected: list[str]
) -> None:
    """Each in its own way, as its manual has it."""
    field = pa.field("a", pa.int64(), metadata={"description": r"it's \ x"})
    found = create_table("t", pa.schema([field]), dialect=dialect, about="of all")

    assert [text for text in expected if text not in found] == []


@pytest.mark.parametrize("dialect", ["redshift", "fabric"])
def test_times_without_a_zone_are_said_to_be_utc(dialect: str) -> None:
    """Where a database has or loads none with a zone, the comment says it."""
    at = pa.field("at", pa.timestamp("ms", "UTC"), metadata={"source": "date"})

    found = create_table("t", pa.schema([at]), dialect=dialect)

    assert "source: date; UTC" in found


def test_statements_come_one_by_one_for_clients() -> None:
    """The script is the statements, each with a semicolon."""
    statements = table_statements("t", COMMENTED, dialect="postgresql", about="x")

    assert [s.split(" ", 3)[:3] for s in statements] == [
        ["CREATE", "TABLE", '"t"'],
        ["COMMENT", "ON", "TABLE"],
        *[["COMMENT", "ON", "COLUMN"]] * 3,
    ]
    assert create_table("t", COMMENTED, dialect="postgresql", about="x") == "".join(
        f"{statement};\n" for statement in statements
    )


def test_new_columns_are_nullable_and_commented() -> None:
    """Rows that are there already have no value for them."""
    new = pa.field("n", pa.int64(), nullable=False, metadata={"unit": "s"})
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE t (a INT); INSERT INTO t VALUES (1)")
        for statement in add_columns("t", [new], dialect="duckdb"):
            connection.execute(statement)
        found = connection.execute(
            "SELECT data_type, is_nullable, comment FROM duckdb_columns() "
            "WHERE column_name = 'n'"
        ).fetchall()

        assert found == [("BIGINT", True, "unit: s")]


@pytest.mark.parametrize("dialect", ["duckdb", "snowflake", "bigquery"])
def test_columns_that_a_database_takes_for_one(dialect: str) -> None:
    """`abc` and `ABC` are refused where only one of them could exist."""
    twins = pa.schema([("abc", pa.int64()), ("ABC", pa.int64())])

    with pytest.raises(JobError, match="takes them for one"):
        create_table("t", twins, dialect=dialect)


def test_columns_that_a_database_tells_apart() -> None:
    """PostgreSQL stores both."""
    twins = pa.schema([("abc", pa.int64()), ("ABC", pa.int64())])

    assert '"ABC" bigint' in create_table("t", twins, dialect="postgresql")
