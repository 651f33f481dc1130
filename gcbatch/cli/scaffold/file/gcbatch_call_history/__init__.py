"""Writes a gcbatch table into a file of tab-separated values."""

import csv
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

from gcbatch import JobError, Table
from gcbatch.exporting import FileOptions, Receipt, Target
from gcbatch.windows import iso
from pydantic import BaseModel

__all__ = ["CallHistoryExporter", "CallHistoryOptions"]


class CallHistoryOptions(FileOptions):
    """Options of the exporter: its keys in the job file, beside `path`.

    Args:
        header: Begin with the names of the columns.
    """

    header: bool = True


class CallHistoryExporter:
    """Writes one table into one file of tab-separated values, UTF-8.

    Null is an empty cell. Times are ISO 8601 in UTC, booleans true or false.
    """

    api_version: ClassVar[int] = 2
    Options: ClassVar[type[BaseModel]] = CallHistoryOptions
    deterministic: ClassVar[bool] = True  # the same rows give the same bytes

    def __init__(self, options: CallHistoryOptions) -> None:
        self._options = options

    def check(self, tables: Mapping[str, Table]) -> None:
        """Refuse more than one table, before the first request.

        Raises:
            JobError: If there are more.
        """
        if len(tables) > 1:
            names = ", ".join(tables)
            msg = f"call-history: writes one table ({names})"
            raise JobError(msg, hint="give each table an export of its own")

    def destinations(self, names: Sequence[str]) -> Sequence[str]:
        """Return the files that tables of these names go to."""
        return [str(self._options.path) for _ in names]

    def export(self, tables: Mapping[str, Table], target: Target) -> Receipt:
        """Write the table to a staged file, which gcbatch then moves to its place."""
        (table,) = tables.values()
        rows = 0
        staged = target.stage(self._options.path)
        with staged.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, "excel-tab")
            if self._options.header:
                writer.writerow(table.schema.names)
            for batch in table:  # a table may be larger than memory
                rows += batch.num_rows
                for row in batch.to_pylist():
                    writer.writerow(map(_cell, row.values()))
        return Receipt(str(self._options.path), rows)


def _cell(value: Any) -> Any:
    """Return a value as the format has it; null is an empty cell."""
    if isinstance(value, datetime):
        return iso(value)
    return str(value).lower() if isinstance(value, bool) else value
