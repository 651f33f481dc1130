"""Compares what a destination holds with the table, day by day.

Every value becomes a whole number, and every row a hash of its numbers. Sums of them do
not depend on the order of rows. Equal sums of hashes mean equal rows: a value that was
changed, or exchanged with that of another row, changes the sum. The sums of the columns
say what differs.
"""

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import reduce
from itertools import chain
from typing import Final
from zoneinfo import ZoneInfo

import orjson
import pyarrow as pa

from gcbatch.exporting.contract import Mismatch
from gcbatch.lazy import lazy_import
from gcbatch.table import ORG, Table
from gcbatch.windows import (
    EPOCH,
    ONE_DAY,
    ceil_to_bucket,
    floor_to_bucket,
    milliseconds,
    to_local,
)

__all__ = ["compare_days"]

pc = lazy_import("pyarrow.compute")

QUARTER_MS: Final = 15 * 60 * 1000
"""Days of all time zones begin at a quarter of an hour."""

QUARTERS: Final = 96
"""Quarters of an hour in a day of UTC."""

WRAP: Final = (1 << 64) - 1
"""Sums of 64 bits wrap."""

NULL: Final = 0x5851F42D4C957F2D
UNREADABLE: Final = 0x14057B7EF767814F
"""Stand for a null, and for a value that is none of the column's type. Any numbers that
values hardly have."""

FACTOR: Final = 0x9E3779B97F4A7C15
FINAL_FACTORS: Final = (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53)
"""Odd factors of a hash; the last ones spread every bit over all 64 (the finalizer of
MurmurHash3). Without it, exchanged values could leave the sum as it is."""

MAX_COLUMNS: Final = 3
"""Columns that a mismatch names."""

Day = tuple[str, date | None]
"""An org, and a day of it."""


def compare_days(table: Table, found: Iterable[pa.RecordBatch]) -> Iterator[Mismatch]:
    """Yield the days of which a destination has other rows than the table.

    A value of the destination that cannot be converted to the type of its column
    differs from any. NaN is null, as many databases store it, and -0.0 is 0.0. JSON is
    the same however it is written.

    Args:
        table: What was exported. Rows of spans that it does not cover are left out.
        found: The rows that the destination has in the covered spans, in any order and
            all with the same columns, named as the table's. Columns that are missing,
            or that have a kind of type that is never converted to the table's, are not
            compared.

    Raises:
        DataError: As the table's rows raise it.
    """
    rest = iter(found)
    first = next(rest, None)
    columns = _columns(table.schema, table.schema if first is None else first.schema)
    sums = _Sums(table, columns)
    if first is not None:
        for batch in chain([first], rest):
            sums.add(batch, _FOUND)
            del batch  # or it would stay in memory while the next is made
    for batch in table.covered_rows():
        sums.add(batch, _EXPECTED)
        del batch
    for day in sorted(sums.days, key=_order):
        if problem := sums.days[day].problem(columns):
            yield Mismatch(table.name, *day, problem)


def _order(day: Day) -> tuple[str, date]:
    return day[0], day[1] or date.min


def _columns(schema: pa.Schema, found: pa.Schema) -> tuple[pa.Field, ...]:
    """Return the fields of the columns that can be compared."""
    return tuple(
        one
        for one in schema
        if one.name in found.names and _can_convert(found.field(one.name).type, one)
    )


def _can_convert(found: pa.DataType, column: pa.Field) -> bool:
    try:
        _checks(pa.nulls(0, found), column)
    except pa.ArrowException:
        return False
    return True


_FOUND: Final = 0
_EXPECTED: Final = 1


class _DaySums:
    """The sums of a day's rows: of what was found, and of what was expected.

    Attributes:
        rows: The numbers of rows, found and expected.
        hashes: The sum of the hashes of rows found, minus that of those expected.
        checks: The same by column, of the numbers that stand for the values.
        figures: The sums of numbers by column, found and expected.
    """

    __slots__ = ("checks", "figures", "hashes", "rows")

    def __init__(self, columns: int) -> None:
        self.rows = [0, 0]
        self.hashes = 0
        self.checks = array("Q", bytes(8 * columns))
        self.figures = (array("d", self.checks), array("d", self.checks))

    def problem(self, columns: Sequence[pa.Field]) -> str:
        """Return how the rows differ; empty if they do not."""
        found, expected = self.rows
        if found != expected:
            return f"{found:,} rows, expected {expected:,}"
        if not self.hashes:
            return ""
        differing = [number for number, check in enumerate(self.checks) if check]
        if not differing:
            return "values belong to other rows, though the sums of all columns agree"
        described = [self._described(n, columns[n]) for n in differing[:MAX_COLUMNS]]
        if (more := len(differing) - MAX_COLUMNS) > 0:
            described.append(f"{more} {'column' if more == 1 else 'columns'} more")
        return "; ".join(described)

    def _described(self, number: int, column: pa.Field) -> str:
        found, expected = (sums[number] for sums in self.figures)
        if found == expected:
            return f"{column.name}: a value differs"
        if pa.types.is_integer(column.type):
            found, expected = int(found), int(expected)
        return f"{column.name}: the sum is {found:,}, expected {expected:,}"


@dataclass
class _Sums:
    """The sums of rows by org and day.

    Args:
        table: Says which day a row belongs to.
        columns: The columns that are compared.

    Attributes:
        days: The sums of each day that has rows.
    """

    table: Table
    columns: Sequence[pa.Field]
    days: dict[Day, _DaySums] = field(default_factory=dict)
    _dates: "_Dates" = field(init=False)

    def __post_init__(self) -> None:
        self._dates = _Dates(self.table.timezone)

    def add(self, batch: pa.RecordBatch, side: int) -> None:
        """Add the rows of a batch, to what was found or to what was expected."""
        days, which = self._days_of(batch)
        checks = [_safe_checks(batch[one.name], one) for one in self.columns]
        summed = {"": which, "hash": _row_hashes(checks, batch.num_rows)}
        for number, (one, check) in enumerate(zip(self.columns, checks, strict=True)):
            summed[f"c{number}"] = check
            if _is_number(one.type):
                summed[f"f{number}"] = _figures(batch[one.name])
        groups = pa.table(summed).group_by("", use_threads=False)
        wanted: list[tuple[object, str]] = [(name, "sum") for name in summed if name]
        added = groups.aggregate([([], "count_all"), *wanted])
        for row in added.to_pylist():
            self._add_row(days[row[""]], row, side)

    def _add_row(self, day: Day, row: dict[str, float | None], side: int) -> None:
        """Add the sums of some rows of a day."""
        sums = self.days.get(day)
        if sums is None:
            sums = self.days[day] = _DaySums(len(self.columns))
        sign = 1 if side == _FOUND else -1
        sums.rows[side] += int(row["count_all"] or 0)
        sums.hashes = (sums.hashes + sign * int(row["hash_sum"] or 0)) & WRAP
        for number in range(len(self.columns)):
            check = int(row[f"c{number}_sum"] or 0)
            sums.checks[number] = (sums.checks[number] + sign * check) & WRAP
            sums.figures[side][number] += row.get(f"f{number}_sum") or 0

    def _days_of(self, batch: pa.RecordBatch) -> tuple[list[Day], pa.Array]:
        """Return the orgs and days of a batch, and the number of each row's."""
        table = self.table
        orgs = pa.repeat(pa.scalar(""), batch.num_rows)
        if ORG in table.schema.names:
            orgs = batch[ORG].cast(pa.string())
        quarters = pa.nulls(batch.num_rows, pa.int64())
        if not table.is_timeless:
            times = batch[table.row_time].cast(pa.timestamp("ms", tz="UTC"), safe=False)
            quarters = pc.divide(times.cast(pa.int64()), QUARTER_MS)
        by_org = pc.dictionary_encode(orgs, null_encoding="encode")
        by_time = pc.dictionary_encode(quarters, null_encoding="encode")
        spans = len(by_time.dictionary)
        both = pc.add(
            pc.multiply(by_org.indices.cast(pa.int64()), spans),
            by_time.indices.cast(pa.int64()),
        )
        names = by_org.dictionary.to_pylist()
        dates = [self._dates.of(quarter) for quarter in by_time.dictionary.to_pylist()]
        encoded = pc.dictionary_encode(both)
        days: dict[Day, int] = {}
        of_code = []
        for code in encoded.dictionary.to_pylist():
            day = (names[code // spans] or "", dates[code % spans])
            of_code.append(days.setdefault(day, len(days)))
        return list(days), pa.array(of_code, pa.int64()).take(encoded.indices)


@dataclass
class _Dates:
    """The days of a time zone, by quarters of an hour since 1970.

    Attributes:
        known: Days by the day of UTC that they touch: begin, end, date.
    """

    zone: ZoneInfo
    known: dict[int, list[tuple[int, int, date]]] = field(default_factory=dict)

    def of(self, quarter: int | None) -> date | None:
        """Return the day that a quarter of an hour belongs to."""
        if quarter is None:
            return None
        touching = self.known.setdefault(quarter // QUARTERS, [])
        for begin, end, day in touching:
            if begin <= quarter < end:
                return day
        instant = EPOCH + timedelta(milliseconds=quarter * QUARTER_MS)
        first = floor_to_bucket(instant, ONE_DAY, self.zone)
        last = ceil_to_bucket(instant + timedelta(milliseconds=1), ONE_DAY, self.zone)
        day = to_local(first, self.zone).date()
        begin, end = (milliseconds(at) // QUARTER_MS for at in (first, last))
        touching.append((begin, end, day))
        return day


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _figures(column: pa.Array) -> pa.Array:
    """Return the numbers of a column, for sums that are shown."""
    try:
        return column.cast(pa.float64(), safe=False)
    except pa.ArrowException:  # some are no numbers
        return pa.nulls(len(column), pa.float64())


def _safe_checks(values: pa.Array, column: pa.Field) -> pa.Array:
    """Return what stands for values of a column, also for those of other types."""
    try:
        return _checks(values, column)
    except pa.ArrowInvalid:
        each = (values.slice(row, 1) for row in range(len(values)))
        return pa.concat_arrays([_check_or_mark(value, column) for value in each])
    except pa.ArrowNotImplementedError:  # other batches have a type that fits
        return pa.repeat(pa.scalar(UNREADABLE, pa.uint64()), len(values))


def _check_or_mark(value: pa.Array, column: pa.Field) -> pa.Array:
    try:
        return _checks(value, column)
    except pa.ArrowInvalid:
        return pa.array([UNREADABLE], pa.uint64())


def _checks(values: pa.Array, column: pa.Field) -> pa.Array:
    """Return whole numbers of 64 bits that stand for the values of a column.

    Args:
        values: Values that were read back, or those of the table.
        column: The column of the table.

    Raises:
        ArrowInvalid: If a value cannot be converted to the column's type.
        ArrowException: If no value of this type can be.
    """
    if isinstance(values, pa.ExtensionArray):  # DuckDB's JSON
        values = values.storage
    kind = column.type
    if pa.types.is_timestamp(kind):
        whole = values.cast(pa.timestamp("us", tz=kind.tz)).view(pa.uint64())
    elif pa.types.is_floating(kind):
        numbers = pc.add(values.cast(pa.float64()), 0.0)  # -0.0 becomes 0.0
        whole = pc.if_else(pc.is_nan(numbers), None, numbers).view(pa.uint64())
    elif pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        whole = values.cast(pa.int64()).view(pa.uint64())
    elif pa.types.is_string(kind) or pa.types.is_large_string(kind):
        is_json = (column.metadata or {}).get(b"content") == b"json"
        whole = _text_checks(values, _canonical if is_json else hash)
    else:
        msg = f"no comparison of {kind}"
        raise pa.ArrowNotImplementedError(msg)
    return pc.fill_null(whole, pa.scalar(NULL, pa.uint64()))


def _text_checks(values: pa.Array, hashed: Callable[[str], int]) -> pa.Array:
    """Return the hashes of texts, null for null; they differ between processes."""
    encoded = pc.dictionary_encode(values.cast(pa.large_string()))
    hashes = pa.array(map(hashed, encoded.dictionary.to_pylist()), pa.int64())
    return hashes.take(encoded.indices).view(pa.uint64())


def _canonical(text: str) -> int:
    """Return the hash of JSON: PostgreSQL's jsonb keeps neither spaces nor order."""
    try:
        whole = orjson.dumps(orjson.loads(text), option=orjson.OPT_SORT_KEYS)
    except orjson.JSONDecodeError:
        return hash(text)
    return hash(whole)


def _row_hashes(checks: Sequence[pa.Array], rows: int) -> pa.Array:
    """Return a hash of each row, given what stands for the values of its columns."""
    start = pa.repeat(pa.scalar(NULL, pa.uint64()), rows)
    mixed = reduce(_mixed, checks, start)
    for factor in FINAL_FACTORS:
        mixed = pc.multiply(_folded(mixed), pa.scalar(factor, pa.uint64()))
    return _folded(mixed)


def _mixed(hashes: pa.Array, checks: pa.Array) -> pa.Array:
    factor = pa.scalar(FACTOR, pa.uint64())
    return _folded(pc.multiply(pc.bit_wise_xor(hashes, checks), factor))


def _folded(hashes: pa.Array) -> pa.Array:
    half = pc.shift_right(hashes, pa.scalar(33, pa.uint64()))
    return pc.bit_wise_xor(hashes, half)
