"""What DuckDB says of a query, in our words: where it is wrong, and what is near."""

import re
from collections.abc import Iterable
from typing import Final

from gcbatch.errors import JobError
from gcbatch.local_time import LOCAL
from gcbatch.suggest import nearest, unknown
from gcbatch.text import one_line

__all__ = ["problem_of", "unknown_table"]

_UNKNOWN_COLUMN: Final = re.compile(
    r'(?:Referenced column|does not have a column named|[Cc]olumn) "([^"]+)"'
)
_UNKNOWN_FUNCTION: Final = re.compile(r"Function with name (\S+) does not exist")
_LINE: Final = re.compile(r"^LINE (\d+): (.*)\n( *)\^", re.MULTILINE)
_KIND: Final = re.compile(r"^(?:[A-Z]\w* )+Error: ")
MAX_CHARS: Final = 500
"""Length of a message of DuckDB's that we repeat."""

_CUT: Final = "..."
"""Stands in DuckDB's messages for the begin or the end of a long line."""


def problem_of(
    error: Exception,
    where: str,
    sql: str,
    columns: Iterable[str] = (),
    *,
    hint: str | None = None,
) -> JobError:
    """Return the error for what DuckDB refused or could not do.

    Args:
        error: DuckDB's own.
        where: What asked, such as `tables.daily.sql`.
        sql: The query.
        columns: The columns of the tables that it names.
        hint: The next step to take, if there is one.
    """
    text = str(error)
    said = one_line(_KIND.sub("", text.strip().partition("\n")[0]), MAX_CHARS)
    at = _position(text, sql)
    known = [*columns]
    found = _UNKNOWN_COLUMN.search(text)
    if found and found[1].lower() not in map(str.lower, known):
        at = at or _place_of(found[1], sql)
        return JobError(f"{where}{at}: {unknown('column', found[1], known)}")
    if called := _UNKNOWN_FUNCTION.search(text):
        at = at or _place_of(called[1], sql)
        said = f"unknown function {called[1]!r}"
    if near := re.search(r'^Did you mean "([^"]+)"', text, re.MULTILINE):
        said = f"{said.removesuffix('!')}: did you mean {near[1]}?"
    return JobError(f"{where}{at}: {_lower(said)}", hint=hint)


def unknown_table(
    where: str, name: str, sql: str, known: Iterable[str], file_hint: str
) -> JobError:
    """Return the error for a table that a query names and that is not there.

    Args:
        where: What asked.
        name: The table.
        sql: The query.
        known: The tables that there are.
        file_hint: The next step to take if the name is a file's.
    """
    at, names = _place_of(name, sql), [*known]
    if not nearest(name, names):
        names = [one for one in names if not one.endswith(LOCAL)]
    hint = file_hint if re.search(r"[./:]", name) else None
    return JobError(f"{where}{at}: {unknown('table', name, names)}", hint=hint)


def _position(text: str, sql: str) -> str:
    """Return the place that DuckDB's message points at; empty if it points at none."""
    found = _LINE.search(text)
    if found is None:
        return ""
    number, shown = int(found[1]), found[2]
    column = len(found[3]) - len(f"LINE {number}: ")
    lines = sql.split("\n")
    if shown.startswith(_CUT) and number <= len(lines):
        core = shown.removeprefix(_CUT).removesuffix(_CUT)
        column += lines[number - 1].find(core) - len(_CUT)
    return _at(number, column + 1)


def _place_of(name: str, sql: str) -> str:
    """Return the place where a query first has a name; empty if it has none."""
    word = re.search(rf"(?<!\w){re.escape(name)}(?!\w)", sql, re.IGNORECASE)
    if word is None:
        return ""
    line = sql.count("\n", 0, word.start()) + 1
    return _at(line, word.start() - sql.rfind("\n", 0, word.start()))


def _at(line: int, column: int) -> str:
    return f": line {line}, column {column}"


def _lower(text: str) -> str:
    """Return a message as ours begin and end."""
    text = text.removesuffix("!").removesuffix(".")
    is_word = text[1:2].islower() or text[1:2] == " "
    return text[0].lower() + text[1:] if text and is_word else text
