"""Names and texts mean themselves within SQL."""

import ast
import sqlite3
from collections.abc import Iterator
from contextlib import closing

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcbatch import JobError
from gcbatch.dialects import DIALECTS, quoted
from gcbatch.dialects.lookup import find_dialect
from gcbatch.dialects.names import quoted_text
from gcbatch.text import one_line
from tests.support.sql_tables import read_name

LETTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
NAMES = st.text(LETTERS | st.sampled_from("\"'`[]\\;-"), min_size=1, max_size=12)
LINES = NAMES.map(one_line)

OTHER_QUOTES = {
    "bigquery": ("`", "`"),
    "databricks": ("`", "`"),
    "fabric": ("[", "]"),
    "sqlserver": ("[", "]"),
}


@pytest.fixture(scope="module")
def duck() -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a database in memory, once: it takes as long as a hundred statements."""
    with duckdb.connect() as connection:
        yield connection


@pytest.fixture(scope="module")
def lite() -> Iterator[sqlite3.Connection]:
    """Open a database in memory."""
    with closing(sqlite3.connect(":memory:")) as connection:
        yield connection


@given(NAMES)
def test_sqlite_reads_a_name_back(lite: sqlite3.Connection, name: str) -> None:
    """A column of any name is stored under this name."""
    lite.execute("DROP TABLE IF EXISTS t")
    lite.execute(f"CREATE TABLE t ({quoted(name, 'sqlite')} TEXT)")
    (found,) = lite.execute("PRAGMA table_info(t)")

    assert found[1] == name


@given(NAMES)
def test_duckdb_reads_a_name_back(duck: duckdb.DuckDBPyConnection, name: str) -> None:
    """A column of any name is stored under this name."""
    duck.execute(f"CREATE OR REPLACE TABLE t ({quoted(name, 'duckdb')} VARCHAR)")
    found = duck.execute("SELECT column_name FROM duckdb_columns() WHERE NOT internal")

    assert found.fetchall() == [(name,)]


@given(NAMES, st.sampled_from(sorted(OTHER_QUOTES)))
def test_a_name_ends_where_its_quotes_end(name: str, dialect: str) -> None:
    """Nothing of the name is outside of the quotes, or it is refused."""
    try:
        found = quoted(name, dialect)
    except JobError:
        assert set(name) & set(find_dialect(dialect).refused)
        return

    assert read_name(found, OTHER_QUOTES[dialect]) == (name, "")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("interval_start", '"INTERVAL_START"', id="plain"),
        pytest.param("q850_codes", '"Q850_CODES"', id="with digits"),
        pytest.param("Queue", '"Queue"', id="a capital letter"),
        pytest.param('group "x"', '"group ""x"""', id="a quote"),
        pytest.param("größe", '"größe"', id="other letters"),
    ],
)
def test_snowflake_needs_no_quotes_for_plain_names(name: str, expected: str) -> None:
    """Plain names are as Snowflake stores them without quotes."""
    assert quoted(name, "snowflake") == expected


@pytest.mark.parametrize(
    ("name", "dialect", "problem"),
    [
        pytest.param("", "postgresql", "is empty", id="empty"),
        pytest.param("a\0b", "sqlite", "has a NUL", id="NUL"),
        pytest.param("\ud800", "duckdb", "half of a surrogate", id="surrogate"),
        pytest.param("ä" * 32, "postgresql", "has 64 bytes", id="PostgreSQL cuts it"),
        pytest.param("a" * 129, "sqlserver", "stores 128", id="SQL Server"),
        pytest.param('group "x"', "bigquery", "refuses '\"'", id="BigQuery"),
        pytest.param("a b", "databricks", "refuses ' '", id="Databricks"),
    ],
)
def test_names_that_a_database_cannot_store(
    name: str, dialect: str, problem: str
) -> None:
    """They are refused, with the reason."""
    with pytest.raises(JobError, match=problem):
        quoted(name, dialect)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_keywords_are_names(dialect: str) -> None:
    """A column may be called as a word of SQL."""
    found = quoted("order", dialect)

    assert (found[0], found[-1]) in {('"', '"'), ("`", "`"), ("[", "]")}


@given(LINES)
def test_databases_read_a_text_back(
    lite: sqlite3.Connection, duck: duckdb.DuckDBPyConnection, text: str
) -> None:
    """SQLite and DuckDB read the literal as the text."""
    found = lite.execute(f"SELECT {quoted_text(text, find_dialect('sqlite'))}")
    other = duck.execute(f"SELECT {quoted_text(text, find_dialect('duckdb'))}")

    assert [*found, *other.fetchall()] == [(text,)] * 2


@given(LINES, st.sampled_from(["bigquery", "databricks"]))
def test_backslashes_are_escaped(text: str, dialect: str) -> None:
    """Where a backslash escapes, the literal is one of Python too."""
    assert ast.literal_eval(quoted_text(text, find_dialect(dialect))) == text


@given(LINES, st.sampled_from(["snowflake", "redshift"]))
def test_quotes_are_doubled_and_backslashes_too(text: str, dialect: str) -> None:
    """Where both escape, the literal ends at its end."""
    found = quoted_text(text, find_dialect(dialect))
    within, rest = read_name(found, ("'", "'"))

    assert (within.replace("\\\\", "\\"), rest) == (text, "")
    assert within.replace("\\\\", "").count("\\") == 0


def test_an_unknown_dialect_has_a_suggestion() -> None:
    """The nearest name is suggested, and all are listed."""
    with pytest.raises(JobError, match="did you mean postgresql") as caught:
        quoted("a", "postgres")

    assert "databricks" in (caught.value.hint or "")
