"""The csv and json exporters, read back by readers that are not ours."""

import csv
import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import orjson
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcbatch.errors import JobError, OutputError
from gcbatch.exporting import Exporter, Receipt, Target, export
from gcbatch.testing import ExporterConformance, Row, sample_table, typed
from gcbatch.windows import iso
from gcbatch_exporters.csv import CsvExporter, CsvOptions
from gcbatch_exporters.json import JsonExporter, JsonOptions
from gcbatch_exporters.text_columns import as_json, as_text

FORMULAS = tuple("=+-@\t\r\n＝＋－＠")  # noqa: RUF001 - full-width ones count too


class TestCsvConformance(ExporterConformance):
    exporter = CsvExporter

    def options(self, folder: Path) -> dict[str, Any]:
        return {"path": folder / "intervals.csv"}

    def read(self, folder: Path) -> list[Row]:
        return [typed(row) for row in read_csv(folder / "intervals.csv")]

    def columns(self, folder: Path) -> list[str]:
        with (folder / "intervals.csv").open(encoding="utf-8", newline="") as file:
            return next(csv.reader(file))

    def as_read(self, value: Any) -> Any:
        is_formula = isinstance(value, str) and value.startswith(FORMULAS)
        return f"'{value}" if is_formula else value


class TestJsonConformance(ExporterConformance):
    exporter = JsonExporter

    def options(self, folder: Path) -> dict[str, Any]:
        return {"path": folder / "intervals.jsonl"}

    def read(self, folder: Path) -> list[Row]:
        return read_json(folder / "intervals.jsonl")

    def as_read(self, value: Any) -> Any:
        return iso(value) if isinstance(value, datetime) else value


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def read_json(path: Path) -> list[Row]:
    # Split as bytes: a text file would also end lines at U+2028.
    return [json.loads(line) for line in path.read_bytes().split(b"\n")[:-1]]


def table_of(batch: pa.RecordBatch | pa.Table) -> Any:
    data = pa.table(batch)
    return replace(
        sample_table(0), schema=data.schema, batches=lambda: iter(data.to_batches())
    )


def write(
    exporter: Exporter, batch: pa.RecordBatch | pa.Table, name: str = "x"
) -> Receipt:
    return export(exporter, "test", {name: table_of(batch)})[0]


def csv_of(path: Path, column: pa.Array | Sequence[Any], **options: Any) -> bytes:
    made = CsvOptions(path=path, **options)
    write(CsvExporter(made), pa.table({"a": column}))
    return path.read_bytes()


def json_of(path: Path, column: pa.Array | Sequence[Any]) -> list[Any]:
    write(JsonExporter(JsonOptions(path=path)), pa.table({"a": column}))
    return [row["a"] for row in read_json(path)]


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that the examples of a property share."""
    return tmp_path_factory.mktemp("out") / "file"


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        pytest.param(["a", "b c"], "a\r\nb c\r\n", id="plain"),
        pytest.param(
            ["a,b", 'a"b', "a\nb"], '"a,b"\r\n"a""b"\r\n"a\nb"\r\n', id="quotes"
        ),
        pytest.param(["", None, "x"], '""\r\n\r\nx\r\n', id="empty is not null"),
        pytest.param([1, None, 2**53 + 1], "1\r\n\r\n9007199254740993\r\n", id="ints"),
        pytest.param([80.0, 1 / 3, None], f"80.0\r\n{1 / 3}\r\n\r\n", id="floats"),
        pytest.param([float("nan"), float("-inf")], "nan\r\n-inf\r\n", id="not finite"),
        pytest.param([True, False, None], "true\r\nfalse\r\n\r\n", id="booleans"),
        pytest.param([-1, -2], "-1\r\n-2\r\n", id="numbers are no formulas"),
        pytest.param([["a", None], []], '"[""a"",null]"\r\n[]\r\n', id="lists"),
        pytest.param([date(2026, 10, 1)], "2026-10-01\r\n", id="dates"),
        pytest.param(
            pa.array([datetime(2026, 10, 1, tzinfo=UTC)], pa.timestamp("s", "UTC")),
            "2026-10-01T00:00:00.000Z\r\n",
            id="seconds",
        ),
        pytest.param(
            pa.array([1], pa.timestamp("us", "Europe/Dublin")),
            "1970-01-01T00:00:00.000001Z\r\n",
            id="microseconds in another zone",
        ),
        pytest.param(
            pa.array([1], pa.timestamp("ms")),
            "1970-01-01T00:00:00.001\r\n",
            id="no zone",
        ),
        pytest.param(
            pa.array(["=a", "b"]).dictionary_encode(), "'=a\r\nb\r\n", id="dictionary"
        ),
    ],
)
def test_csv_cells(tmp_path: Path, column: Any, expected: str) -> None:
    """Each type has one form; only what needs quotes has them."""
    data = csv_of(tmp_path / "a.csv", column)

    assert data == f"a\r\n{expected}".encode()


@pytest.mark.parametrize("first", FORMULAS)
def test_csv_makes_formulas_harmless(tmp_path: Path, first: str) -> None:
    """A text that a spreadsheet would run gets an apostrophe by default."""
    path = tmp_path / "a.csv"
    text = f'{first}HYPERLINK("http://evil")'

    csv_of(path, [text, "a=b"])
    escaped = read_csv(path)
    csv_of(path, [text, "a=b"], formulas="keep")

    assert escaped == [{"a": f"'{text}"}, {"a": "a=b"}]
    assert read_csv(path) == [{"a": text}, {"a": "a=b"}]


def test_csv_headers_are_cells_too(tmp_path: Path) -> None:
    """A column's name is quoted and made harmless like any text."""
    path = tmp_path / "a.csv"

    write(CsvExporter(CsvOptions(path=path)), pa.table({"=a": [1], 'b,"c"': [2]}))

    assert path.read_bytes() == b'\'=a,"b,""c"""\r\n1,2\r\n'


@pytest.mark.parametrize("bom", [True, False])
def test_csv_begins_with_a_mark_if_asked(tmp_path: Path, *, bom: bool) -> None:
    """Excel on Windows takes a file without byte-order mark for another encoding."""
    data = csv_of(tmp_path / "a.csv", ["ü"], bom=bom)

    assert data == (b"\xef\xbb\xbf" if bom else b"") + "a\r\nü\r\n".encode()


def test_duckdb_reads_the_csv_types(tmp_path: Path) -> None:
    """A warehouse that guesses types guesses ours, and null from an empty cell."""
    path = tmp_path / "a.csv"
    table = sample_table(600)
    export(CsvExporter(CsvOptions(path=path, formulas="keep")), "csv", {"t": table})

    found = duckdb.read_csv(str(path), timestamp_format="%Y-%m-%dT%H:%M:%S.%gZ")

    types = [str(kind) for kind in found.types]
    assert types[5:] == ["BIGINT", "BIGINT", "BIGINT", "DOUBLE", "BOOLEAN"]
    wanted = [tuple(row.values())[2:] for row in table.read_all().to_pylist()]
    assert [row[2:] for row in found.fetchall()] == wanted


@given(st.lists(st.none() | st.text(), min_size=1))
def test_csv_keeps_any_text(out: Path, texts: list[str | None]) -> None:
    """Whatever a queue is called, the cell reads back, and null is not empty."""
    data = csv_of(out, pa.array(texts, pa.string()), formulas="keep")

    assert [row["a"] for row in _rows(out)] == [text or "" for text in texts]
    assert data.count(b'""\r\n') >= texts.count("")


@given(
    st.lists(st.none() | st.text() | st.sampled_from([*FORMULAS, "a,b", '"', ""])),
    st.integers(1, 4),
    st.sampled_from(["escape", "keep"]),
)
def test_csv_cells_are_what_one_by_one_would_be(
    texts: list[str | None], times: int, formulas: Any
) -> None:
    """Whether few of them differ or all, and wherever there is one to change."""
    exporter = CsvExporter(CsvOptions(path=Path("x.csv"), formulas=formulas))

    cells = exporter._cells(pa.array(texts * times, pa.string()), "x").to_pylist()

    def cell(text: str | None) -> str | None:
        if text is None:
            return None
        reported = text
        if formulas == "escape" and text.startswith(FORMULAS):
            reported = f"'{text}"
        if not reported or any(c in reported for c in '",\r\n'):
            reported = '"' + reported.replace('"', '""') + '"'
        return reported

    assert cells == [cell(text) for text in texts] * times


def _rows(path: Path) -> Iterable[dict[str, str]]:
    # csv.DictReader passes over empty lines, which here are cells of null.
    with path.open(encoding="utf-8", newline="") as file:
        (name,), *rows = csv.reader(file, strict=True)
    return [{name: row[0] if row else ""} for row in rows]


@given(
    st.lists(st.none() | st.text() | st.sampled_from(['"', "\\", "\x00a", "\x1f\x7f"])),
    st.integers(1, 4),
)
def test_json_texts_are_what_orjson_writes(texts: list[str | None], times: int) -> None:
    """Whether few of them differ or all, and wherever there is one to escape."""
    column = pa.array(texts * times, pa.string())

    written = as_json(column, "x").to_pylist()

    one_by_one = [None if t is None else orjson.dumps(t).decode() for t in texts]
    assert written == one_by_one * times


@given(st.lists(st.none() | st.text()))
def test_json_keeps_any_text(out: Path, texts: list[str | None]) -> None:
    """Line ends, quotes, control characters and astral ones read back."""
    assert json_of(out, pa.array(texts, pa.string())) == texts


@given(st.lists(st.none() | st.floats(allow_nan=False, allow_infinity=False)))
def test_floats_read_back_the_same(out: Path, floats: list[float | None]) -> None:
    """No digit is lost, and a float stays one."""
    column = pa.array(floats, pa.float64())

    lines = csv_of(out, column).decode().split("\r\n")[1:-1]
    found = json_of(out, column)

    assert [float(line).hex() if line else None for line in lines] == [
        None if f is None else f.hex() for f in floats
    ]
    assert [None if f is None else f.hex() for f in found] == [
        None if f is None else f.hex() for f in floats
    ]


@pytest.mark.parametrize("as_one", [as_text, as_json])
@given(
    st.lists(
        st.none()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.sampled_from([0.0, -0.0, 80.0])
    ),
    st.integers(1, 4),
)
def test_floats_are_what_one_by_one_would_be(
    as_one: Any, floats: list[float | None], times: int
) -> None:
    """Whether few of them differ or all; 0.0 and -0.0 are not the same."""
    column = pa.array(floats * times, pa.float64())

    written = as_one(column, "x").to_pylist()

    one_by_one = [as_one(pa.array([f], pa.float64()), "x")[0].as_py() for f in floats]
    assert written == one_by_one * times


@pytest.mark.parametrize(("as_one", "quote"), [(as_text, ""), (as_json, '"')])
@given(
    st.lists(st.none() | st.datetimes(timezones=st.just(UTC))),
    st.integers(1, 4),
)
def test_instants_are_what_one_by_one_would_be(
    as_one: Any, quote: str, instants: list[datetime | None], times: int
) -> None:
    """Whether few of them differ or all, and wherever there is a null."""
    whole = [i and i.replace(microsecond=0) for i in instants]
    column = pa.array(whole * times, pa.timestamp("ms", "UTC"))

    written = as_one(column, "x").to_pylist()

    one_by_one = [None if i is None else f"{quote}{iso(i)}{quote}" for i in whole]
    assert written == one_by_one * times


@given(st.lists(st.none() | st.integers(-(2**63), 2**63 - 1)))
def test_whole_numbers_read_back_the_same(out: Path, ints: list[int | None]) -> None:
    """Beyond 2**53 too."""
    column = pa.array(ints, pa.int64())

    lines = csv_of(out, column).decode().split("\r\n")[1:-1]

    assert [int(line) if line else None for line in lines] == ints
    assert json_of(out, column) == ints


@given(st.datetimes(timezones=st.just(UTC)))
def test_times_have_one_form(out: Path, instant: datetime) -> None:
    """The form of the API: milliseconds, and Z."""
    whole = instant.replace(microsecond=instant.microsecond // 1000 * 1000)
    column = pa.array([whole], pa.timestamp("ms", "UTC"))

    data = csv_of(out, column)

    assert data.decode() == f"a\r\n{iso(instant)}\r\n"
    assert json_of(out, column) == [iso(instant)]


@pytest.mark.parametrize(
    "column",
    [
        pytest.param([1.0, float("nan")], id="nan"),
        pytest.param([float("inf"), None], id="infinity"),
        pytest.param([[1.0], [float("nan")]], id="in a list"),
        pytest.param([{"x": {"y": [float("-inf")]}}], id="in a struct"),
    ],
)
def test_json_refuses_what_it_cannot_say(tmp_path: Path, column: list[Any]) -> None:
    """NaN would become null, which is another statement."""
    with pytest.raises(OutputError, match=r"^a: holds NaN or infinity"):
        json_of(tmp_path / "a.json", column)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        pytest.param([[1, None], None, []], [[1, None], None, []], id="lists"),
        pytest.param([{"b": 2**53 + 1}], [{"b": 2**53 + 1}], id="structs"),
        pytest.param(
            [{"t": datetime(2026, 10, 1, tzinfo=UTC), "d": date(2026, 10, 1)}],
            [{"t": "2026-10-01T00:00:00.000Z", "d": "2026-10-01"}],
            id="times in structs",
        ),
        pytest.param([None, None], [None, None], id="only nulls"),
        pytest.param(pa.nulls(2, pa.float64()), [None, None], id="no floats"),
        pytest.param(
            pa.array(["a", None]).dictionary_encode(), ["a", None], id="dictionary"
        ),
        pytest.param([True, None], [True, None], id="booleans"),
    ],
)
def test_json_values(tmp_path: Path, column: Any, expected: list[Any]) -> None:
    """Null is null, lists are lists, times are texts."""
    assert json_of(tmp_path / "a.json", column) == expected


def test_json_says_which_type_it_cannot_write(tmp_path: Path) -> None:
    """A type that has no JSON is an error, not a guess."""
    with pytest.raises(OutputError, match="not JSON serializable"):
        json_of(tmp_path / "a.json", [[b"\xff"]])


def test_json_quotes_column_names(tmp_path: Path) -> None:
    """A column's name may hold anything."""
    path = tmp_path / "a.json"

    write(JsonExporter(JsonOptions(path=path)), pa.table({'a"b': [1], "ü": [2]}))

    assert orjson.loads(path.read_bytes()) == {'a"b': 1, "ü": 2}


def test_duckdb_reads_the_json(tmp_path: Path) -> None:
    """JSON Lines as others understand them."""
    path = tmp_path / "a.jsonl"
    table = sample_table(600)
    export(JsonExporter(JsonOptions(path=path)), "json", {"t": table})

    found = duckdb.read_json(str(path)).project("queue_name, n_offered").fetchall()

    wanted = table.read_all().select(["queue_name", "n_offered"]).to_pylist()
    assert found == [tuple(row.values()) for row in wanted]


@pytest.mark.parametrize("exporter", [CsvExporter, JsonExporter])
@pytest.mark.parametrize("names", [[], ["sla", "intervals"]])
def test_takes_one_table(tmp_path: Path, exporter: Any, names: list[str]) -> None:
    """A job that asks for more is refused before its first request."""
    made = exporter(exporter.Options(path=tmp_path / "a"))
    tables = {name: sample_table(0, name=name) for name in names}

    with pytest.raises(JobError, match=rf"takes one table, got {len(names)}"):
        made.check(tables)
    with pytest.raises(JobError, match="takes one table"):
        made.export(tables, Target())
