"""SQL is read without running it: kinds, tables, order, what changes by itself."""

from collections.abc import Iterator

import duckdb
import pytest

from gcbatch.errors import JobError
from gcbatch.selecting import Statements
from gcbatch.selecting.statements import CHANGING

OF_SESSION = {
    *("current_connection_id", "current_database", "current_schema", "currval"),
    *("current_schemas", "current_setting", "error", "getvariable", "in_search_path"),
    *("setval", "sleep_ms", "stats", "vector_type", "write_log"),
}
"""Functions that DuckDB does not call constant, and that a session of ours makes so, or
that cannot be used in it."""


@pytest.fixture(scope="module")
def statements() -> Iterator[Statements]:
    with Statements("test") as reader:
        yield reader


@pytest.mark.parametrize(
    ("sql", "tables"),
    [
        ("select 1", set()),
        ("select * from Intervals", {"intervals"}),
        ("with x as (select * from a join b using (i)) select * from x", {"a", "b"}),
        ("with a as (select * from a) select * from a", {"a"}),
        ("select * from a where i in (select i from z)", {"a", "z"}),
        ("from a", {"a"}),
        ("from main.a, temp.main.b, information_schema.tables", {"a", "b"}),
        ("with a as (select 1) from main.a", {"a"}),
        ("describe a", {"a"}),
        ("summarize a", {"a"}),
        ("with recursive t as (select i from a union all from t) from t", {"a"}),
        ("with a as (from b), c as (from a) select * from c, d", {"b", "d"}),
        (
            "from a where exists (with b as (from c) from b) and i in (from b)",
            {"a", "b", "c"},
        ),
        ("select '; from b' from a -- from c", {"a"}),
    ],
)
def test_the_tables_of_a_query_are_known(
    statements: Statements, sql: str, tables: set[str]
) -> None:
    """Those that it reads, in lower case; what it makes for itself is none."""
    statement = statements.only(sql, "query")

    assert statement.tables == tables
    assert statement.is_query


@pytest.mark.parametrize(
    "sql", ["explain select * from a", "pivot a on b using sum(c)"]
)
def test_tables_that_duckdb_does_not_say_are_among_the_words(
    statements: Statements, sql: str
) -> None:
    """Of an explanation, and of a PIVOT, which is several statements."""
    statement = statements.only(sql, "query")

    assert statement.is_query
    assert statement.is_guessed
    assert "a" in statement.tables


@pytest.mark.parametrize(
    "sql",
    [
        "insert into a values (1)",
        "update a set i = 1",
        "delete from a",
        "merge into a using b on a.i = b.i when matched then delete",
        "create table a as select 1",
        "create view a as select 1",
        "drop table a",
        "alter table a add column b int",
        "copy a to 'x.csv'",
        "copy a from 'x.csv'",
        "export database 'x'",
        "attach 'x.db'",
        "detach x",
        "use x",
        "install httpfs",
        "load httpfs",
        "set memory_limit = '8GB'",
        "reset memory_limit",
        "pragma version",
        "call pragma_version()",
        "begin",
        "prepare a as select 1",
        "vacuum",
        "checkpoint",
    ],
)
def test_what_is_no_query_is_known(statements: Statements, sql: str) -> None:
    """Every other kind of statement."""
    assert not statements.only(sql, "query").is_query


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("", "query: is empty"),
        ("-- nothing", "query: is empty"),
        ("select 1; select 2", "query: has 2 statements"),
        ("select n frm a b", 'query: line 1, column 14: syntax error at or near "a"'),
        (
            "select\n  n,\n from",
            'query: line 3, column 2: syntax error at or near "from"',
        ),
    ],
)
def test_what_is_not_one_statement_is_refused(
    statements: Statements, sql: str, said: str
) -> None:
    """With the place where it is wrong."""
    with pytest.raises(JobError) as refused:
        statements.only(sql, "query")

    assert refused.value.problem == said


def test_several_statements_are_read_one_by_one(statements: Statements) -> None:
    """In their order."""
    text = "select 'é'; -- one;\n select ';' from a; /* two */ \n"

    found = statements.read(text, "query")

    assert [one.sql for one in found] == ["select 'é'", "select ';' from a"]
    assert [one.tables for one in found] == [set(), {"a"}]


@pytest.mark.parametrize(
    ("sql", "is_ordered"),
    [
        ("select * from a order by i", True),
        ("select * from a union all select * from b order by 1", True),
        ("select * from (select * from a order by i)", False),
        ("select sum(i) over (order by j) from a", False),
        ("select * from a limit 1", False),
    ],
)
def test_the_order_of_a_query_is_its_own(
    statements: Statements, sql: str, *, is_ordered: bool
) -> None:
    """Not that of what it is made of."""
    assert statements.only(sql, "query").is_ordered is is_ordered


@pytest.mark.parametrize(
    ("sql", "is_repeatable"),
    [
        ("select sum(i) from a", True),
        ("select now() from a", False),
        ("select * from a where day < current_date", False),
        ("select * from (select random() from a)", False),
        ("select * from a using sample 10", False),
        ("select UUID() from a", False),
        ("select age(day) from a", False),
    ],
)
def test_queries_that_change_from_run_to_run_are_known(
    statements: Statements, sql: str, *, is_repeatable: bool
) -> None:
    """They ask for the time, or for random values."""
    assert statements.only(sql, "query").is_repeatable is is_repeatable


def test_all_functions_that_change_are_known() -> None:
    """DuckDB's own list has no other."""
    with duckdb.connect() as connection:
        found = connection.sql(
            "select distinct function_name from duckdb_functions() "
            "where stability <> 'CONSISTENT'"
        ).fetchall()

    assert {name for (name,) in found} - OF_SESSION <= CHANGING
