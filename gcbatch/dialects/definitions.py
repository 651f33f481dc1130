"""Definitions of tables: columns, their types, and comments on all of it."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from typing import Final

import pyarrow as pa

from gcbatch.dialects.column_types import JsonType, column_type
from gcbatch.dialects.dialect import Dialect
from gcbatch.dialects.kinds import Kind, kind_of
from gcbatch.dialects.lookup import find_dialect
from gcbatch.dialects.names import quoted_name, quoted_text
from gcbatch.errors import JobError
from gcbatch.table import Table
from gcbatch.text import one_line

__all__ = [
    "add_columns",
    "comment_of_table",
    "create_table",
    "table_statements",
]

MAX_COMMENT: Final = 1_000
"""Letters of a comment: BigQuery takes 1,024 for a column."""


def create_table(
    name: str,
    schema: pa.Schema,
    *,
    dialect: str,
    db_schema: str = "",
    key: Collection[str] = (),
    about: str = "",
    json: JsonType = "text",
) -> str:
    """Return the definition of a table as a script that people can run.

    Args:
        name: The table's name in the database.
        schema: Its columns. Those that are not nullable are NOT NULL; the metadata
            `description`, `unit` and `source` of a column are its comment.
        dialect: One of DIALECTS.
        db_schema: The schema that the table is in; empty means the database's own.
        key: Columns that identify a row. They get no unique index, only types that
            could have one.
        about: The comment of the table; empty means the metadata `description`.
        json: The type of columns with JSON; see sql_type.

    Returns:
        Statements that end with semicolons and a new line each.

    Raises:
        JobError: If a name or type does not exist in the database, or it takes two
            names for one.
    """
    return "".join(
        f"{statement};\n"
        for statement in table_statements(
            name,
            schema,
            dialect=dialect,
            db_schema=db_schema,
            key=key,
            about=about,
            json=json,
        )
    )


def table_statements(
    name: str,
    schema: pa.Schema,
    *,
    dialect: str,
    db_schema: str = "",
    key: Collection[str] = (),
    about: str = "",
    json: JsonType = "text",
) -> tuple[str, ...]:
    """Return the statements of a definition, for clients that take one at a time.

    See create_table.

    Returns:
        CREATE TABLE, then comments where they are statements; without semicolons.
    """
    sql = find_dialect(dialect)
    _refuse_twins(schema.names, sql)
    about = one_line(about or _said(schema.metadata, b"description"), MAX_COMMENT)
    columns = [
        (_column(f, sql, json=json, is_key=f.name in key), _comment_of(f, sql))
        for f in schema
    ]
    table = _full_name(name, db_schema, sql)
    lines = [
        _line(column, comment, sql, is_last=number == len(columns))
        for number, (column, comment) in enumerate(columns, start=1)
    ]
    opening = "(" if sql.comments != "lines" or not about else f"( -- {about}"
    ending = _table_comment(about, sql)
    create = "\n".join((f"CREATE TABLE {table} {opening}", *lines, f"){ending}"))
    return (create, *_comments(name, schema, about, db_schema, sql))


def add_columns(
    name: str,
    fields: Iterable[pa.Field],
    *,
    dialect: str,
    db_schema: str = "",
    json: JsonType = "text",
) -> tuple[str, ...]:
    """Return the statements that add columns to a table; the columns are nullable.

    Args:
        name: The table's name in the database.
        fields: The new columns.
        dialect: `postgresql`, `duckdb` or `sqlite`.
        db_schema: The schema that the table is in; empty means the database's own.
        json: The type of columns with JSON; see sql_type.

    Returns:
        Statements without semicolons, with the columns' comments where these are
        statements.

    Raises:
        JobError: As in create_table.
    """
    sql = find_dialect(dialect)
    table = _full_name(name, db_schema, sql)
    statements: list[str] = []
    for field in fields:
        column = _column(field.with_nullable(nullable=True), sql, json=json)
        statements.append(f"ALTER TABLE {table} ADD COLUMN {column}")
        statements += _comments(name, [field], "", db_schema, sql)
    return tuple(statements)


def _comment_of(field: pa.Field, dialect: Dialect) -> str:
    """Return what a column's metadata say, as one line; empty if they say nothing."""
    said = field.metadata
    parts = [_said(said, b"description")]
    if unit := _said(said, b"unit"):
        parts.append(f"unit: {unit}")
    if source := _said(said, b"source"):
        parts.append(f"source: {source}")
    if _said(said, b"content") == "json":
        parts.append("JSON")
    if dialect.instants_lack_zone and kind_of(field.type) is Kind.INSTANT:
        parts.append("UTC")
    return one_line("; ".join(filter(None, parts)), MAX_COMMENT)


def comment_of_table(table: Table, job: str = "") -> str:
    """Return what a table is, as one line: its name, its key and its job.

    Args:
        table: The table.
        job: The name of its job; empty if any job gives the same table.
    """
    parts = [f"gcbatch table {table.name}", f"key: {', '.join(table.key)}"]
    if job:
        parts.append(f"job: {job}")
    return one_line("; ".join(parts), MAX_COMMENT)


def _said(metadata: dict[bytes, bytes] | None, key: bytes) -> str:
    text = (metadata or {}).get(key, b"").decode(errors="replace")
    return one_line(text, MAX_COMMENT)


def _full_name(name: str, db_schema: str, dialect: Dialect) -> str:
    parts = (db_schema, name) if db_schema else (name,)
    return ".".join(quoted_name(part, dialect) for part in parts)


def _column(
    field: pa.Field, dialect: Dialect, *, json: JsonType, is_key: bool = False
) -> str:
    """Return a column's name, type and whether it may be null."""
    kind = column_type(field, dialect, json=json, is_key=is_key)
    # BigQuery's arrays are empty where others are null, and refuse NOT NULL.
    may_be_null = field.nullable or kind.startswith("ARRAY<")
    ending = dialect.nullable if may_be_null else " NOT NULL"
    return f"{quoted_name(field.name, dialect)} {kind}{ending}"


def _line(column: str, comment: str, dialect: Dialect, *, is_last: bool) -> str:
    """Return the line of a column within CREATE TABLE."""
    comma = "" if is_last else ","
    if not comment:
        return f"  {column}{comma}"
    match dialect.comments:
        case "inline":
            return f"  {column} COMMENT {quoted_text(comment, dialect)}{comma}"
        case "options":
            text = quoted_text(comment, dialect)
            return f"  {column} OPTIONS (description={text}){comma}"
        case "lines":
            return f"  {column}{comma} -- {comment}"
        case "statements" | "properties":
            return f"  {column}{comma}"


def _table_comment(about: str, dialect: Dialect) -> str:
    """Return the comment of a table where it follows the columns."""
    if not about:
        return ""
    text = quoted_text(about, dialect)
    match dialect.comments:
        case "inline":
            equals = "= " if dialect.name == "snowflake" else ""
            return f" COMMENT {equals}{text}"
        case "options":
            return f" OPTIONS (description={text})"
        case "statements" | "properties" | "lines":
            return ""


def _comments(
    name: str,
    fields: Iterable[pa.Field],
    about: str,
    db_schema: str,
    dialect: Dialect,
) -> Iterator[str]:
    """Yield the comments that are statements of their own."""
    said = [(f.name, comment) for f in fields if (comment := _comment_of(f, dialect))]
    if dialect.comments == "statements":
        table = _full_name(name, db_schema, dialect)
        if about:
            yield f"COMMENT ON TABLE {table} IS {quoted_text(about, dialect)}"
        for column, comment in said:
            path = f"{table}.{quoted_name(column, dialect)}"
            yield f"COMMENT ON COLUMN {path} IS {quoted_text(comment, dialect)}"
    elif dialect.comments == "properties":
        above = ("schema", db_schema or dialect.schema), ("table", name)
        if about:
            yield _property(about, above, dialect)
        for column, comment in said:
            yield _property(comment, (*above, ("column", column)), dialect)


def _property(text: str, path: Iterable[tuple[str, str]], dialect: Dialect) -> str:
    """Return the call that sets SQL Server's property for descriptions."""
    levels = "".join(
        f", @level{number}type = {quoted_text(kind, dialect)}"
        f", @level{number}name = {quoted_text(name, dialect)}"
        for number, (kind, name) in enumerate(path)
    )
    value = quoted_text(text, dialect)
    call = "EXEC sys.sp_addextendedproperty @name = N'MS_Description', @value = "
    return f"{call}{value}{levels}"


def _refuse_twins(names: Iterable[str], dialect: Dialect) -> None:
    """Refuse columns that the database takes for one.

    Raises:
        JobError: If there are such.
    """
    if dialect.is_case_sensitive:
        stored = Counter(quoted_name(name, dialect) for name in names)
    else:
        stored = Counter(quoted_name(name, dialect).casefold() for name in names)
    if twins := sorted(name for name, count in stored.items() if count > 1):
        msg = f"columns {', '.join(twins)}: {dialect.name} takes them for one"
        raise JobError(msg, hint="rename one of them")
