"""A table: a stream of Arrow record batches with a declared schema."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Final, NamedTuple, NoReturn
from zoneinfo import ZoneInfo

import pyarrow as pa

from gcbatch.windows import Window

__all__ = [
    "BATCH_ROWS",
    "INSTANT",
    "LEVEL_DECIMALS",
    "Lack",
    "StoppedError",
    "Table",
    "rebatch",
]

INSTANT: Final = pa.timestamp("ms", tz="UTC")
"""How parts and tables hold instants; the service tells milliseconds."""

BATCH_ROWS: Final = 32_768
"""Rows of a batch, and of a Parquet row group. Cut by count, so that the same rows
give the same bytes however the parts they came from were cut."""

LEVEL_DECIMALS: Final = 9
"""Of a service level that is compared with its target. The tutorials' levels are
weighed in binary fractions: without rounding, buckets of 80 % each can add up to a
hair less, and one such week in six would miss a target of 80."""


class Lack(NamedTuple):
    """Rows that a table should have and has not, because they could not be fetched.

    Args:
        window: When; some rows of it may be there.
        org: Of several orgs, whose; empty where there is one.
    """

    window: Window
    org: str = ""


class StoppedError(Exception):
    """Nobody waits for these rows any more."""


@dataclass(frozen=True, repr=False)
class Table:
    """Rows to be written somewhere, read from the store each time they are asked for.

    An iteration yields record batches of batch_rows rows (the last may be shorter;
    none for an empty table). Polars and DuckDB take a table as it is, through
    `__arrow_c_stream__`; for pandas there is to_pandas.

    Args:
        name: Its name in job files, such as `intervals`.
        schema: Declared by the job, never inferred from data. Fields carry `unit`,
            `source` and `description` metadata where they apply.
        key: Columns that together identify a row.
        covered: The span of time that its rows are about; all rows in it are here.
        timezone: The zone of the job, for local days and months.
        run_id: Identifies the plan that it was fetched by.
        batches: Opens the stream anew.
        basis: The same rows with the sums that their figures were computed from, for
            whoever wants to add rows up; None where the rows themselves add.
        batch_rows: Rows of a batch; fewer where rows are long, and in tests.
        time: The column whose days and months a row belongs to; None where there is
            none.
        zones_differ: Whether rows are of orgs with time zones of their own, so that
            there are no days and months of all; timezone is then UTC.
        lacks: What of `covered` is not here, after `--allow-partial`: whatever is
            there of it from an earlier run is better than these rows.
        lacking_orgs: Of several orgs, those that failed, and have no row.
    """

    name: str
    schema: pa.Schema
    key: tuple[str, ...]
    covered: Window
    timezone: ZoneInfo
    run_id: str
    batches: Callable[[], Iterator[pa.RecordBatch]]
    basis: "Table | None" = None
    batch_rows: int = BATCH_ROWS
    time: str | None = "interval_start"
    zones_differ: bool = False
    lacks: tuple[Lack, ...] = ()
    lacking_orgs: tuple[str, ...] = ()
    _counts: list[int] = field(default_factory=list, init=False, compare=False)

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        rows = 0
        for batch in rebatch(self.batches(), self.schema, self.batch_rows):
            rows += batch.num_rows
            yield batch
        self._counts[:] = [rows]

    def __repr__(self) -> str:
        rows = "" if self.num_rows is None else f"{self.num_rows:,} rows, "
        return f"<Table {self.name}: {rows}{len(self.schema)} columns, {self.covered}>"

    @property
    def num_rows(self) -> int | None:
        """How many rows it has; None until they were read to the end once."""
        return self._counts[0] if self._counts else None

    def reader(self) -> pa.RecordBatchReader:
        """Return the table as a stream that Arrow's own functions read."""
        return pa.RecordBatchReader.from_batches(self.schema, iter(self))

    def read_all(self) -> pa.Table:
        """Return all rows in memory."""
        return self.reader().read_all()

    def to_arrow(self) -> pa.Table:
        """Return all rows in memory, as a table of pyarrow's."""
        return self.read_all()

    def to_pandas(self) -> Any:
        """Return all rows as a pandas DataFrame.

        Instants are aware, in UTC. Whole numbers and flags are of pandas' own types
        `Int64` and `boolean`, which know null: nothing becomes a float.

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
        """Refuse to be an array, which `pandas.DataFrame(table)` asks for.

        Without this, it would take each batch for a row.

        Raises:
            TypeError: Always; names the way to a data frame.
        """
        msg = f"table {self.name}: is no array; use table.to_pandas()"
        raise TypeError(msg)

    def __arrow_c_stream__(self, requested_schema: object = None) -> Any:
        """Export the stream by the Arrow PyCapsule interface."""
        return self.reader().__arrow_c_stream__(requested_schema)


def _imported(name: str) -> Any:
    """Import what is not needed but for its users.

    Raises:
        ModuleNotFoundError: If it is not installed; names the command that does it.
    """
    try:
        return import_module(name)
    except ModuleNotFoundError as exc:
        if exc.name != name:
            raise  # it is there, and lacks something itself
        msg = f"{name} is not installed: pip install 'gcbatch[{name}]'"
        raise ModuleNotFoundError(msg, name=name) from exc


def rebatch(
    batches: Iterator[pa.RecordBatch], schema: pa.Schema, rows: int = BATCH_ROWS
) -> Iterator[pa.RecordBatch]:
    """Cut a stream anew, into batches of exactly *rows* rows but for the last.

    Rows of which a column has more than 2 GB come in several batches.

    Args:
        batches: Batches of any size, empty ones included.
        schema: Of every batch.
        rows: Rows of a batch that comes out.
    """
    waiting: list[pa.RecordBatch] = []
    held = 0
    for batch in batches:
        rest = batch
        while held + rest.num_rows >= rows:
            waiting.append(rest.slice(0, rows - held))
            rest = rest.slice(rows - held)
            held = 0
            yield from _whole(waiting, schema)
        if rest.num_rows:
            waiting.append(rest)
            held += rest.num_rows
    if held:
        yield from _whole(waiting, schema)


def _whole(waiting: list[pa.RecordBatch], schema: pa.Schema) -> list[pa.RecordBatch]:
    """Return the rows of batches in one, and let go of those batches."""
    table = pa.Table.from_batches(waiting, schema=schema)
    waiting.clear()
    whole: list[pa.RecordBatch] = table.combine_chunks().to_batches()
    return whole
