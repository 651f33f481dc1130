"""The section `tables:`: tables that the job makes of others by SQL."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import Field

from gcbatch.errors import JobError
from gcbatch.job.relations import relation_named, relation_names
from gcbatch.job.section import InvalidValueError, Section, Unique
from gcbatch.local_time import LOCAL
from gcbatch.suggest import unknown

if TYPE_CHECKING:
    from gcbatch.selecting import Statement

__all__ = ["DerivedTable", "base_tables", "derived_among", "read_derived"]

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,62}")


class DerivedTable(Section):
    """A table that the job makes of others; exports name it as any other.

    Args:
        sql: A SELECT in DuckDB's SQL over the tables of the job, and over those of this
            section that stand before.
        key: The columns that together identify a row.
        time: The column that decides a row's day: an instant, or a date, which is a
            day in the job's time zone. Without it, databases replace all earlier rows.
            Default: none.
        description: What a row is. Default: none.
        memory: What the query may use; one that needs more fails. Default: `1GB`.
    """

    sql: Annotated[str, Field(min_length=1)]
    key: Annotated[tuple[str, ...], Field(min_length=1), Unique]
    time: str | None = None
    description: str = ""
    memory: Annotated[str, Field(pattern=r"^[0-9]{1,6}([KMGT]i?B)$")] | None = None


def read_derived(
    derived: Mapping[str, DerivedTable], tables: Collection[str], taken: Iterable[str]
) -> "dict[str, Statement]":
    """Return the SQL of derived tables, checked as far as it can be without columns.

    Args:
        derived: The section `tables:` of a job.
        tables: The other tables that the SQL may name.
        taken: Names that no derived table may have.

    Raises:
        InvalidValueError: If a name or a query is not valid.
    """
    if not derived:
        return {}
    from gcbatch.selecting import Statements  # noqa: PLC0415 - few jobs have any

    found: dict[str, Statement] = {}
    reserved = {*relation_names(tables), *taken}
    try:
        reader = Statements("tables")
    except JobError as exc:
        raise InvalidValueError(("tables",), _said(exc, "tables")) from exc
    with reader:
        for name, table in derived.items():
            if not _NAME.fullmatch(name) or name.endswith(LOCAL):
                msg = "a name has lower-case letters, digits and underscores, at most "
                msg += f"63; it begins with a letter, and does not end with {LOCAL}"
                raise InvalidValueError(("tables", name), msg)
            if name in reserved:
                msg = "is the name of another table; choose your own"
                raise InvalidValueError(("tables", name), msg)
            place = ("tables", name, "sql")
            try:
                statement = reader.only(table.sql, "sql")
            except JobError as exc:
                raise InvalidValueError(place, _said(exc, "sql")) from exc
            if not statement.is_select:
                kind = statement.kind.replace("_", " ")
                msg = f"is no SELECT ({kind})"
                if kind == "MULTI":
                    msg = "its columns depend on the rows; name them: PIVOT … IN (…)"
                raise InvalidValueError(place, msg)
            known = [*relation_names(tables), *relation_names(found)]
            if strange := sorted(statement.tables.difference(known)):
                later = strange[0] in derived
                msg = f"the table {strange[0]} must stand before this one"
                wrong = msg if later else unknown("table", strange[0], known)
                raise InvalidValueError(place, wrong)
            found[name] = statement
    return found


def base_tables(
    names: Iterable[str], statements: "Mapping[str, Statement]"
) -> dict[str, None]:
    """Return tables, with those that are read for them; derived ones are left out.

    Args:
        names: Tables of a job, derived ones too.
        statements: The SQL of the derived tables.
    """
    read = _read_for(names, statements)
    return dict.fromkeys(name for name in read if name not in statements)


def derived_among(
    names: Iterable[str], statements: "Mapping[str, Statement]"
) -> list[str]:
    """Return the derived tables among some, with those that are read for them.

    Args:
        names: Tables of a job.
        statements: The SQL of the derived tables.
    """
    return sorted({*_read_for(names, statements)} & statements.keys())


def _read_for(
    names: Iterable[str], statements: "Mapping[str, Statement]"
) -> Iterator[str]:
    """Yield tables, and what is read for those that are derived."""
    waiting = [*names]
    while waiting:
        name = waiting.pop(0)
        yield name
        if name in statements:
            reads = map(relation_named, sorted(statements[name].tables))
            waiting += (relation.table for relation in reads)


def _said(error: JobError, where: str) -> str:
    text = error.problem.removeprefix(where).lstrip(": ")
    return f"{text}: {error.hint}" if error.hint else text
