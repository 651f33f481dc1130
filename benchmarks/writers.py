"""The files that gcbatch writes, beside the writers of libraries.

`python -m benchmarks.writers`: a million rows of intervals, ready in memory, are
written in turns to JSON Lines, CSV and Parquet, and a part of them to XLSX. All is done
in one process, whose CPU is counted, user and system, of all threads. Before the first
round each file is read again by a library and compared with the rows.

An export of gcbatch also computes the file's checksum and moves the file to its place.
"""

import gc
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from time import process_time
from typing import Any, Final

import duckdb
import openpyxl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pv
import pyarrow.json as pj
import pyarrow.parquet as pq
from xlsxwriter import Workbook

import gcbatch
from benchmarks.alone import main_of
from benchmarks.findings import Findings, Verdict, spread
from benchmarks.own_jobs import Bench, opened
from benchmarks.scores import at_most, ratios
from gcbatch.exporting import export
from gcbatch.table import BATCH_ROWS
from gcbatch_exporters.csv import CsvExporter
from gcbatch_exporters.json import JsonExporter
from gcbatch_exporters.parquet import ParquetExporter
from gcbatch_exporters.xlsx import XlsxExporter

__all__ = ["FORMATS", "Turns", "measure", "problem_of", "verdicts"]

ROUNDS: Final = 7
ROWS: Final = 1_000_000
XLSX_ROWS: Final = 20_000
"""A sheet of these has almost half a million cells."""

QUEUES: Final = 200
DAYS: Final = 53
"""The fewest that have ROWS."""

QUICK_QUEUES: Final = 5
QUICK_ROWS: Final = 900
SUMMED: Final = "t_handle_sum_ms"
"""The column whose sum is compared, beside the number of rows."""


Writer = Callable[[Path], object]
"""Writes rows that it has to a path."""


def _duckdb_json(rows: pa.Table) -> Writer:
    """Return DuckDB's writer of its own table, at its fastest.

    Two threads take up to twice the CPU of one, and instants with a zone take longer.
    """
    database = duckdb.connect()
    database.execute("SET threads = 1")
    database.register("ready", rows)
    database.execute("""
    CREATE TABLE rows AS SELECT * REPLACE (
      interval_start::TIMESTAMP AS interval_start,
      interval_end::TIMESTAMP AS interval_end
    ) FROM ready
    """)
    return lambda path: database.execute(f"COPY rows TO '{path}' (FORMAT json)")


def _arrow_csv(rows: pa.Table) -> Writer:
    return lambda path: pv.write_csv(rows, path)


def _arrow_parquet(rows: pa.Table) -> Writer:
    """Return Arrow's writer, with row groups and checks as in gcbatch's files."""
    return lambda path: pq.write_table(
        rows,
        path,
        compression="zstd",
        row_group_size=BATCH_ROWS,
        write_page_checksum=True,
    )


def _plain_xlsx(rows: pa.Table) -> Writer:
    """Return a loop over rows and cells."""
    options = {
        "constant_memory": True,
        "remove_timezone": True,
        "default_date_format": "yyyy-mm-dd hh:mm",
        "strings_to_formulas": False,
        "strings_to_urls": False,
    }

    def write(path: Path) -> None:
        with Workbook(path, options) as book:
            sheet = book.add_worksheet()
            sheet.write_row(0, 0, rows.column_names)
            columns = (column.to_pylist() for column in rows.columns)
            for number, values in enumerate(zip(*columns, strict=True), start=1):
                for column, value in enumerate(values):
                    if value is not None:
                        sheet.write(number, column, value)

    return write


def _read_sheet(path: Path) -> pa.Table:
    book = openpyxl.load_workbook(path, read_only=True)
    head, *rows = book.worksheets[0].iter_rows(values_only=True)
    place = next(n for n, name in enumerate(head) if str(name).startswith(SUMMED))
    return pa.table({SUMMED: pa.array([row[place] for row in rows], pa.float64())})


@dataclass(frozen=True)
class Format:
    """A format of files.

    Args:
        exporter: gcbatch's exporter.
        library: Name of the writer beside it.
        prepare: Returns its writer of some rows; that is not measured.
        read: Reads a file of either.
        maximum: Maximum CPU of the exporter, in multiples of the library's.
    """

    exporter: Any
    library: str
    prepare: Callable[[pa.Table], Writer]
    read: Callable[[Path], pa.Table]
    maximum: float


FORMATS: Final[Mapping[str, Format]] = {
    "json": Format(JsonExporter, "DuckDB", _duckdb_json, pj.read_json, 1.4),
    "csv": Format(CsvExporter, "Arrow", _arrow_csv, pv.read_csv, 0.75),
    "parquet": Format(ParquetExporter, "Arrow", _arrow_parquet, pq.read_table, 1.05),
    "xlsx": Format(XlsxExporter, "XlsxWriter", _plain_xlsx, _read_sheet, 1.2),
}


def measure(rounds: int, *, quick: bool) -> Findings:
    """Measure.

    Args:
        rounds: Number of rounds.
        quick: Whether a few rows are enough.
    """
    queues, days = (QUICK_QUEUES, 2) if quick else (QUEUES, DAYS)
    with opened(queues) as bench:
        table = _table_of(bench, days)
        whole = table.read_all().slice(0, QUICK_ROWS if quick else ROWS)
        few = whole.slice(0, whole.num_rows if quick else XLSX_ROWS)
        found = {
            name: _turns(
                one,
                table,
                few if name == "xlsx" else whole,
                bench.folder / f"written.{name}",
                rounds,
            )
            for name, one in FORMATS.items()
        }
    lines = []
    for name, one in found.items():
        cpu_s = {"gcbatch": one.ours, FORMATS[name].library: one.theirs}
        lines += [
            f"{name:8} {writer:10} {one.rows:>10,} rows {spread(spent):>24} s CPU"
            for writer, spent in cpu_s.items()
        ]
    return Findings("Files of intervals", tuple(lines), tuple(verdicts(found)))


@dataclass(frozen=True)
class Turns:
    """What both writers of a format spent in each round.

    Args:
        rows: How many they wrote.
        ours: Seconds of CPU of gcbatch's exporter.
        theirs: The same of the library.
        problem: What is wrong with a file; empty if nothing is.
    """

    rows: int
    ours: list[float]
    theirs: list[float]
    problem: str = ""


def _turns(
    one: Format, table: "gcbatch.Table", rows: pa.Table, path: Path, rounds: int
) -> Turns:
    """Let both writers of a format write rows, in turns."""
    batches = rows.to_batches(BATCH_ROWS)
    ready = replace(table, batches=lambda: iter(batches))
    exporter = one.exporter(one.exporter.Options(path=path))

    def ours() -> None:
        export(exporter, "one", {table.name: ready})

    prepared = one.prepare(rows)

    def theirs() -> None:
        prepared(path)

    spent: tuple[list[float], list[float]] = ([], [])
    problems = []
    for number in range(rounds + 1):  # the first imports and compiles
        for writer, found in zip((ours, theirs), spent, strict=True):
            gc.collect()
            begun = process_time()
            writer()
            found.append(process_time() - begun)
            if not number:
                problems.append(problem_of(one.read(path), rows))
            path.unlink()
    problem = "; ".join(filter(None, problems))
    return Turns(rows.num_rows, spent[0][1:], spent[1][1:], problem)


def problem_of(found: pa.Table, rows: pa.Table) -> str:
    """Return what is wrong with the rows of a file; empty if nothing is."""
    if found.num_rows != rows.num_rows:
        return f"{found.num_rows:,} rows instead of {rows.num_rows:,}"
    sums = [pc.sum(some[SUMMED]).as_py() for some in (found, rows)]
    return "" if sums[0] == sums[1] else f"{SUMMED}: {sums[0]} instead of {sums[1]}"


def _table_of(bench: Bench, days: int) -> "gcbatch.Table":
    """Fetch some days, and return their table of intervals."""
    bench.run(days)
    job = gcbatch.load_job(bench.job(days), environ=bench.environ)
    return gcbatch.export_job(job).tables["intervals"]


def verdicts(found: Mapping[str, Turns]) -> Iterator[Verdict]:
    """Yield each target with its measured value.

    Args:
        found: By format.
    """
    wrong = [f"{name}: {one.problem}" for name, one in found.items() if one.problem]
    text = "; ".join(wrong) or "all rows, read again"
    yield Verdict(f"files: {text}", not wrong, is_exact=True)
    for name, one in found.items():
        yield at_most(
            f"CPU of {name}, x that of {FORMATS[name].library}",
            ratios(one.ours, one.theirs),
            FORMATS[name].maximum,
        )


if __name__ == "__main__":
    sys.exit(main_of(measure, rounds=ROUNDS))
