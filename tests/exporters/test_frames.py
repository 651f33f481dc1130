"""Tables as data frames, of libraries that gcbatch does without."""

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.util import find_spec
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest

from gcbatch.coverage import Coverage
from gcbatch.table import INSTANT, Table
from gcbatch.windows import Window

START = datetime(2026, 10, 1, tzinfo=UTC)
DAY = Coverage.whole(Window(START, datetime(2026, 10, 2, tzinfo=UTC)))
SCHEMA = pa.schema(
    [
        pa.field("interval_start", INSTANT, nullable=False),
        pa.field("queue_name", pa.string(), metadata={"source": "queueId"}),
        pa.field("t_handle_sum_ms", pa.int64(), metadata={"unit": "ms"}),
        pa.field("o_service_level_ratio", pa.float64()),
        pa.field("compliance_met", pa.bool_()),
    ]
)
EXACT = 2**53 + 1
"""No float is this number."""

ROWS: list[tuple[Any, ...]] = [
    (START, "Süd", EXACT, 0.5, True),
    (START, None, None, None, None),
]


def has(name: str) -> pytest.MarkDecorator:
    """Mark a test that needs a library, which must not be missing in CI."""
    there = "GCBATCH_REQUIRE_FRAMES" in os.environ or find_spec(name) is not None
    return pytest.mark.skipif(not there, reason=f"{name} is an extra, not a tool")


def table(*rows: tuple[Any, ...]) -> Table:
    """Return a table of which each row is a batch."""

    def batches() -> Iterator[pa.RecordBatch]:
        for row in rows:
            named = dict(zip(SCHEMA.names, row, strict=True))
            yield pa.RecordBatch.from_pylist([named], schema=SCHEMA)

    key = ("interval_start", "queue_name")
    return Table("intervals", SCHEMA, key, DAY, ZoneInfo("UTC"), "r", batches)


@has("pandas")
def test_pandas_has_every_value() -> None:
    """Exact whole numbers beside null, flags as flags, instants in UTC."""
    frame = table(*ROWS).to_pandas()

    kinds = [str(kind) for kind in frame.dtypes]
    assert kinds == ["datetime64[ms, UTC]", "str", "Int64", "float64", "boolean"]
    assert frame["t_handle_sum_ms"][0] == EXACT
    assert list(frame["interval_start"]) == [START, START]
    assert frame.iloc[1, 1:].isna().all()


@has("polars")
def test_polars_has_every_value() -> None:
    """The same; and it accepts a table as it is."""
    import polars as pl  # noqa: PLC0415 - an extra

    frame = table(*ROWS).to_polars()

    assert frame.rows() == ROWS
    assert frame.schema["interval_start"] == pl.Datetime("ms", "UTC")
    assert pl.DataFrame(table(*ROWS)).equals(frame)


@has("pandas")
@has("polars")
def test_frames_of_no_rows_have_their_columns() -> None:
    """The schema follows from the job, never from the data."""
    full, empty = table(*ROWS), table()

    assert empty.to_pandas().dtypes.equals(full.to_pandas().dtypes)
    assert empty.to_polars().schema == full.to_polars().schema


@has("pandas")
def test_no_frame_of_nonsense_is_made() -> None:
    """To pandas what iterates is rows; a table says what to do instead."""
    import pandas as pd  # noqa: PLC0415 - an extra

    with pytest.raises(TypeError, match=r"intervals: .*to_pandas\(\)"):
        pd.DataFrame(table(*ROWS))


def test_a_table_is_no_array() -> None:
    """That is what pandas asks for first."""
    with pytest.raises(TypeError, match=r"to_pandas\(\)"):
        table(*ROWS).__array__()


def test_arrow_has_every_value() -> None:
    """With the schema that the job declares, metadata included."""
    whole = table(*ROWS).to_arrow()

    assert [tuple(row.values()) for row in whole.to_pylist()] == ROWS
    assert whole.schema.equals(SCHEMA, check_metadata=True)


@pytest.mark.parametrize("name", ["pandas", "polars"])
def test_what_is_not_installed_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """With the command that installs it."""
    monkeypatch.setitem(sys.modules, name, None)

    with pytest.raises(ModuleNotFoundError, match=rf"pip install 'gcbatch\[{name}\]'"):
        getattr(table(*ROWS), f"to_{name}")()


def test_rows_are_known_once_they_were_read() -> None:
    """Not before, and not of a reading that was broken off."""
    rows = table(*ROWS)
    rows_of_one = table(ROWS[0])

    before, _ = rows.rows_read, next(iter(rows))
    broken_off = rows.rows_read
    rows.read_all()

    assert (before, broken_off) == (None, None)
    assert rows.rows_read == 2
    assert rows_of_one.rows_read is None


def test_rows_that_are_not_known_are_counted() -> None:
    """By reading them once."""
    rows = table(*ROWS)

    assert rows.num_rows == 2
    assert rows.rows_read == 2


@pytest.mark.parametrize(("many", "there"), [(0, 0), (1, 1), (2, 2), (5, 2)])
def test_the_first_rows_are_a_table_in_memory(many: int, there: int) -> None:
    """As many as wanted, or all; with the declared columns."""
    first = table(*ROWS).head(many)

    assert first.to_pylist() == table(*ROWS).read_all().to_pylist()[:there]
    assert first.schema == SCHEMA


def test_a_notebook_shows_names_and_values_of_a_table_as_text() -> None:
    """What looks like HTML in a name is text."""
    shown = table((START, "<b>Süd</b>", 1, 0.5, True), ROWS[1])._repr_html_()

    assert "<th>queue_name</th>" in shown
    assert "<td>&lt;b&gt;Süd&lt;/b&gt;</td><td>1</td><td>0.5</td>" in shown
    assert "<td></td><td></td><td></td><td></td></tr>" in shown


def test_a_table_is_reported_in_a_line() -> None:
    """Its name, rows where they are known, columns and range."""
    rows = table(*ROWS)
    span = "2026-10-01T00:00:00.000Z/2026-10-02T00:00:00.000Z"

    assert repr(rows) == f"<Table intervals: 5 columns, {span}>"
    rows.read_all()
    assert repr(rows) == f"<Table intervals: 2 rows, 5 columns, {span}>"


@pytest.mark.slow
def test_no_command_imports_polars() -> None:
    """What is imported where it is used costs the others nothing."""
    code = "import gcbatch.running.pipeline, sys; print('polars' in sys.modules)"

    done = subprocess.run(  # noqa: S603 - our own
        [sys.executable, "-c", code],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip

    assert done.stdout == "False\n"
