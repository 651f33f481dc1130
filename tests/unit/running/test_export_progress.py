"""The rows of exports are counted where tables are read."""

from collections.abc import Iterator
from dataclasses import replace

import pyarrow as pa
import pytest

from gcbatch.fetching import Observer
from gcbatch.job import Export
from gcbatch.running.export_progress import export_names, observing_rows
from gcbatch.table import Table
from gcbatch.testing import sample_table


class Clock:
    """A clock that goes on with each look."""

    def __init__(self, step: float) -> None:
        self._now, self._step = 0.0, step

    def __call__(self) -> float:
        self._now += self._step
        return self._now


class Heard(Observer):
    """Notes what it receives."""

    def __init__(self) -> None:
        self.rows: list[int] = []
        self.ended: list[int] = []

    def exporting(self, export: str, rows: int) -> None:
        assert export == "csv intervals"
        self.rows.append(rows)

    def exported(self, export: str, rows: int) -> None:
        assert export == "csv intervals"
        self.ended.append(rows)


def small_batches(rows: int, of_rows: int = 1) -> Table:
    """Return a table of batches of a few rows each."""
    table = sample_table()
    batch = next(iter(table)).slice(0, of_rows)

    def batches() -> Iterator[pa.RecordBatch]:
        for _ in range(rows // of_rows):
            yield batch

    return replace(table, batches=batches)


def test_rows_are_reported_while_they_are_read() -> None:
    """From none to all of them."""
    heard, table = Heard(), small_batches(4, of_rows=2)

    with observing_rows("csv intervals", {"t": table}, heard, Clock(1)) as tables:
        rows = tables["t"].read_all().num_rows

    assert rows == 4
    assert heard.rows == [0, 2, 4]
    assert heard.ended == [4]


def test_small_batches_are_not_reported_one_by_one() -> None:
    """At most ten times a second."""
    heard, table = Heard(), small_batches(1_000)

    with observing_rows("csv intervals", {"t": table}, heard, Clock(0.001)) as tables:
        list(tables["t"])

    assert len(heard.rows) <= 1 + 10
    assert heard.ended == [1_000]


def test_a_second_reading_counts_once() -> None:
    """Of a table or its basis; several tables add up."""
    heard, table = Heard(), small_batches(4)
    both = replace(table, basis=table)
    other = replace(table, name="other")
    given = {"t": both, "other": other}

    with observing_rows("csv intervals", given, heard, Clock(1)) as tables:
        for again in (tables["t"], tables["t"], tables["t"].basis, tables["other"]):
            assert again is not None
            list(again)

    assert heard.ended == [8]
    assert heard.rows == sorted(heard.rows)


def test_the_end_is_reported_of_a_failure_too() -> None:
    """Its line would stay otherwise."""
    heard = Heard()

    def fail() -> None:
        with observing_rows("csv intervals", {}, heard, Clock(1)):
            msg = "full"
            raise ValueError(msg)

    with pytest.raises(ValueError, match="full"):
        fail()

    assert heard.ended == [0]


def test_exports_have_different_names() -> None:
    """Those that would have one are numbered, as in messages."""
    specs = [
        Export(exporter="csv", table="intervals"),
        Export(exporter="duckdb", table="intervals"),
        Export(exporter="csv", table="intervals"),
        Export(exporter="xlsx", tables=("a", "b")),
        Export(exporter="xlsx", tables=("a", "b", "c")),
    ]

    assert list(export_names(dict(enumerate(specs))).values()) == [
        "csv intervals (1)",
        "duckdb intervals",
        "csv intervals (3)",
        "xlsx a, b",
        "xlsx 3 tables",
    ]
