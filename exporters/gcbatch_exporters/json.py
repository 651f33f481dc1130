"""JSON Lines: one object a line."""

from collections.abc import Mapping
from typing import ClassVar

import orjson
import pyarrow as pa
from pydantic import BaseModel

from gcbatch.errors import JobError
from gcbatch.exporting import FileOptions, Receipt, Target
from gcbatch.table import Table
from gcbatch_exporters.base import FileExporter, only_table
from gcbatch_exporters.text_columns import (
    as_bytes,
    as_json,
    concat,
    holds_json,
    write_lines,
)

__all__ = ["JsonExporter", "JsonOptions"]


class JsonOptions(FileOptions):
    """Options of the json exporter.

    Args:
        unwrap: A column that holds JSON, whose value becomes the whole line. Default:
            each line is an object with all columns.
    """

    unwrap: str | None = None


class JsonExporter(FileExporter[JsonOptions]):
    """Writes one table into one file of JSON Lines, UTF-8.

    Null is null, times are ISO 8601 in UTC to the millisecond, numbers unrounded, also
    whole ones beyond 2**53, which some readers round. The JSON that a column holds is
    written as JSON, not as a text.
    """

    Options: ClassVar[type[BaseModel]] = JsonOptions

    def check(self, tables: Mapping[str, Table]) -> None:
        """Refuse more than one table, and `unwrap` of a column without JSON.

        Raises:
            JobError: If there is not exactly one table, or `unwrap` names no column
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
            OutputError: If a column holds NaN or infinity, which JSON does not support.
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
    """Return a column as JSON; JSON in it stays as it is."""
    if holds_json(field):
        return column.cast(pa.large_string())
    return as_json(column, field.name)
