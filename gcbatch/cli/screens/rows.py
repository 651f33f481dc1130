"""The screens of `gcbatch sql`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pyarrow as pa
from rich.console import RenderableType

from gcbatch.cli.screens.grid import new_grid
from gcbatch.table import Table
from gcbatch.text import one_line
from gcbatch.windows import iso

__all__ = ["columns_of_table", "rows_of_result"]

MAX_CHARS = 1_000
"""Length of a cell."""


def rows_of_result(
    schema: pa.Schema, batches: Sequence[pa.RecordBatch]
) -> RenderableType:
    """Return rows under the names of their columns; numbers are aligned right."""
    right = [n for n, field in enumerate(schema) if _is_number(field.type)]
    grid = new_grid(*schema.names, right=right)
    for batch in batches:
        for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            grid.add_row(*map(_cell, row))
    return grid


def columns_of_table(table: Table) -> RenderableType:
    """Return the columns of a table with their types and what they are."""
    grid = new_grid("column", "type", "key", "meaning", whole=True)
    for field in table.schema:
        about = {k.decode(): v.decode() for k, v in (field.metadata or {}).items()}
        unit = f"{about['unit']}; " if "unit" in about else ""
        meaning = unit + about.get("description", about.get("source", ""))
        key = "key" if field.name in table.key else ""
        grid.add_row(field.name, str(field.type), key, meaning.removesuffix("; "))
    return grid


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        if value.tzinfo is None:
            return value.isoformat(timespec="milliseconds").removesuffix(".000")
        return iso(value).replace(".000Z", "Z")
    return one_line(str(value), MAX_CHARS)
