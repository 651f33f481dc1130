"""Compares what a destination holds with the table, day by day.

Sums do not depend on the order of rows. Whole numbers, booleans and instants are summed
as they are, floats by their bits and texts by their checksums: so a changed value
changes a sum, and equal sums mean equal columns.
"""

import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import pyarrow as pa

from gcbatch.exporting.contract import Mismatch
from gcbatch.lazy import lazy_import
from gcbatch.table import ORG, Table
from gcbatch.windows import EPOCH, to_local

__all__ = ["compare_days"]

pc = lazy_import("pyarrow.compute")

QUARTER_MS: Final = 15 * 60 * 1000
"""Days of all time zones begin at a quarter of an hour."""

WRAP: Final = 1 << 64
"""Sums of 64 bits wrap."""

MAX_COLUMNS: Final = 3
"""Columns that a mismatch names."""

Day = tuple[str, date | None]
"""An org, and a day of it."""


def compare_days(table: Table, found: Iterable[pa.RecordBatch]) -> Iterator[Mismatch]:
    """Yield the days of which a destination has other rows than the table.

    Args:
        table: What was exported. Rows of spans that it does not cover are left out.
        found: The rows that the destination has in the covered spans, in any order,
            with columns named as the table's. Columns that are missing, or that have
            another kind of type, are not compared.

    Raises:
        DataError: As the table's rows raise it.
    """
    ours, theirs = _Sums(table), _Sums(table)
    for batch in table.covered_rows():
        ours.add(batch)
    for batch in found:
        theirs.add(batch)
    for day in sorted(ours.rows.keys() | theirs.rows.keys(), key=_order):
        if problem := _problem(ours, theirs, day):
            yield Mismatch(table.name, *day, problem)


def _order(day: Day) -> tuple[str, date]:
    return day[0], day[1] or date.min


def _problem(ours: "_Sums", theirs: "_Sums", day: Day) -> str:
    """Return how the rows of a day differ; empty if they do not."""
    expected, rows = ours.rows[day], theirs.rows[day]
    if expected != rows:
        return f"{rows:,} rows, expected {expected:,}"
    names = [
        name
        for name in ours.columns
        if name in theirs.columns
        and (
            ours.known[day, name] != theirs.known[day, name]
            or (ours.checks[day, name] - theirs.checks[day, name]) % WRAP
        )
    ]
    described = [_described(ours, theirs, day, name) for name in names[:MAX_COLUMNS]]
    if len(names) > MAX_COLUMNS:
        described.append(f"{len(names) - MAX_COLUMNS} columns more")
    return "; ".join(described)


def _described(ours: "_Sums", theirs: "_Sums", day: Day, name: str) -> str:
    expected, found = ours.sums.get((day, name), 0), theirs.sums.get((day, name), 0)
    if expected != found:
        return f"{name}: the sum is {found:,}, expected {expected:,}"
    return f"{name}: a value differs"


@dataclass
class _Sums:
    """The sums of rows by org and day.

    Attributes:
        rows: Number of rows by day.
        known: Number of values that are not null, by day and column.
        checks: Sums of what stands for the values, by day and column.
        sums: Sums of numbers, by day and column.
        columns: The columns that were added up.
    """

    table: Table
    rows: Counter[Day] = field(default_factory=Counter)
    known: Counter[tuple[Day, str]] = field(default_factory=Counter)
    checks: Counter[tuple[Day, str]] = field(default_factory=Counter)
    sums: dict[tuple[Day, str], float] = field(default_factory=lambda: defaultdict(int))
    columns: dict[str, None] = field(default_factory=dict)

    def add(self, batch: pa.RecordBatch) -> None:
        """Add the rows of a batch."""
        days, which = self._days(batch)
        columns = {"": which}
        for schema_field in self.table.schema:
            name = schema_field.name
            if name not in batch.schema.names:
                continue
            column = batch[name]
            check = _checks(column, schema_field.type)
            if check is None:
                continue
            self.columns[name] = None
            columns[f"c {name}"] = check
            if _is_number(schema_field.type):
                columns[f"s {name}"] = column
        groups = pa.table(columns).group_by("", use_threads=False)
        wanted = [(n, "sum") for n in columns if n]
        wanted += [(n, "count") for n in columns if n.startswith("c ")]
        summed = groups.aggregate([([], "count_all"), *wanted])
        for row in summed.to_pylist():
            day = days[row[""]]
            self.rows[day] += row["count_all"]
            for name in self.columns:
                if f"c {name}_sum" in row:
                    self.checks[day, name] += row[f"c {name}_sum"] or 0
                    self.known[day, name] += row[f"c {name}_count"]
                if f"s {name}_sum" in row:
                    self.sums[day, name] += row[f"s {name}_sum"] or 0

    def _days(self, batch: pa.RecordBatch) -> tuple[list[Day], pa.Array]:
        """Return the orgs and days of a batch, and the number of each row's."""
        table = self.table
        orgs = pa.repeat(pa.scalar(""), batch.num_rows)
        if ORG in table.schema.names:
            orgs = batch[ORG]
        quarters = pa.nulls(batch.num_rows, pa.int64())
        if not table.is_timeless:
            times = batch[table.row_time].cast(pa.timestamp("ms", tz="UTC"), safe=False)
            quarters = pc.divide(times.cast(pa.int64()), QUARTER_MS)
        by_org = pc.dictionary_encode(orgs)
        by_time = pc.dictionary_encode(quarters, null_encoding="encode")
        spans = len(by_time.dictionary)
        both = pc.add(
            pc.multiply(by_org.indices.cast(pa.int64()), spans),
            by_time.indices.cast(pa.int64()),
        )
        names = by_org.dictionary.to_pylist()
        dates = [_day_of(q, table.timezone) for q in by_time.dictionary.to_pylist()]
        encoded = pc.dictionary_encode(both)
        days: dict[Day, int] = {}
        of_code = []
        for code in encoded.dictionary.to_pylist():
            day = (names[code // spans], dates[code % spans])
            of_code.append(days.setdefault(day, len(days)))
        return list(days), pa.array(of_code, pa.int64()).take(encoded.indices)


def _day_of(quarter: int | None, zone: ZoneInfo) -> date | None:
    if quarter is None:
        return None
    instant = EPOCH + timedelta(milliseconds=quarter * QUARTER_MS)
    return to_local(instant, zone).date()


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _checks(column: pa.Array, kind: pa.DataType) -> pa.Array | None:
    """Return whole numbers that stand for the values of a column; None if none can.

    Args:
        column: A column that was read back, or one of the table.
        kind: Its type in the table.
    """
    try:
        if pa.types.is_timestamp(kind):
            return column.cast(pa.timestamp("us", tz=kind.tz)).cast(pa.int64())
        if pa.types.is_floating(kind):
            whole = column.cast(pa.float64())
            return pc.if_else(pc.is_nan(whole), None, whole).view(pa.int64())
        if pa.types.is_integer(kind) or pa.types.is_boolean(kind):
            return column.cast(pa.int64())
        if pa.types.is_string(kind) or pa.types.is_large_string(kind):
            return _text_checks(column)
    except pa.ArrowException:
        pass
    return None


def _text_checks(column: pa.Array) -> pa.Array:
    if not pa.types.is_dictionary(column.type):
        column = pc.dictionary_encode(column)
    checks = [zlib.crc32((v or "").encode()) for v in column.dictionary.to_pylist()]
    return pa.array(checks, pa.int64()).take(column.indices)
