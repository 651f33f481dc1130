"""JSON Lines: one object a line."""

from collections.abc import Mapping
from typing import ClassVar

import orjson
import pyarrow as pa
from pydantic import BaseModel

from gcbatch.exporting import FileOptions, Receipt, Target
from gcbatch.tables.table import Table
from gcbatch_exporters.rows import (
    as_bytes,
    as_json,
    concat,
    only_table,
    write_lines,
)

__all__ = ["JsonExporter"]


class JsonExporter:
    """Writes one table into one file of JSON Lines, UTF-8.

    Null is null, times are ISO 8601 UTC to the millisecond, numbers unrounded (whole
    ones beyond 2**53 included, which some readers round).
    """

    api_version: ClassVar[int] = 1
    Options: ClassVar[type[BaseModel]] = FileOptions

    def __init__(self, options: FileOptions) -> None:
        self._options = options

    def check(self, tables: Mapping[str, Table]) -> None:
        """Refuse more than one table.

        Raises:
            JobError: If there are more, or none.
        """
        only_table(tables, "json")

    def export(self, tables: Mapping[str, Table], target: Target) -> Receipt:
        """Write the table.

        Raises:
            JobError: If there are more tables, or none.
            OutputError: If a column holds NaN or infinity, which JSON cannot say.
        """
        table = only_table(tables, "json")
        return write_lines(table, target, self._options.path, _lines)


def _lines(batch: pa.RecordBatch) -> memoryview:
    pieces: list[pa.Array | str] = []
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        pieces += [f",{orjson.dumps(name).decode()}:", as_json(column, name)]
    pieces[0] = "{" + str(pieces[0])[1:]
    return as_bytes(concat(*pieces, "}\n", null="null"))
