"""The columns of a lake's table, compared with those that a table has."""

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

import pyarrow as pa

from gcbatch.errors import JobError
from gcbatch.table import ORG, Table

__all__ = [
    "Column",
    "can_partition",
    "comment_of",
    "compare_columns",
    "require_columns",
]


class Column(NamedTuple):
    """A column of a lake's table.

    Args:
        name: Its name.
        kind: Its type, as the lake names it.
        nullable: Whether it may be null.
    """

    name: str
    kind: str
    nullable: bool = True


def can_partition(kind: pa.DataType) -> bool:
    """Return whether values of a type can be partitions: texts, numbers, booleans."""
    return bool(
        pa.types.is_string(kind)
        or pa.types.is_integer(kind)
        or pa.types.is_boolean(kind)
    )


def comment_of(metadata: dict[str, str]) -> str:
    """Return what catalogs show of a column: what it is, its unit and source.

    Args:
        metadata: That of the column in the table.
    """
    words = [metadata.get("description", "")]
    words += [f"{key} {metadata[key]}" for key in ("unit", "source") if key in metadata]
    return ", ".join(filter(None, words))


def compare_columns(
    place: object, present: Iterable[Column], wanted: Sequence[Column], *, add: bool
) -> list[str]:
    """Compare the columns of a lake's table with those that are to be written.

    Types are never converted: a merge of schemas would make 0 of 0.5.

    Args:
        place: The lake's table, for errors.
        present: Its columns.
        wanted: Those to be written.
        add: Whether columns may be added.

    Returns:
        The names of the columns that are to be added.

    Raises:
        JobError: If a column has another type, must not be null but is not written, or
            is new and may not be added.
    """
    there = {column.name: column for column in present}
    folded = {name.lower(): name for name in there}
    names = [column.name for column in wanted]
    for column in wanted:
        known = folded.get(column.name.lower())
        if known is None:
            continue
        if known != column.name:
            msg = f"{place}: has a column {known}, which readers take for {column.name}"
            raise JobError(msg, hint="rename one of them")
        found = there[known].kind
        if found != column.kind:
            msg = f"{place}: {column.name} is {found} there, and {column.kind} here"
            hint = "write into another table, or change the type there"
            raise JobError(msg, hint=hint)
    for column in there.values():
        if not column.nullable and column.name not in names:
            msg = f"{place}: {column.name} must not be null, and nothing is written to "
            hint = "let it be null, or write into another table"
            raise JobError(msg + "it", hint=hint)
    new = [name for name in names if name not in there]
    if new and not add:
        msg = f"{place}: has no column {', '.join(new)}"
        raise JobError(msg, hint="allow it by new_columns: add, or add them there")
    return new


def require_columns(
    place: object, names: Collection[str], table: Table, *, way_out: str
) -> None:
    """Make sure that the same columns distinguish rows there and here.

    Args:
        place: The lake's table, for errors.
        names: Those of its columns.
        table: The table.
        way_out: The hint.

    Raises:
        JobError: If the lake's table lacks a column of the key, or one of a row's time:
            its rows would stay beside those that replace them. Or if only it has orgs:
            the rows of all of them would be replaced.
    """
    needed = {*table.key, *({ORG} & {*table.schema.names})}
    if not table.is_timeless:
        needed |= {name for name in (table.row_time, table.end) if name is not None}
    if missing := sorted(needed - {*names}):
        msg = f"{place}: has no column {missing[0]}, which distinguishes its rows"
        raise JobError(msg, hint=way_out)
    if ORG in names and ORG not in table.schema.names:
        msg = f"{place}: has rows of several orgs, this job has one"
        raise JobError(msg, hint=way_out)
