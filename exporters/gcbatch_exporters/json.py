"""JSON Lines: one object a line."""

from collections.abc import Mapping
from typing import ClassVar

import orjson
import pyarrow as pa
from pydantic import BaseModel

from gcbatch.errors import JobError
from gcbatch.exporting import FileOptions, Receipt, Target
from gcbatch.table import Table
from gcbatch_exporters.text_columns import (
    as_bytes,
    as_json,
    concat,
    holds_json,
    only_table,
    write_lines,
)

__all__ = ["JsonExporter", "JsonOptions"]


class JsonOptions(FileOptions):
    """Options of the json exporter.

    Args:
        unwrap: A column that holds JSON: each line is its value alone. Default: each
            line is an object with all columns.
    """

    unwrap: str | None = None


class JsonExporter:
    """Writes one table into one file of JSON Lines, UTF-8.

    Null is null, times are ISO 8601 UTC to the millisecond, numbers unrounded (whole
    ones beyond 2**53 included, which some readers round). What a column holds as JSON
    is written as that, not as a text.
    """

    api_version: ClassVar[int] = 1
    deterministic: ClassVar[bool] = True
    Options: ClassVar[type[BaseModel]] = JsonOptions

    def __init__(self, options: JsonOptions) -> None:
        self._options = options

    def check(self, tables: Mapping[str, Table]) -> None:
        """Refuse more than one table, and to unwrap what holds no JSON.

        Raises:
            JobError: If there are more tables, or none; or `unwrap` names no column
                that holds JSON.
        """
        table = only_table(tables, "json")
        column = self._options.unwrap
        valid = [field.name for field in table.schema if holds_json(field)]
        if column is not None and column not in valid:
            msg = f"unwrap: {table.name} has no column of JSON called {column!r}"
            hint = f"choose from {', '.join(valid)}" if valid else "leave unwrap out"
            raise JobError(msg, hint=hint)

    def export(self, tables: Mapping[str, Table], target: Target) -> Receipt:
        """Write the table.

        Raises:
            JobError: As in check.
            OutputError: If a column holds NaN or infinity, which JSON cannot say.
        """
        self.check(tables)
        table = only_table(tables, "json")
        return write_lines(table, target, self._options.path, self._lines)

    def _lines(self, batch: pa.RecordBatch) -> memoryview:
        if self._options.unwrap is not None:
            values = batch.column(self._options.unwrap).cast(pa.large_string())
            return as_bytes(concat(values, "\n", null="null"))
        pieces: list[pa.Array | str] = []
        for field, column in zip(batch.schema, batch.columns, strict=True):
            name = orjson.dumps(field.name).decode()
            pieces += [f",{name}:", _values(column, field)]
        pieces[0] = "{" + str(pieces[0])[1:]
        return as_bytes(concat(*pieces, "}\n", null="null"))


def _values(column: pa.Array, field: pa.Field) -> pa.Array:
    """Return a column as JSON; what is JSON already, as it is."""
    if holds_json(field):
        return column.cast(pa.large_string())
    return as_json(column, field.name)
