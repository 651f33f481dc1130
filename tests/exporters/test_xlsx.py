"""The xlsx exporter, read back with openpyxl."""

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zipfile import ZipFile
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from openpyxl import load_workbook
from openpyxl.utils.escape import unescape
from openpyxl.worksheet.worksheet import Worksheet

from gcbatch.errors import JobError, OutputError
from gcbatch.exporting import Receipt, export
from gcbatch.table import Table
from gcbatch.testing import ExporterConformance, Row, sample_table
from gcbatch_exporters.xlsx import MAX_CHARACTERS, MAX_EXACT, MAX_ROWS, XlsxExporter

DUBLIN = ZoneInfo("Europe/Dublin")
INSTANT = pa.timestamp("ms", tz="UTC")


class TestXlsxConformance(ExporterConformance):
    exporter = XlsxExporter

    def options(self, folder: Path) -> dict[str, Any]:
        return {"path": folder / "intervals.xlsx"}

    def read(self, folder: Path) -> list[Row]:
        book = load_workbook(folder / "intervals.xlsx", read_only=True)
        rows = book["intervals"].iter_rows(values_only=True)
        names = named(next(rows))
        found = [dict(zip(names, map(as_written, row), strict=True)) for row in rows]
        book.close()
        return found

    def columns(self, folder: Path) -> list[str]:
        book = load_workbook(folder / "intervals.xlsx")
        return named([cell.value for cell in book["intervals"][1]])

    def as_read(self, value: Any) -> Any:
        if isinstance(value, float):  # XlsxWriter keeps 16 digits, Excel shows 15
            value = float(f"{value:.16g}")
            return (
                int(value) if value.is_integer() and abs(value) < MAX_EXACT else value
            )
        if isinstance(value, int) and abs(value) > MAX_EXACT:
            return str(value)
        return value


def named(header: Sequence[Any]) -> list[str]:
    return [str(name).removesuffix(" (UTC)") for name in header]


def as_written(value: Any) -> Any:
    if isinstance(value, str):
        return unescape(value)  # control characters, which XML has not
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value


def table_of(name: str = "sla", zone: ZoneInfo = DUBLIN, **columns: pa.Array) -> Table:
    data = pa.table(columns)
    return replace(
        sample_table(0, name=name),
        schema=data.schema,
        timezone=zone,
        batches=lambda: iter(data.to_batches()),
    )


def write(path: Path, *tables: Table, **options: Any) -> Receipt:
    made = XlsxExporter.Options.model_validate({"path": path, **options})
    by_name = {table.name: table for table in tables}
    return export(XlsxExporter(made), "xlsx", by_name)[0]  # type: ignore[arg-type]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "report.xlsx"


def sheet_of(path: Path, *tables: Table, **options: Any) -> Worksheet:
    write(path, *tables, **options)
    sheet = load_workbook(path).worksheets[0]
    assert isinstance(sheet, Worksheet)
    return sheet


def column(sheet: Worksheet) -> list[Any]:
    return [row[0] for row in sheet.iter_rows(min_row=2, values_only=True)]


def test_each_table_has_a_sheet_in_the_order_given(path: Path) -> None:
    """A workbook holds what the job names, as it names it."""
    receipt = write(path, sample_table(3, name="sla"), sample_table(4))

    assert load_workbook(path).sheetnames == ["sla", "intervals"]
    assert receipt == Receipt(str(path), 7)


def test_header_is_bold_stays_in_sight_and_filters(path: Path) -> None:
    """Long sheets are read by scrolling and filtering."""
    sheet = sheet_of(path, sample_table(5))

    assert all(cell.font.bold for cell in sheet[1])
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == "A1:J6"


def test_times_are_local_and_the_header_says_so(path: Path) -> None:
    """Excel knows no zones; the change of the clocks is that of the table's zone."""
    at = [datetime(2026, 10, 24, 23, tzinfo=UTC), datetime(2026, 10, 26, tzinfo=UTC)]
    sheet = sheet_of(path, table_of(interval_start=pa.array(at, INSTANT)))

    assert sheet["A1"].value == "interval_start (Europe/Dublin)"
    assert column(sheet) == [datetime(2026, 10, 25), datetime(2026, 10, 26)]  # noqa: DTZ001
    assert sheet["A2"].is_date
    assert sheet["A2"].number_format == "yyyy-mm-dd hh:mm"


def test_times_may_be_utc(path: Path) -> None:
    """The hour that comes twice in autumn is two hours there."""
    first = datetime(2026, 10, 25, 0, tzinfo=UTC)
    at = pa.array([first, None, first + timedelta(hours=1)], INSTANT)

    local = column(sheet_of(path, table_of(interval_start=at)))
    utc = sheet_of(path, table_of(interval_start=at), times="utc")

    assert local[0] == local[2]
    assert utc["A1"].value == "interval_start (UTC)"
    hours = [datetime(2026, 10, 25, n) for n in range(2)]  # noqa: DTZ001
    assert column(utc) == [hours[0], None, hours[1]]


@pytest.mark.parametrize(
    ("name", "values", "shown"),
    [
        pytest.param("service_level_pct", [90.9], '0.0"%"', id="stays 0 to 100"),
        pytest.param("o_service_level_ratio", [0.909], "0.0%", id="stays 0 to 1"),
        pytest.param("asa_s", [23.4], "#,##0.0", id="stays seconds"),
        pytest.param("t_handle_sum_ms", [123456], "#,##0", id="thousands"),
        pytest.param("offered", [1200], "#,##0", id="counts"),
        pytest.param("other", [0.25], "General", id="any number"),
        pytest.param("compliance_met", [True], "General", id="boolean"),
    ],
)
def test_numbers_keep_their_value_and_get_a_format(
    path: Path, name: str, values: list[Any], shown: str
) -> None:
    """Cells hold what the other formats hold; only the looks differ."""
    cell = sheet_of(path, table_of(**{name: pa.array(values)}))["A2"]

    assert cell.value == values[0]
    assert type(cell.value) is type(values[0])
    assert cell.number_format == shown


def test_days_and_other_types_arrive(path: Path) -> None:
    """Dates are dates, categories their texts, lists JSON."""
    day = datetime(2026, 10, 1)  # noqa: DTZ001 - as openpyxl reads a date
    table = table_of(
        day=pa.array([day.date()]),
        time=pa.array([day], pa.timestamp("s")),
        category=pa.array(["x"]).dictionary_encode(),
        level=pa.array([0.5]).dictionary_encode(),
        tags=pa.array([["a", "b"]]),
    )

    sheet = sheet_of(path, table)

    assert [c.value for c in sheet[1]] == ["day", "time", "category", "level", "tags"]
    assert [c.value for c in sheet[2]] == [day, day, "x", 0.5, '["a","b"]']


@pytest.mark.parametrize(
    "text", ["=1+1", "@x", "+1", "-1", "https://example.org", "{=A1}", "1", "TRUE"]
)
def test_texts_are_never_run_nor_linked(path: Path, text: str) -> None:
    """A queue's name is a text, whatever it begins with."""
    cell = sheet_of(path, table_of(queue_name=pa.array([text])))["A2"]

    assert cell.value == text
    assert cell.data_type == "s"
    assert cell.hyperlink is None


def test_what_excel_would_round_is_a_text(path: Path) -> None:
    """15 digits are exact, longer numbers keep their digits as text."""
    table = table_of(n=pa.array([MAX_EXACT, MAX_EXACT + 1, -MAX_EXACT - 1]))

    assert column(sheet_of(path, table)) == [
        MAX_EXACT,
        str(MAX_EXACT + 1),
        str(-MAX_EXACT - 1),
    ]


def test_missed_targets_are_marked(path: Path) -> None:
    """Met, missed and unknown differ at a glance; unknown has no mark."""
    sheet = sheet_of(path, table_of(compliance_met=pa.array([True, False, None])))

    rules = {
        (rule.type, *rule.formula)
        for rules in sheet.conditional_formatting
        for rule in rules.rules
    }
    assert rules == {
        ("containsBlanks", "LEN(TRIM(A2))=0"),
        ("cellIs", "FALSE"),
        ("cellIs", "TRUE"),
    }


def test_columns_are_as_wide_as_their_values(path: Path) -> None:
    """Names can be read without dragging; none takes the whole screen."""
    table = table_of(
        queue_name=pa.array(["Kundendienst Zürich und Umgebung", None]),
        note=pa.array(["x" * 300, "y"]),
        n=pa.array([1, 2]),
        interval_start=pa.array([datetime(2026, 10, 1, tzinfo=UTC)] * 2, INSTANT),
    )

    sheet = sheet_of(path, table)

    widths = [sheet.column_dimensions[letter].width for letter in "ABCD"]
    assert [round(width) for width in widths] == [34, 51, 10, 19]


def test_more_rows_than_a_sheet_holds_are_refused(path: Path) -> None:
    """Nothing is cut in silence; the previous workbook stays."""
    write(path, sample_table(1))
    before = path.read_bytes()

    with pytest.raises(OutputError, match="more than 1,048,575 rows") as caught:
        write(path, table_of(n=pa.nulls(MAX_ROWS, pa.int8())))

    assert "csv or parquet" in str(caught.value.hint)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("text", ["x" * (MAX_CHARACTERS + 1), "🎧" * 16_384])
def test_longer_texts_than_a_cell_holds_are_refused(path: Path, text: str) -> None:
    """Excel counts UTF-16 units; the row is named."""
    table = table_of(text=pa.array(["x", None, text]))

    with pytest.raises(
        OutputError, match=r"sla\.text: row 3 has more than 32,767"
    ) as caught:
        write(path, table)

    assert "csv or parquet" in str(caught.value.hint)


@pytest.mark.parametrize(
    "halves", [(["x"], ["x" * (MAX_CHARACTERS + 1)]), ([1.0], [float("inf")])]
)
def test_rows_are_identified_by_their_number_in_the_table(
    path: Path, halves: tuple[list[Any], list[Any]]
) -> None:
    """Not in the batch that they came in."""
    table = table_of(a=pa.chunked_array(list(halves)))

    with pytest.raises(OutputError, match=r"sla\.a: row 2 "):
        write(path, table)


def test_the_longest_text_fits(path: Path) -> None:
    """The limit itself is allowed."""
    text = "x" * MAX_CHARACTERS

    assert column(sheet_of(path, table_of(text=pa.array([text])))) == [text]


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ([1.0, None, float("nan")], "holds NaN or infinity"),
        ([1.0, None, -1e308], "holds more than"),
        ([datetime(2026, 1, 1), None, datetime(1899, 12, 1)], "is before 1900"),  # noqa: DTZ001
        ([[{"long": "x" * MAX_CHARACTERS}]], "has more than"),
    ],
)
def test_what_no_cell_can_hold_is_refused(
    path: Path, values: list[Any], problem: str
) -> None:
    """Excel would repair the file, or show another value; the cell is named."""
    where = r"sla\.value: row (1|3) "

    with pytest.raises(OutputError, match=where + problem):
        write(path, table_of(value=pa.array(values)))


def test_control_characters_arrive(path: Path) -> None:
    """They have no place in XML, and texts that look like their escape are texts."""
    texts = ["a\x00b", "\x1f", "_x0041_", "\ufffe", "a\tb\nc"]

    sheet = sheet_of(path, table_of(text=pa.array(texts)))

    assert [unescape(value) for value in column(sheet)] == texts


@pytest.mark.parametrize(
    ("tables", "problem"),
    [
        pytest.param([], "at least one table", id="none"),
        pytest.param([sample_table(0, name="x" * 32)], "at most 31", id="long name"),
        pytest.param([sample_table(0, name="🎧" * 16)], "at most 31", id="in UTF-16"),
        pytest.param([sample_table(0, name="a/b")], "has none of", id="a slash"),
        pytest.param([table_of("sla"), table_of("SLA")], "ignore case", id="case"),
        pytest.param(
            [table_of(**{f"c{n}": pa.array([1]) for n in range(16_385)})],
            "has 16,385 columns",
            id="many columns",
        ),
    ],
)
def test_tables_that_fit_no_workbook_are_refused(
    path: Path, tables: list[Table], problem: str
) -> None:
    """A job that cannot be exported is refused before its first request."""
    with pytest.raises(JobError, match=problem):
        write(path, *tables)


def test_a_disk_that_refuses_is_named(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The writer's own exception does not escape."""

    def full(*_args: object, **_options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(ZipFile, "write", full)

    with pytest.raises(OutputError, match="No space left") as caught:
        write(path, sample_table(1))

    assert caught.value.hint == "check the folder and its space"


def test_bytes_do_not_depend_on_the_clock(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A day later, the same rows give the same file."""
    write(path, sample_table(20))
    before = path.read_bytes()
    later = time.time() + 86_400
    monkeypatch.setattr("time.time", lambda: later)

    write(path, sample_table(20))

    assert path.read_bytes() == before
    with ZipFile(path) as book:
        assert {member.date_time[0] for member in book.infolist()} == {1980}
