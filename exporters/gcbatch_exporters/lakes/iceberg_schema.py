"""Columns and partitions that a table has in Iceberg."""

from collections.abc import Sequence
from typing import Any, Final

import pyarrow as pa

from gcbatch.errors import JobError
from gcbatch.lazy import lazy_import
from gcbatch.table import Table
from gcbatch_exporters.base import check_partition_names
from gcbatch_exporters.lakes.columns import Column, can_partition, comment_of

__all__ = ["iceberg_columns", "iceberg_schema", "iceberg_spec", "spec_names"]

partitioning = lazy_import("pyiceberg.partitioning")
schemas = lazy_import("pyiceberg.schema")
transforms = lazy_import("pyiceberg.transforms")
types = lazy_import("pyiceberg.types")

KINDS: Final = {
    pa.string(): "StringType",
    pa.int64(): "LongType",
    pa.float64(): "DoubleType",
    pa.bool_(): "BooleanType",
    pa.timestamp("ms", tz="UTC"): "TimestamptzType",
}
"""The types of tables as pyiceberg names them; Iceberg's instants have microseconds."""

UNITS: Final = {"day": "DayTransform", "month": "MonthTransform"}
"""Partitions of a row's time, as pyiceberg names them."""

FIRST_PARTITION_ID: Final = 1000
"""As Iceberg's specification numbers partition fields."""


def iceberg_schema(table: Table) -> Any:
    """Return the columns that a table has in Iceberg.

    All may be null, and say in their documentation what they are.

    Raises:
        JobError: If Iceberg has no such column.
    """
    fields = []
    for number, field in enumerate(table.schema, 1):
        if field.type not in KINDS:
            msg = f"{table.name}: {field.name} is {field.type}, which the exporter to "
            raise JobError(msg + "Iceberg does not know", hint="export it as parquet")
        said = {k.decode(): v.decode() for k, v in (field.metadata or {}).items()}
        kind = getattr(types, KINDS[field.type])()
        doc = comment_of(said) or None
        fields.append(types.NestedField(number, field.name, kind, False, doc))  # noqa: FBT003 - not required
    return schemas.Schema(*fields)


def iceberg_columns(schema: Any) -> list[Column]:
    """Return columns as they are compared."""
    return [
        Column(field.name, str(field.field_type), not field.required)
        for field in schema.fields
    ]


def iceberg_spec(table: Table, names: Sequence[str], schema: Any) -> Any:
    """Return the partitions of a new Iceberg table.

    Args:
        table: The table; its rows are not read.
        names: As in partition_by.
        schema: The columns that it has in Iceberg.

    Raises:
        JobError: If a name is unknown or doubled, no other column remains, or both day
            and month are named.
    """
    columns = [f.name for f in table.schema if can_partition(f.type)]
    taken = set(table.schema.names)
    units = [u for u in UNITS if table.row_time is not None and u not in taken]
    check_partition_names(table, names, units + columns, not_common=())
    if set(units) <= set(names) and units:
        msg = "partition_by: Iceberg partitions a time by day or by month, not by both"
        raise JobError(msg, hint="name one of them")
    fields = []
    for number, name in enumerate(names):
        by_unit = name in units
        source = schema.find_field(table.row_time if by_unit else name)
        kind = UNITS[name] if by_unit else "IdentityTransform"
        transform = getattr(transforms, kind)()
        # An identity has the column's name; another field must not have it.
        own = f"{source.name}_{name}" if by_unit else name
        fields.append(
            partitioning.PartitionField(
                source.field_id, FIRST_PARTITION_ID + number, transform, own
            )
        )
    return partitioning.PartitionSpec(*fields)


def spec_names(spec: Any, schema: Any, time: str | None) -> list[str]:
    """Return partitions of an Iceberg table as partition_by has them.

    Args:
        spec: Its partitions.
        schema: Its columns.
        time: The column of the time of rows.
    """
    names = []
    for field in spec.fields:
        column, kind = schema.find_column_name(field.source_id), str(field.transform)
        is_unit = kind in UNITS and column == time
        names.append(
            kind if is_unit else column if kind == "identity" else f"{kind}({column})"
        )
    return names
