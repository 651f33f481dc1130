"""The type of a column in a database, by its type in Arrow."""

from typing import Final, Literal

import pyarrow as pa

from gcbatch.dialects.dialect import Dialect
from gcbatch.dialects.kinds import FRACTION_DIGITS, Kind, kind_of
from gcbatch.dialects.lookup import find_dialect
from gcbatch.errors import JobError
from gcbatch.text import one_line

__all__ = ["JsonType", "column_type", "sql_type"]

JsonType = Literal["text", "jsonb"]
"""How columns of JSON are stored; only PostgreSQL has jsonb."""

_TIMES: Final = (Kind.INSTANT, Kind.LOCAL_TIME)


def sql_type(
    field: pa.Field, dialect: str, *, json: JsonType = "text", is_key: bool = False
) -> str:
    """Return the type of a column, as the dialect's database names it.

    Args:
        field: The column. One with metadata `content: json` holds JSON.
        dialect: One of DIALECTS.
        json: The type of JSON; `jsonb` in PostgreSQL only.
        is_key: Whether the column identifies rows: databases that index no text of any
            length have a shorter type for it.

    Raises:
        JobError: If there is no such dialect, or its database has no type that holds
            every value; names column and type.
        ValueError: If another dialect than PostgreSQL is to have jsonb.
    """
    return column_type(field, find_dialect(dialect), json=json, is_key=is_key)


def column_type(
    field: pa.Field, dialect: Dialect, *, json: JsonType = "text", is_key: bool = False
) -> str:
    """Return the type of a column; see sql_type."""
    if json == "jsonb" and dialect.name != "postgresql":
        msg = f"{dialect.name} has no jsonb"
        raise ValueError(msg)
    kind = kind_of(field.type)
    found = dialect.types.get(kind) if kind else None
    if kind is None or found is None:
        raise _no_type(field, dialect)
    if kind is Kind.TEXT:
        if json == "jsonb" and _is_json(field):
            return "jsonb"
        return (is_key and dialect.key_text) or found
    if kind in _TIMES:
        digits = FRACTION_DIGITS[field.type.unit]
        if digits > dialect.max_digits:
            raise _no_type(field, dialect)
        return found.format(digits=digits)
    if kind is Kind.DECIMAL:
        precision, scale = field.type.precision, field.type.scale
        if not 0 <= scale <= min(precision, dialect.max_scale):
            raise _no_type(field, dialect)
        return found.format(precision=precision, scale=scale)
    return found


def _is_json(field: pa.Field) -> bool:
    return (field.metadata or {}).get(b"content") == b"json"


def _no_type(field: pa.Field, dialect: Dialect) -> JobError:
    problem = f"column {one_line(field.name)!r}: {dialect.name} has no type for"
    return JobError(
        f"{problem} {one_line(field.type)}",
        hint="give the column another type in the table, such as text",
    )
