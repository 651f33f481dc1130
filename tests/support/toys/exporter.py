"""Writes a table as lines of text."""

from collections.abc import Mapping
from typing import ClassVar

from gcbatch import Table
from gcbatch.exporting import FileOptions, Receipt, Target


class LinesExporter:
    """A line for each row."""

    api_version: ClassVar[int] = 1
    Options: ClassVar[type[FileOptions]] = FileOptions

    def __init__(self, options: FileOptions) -> None:
        self._path = options.path

    def export(self, tables: Mapping[str, Table], target: Target) -> Receipt:
        """Write the one table."""
        (table,) = tables.values()
        rows = table.read_all().to_pylist()
        lines = [" ".join(str(value) for value in row.values()) for row in rows]
        target.stage(self._path).write_text("\n".join(lines), "utf-8")
        return Receipt(str(self._path), len(rows))
