"""For authors of exporters: a conformance suite and sample tables.

    class TestMyExporter(ExporterConformance):
        exporter = MyExporter

        def options(self, folder: Path) -> dict[str, Any]:
            return {"path": folder / "out.xyz"}

        def read(self, folder: Path) -> list[dict[str, Any]]:
            ...

It needs pytest to run, but not to import. See docs/writing-an-exporter.md.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, Final

import pyarrow as pa
from pydantic import BaseModel, ValidationError

from gcbatch.coverage import Coverage
from gcbatch.errors import DataError
from gcbatch.exporting import (
    API_VERSION,
    OLDEST_API_VERSION,
    Exporter,
    PublishedFile,
    Receipt,
    export,
)
from gcbatch.table import INSTANT, Table
from gcbatch.windows import UTC_ZONE, Period, Window, step

__all__ = [
    "SAMPLE_SCHEMA",
    "ExporterConformance",
    "Row",
    "failing_table",
    "sample_table",
    "typed",
]

Row = dict[str, Any]

OCTOBER: Final = datetime(2026, 10, 1, tzinfo=UTC)
_QUARTER: Final = timedelta(minutes=15)
SMALL_BATCH: Final = 500
"""Rows of a batch in tests of several batches; real ones are larger."""

_MONTH: Final = Period.parse("P1M")


def _field(name: str, kind: pa.DataType, **metadata: str) -> pa.Field:
    return pa.field(name, kind, metadata=metadata)


SAMPLE_SCHEMA: Final = pa.schema(
    [
        _field("interval_start", INSTANT, description="Begin of the interval"),
        _field("interval_end", INSTANT, description="End of the interval, exclusive"),
        _field("queue_id", pa.string(), source="queueId"),
        _field("queue_name", pa.string()),
        _field("media_type", pa.string(), source="mediaType"),
        _field("n_offered", pa.int64(), source="nOffered"),
        _field("t_handle_count", pa.int64(), source="tHandle.count"),
        _field("t_handle_sum_ms", pa.int64(), source="tHandle.sum", unit="ms"),
        _field("o_service_level_ratio", pa.float64(), source="oServiceLevel.ratio"),
        _field("compliance_met", pa.bool_()),
    ]
)
"""A schema like that of an `intervals` table."""

# Real queues have names like all of these.
_NAMES: Final = [
    "Support",
    "Kundendienst Zürich ☎",
    'say "hi", twice',
    "first line\r\nsecond line",
    "=1+1",
    "@home",
    "-",
    " spaces ",
    None,
    "null",
    "C:\\new; it's",
    "{x}",
]
_MEDIA: Final = ["voice", "chat", "email"]
_OFFERED: Final = [3, None, 0, 2**53 + 1, 12]
_SUMS: Final = [1500, None, 0, 2**62 + 1, -1, 7]
_RATIOS: Final = [1 / 3, None, 0.0, 1.0, 0.1 + 0.2, 1e-7, 5e-324, 1.5e300, -0.25]
_MET: Final = [True, False, None]


def sample_table(
    rows: int = 50, *, start: datetime = OCTOBER, name: str = "intervals"
) -> Table:
    """Return a table of one month, with values that formats tend to lose.

    It has names with quotes, line ends and formulas; nulls; whole numbers beyond 2**53;
    floats of many digits. It has no NaN, which JSON does not support, and no empty
    text, which some formats cannot distinguish from null.

    Args:
        rows: Number of rows; more than BATCH_ROWS make several batches. Fewer rows are
            the beginning of a longer table.
        start: Begin of the month, UTC.
        name: Name of the table.

    Returns:
        Rows in the order of the table's key, which is interval_start and queue_id.
    """
    end = step(start, _MONTH, 1, UTC_ZONE)
    quarters = (end - start) // _QUARTER
    queues = max(len(_NAMES), math.ceil(rows / quarters))
    at = [start + _QUARTER * (n // queues) for n in range(rows)]
    queue = [n % queues for n in range(rows)]
    columns: list[list[Any]] = [
        at,
        [t + _QUARTER for t in at],
        [f"{n:08x}-0000-4000-8000-000000000000" for n in queue],
        _repeated(_NAMES, queue),
        _repeated(_MEDIA, queue),
        _repeated(_OFFERED, range(rows)),
        list(range(rows)),
        _repeated(_SUMS, range(rows)),
        _repeated(_RATIOS, range(rows)),
        _repeated(_MET, range(rows)),
    ]
    arrays = [
        pa.array(column, field.type)
        for column, field in zip(columns, SAMPLE_SCHEMA, strict=True)
    ]
    data = pa.Table.from_arrays(arrays, schema=SAMPLE_SCHEMA)
    return Table(
        name=name,
        schema=SAMPLE_SCHEMA,
        key=("interval_start", "queue_id"),
        covered=Coverage.whole(Window(start, end)),
        timezone=UTC_ZONE,
        run_id="sample",
        batches=lambda: iter(data.to_batches(max_chunksize=10_000)),
    )


def _repeated(values: Sequence[Any], numbers: Sequence[int]) -> list[Any]:
    return [values[n % len(values)] for n in numbers]


def failing_table(*, start: datetime = OCTOBER, name: str = "intervals") -> Table:
    """Return a sample table whose second batch cannot be read; see sample_table."""
    whole = sample_table(SMALL_BATCH, start=start, name=name)

    def batches() -> Iterator[pa.RecordBatch]:
        yield from whole
        msg = "part 9f1c: is damaged"
        raise DataError(msg)

    return replace(whole, batches=batches, batch_rows=SMALL_BATCH)


def typed(row: Mapping[str, str | None], schema: pa.Schema = SAMPLE_SCHEMA) -> Row:
    """Return a row of a text format with typed values, for use in read().

    Args:
        row: Texts by column; the empty text and None are null.
        schema: Types by column; a column that it lacks is an error.

    Raises:
        ValueError: If a text is not of its column's type.
    """
    return {name: _typed(text, schema.field(name).type) for name, text in row.items()}


def _typed(text: str | None, kind: pa.DataType) -> Any:
    if text is None or text == "":
        return None
    if pa.types.is_boolean(kind):
        if text not in {"true", "false"}:
            msg = f"{text!r} is neither true nor false"
            raise ValueError(msg)
        return text == "true"
    if pa.types.is_integer(kind):
        return int(text)
    if pa.types.is_floating(kind):
        return float(text)
    return datetime.fromisoformat(text) if pa.types.is_timestamp(kind) else text


class ExporterConformance:
    """What every exporter has to do. Inherit it in a class that pytest collects.

    Set `exporter`; define by `options` and `read` how to write into a folder and how to
    get the rows back, best by a reader that is not the exporter's own.
    """

    exporter: ClassVar[type[Exporter]]
    keeps_history: ClassVar[bool] = False
    """Whether rows of an earlier range stay when a later one is written: true for a
    database, false for a file."""

    def options(self, folder: Path) -> dict[str, Any]:
        """Return options with which the exporter writes into *folder*."""
        raise NotImplementedError

    def read(self, folder: Path) -> list[Row]:
        """Return the rows in *folder* by column, in the order of the table's key.

        Numbers, booleans and times are as the format has them, null is None; a format
        without types may use typed().
        """
        raise NotImplementedError

    def columns(self, folder: Path) -> list[str] | None:
        """Return the columns of an empty output; None if the format has none."""
        del folder
        return None

    def as_read(self, value: Any) -> Any:
        """Return what read() gives for *value* if the format has fewer types."""
        return value

    def test_follows_the_contract(self) -> None:
        """It has what gcbatch needs, and is written for this API version."""
        made = self.exporter.__name__
        _expect(isinstance(self.exporter, type), f"{made}: is not a class")
        version = getattr(self.exporter, "api_version", None)
        known = range(OLDEST_API_VERSION, API_VERSION + 1)
        _expect(
            version in known, f"{made}.api_version: {version!r}, expected {list(known)}"
        )
        options = getattr(self.exporter, "Options", None)
        _expect(
            isinstance(options, type) and issubclass(options, BaseModel),
            f"{made}.Options: is not a pydantic model",
        )
        has_export = callable(getattr(self.exporter, "export", None))
        _expect(has_export, f"{made}.export: is missing")

    def test_refuses_unknown_options(self, tmp_path: Path) -> None:
        """A misspelt option is an error, not ignored."""
        options = {**self.options(tmp_path), "no_such_option": 1}
        try:
            self.exporter.Options.model_validate(options)
        except ValidationError:
            return
        msg = f"{self.exporter.__name__}.Options: takes unknown keys"
        raise AssertionError(msg)

    def test_writes_rows_of_several_batches(self, tmp_path: Path) -> None:
        """All rows arrive, in order, with their values; the receipt counts them."""
        rows = 3 * SMALL_BATCH + 100
        table = replace(sample_table(rows), batch_rows=SMALL_BATCH)

        receipt, _ = self._export(tmp_path, table)

        self._same_rows(self.read(tmp_path), table)
        _same(receipt.rows, rows, "receipt.rows")

    def test_writes_an_empty_table(self, tmp_path: Path) -> None:
        """A table without rows gives an output without rows, not no output."""
        receipt, _ = self._export(tmp_path, sample_table(0))

        _same(self.read(tmp_path), [], "rows")
        _same(receipt.rows, 0, "receipt.rows")
        _expect(receipt.location != "", "receipt.location: is empty")
        found = self.columns(tmp_path)
        if found is not None:
            _same(found, SAMPLE_SCHEMA.names, "columns")

    def test_writing_twice_leaves_one_copy(self, tmp_path: Path) -> None:
        """A job may run again; its files then have the same bytes."""
        table = sample_table()
        self._export(tmp_path, table)
        before = _files(tmp_path)

        _, published = self._export(tmp_path, table)

        self._same_rows(self.read(tmp_path), table)
        if published:
            _same(sorted(_files(tmp_path)), sorted(before), "files")
            changed = [f for f, data in _files(tmp_path).items() if data != before[f]]
            _same(changed, [], "files that differ")

    def test_replaces_what_it_wrote(self, tmp_path: Path) -> None:
        """Rows that a table no longer has are removed."""
        self._export(tmp_path, sample_table(50))

        self._export(tmp_path, sample_table(20))

        self._same_rows(self.read(tmp_path), sample_table(20))

    def test_treats_an_earlier_range_as_it_says(self, tmp_path: Path) -> None:
        """Rows of an earlier range stay if keeps_history is set, and go otherwise."""
        september = sample_table(30, start=datetime(2026, 9, 1, tzinfo=UTC))
        october = sample_table(40)
        self._export(tmp_path, september)

        self._export(tmp_path, october)

        earlier = [september] if self.keeps_history else []
        self._same_rows(self.read(tmp_path), *earlier, october)

    def test_failure_leaves_the_previous_output(self, tmp_path: Path) -> None:
        """A table that cannot be read to its end changes no file and leaves none."""
        table = sample_table()
        self._export(tmp_path, table)
        files = sorted(_files(tmp_path))

        try:
            self._export(tmp_path, failing_table())
        except DataError:
            pass
        else:
            msg = "export: swallowed the error of a table that cannot be read"
            raise AssertionError(msg)

        self._same_rows(self.read(tmp_path), table)
        _same(sorted(_files(tmp_path)), files, "files")

    def test_leaves_the_table_alone(self, tmp_path: Path) -> None:
        """Another exporter gets the same table afterwards."""
        table = sample_table()
        before = table.read_all()
        tables = {table.name: table}

        self._export_tables(tmp_path, tables)

        _same(list(tables.items()), [(table.name, table)], "tables")
        _expect(table.read_all().equals(before, check_metadata=True), "table: changed")

    def test_makes_missing_folders(self, tmp_path: Path) -> None:
        """The output's folder need not exist."""
        folder = tmp_path / "not" / "there"

        self._export(folder, sample_table())

        self._same_rows(self.read(folder), sample_table())

    def _export(
        self, folder: Path, table: Table
    ) -> tuple[Receipt, tuple[PublishedFile, ...]]:
        return self._export_tables(folder, {table.name: table})

    def _export_tables(
        self, folder: Path, tables: dict[str, Table]
    ) -> tuple[Receipt, tuple[PublishedFile, ...]]:
        options = self.exporter.Options.model_validate(self.options(folder))
        exporter = self.exporter(options)
        check = getattr(exporter, "check", None)
        if check is not None:
            check({k: replace(t, batches=lambda: iter(())) for k, t in tables.items()})
        name = self.exporter.__name__
        return export(exporter, name, tables, options=options)

    def _same_rows(self, found: list[Row], *tables: Table) -> None:
        wanted = [row for table in tables for row in table.read_all().to_pylist()]
        _same(len(found), len(wanted), "rows")
        for number, (row, expected) in enumerate(
            zip(found, wanted, strict=True), start=1
        ):
            if list(row) != list(expected):
                _same(list(row), list(expected), f"row {number}: columns")
            for name, value in expected.items():
                as_read = self.as_read(value)
                if not _alike(row[name], as_read):
                    _same(row[name], as_read, f"row {number}: {name}")


def _files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def _expect(holds: bool, problem: str) -> None:  # noqa: FBT001 - an assertion
    if not holds:
        raise AssertionError(problem)


def _same(found: Any, wanted: Any, what: str) -> None:
    _expect(_alike(found, wanted), f"{what}: {found!r}, expected {wanted!r}")


def _alike(found: Any, wanted: Any) -> bool:
    # 1 == 1.0 == True in Python, but not for readers of the output.
    if isinstance(found, bool) != isinstance(wanted, bool):
        return False
    return isinstance(found, type(wanted)) and bool(found == wanted)
