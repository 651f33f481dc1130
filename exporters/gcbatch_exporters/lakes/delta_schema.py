"""The columns that a table has in Delta."""

import re
from typing import Final

import pyarrow as pa

from gcbatch.errors import JobError
from gcbatch.table import Table
from gcbatch_exporters.lakes.columns import Column, comment_of
from gcbatch_exporters.lakes.partition_columns import PartitionColumns

__all__ = ["delta_columns", "delta_schema"]

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
    if comment := comment_of(said):
        said["comment"] = comment
    return pa.field(field.name, kind, metadata=said or None)


def delta_columns(schema: pa.Schema) -> list[Column]:
    """Return columns as they are compared.

    Args:
        schema: Columns of a Delta table, in Arrow.
    """
    return [
        Column(field.name, NAMES.get(field.type, str(field.type)), field.nullable)
        for field in schema
    ]
