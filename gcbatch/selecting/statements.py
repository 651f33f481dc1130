"""Reads SQL without running it: the kinds of its statements, the tables they name."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Self

from gcbatch.errors import JobError
from gcbatch.selecting.connection import duckdb, open_duckdb
from gcbatch.selecting.problems import problem_of

__all__ = ["Statement", "Statements"]

_SELECT: Final = "SELECT"
_QUERIES: Final = frozenset((_SELECT, "EXPLAIN", "MULTI"))
"""Kinds that only read; MULTI is a PIVOT, which first asks for its values."""

CHANGING: Final = frozenset(
    """
    age current_date current_localtime current_localtimestamp current_query
    current_query_id current_time current_timestamp current_transaction_id
    gen_random_uuid get_current_time get_current_timestamp localtime localtimestamp
    nextval now random setseed today transaction_timestamp txid_current uuid uuidv4
    uuidv7
    """.split()  # noqa: SIM905 - a list of so many lines hides the names
)
"""Functions that give other values in each run of the same query over the same rows."""

OURS: Final = ("main", "temp")
"""Schemas in which DuckDB finds the tables, as in `main.intervals`."""

_MEMORY: Final = "100MB"
"""Ample for reading the longest SQL."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of SQL.

    Args:
        sql: Its text.
        kind: Its kind as DuckDB calls it, such as `SELECT`, `INSERT`.
        tables: The tables that it names, in lower case; those that it makes for itself
            in `with` are not among them.
        is_guessed: Whether DuckDB does not say which they are; then they are all words
            of the statement.
        is_ordered: Whether it ends with an `order by` of its own.
        is_repeatable: Whether the same rows always give the same result: it asks
            neither for the time nor for random numbers.
    """

    sql: str
    kind: str
    tables: frozenset[str]
    is_guessed: bool = False
    is_ordered: bool = False
    is_repeatable: bool = True

    @property
    def is_query(self) -> bool:
        """Whether it only reads."""
        return self.kind in _QUERIES

    @property
    def is_select(self) -> bool:
        """Whether it is a SELECT, or another way to write one."""
        return self.kind == _SELECT


class Statements:
    """Reads SQL; a context manager.

    Args:
        where: What the SQL is for, in messages: that DuckDB is not installed.

    Raises:
        JobError: If DuckDB is not installed.
    """

    def __init__(self, where: str) -> None:
        self._connection = open_duckdb(_MEMORY, allow_files=False, where=where)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def read(self, sql: str, where: str) -> list[Statement]:
        """Return the statements of a text.

        Raises:
            JobError: If it is no SQL; says where.
        """
        try:
            found = self._connection.extract_statements(sql)
            return [self._statement(one) for one in found]
        except duckdb.Error as exc:
            raise problem_of(exc, where, sql) from exc

    def only(self, sql: str, where: str) -> Statement:
        """Return the one statement of a text.

        Raises:
            JobError: If it is no SQL, or not one statement.
        """
        found = self.read(sql, where)
        if len(found) != 1:
            what = f"has {len(found)} statements" if found else "is empty"
            msg = f"{where}: {what}"
            raise JobError(msg, hint="write one SELECT")
        return found[0]

    def _statement(self, found: Any) -> Statement:
        sql, kind = _without_end(found.query), found.type.name
        parsed = self._parsed(sql) if kind == _SELECT else {}
        if not parsed:
            words = frozenset(re.findall(r"\w+", sql.lower()))
            return Statement(sql, kind, words, is_guessed=True)
        top = parsed["statements"][0]["node"]
        modifiers = {one["type"] for one in top.get("modifiers", ())}
        return Statement(
            sql,
            kind,
            frozenset(_tables_in(parsed, frozenset())),
            is_ordered="ORDER_MODIFIER" in modifiers,
            is_repeatable=not any(map(_changes, _nodes(parsed))),
        )

    def _parsed(self, sql: str) -> dict[str, Any]:
        """Return the tree of a query; empty if DuckDB has none for it."""
        tree = self._connection.execute("SELECT json_serialize_sql(?)", [sql])
        ((text,),) = tree.fetchall()
        parsed: dict[str, Any] = json.loads(text)
        return {} if parsed.get("error") else parsed


def _without_end(sql: str) -> str:
    """Return a statement without the semicolon and the comments after it."""
    content = sql.encode()
    for at, kind in reversed(duckdb.tokenize(sql)):
        if kind != duckdb.token_type.comment:
            is_end = content[at : at + 1] == b";"
            return (content[:at].decode() if is_end else sql).strip()
    return sql.strip()


def _tables_in(tree: Any, hidden: frozenset[str]) -> Iterator[str]:
    """Yield the tables that a tree reads, in lower case.

    Args:
        tree: The tree of a query, or of a part of one.
        hidden: Names that mean queries in `with`, not tables.
    """
    if isinstance(tree, list):
        for one in tree:
            yield from _tables_in(one, hidden)
    if not isinstance(tree, dict):
        return
    if tree.get("type") == "BASE_TABLE":
        name, schema = tree["table_name"].lower(), tree.get("schema_name", "").lower()
        if schema in OURS or not (schema or name in hidden):
            yield name
    if own := tree.get("cte_name"):  # a recursive query, which reads itself
        hidden |= {own.lower()}
    for entry in tree.get("cte_map", {}).get("map", ()):
        yield from _tables_in(entry["value"], hidden)
        hidden |= {entry["key"].lower()}
    for key, inner in tree.items():
        if key != "cte_map":
            yield from _tables_in(inner, hidden)


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """Yield all mappings within a tree."""
    waiting = [tree]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            yield one
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one


def _changes(node: dict[str, Any]) -> bool:
    """Return whether a part of a query gives other values in each run."""
    names = node.get("column_names", ())
    named = {str(node.get("function_name", "")), *(names if len(names) == 1 else ())}
    has_sample = isinstance(node.get("sample"), dict)
    return has_sample or not CHANGING.isdisjoint(map(str.lower, named))
