"""A table: a stream of Arrow record batches with a declared schema."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from importlib import import_module
from typing import Any, Final, NamedTuple, NoReturn
from zoneinfo import ZoneInfo

import pyarrow as pa

from gcbatch.coverage import Coverage
from gcbatch.errors import DataError
from gcbatch.html_table import html_table
from gcbatch.lazy import lazy_import
from gcbatch.provisional import ProvisionalSpan
from gcbatch.windows import Window

__all__ = [
    "BATCH_ROWS",
    "INSTANT",
    "LEVEL_DECIMALS",
    "ORG",
    "Lack",
    "StoppedError",
    "Table",
    "rebatch",
]

pc = lazy_import("pyarrow.compute")

INSTANT: Final = pa.timestamp("ms", tz="UTC")
"""The type of instants in parts and tables; the service sends milliseconds."""

BATCH_ROWS: Final = 32_768
"""Rows of a batch, and of a Parquet row group. Fixed, so that the same rows give the
same bytes, however the parts they came from were cut."""

ORG: Final = "org"
"""The first column of tables of several orgs."""

SHOWN_ROWS: Final = 10
"""Rows that a notebook shows of a table."""

MAX_SMALL: Final = 256
"""Batches that wait to become one. A batch of a single row takes some 5 kB: so many of
them that they fill a batch took 170 MB."""

LEVEL_DECIMALS: Final = 9
"""Decimals of a service level that is compared with its target. The tutorials' levels
are weighted in binary fractions: without rounding, buckets of 80 % each can add up to
slightly less, and one such week in six would miss a target of 80."""


class Lack(NamedTuple):
    """Rows that a table lacks because they could not be fetched.

    Args:
        window: Their span of time; some rows of it may be there.
        org: Their org, if there are several; otherwise empty.
    """

    window: Window
    org: str = ""


class StoppedError(Exception):
    """The reader of these rows has stopped."""


@dataclass(frozen=True, repr=False)
class Table:
    """Rows to export, read from the store each time the table is iterated.

    An iteration yields record batches of batch_rows rows; the last may be shorter, and
    an empty table has none. Polars and DuckDB read a table directly, by
    `__arrow_c_stream__`; for pandas there is to_pandas.

    Args:
        name: Its name in job files, such as `intervals`.
        schema: Declared by the job, never inferred from data. Fields carry `unit`,
            `source` and `description` metadata where they apply.
        key: Columns that together identify a row.
        covered: The range of the job, and the spans of it, per org, that the rows are
            about: all rows of a span are here. A Window given for it means all of it.
        timezone: The time zone of the job, for local days and months.
        run_id: Identifies the plan by which the rows were fetched.
        batches: Opens a new stream of the rows.
        basis: The same rows with the sums that their figures were computed from, for
            exporters that add rows up; None if the table has them itself.
        batch_rows: Rows of a batch; fewer if rows are long, and in tests.
        time: The column that decides a row's day and month; None if there is none.
        record_time: Where time is None, the column of the begin of records. Rows are
            also the records that began before the range and go on in it.
        end: The column of the exclusive end of a row's time; None if a row is about an
            instant.
        is_of_range: Whether each row is about the whole range, as a total is: rows of
            another range do not go with it.
        zones_differ: Whether the orgs have different time zones, so that there are no
            common days and months; timezone is then UTC.
        lacks: Spans of the range that are missing after `--allow-partial`; rows that an
            earlier run exported for them should stay.
        lacking_orgs: The orgs that failed and have no row.
        find_provisional: Looks up the spans of `provisional`.
        job: The name of the job, which owns what it writes into a database.
    """

    name: str
    schema: pa.Schema
    key: tuple[str, ...]
    covered: Coverage
    timezone: ZoneInfo
    run_id: str
    batches: Callable[[], Iterator[pa.RecordBatch]]
    basis: "Table | None" = None
    batch_rows: int = BATCH_ROWS
    time: str | None = "interval_start"
    record_time: str | None = None
    end: str | None = None
    is_of_range: bool = False
    zones_differ: bool = False
    lacks: tuple[Lack, ...] = ()
    lacking_orgs: tuple[str, ...] = ()
    job: str = ""
    find_provisional: Callable[[], tuple[ProvisionalSpan, ...]] = tuple
    _counts: list[int] = field(default_factory=list, init=False, compare=False)

    def __post_init__(self) -> None:
        covered: Window = self.covered
        if not isinstance(covered, Coverage):  # tests of exporters for API 1 give it
            object.__setattr__(self, "covered", Coverage.whole(covered))

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        rows = 0
        for batch in rebatch(self.batches(), self.schema, self.batch_rows):
            rows += batch.num_rows
            yield batch
            del batch  # or it would stay in memory while the next is made
        self._counts[:] = [rows]

    def __repr__(self) -> str:
        return f"<Table {self._summary}>"

    def _repr_html_(self) -> str:
        """Return the first rows as HTML; notebooks call it to show the table."""
        first = self.head(SHOWN_ROWS)
        columns = (column.to_pylist() for column in first.columns)
        return html_table(
            f"{self._summary}; its first {first.num_rows} rows",
            self.schema.names,
            zip(*columns, strict=True),
        )

    @property
    def _summary(self) -> str:
        rows = "" if self.rows_read is None else f"{self.rows_read:,} rows, "
        return f"{self.name}: {rows}{len(self.schema)} columns, {self.covered}"

    def covered_rows(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows of the spans that the table covers, a batch at a time.

        Rows of a span that could be fetched only in part are left out: for a
        destination that keeps what it has of such a span. So are records that began
        before the range.

        Raises:
            DataError: If a row is not in the table's range; or as the table's rows do.
        """
        by_org = self.covered.by_org
        for batch in self:
            mask = self._is_covered(batch, by_org)
            covered = batch if pc.all(mask).as_py() else batch.filter(mask)
            del batch  # or it would stay in memory while the next is made
            if covered.num_rows:
                yield covered

    def _is_covered(
        self, batch: pa.RecordBatch, by_org: Mapping[str, Sequence[Window]]
    ) -> pa.Array:
        """Return for each row of a batch whether a span has it."""
        if not self.is_timeless:
            self._refuse_other_times(batch[self.row_time])
        if ORG not in self.schema.names:
            return self._is_in(batch, by_org.get("", ()))
        masks = []
        orgs = batch[ORG]
        for org in orgs.unique().to_pylist():
            in_spans = self._is_in(batch, by_org.get(org, ()))
            masks.append(pc.and_(pc.equal(orgs, org), in_spans))
        return reduce(pc.or_, masks)

    def _is_in(self, batch: pa.RecordBatch, spans: Sequence[Window]) -> pa.Array:
        if self.is_timeless or not spans:
            return pa.repeat(pa.scalar(bool(spans)), batch.num_rows)
        times = batch[self.row_time]
        return reduce(pc.or_, [_is_within(times, span) for span in spans])

    def _refuse_other_times(self, times: pa.Array) -> None:
        is_in_range = _is_within(times, self.covered)
        if self.time is None:  # records may have begun before the range
            is_in_range = pc.less(times, pa.scalar(self.covered.end, times.type))
        if pc.all(is_in_range, skip_nulls=False).as_py():
            return
        msg = f"{self.name}: a row is not in {self.covered}"
        raise DataError(msg, hint="please report this; the data is contradictory")

    @property
    def provisional(self) -> tuple[ProvisionalSpan, ...]:
        """The spans whose figures the service may still correct, and until when."""
        return self.find_provisional()

    @property
    def is_timeless(self) -> bool:
        """Whether the rows replace all earlier rows of their orgs, of any time."""
        return self.row_time is None or self.is_of_range

    @property
    def row_time(self) -> str | None:
        """The column by which a destination distinguishes spans; None if there is none.

        It is `time`, or `record_time`.
        """
        return self.time or self.record_time

    @property
    def num_rows(self) -> int:
        """Number of rows; reads them all, unless they were read to the end before.

        Raises:
            DataError: As reading the rows does.
        """
        if not self._counts:
            for batch in self:
                del batch  # only their number is wanted
        return self._counts[0]

    @property
    def rows_read(self) -> int | None:
        """Number of rows; None until they were read to the end once."""
        return self._counts[0] if self._counts else None

    def head(self, rows: int = 5) -> pa.Table:
        """Return the first rows in memory; no more batches are read than that takes.

        Args:
            rows: How many at most; 0 or more.
        """
        taken: list[pa.RecordBatch] = []
        missing = rows
        for batch in self if rows > 0 else ():
            taken.append(batch.slice(0, missing))
            missing -= taken[-1].num_rows
            if not missing:
                break
        return pa.Table.from_batches(taken, schema=self.schema)

    def reader(self) -> pa.RecordBatchReader:
        """Return the table as a stream that Arrow's functions read."""
        return pa.RecordBatchReader.from_batches(self.schema, iter(self))

    def read_all(self) -> pa.Table:
        """Return all rows in memory."""
        return self.reader().read_all()

    def to_arrow(self) -> pa.Table:
        """Return all rows in memory; the same as read_all."""
        return self.read_all()

    def to_pandas(self) -> Any:
        """Return all rows as a pandas DataFrame.

        Instants are aware, in UTC. Whole numbers and booleans have pandas' types
        `Int64` and `boolean`, which support null: no column becomes float.

        Raises:
            ModuleNotFoundError: If pandas is not installed.
        """
        pandas = _imported("pandas")
        kinds = {pa.int64(): pandas.Int64Dtype(), pa.bool_(): pandas.BooleanDtype()}
        return self.read_all().to_pandas(types_mapper=kinds.get)

    def to_polars(self) -> Any:
        """Return all rows as a Polars DataFrame; instants are aware, in UTC.

        Raises:
            ModuleNotFoundError: If Polars is not installed.
        """
        return _imported("polars").from_arrow(self.read_all())

    def __array__(self, *_args: object, **_options: object) -> NoReturn:
        """Refuse `pandas.DataFrame(table)`, which would take each batch for a row.

        Raises:
            TypeError: Always; names to_pandas.
        """
        msg = f"table {self.name}: is not an array; use table.to_pandas()"
        raise TypeError(msg)

    def __arrow_c_stream__(self, requested_schema: object = None) -> Any:
        """Export the stream by the Arrow PyCapsule interface."""
        return self.reader().__arrow_c_stream__(requested_schema)


def _is_within(times: pa.Array, span: Window) -> pa.Array:
    start, end = (pa.scalar(at, times.type) for at in (span.start, span.end))
    return pc.and_(pc.greater_equal(times, start), pc.less(times, end))


def _imported(name: str) -> Any:
    """Import an optional package.

    Raises:
        ModuleNotFoundError: If it is not installed; names the command that installs it.
    """
    try:
        return import_module(name)
    except ModuleNotFoundError as exc:
        if exc.name != name:
            raise  # the package is there, and lacks another one
        msg = f"{name} is not installed: pip install 'gcbatch[{name}]'"
        raise ModuleNotFoundError(msg, name=name) from exc


def rebatch(
    batches: Iterator[pa.RecordBatch], schema: pa.Schema, rows: int = BATCH_ROWS
) -> Iterator[pa.RecordBatch]:
    """Yield the same rows in batches of exactly *rows* rows; the last may be shorter.

    If a column of these rows has more than 2 GB, they come in several batches.

    Args:
        batches: Batches of any size, empty ones included.
        schema: Schema of every batch.
        rows: Rows of each batch that is yielded.
    """
    waiting: list[pa.RecordBatch] = []
    held = small = 0
    for batch in batches:
        rest = batch
        while held + rest.num_rows >= rows:
            waiting.append(rest.slice(0, rows - held))
            rest = rest.slice(rows - held)
            held = small = 0
            yield from _whole(waiting, schema)
        if rest.num_rows:
            waiting.append(rest)
            held += rest.num_rows
            small += 1
        if small == MAX_SMALL:
            last = waiting[-small:]
            del waiting[-small:]
            waiting += _whole(last, schema)
            small = 0
        del batch, rest  # or they would stay in memory while the next is made
    if held:
        yield from _whole(waiting, schema)


def _whole(waiting: list[pa.RecordBatch], schema: pa.Schema) -> list[pa.RecordBatch]:
    """Return the rows of several batches in one, and empty the list of batches."""
    table = pa.Table.from_batches(waiting, schema=schema)
    waiting.clear()
    whole: list[pa.RecordBatch] = table.combine_chunks().to_batches()
    return whole
