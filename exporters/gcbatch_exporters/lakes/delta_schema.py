"""The columns of a Delta table, compared with those that a table has."""

import re
from typing import Final

import pyarrow as pa

from gcbatch.errors import JobError
from gcbatch.table import ORG, Table
from gcbatch_exporters.lakes.partition_columns import PartitionColumns

__all__ = ["compare_columns", "delta_schema", "require_columns"]

MICROSECONDS: Final = pa.timestamp("us", tz="UTC")
"""The type of instants in a Delta table."""

NAMES: Final = {
    pa.string(): "string",
    pa.int64(): "long",
    pa.int32(): "integer",
    pa.int16(): "short",
    pa.int8(): "byte",
    pa.float64(): "double",
    pa.float32(): "float",
    pa.bool_(): "boolean",
    pa.date32(): "date",
    pa.timestamp("us"): "timestamp_ntz",
    MICROSECONDS: "timestamp",
}
"""Arrow's types as Delta names them."""

_UNSAFE: Final = re.compile(r"[ ,;{}()\n\t=]")
"""Characters that Spark refuses in names of columns."""


def delta_schema(table: Table, partitions: PartitionColumns) -> pa.Schema:
    """Return the columns that a table has in Delta.

    Instants have microseconds. A field keeps its metadata, and says in `comment`, which
    catalogs show, what it is, in which unit and from which source.

    Raises:
        JobError: If Delta has no such column.
    """
    return pa.schema(
        [
            _delta_field(field, table.name)
            for field in (*table.schema, *partitions.fields)
        ]
    )


def _delta_field(field: pa.Field, table: str) -> pa.Field:
    kind = MICROSECONDS if pa.types.is_timestamp(field.type) else field.type
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if kind not in NAMES:
        msg = f"{table}: {field.name} is {field.type}, which Delta tables do not have"
        raise JobError(msg, hint="export it as parquet")
    if _UNSAFE.search(field.name):
        msg = f"{table}: {field.name!r} has a character that Delta refuses in names"
        raise JobError(msg, hint="give the column another name")
    said = {k.decode(): v.decode() for k, v in (field.metadata or {}).items()}
    words = [said.get("description", "")]
    words += [f"{key} {said[key]}" for key in ("unit", "source") if key in said]
    if comment := ", ".join(filter(None, words)):
        said["comment"] = comment
    return pa.field(field.name, kind, metadata=said or None)


def compare_columns(
    path: object, present: pa.Schema, wanted: pa.Schema, *, add: bool
) -> None:
    """Compare the columns of a Delta table with those that are to be written.

    Types are never converted: a merge of schemas would make 0 of 0.5.

    Args:
        path: The Delta table, for errors.
        present: Its columns.
        wanted: Those to be written.
        add: Whether columns may be added.

    Raises:
        JobError: If a column has another type, must not be null but is not written, or
            is new and may not be added.
    """
    folded = {name.lower(): name for name in present.names}
    for field in wanted:
        known = folded.get(field.name.lower())
        if known is None:
            continue
        if known != field.name:
            msg = f"{path}: has a column {known}, which readers take for {field.name}"
            raise JobError(msg, hint="rename one of them")
        found = present.field(known).type
        if found != field.type:
            msg = f"{path}: {field.name} is {_named(found)} there"
            msg += f", and {_named(field.type)} here"
            hint = "write into another table, or change the type there"
            raise JobError(msg, hint=hint)
    for field in present:
        if not field.nullable and field.name not in wanted.names:
            msg = f"{path}: {field.name} must not be null, and nothing is written to it"
            raise JobError(msg, hint="let it be null, or write into another table")
    new = [name for name in wanted.names if name not in present.names]
    if new and not add:
        msg = f"{path}: has no column {', '.join(new)}"
        raise JobError(msg, hint="allow it by new_columns: add, or add them there")


def require_columns(path: object, present: pa.Schema, table: Table) -> None:
    """Make sure that the same columns distinguish rows there and here.

    Raises:
        JobError: If the Delta table lacks a column of the key, or one of a row's time:
            its rows would stay beside those that replace them. Or if only it has orgs:
            the rows of all of them would be replaced.
    """
    needed = {*table.key, *({ORG} & {*table.schema.names})}
    if not table.is_timeless:
        needed |= {name for name in (table.row_time, table.end) if name is not None}
    if missing := sorted(needed - {*present.names}):
        msg = f"{path}: has no column {missing[0]}, which distinguishes its rows"
        raise JobError(msg, hint="name another path")
    if ORG in present.names and ORG not in table.schema.names:
        msg = f"{path}: has rows of several orgs, this job has one"
        raise JobError(msg, hint="name another path")


def _named(kind: pa.DataType) -> str:
    return NAMES.get(kind, str(kind))
