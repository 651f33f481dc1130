"""A workbook for Excel and similar programs: a sheet for each table, typed cells."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, Final, Literal
from zoneinfo import ZoneInfo

import pyarrow as pa
from pydantic import BaseModel
from xlsxwriter import Workbook
from xlsxwriter.exceptions import FileCreateError
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from gcbatch.errors import JobError, OutputError
from gcbatch.exporting import FileOptions, Receipt, Target
from gcbatch.lazy import lazy_import
from gcbatch.table import Table
from gcbatch.windows import UTC_ZONE, to_local
from gcbatch_exporters.base import FileExporter, require_tables
from gcbatch_exporters.text_columns import as_text

__all__ = ["XlsxExporter", "XlsxOptions"]

pc = lazy_import("pyarrow.compute")

MAX_ROWS: Final = 1_048_576
MAX_COLUMNS: Final = 16_384
MAX_CHARACTERS: Final = 32_767
MAX_NAME: Final = 31
"""Limits of a sheet, a cell and a sheet's name; characters count in UTF-16 units.

Source: Excel specifications and limits, support.microsoft.com, read 2026-11.
"""

ELSEWHERE: Final = "export it to csv or parquet"

NOT_IN_NAMES: Final = "[]:*?/\\"
"""Characters that no sheet's name may have; nor may it begin with an apostrophe.

Source as above.
"""

MAX_EXACT: Final = 10**15 - 1
"""Excel keeps 15 digits of a number; whole numbers beyond are written as text."""

EPOCH: Final = datetime(1899, 12, 30)  # noqa: DTZ001 - Excel's times have no zone
"""Day 0 of Excel's calendar, right for days from March 1900 on."""

END_OF_TIME: Final = (datetime(9999, 12, 31) - EPOCH).days + 1  # noqa: DTZ001 - as EPOCH
"""The day after the last that Excel supports."""

MAX_NUMBER: Final = 9.99999999999999e307
"""Largest number in a cell; source as of MAX_ROWS."""

CREATED: Final = datetime(2000, 1, 1)  # noqa: DTZ001 - as EPOCH
"""The creation time in every file, so that the same rows give the same bytes."""

TIMES: Final = "yyyy-mm-dd hh:mm"
DAYS: Final = "yyyy-mm-dd"
GENERAL: Final = "General"
COUNTS: Final = "#,##0"
BY_SUFFIX: Final = {
    "_pct": '0.0"%"',  # the cell holds 90.9, not 0.909: as in every other format
    "_ratio": "0.0%",
    "_s": "#,##0.0",  # [m]:ss would need days in the cell, and a sum would be wrong
}
"""Number formats by the end of a column's name."""

SAMPLE: Final = 1000
"""Rows that decide a column's width."""

TWO_LINES: Final = 30
"""Height of the header, in points."""

NARROW, WIDE = 9, 50
"""Bounds of a column's width, in digits."""


class XlsxOptions(FileOptions):
    """Options of the xlsx exporter.

    Args:
        times: Excel has no time zones. `local` writes times of the job's time zone,
            `utc` UTC, in which no hour comes twice in autumn; the header names it.
    """

    times: Literal["local", "utc"] = "local"


class XlsxExporter(FileExporter[XlsxOptions]):
    """Writes each table into a sheet of one workbook; the same rows, the same bytes.

    Headers are bold, stay visible and have filters. Null and the empty text are empty
    cells. Times are Excel times, in the time zone that the header names. Texts are
    never formulas, whatever they begin with. Whole numbers of more than 15 digits,
    which Excel would round, are texts too.
    """

    Options: ClassVar[type[BaseModel]] = XlsxOptions

    def check(self, tables: Mapping[str, Table]) -> None:
        """Refuse tables that a workbook cannot hold.

        Raises:
            JobError: If there is none, or one has too many columns or too long a
                name for a sheet.
        """
        require_tables(tables, "xlsx")
        for name, table in tables.items():
            problem = ""
            if (columns := len(table.schema)) > MAX_COLUMNS:
                problem = f"has {columns:,} columns, a sheet holds {MAX_COLUMNS:,}"
            elif _utf16(name) > MAX_NAME:
                problem = f"a sheet's name has at most {MAX_NAME} letters"
            elif set(name) & set(NOT_IN_NAMES) or name.startswith("'"):
                problem = f"a sheet's name has none of {NOT_IN_NAMES}"
            if problem:
                msg = f"table {name!r}: {problem}"
                raise JobError(msg, hint=ELSEWHERE)
        lower = [name.lower() for name in tables]
        if twice := [name for name in tables if lower.count(name.lower()) > 1]:
            names = " and ".join(map(repr, twice))
            msg = f"tables {names}: the names of sheets ignore case"
            raise JobError(msg, hint="write each into its own workbook")

    def export(self, tables: Mapping[str, Table], target: Target) -> Receipt:
        """Write the tables.

        Raises:
            JobError: As in check.
            OutputError: If a table has more rows, or a text more characters, than
                Excel can hold, or a number is NaN; nothing is cut.
        """
        self.check(tables)
        staged = target.stage(self._options.path)
        try:
            rows = self._write(staged, tables)
        except FileCreateError as exc:
            msg = f"{self._options.path}: cannot be written: {exc}"
            raise OutputError(msg, hint="check the folder and its space") from exc
        return Receipt(str(self._options.path), rows)

    def _write(self, path: Path, tables: Mapping[str, Table]) -> int:
        # Rows go to temporary files as they come. Leaving the block removes those files
        # also after an error, when Target drops the staged file.
        with Workbook(path, {"constant_memory": True}) as book:
            book.set_properties({"created": CREATED})
            return sum(self._sheet(book, *named) for named in tables.items())

    def _sheet(self, book: Workbook, name: str, table: Table) -> int:
        zone = table.timezone if self._options.times == "local" else UTC_ZONE
        sheet = book.add_worksheet(name)
        columns = [_column(book, sheet, name, field, zone) for field in table.schema]
        bold = book.add_format(
            {"bold": True, "bottom": 1, "bg_color": "#EEF1F4", "text_wrap": True}
            | {"valign": "top"}
        )
        sheet.set_row(0, TWO_LINES)
        for number, column in enumerate(columns):
            sheet.write_string(0, number, column.header, bold)
        rows = 0
        # The zone may stand below the name; 3 leaves space for the filter's arrow.
        widths = [max(map(len, column.header.split(" "))) + 3 for column in columns]
        for batch in table:
            if rows + batch.num_rows >= MAX_ROWS:
                msg = f"table {name!r}: has more than {MAX_ROWS - 1:,} rows"
                raise OutputError(
                    msg,
                    hint=f"{ELSEWHERE}, or narrow its range or its groups",
                )
            cells = [
                column.cells(values, first=rows)
                for column, values in zip(columns, batch.columns, strict=True)
            ]
            if not rows:
                widths = [
                    max([width, *(c.width(v) for v in values[:SAMPLE])])
                    for width, c, values in zip(widths, columns, cells, strict=True)
                ]
            for row, values in enumerate(zip(*cells, strict=True), start=rows + 1):
                for number, value in enumerate(values):
                    columns[number].put(row, number, value)
            rows += batch.num_rows
        for number, width in enumerate(widths):
            sheet.set_column(number, number, min(max(width, NARROW), WIDE))
        sheet.freeze_panes(1, 0)
        sheet.autofilter(0, 0, rows, len(columns) - 1)
        _mark_compliance(book, sheet, table.schema.names, rows)
        return rows


@dataclass(frozen=True, slots=True)
class _Column:
    """Turns the values of a column into cells.

    Args:
        table: Name of the table, for errors.
        name: Name in the table.
        header: Name in the sheet.
        kind: Type of the values.
        zone: Time zone of its times.
        format: Format of the cells.
        sheet: The sheet of the cells.
    """

    table: str
    name: str
    header: str
    kind: pa.DataType
    zone: ZoneInfo
    format: Format
    sheet: Worksheet

    def cells(self, values: pa.Array, *, first: int) -> list[Any]:
        """Return a number, boolean, text or None for each row.

        Args:
            values: Values of one batch.
            first: Number of rows before them, for errors.

        Raises:
            OutputError: If Excel cannot hold one of them; names its row.
        """
        kind = self.kind
        if pa.types.is_dictionary(values.type):
            values = values.dictionary_decode()
        if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
            return self._days(values, first)
        if pa.types.is_integer(kind):
            numbers = values.to_pylist()
            return [n if n is None or abs(n) <= MAX_EXACT else str(n) for n in numbers]
        if pa.types.is_floating(kind):
            finite = pc.fill_null(pc.is_finite(values), fill_value=True)
            if (row := pc.index(finite, value=False).as_py()) >= 0:
                raise self._refused(first + row, "holds NaN or infinity")
            large = pc.fill_null(
                pc.greater(pc.abs(values), MAX_NUMBER), fill_value=False
            )
            if (row := pc.index(large, value=True).as_py()) >= 0:
                raise self._refused(first + row, f"holds more than {MAX_NUMBER}")
        elif not pa.types.is_boolean(kind):
            values = as_text(values, f"{self.table}.{self.name}")
            for row, text in enumerate(values.to_pylist()):
                if text is not None and _is_too_long(text):
                    problem = f"has more than {MAX_CHARACTERS:,} characters"
                    raise self._refused(first + row, problem)
        cells: list[Any] = values.to_pylist()
        return cells

    def put(self, row: int, number: int, value: Any) -> None:
        """Write a cell by the type of *value*, so that no text becomes a formula.

        Args:
            row: Row of the cell; the first is 0.
            number: Column of the cell; the first is 0.
            value: One of cells().
        """
        if isinstance(value, str):
            self.sheet.write_string(row, number, value, self.format)
        elif isinstance(value, bool):
            self.sheet.write_boolean(row, number, value, self.format)
        elif value is not None:
            self.sheet.write_number(row, number, value, self.format)

    def width(self, value: Any) -> int:
        """Return the approximate width of *value*, in digits."""
        if value is None:
            return 0
        if isinstance(value, str):
            return max(map(len, value.splitlines()), default=0) + 1
        if pa.types.is_temporal(self.kind):
            return len(TIMES) + 1
        return len(f"{value:,.1f}") + 1

    def _days(self, times: pa.Array, first: int) -> list[float | None]:
        # Intervals repeat for each queue: only distinct times are converted.
        coded = times.dictionary_encode()
        days = [self._day(at) for at in coded.dictionary.to_pylist()]
        indices = coded.indices.to_pylist()
        strange = {n for n, day in enumerate(days) if not 0 <= day < END_OF_TIME}
        if strange:
            row = next(n for n, index in enumerate(indices) if index in strange)
            raise self._refused(first + row, "is before 1900 or after 9999")
        return [None if index is None else days[index] for index in indices]

    def _day(self, at: date) -> float:
        if not isinstance(at, datetime):
            at = datetime(at.year, at.month, at.day)  # noqa: DTZ001 - see EPOCH
        elif at.tzinfo is not None:
            at = to_local(at, self.zone).replace(tzinfo=None)
        return (at - EPOCH) / timedelta(days=1)

    def _refused(self, row: int, problem: str) -> OutputError:
        where = f"{self.table}.{self.name}: row {row + 1:,}"
        msg = f"{where} {problem}, which no cell can hold"
        return OutputError(msg, hint=ELSEWHERE)


def _column(
    book: Workbook, sheet: Worksheet, table: str, field: pa.Field, zone: ZoneInfo
) -> _Column:
    kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
    header = field.name
    shown = GENERAL
    if pa.types.is_timestamp(kind):
        shown = TIMES
        header += f" ({zone.key})" if kind.tz else ""
    elif pa.types.is_date(kind):
        shown = DAYS
    elif pa.types.is_integer(kind) or pa.types.is_floating(kind):
        plain = COUNTS if pa.types.is_integer(kind) else GENERAL
        ends = (f for end, f in BY_SUFFIX.items() if field.name.endswith(end))
        shown = next(ends, plain)
    about = {"num_format": shown, "valign": "top"}
    shape = book.add_format(about)
    return _Column(table, field.name, header, kind, zone, shape, sheet)


def _utf16(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _is_too_long(text: str) -> bool:
    # A character has at most two units: half the length always fits.
    return len(text) > MAX_CHARACTERS // 2 and _utf16(text) > MAX_CHARACTERS


def _mark_compliance(
    book: Workbook, sheet: Worksheet, names: list[str], rows: int
) -> None:
    """Show met and missed targets by weight and colour, so that everyone sees them."""
    if "compliance_met" not in names or not rows:
        return
    column = names.index("compliance_met")
    looks = {
        "FALSE": {"bold": True, "font_color": "#8A3800", "bg_color": "#FCE4D6"},
        "TRUE": {"font_color": "#00507D", "bg_color": "#DDEBF7"},
    }
    for value, look in looks.items():
        # An empty cell equals FALSE for Excel, but is not a missed target.
        rule = {"type": "cell", "criteria": "==", "value": value}
        blank = {"type": "blanks", "stop_if_true": True}
        if value == "FALSE":
            sheet.conditional_format(1, column, rows, column, blank)
        sheet.conditional_format(
            1, column, rows, column, {**rule, "format": book.add_format(look)}
        )
