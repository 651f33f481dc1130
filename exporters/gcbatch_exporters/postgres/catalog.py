"""What the server says of schemas, tables and privileges, before any change."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from gcbatch.dialects import quoted
from gcbatch.errors import JobError, OutputError
from gcbatch_exporters.postgres.session import Session
from gcbatch_exporters.postgres.table_name import TableName

__all__ = [
    "ExistingTable",
    "find_schema",
    "find_table",
    "require_create",
    "require_owner",
]

_SCHEMA: Final = """
SELECT pg_catalog.has_schema_privilege(oid, 'USAGE'),
       pg_catalog.has_schema_privilege(oid, 'CREATE')
FROM pg_catalog.pg_namespace WHERE nspname = $1
"""

_TABLE: Final = """
SELECT oid::bigint, relkind::text, pg_catalog.pg_has_role(relowner, 'USAGE'),
       pg_catalog.has_any_column_privilege(oid, 'SELECT'),
       pg_catalog.has_any_column_privilege(oid, 'INSERT'),
       pg_catalog.has_table_privilege(oid, 'DELETE')
FROM pg_catalog.pg_class
WHERE relname = $2 AND relkind NOT IN ('i', 'I') AND relnamespace =
  (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = $1)
"""

_COLUMNS: Final = """
SELECT attname::text, pg_catalog.format_type(atttypid, atttypmod)
FROM pg_catalog.pg_attribute
WHERE attrelid::bigint = $1 AND attnum > 0 AND NOT attisdropped ORDER BY attnum
"""

_LOADABLE: Final = {"r", "p"}
"""Kinds of relations that rows are deleted from and copied into."""

_KINDS: Final = {"v": "a view", "m": "a materialized view", "f": "a foreign table"}

_SAME: Final = {
    "timestamp with time zone": "timestamptz",
    "timestamp without time zone": "timestamp",
    "character varying": "text",
}
"""Types by their other names, and one that differs in nothing but its name."""

_FRACTION: Final = re.compile(r"timestamp\(([3-6])\) (with time zone)")
"""Times that are cut at milliseconds or finer lose nothing of ours."""


@dataclass(frozen=True, slots=True)
class ExistingTable:
    """A table as the server has it.

    Args:
        columns: The type of each column by its name, in their order: as
            `gcbatch.dialects.sql_type` names it where it holds the same values.
        is_owned: Whether the role may add columns.
    """

    columns: dict[str, str]
    is_owned: bool


def find_schema(session: Session, name: str) -> str:
    """Return the schema of the tables, which the role may use.

    Args:
        session: The connection.
        name: Its name; empty takes the first of the role's `search_path`.

    Raises:
        OutputError: If it does not exist, or the role may not use it.
    """
    if not name:
        name = session.rows("search_path", "SELECT current_schema()::text")[0][0]
        if not name:
            msg = (
                f"{session.address}: the role's search_path names no schema that exists"
            )
            raise OutputError(msg, hint="name one as `db_schema`")
    if not (found := session.rows(name, _SCHEMA, name)):
        msg = f"{session.address}: {name}: there is no such schema"
        create = f"CREATE SCHEMA {quoted(name, 'postgresql')}"
        raise OutputError(msg, hint=f"create it: {create}; or correct `db_schema`")
    if not found[0][0]:
        grant = f"GRANT USAGE ON SCHEMA {quoted(name, 'postgresql')}"
        raise _not_permitted(session, name, "may not use the schema", grant)
    return name


def require_create(session: Session, table: TableName) -> None:
    """Refuse to create a table where the role may not.

    Raises:
        OutputError: If it may not; names the GRANT.
    """
    ((_, creates),) = session.rows(table, _SCHEMA, table.db_schema)
    if not creates:
        grant = f"GRANT CREATE ON SCHEMA {quoted(table.db_schema, 'postgresql')}"
        raise _not_permitted(session, table, "may not create it", grant)


def find_table(
    session: Session, table: TableName, privileges: Collection[str] = ("SELECT",)
) -> ExistingTable | None:
    """Return a table; None if there is none.

    Args:
        session: The connection.
        table: The table.
        privileges: Those that the role needs, of SELECT, INSERT and DELETE.

    Raises:
        JobError: If it is a view or the like.
        OutputError: If the role lacks a privilege; names the GRANT.
    """
    found = session.rows(table, _TABLE, table.db_schema, table.name)
    if not found:
        return None
    oid, kind, is_owned, *may = found[0]
    if kind not in _LOADABLE:
        msg = f"{session.address}: {table}: is {_KINDS.get(kind, 'something else')}"
        msg += ", not a table"
        raise JobError(msg, hint="use another name (`name`)")
    has = dict(zip(("SELECT", "INSERT", "DELETE"), may, strict=True))
    if lacking := [one for one in privileges if not has[one]]:
        problem = f"has no privilege to {' or '.join(lacking)}"
        grant = f"GRANT {', '.join(lacking)} ON {table.sql}"
        raise _not_permitted(session, table, problem, grant)
    columns = session.rows(table, _COLUMNS, oid)
    return ExistingTable({name: _canonical(kind) for name, kind in columns}, is_owned)


def require_owner(session: Session, table: TableName, statement: str) -> None:
    """Refuse to alter a table that the role does not own.

    Raises:
        OutputError: If it does not; names the statement that its owner can run.
    """
    found = find_table(session, table)
    if found is not None and not found.is_owned:
        user = session.rows(table, "SELECT current_user::text")[0][0]
        msg = f"{session.address}: {table}: may not be altered by role {user!r}"
        raise OutputError(msg, hint=f"let its owner run: {statement}")


def _canonical(kind: str) -> str:
    return "timestamptz" if _FRACTION.fullmatch(kind) else _SAME.get(kind, kind)


def _not_permitted(
    session: Session, where: TableName | str, problem: str, grant: str
) -> OutputError:
    ((user, quoted_user),) = session.rows(
        where, "SELECT current_user::text, pg_catalog.quote_ident(current_user)"
    )
    msg = f"{session.address}: {where}: role {user!r} {problem}"
    return OutputError(msg, hint=f"let its owner run: {grant} TO {quoted_user}")
