"""CSV by RFC 4180, safe to open in a spreadsheet."""

from collections.abc import Mapping
from typing import ClassVar, Final, Literal

import pyarrow as pa
from pydantic import BaseModel

from gcbatch.exporting import FileOptions, Receipt, Target
from gcbatch.lazy import lazy_import
from gcbatch.table import Table
from gcbatch_exporters.base import FileExporter, only_table
from gcbatch_exporters.text_columns import (
    as_bytes,
    as_text,
    concat,
    each_once,
    write_lines,
)

__all__ = ["CsvExporter", "CsvOptions"]

pc = lazy_import("pyarrow.compute")

_TO_QUOTE: Final = r'[",\r\n]|\A\z'
"""Cells that need quotes; the empty text has them, unlike null."""

_FORMULA: Final = r"\A[=+\-@\t\r\n＝＋－＠]"  # noqa: RUF001 - full-width ones count too
"""Texts that Excel, LibreOffice or Google Sheets would run as formulas.

Source: OWASP, CSV Injection, read 2026-11.
"""


class CsvOptions(FileOptions):
    """Options of the csv exporter.

    Args:
        bom: Begin with a byte-order mark, by which Excel on Windows recognises UTF-8.
        formulas: `escape` puts an apostrophe before texts that a spreadsheet would
            run as a formula: otherwise anyone who may name a queue could run one.
            `keep` leaves them, for files that only programs read.
    """

    bom: bool = False
    formulas: Literal["escape", "keep"] = "escape"


class CsvExporter(FileExporter[CsvOptions]):
    """Writes one table into one CSV file: UTF-8, CRLF, a header row.

    Null is an empty cell, and the empty text a quoted one. Times are ISO 8601 in UTC to
    the millisecond, numbers unrounded, booleans true or false, lists JSON.
    """

    Options: ClassVar[type[BaseModel]] = CsvOptions

    def check(self, tables: Mapping[str, Table]) -> None:
        """Refuse more than one table.

        Raises:
            JobError: If there are more, or none.
        """
        only_table(tables, "csv")

    def export(self, tables: Mapping[str, Table], target: Target) -> Receipt:
        """Write the table.

        Raises:
            JobError: If there are more tables, or none.
        """
        table = only_table(tables, "csv")
        names = pa.RecordBatch.from_arrays(
            [pa.array([name]) for name in table.schema.names], table.schema.names
        )
        head = b"\xef\xbb\xbf" if self._options.bom else b""
        head += self._lines(names)
        return write_lines(table, target, self._options.path, self._lines, head=head)

    def _lines(self, batch: pa.RecordBatch) -> memoryview:
        pieces: list[pa.Array | str] = []
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            pieces += [",", self._cells(column, name)]
        return as_bytes(concat(*pieces[1:], "\r\n", null=""))

    def _cells(self, column: pa.Array, name: str) -> pa.Array:
        text = as_text(column, name)
        kind = column.type
        if pa.types.is_dictionary(kind):
            kind = kind.value_type
        is_text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
        if not is_text and not pa.types.is_nested(kind):
            return text
        return each_once(text, self._as_cells)

    def _as_cells(self, text: pa.Array) -> pa.Array:
        if self._options.formulas == "escape":
            runs = pc.match_substring_regex(text, _FORMULA)
            if pc.any(runs).as_py():
                text = pc.if_else(runs, concat("'", text), text)
        to_quote = pc.match_substring_regex(text, _TO_QUOTE)
        if not pc.any(to_quote).as_py():
            return text
        quoted = concat('"', pc.replace_substring(text, '"', '""'), '"')
        return pc.if_else(to_quote, quoted, text)
