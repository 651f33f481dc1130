"""Sample tables, with values that formats tend to lose."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pyarrow as pa

from gcbatch.coverage import Coverage
from gcbatch.errors import DataError
from gcbatch.table import INSTANT, Table
from gcbatch.windows import UTC_ZONE, Period, Window, step

__all__ = [
    "SAMPLE_SCHEMA",
    "SEPTEMBER",
    "SMALL_BATCH",
    "Row",
    "failing_table",
    "sample_of_orgs",
    "sample_table",
    "typed",
]

Row = dict[str, Any]

SEPTEMBER: Final = datetime(2026, 9, 1, tzinfo=UTC)
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

_ORG: Final = pa.field("org", pa.string(), nullable=False)

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
        end="interval_end",
        job="sample",
    )


def _repeated(values: Sequence[Any], numbers: Sequence[int]) -> list[Any]:
    return [values[n % len(values)] for n in numbers]


def sample_of_orgs(tables: Mapping[str, Table]) -> Table:
    """Return the table of a job of several orgs.

    Args:
        tables: The table of each org, by its name; an org that failed has none.
    """
    parts = {org: tables[org].read_all() for org in sorted(tables)}
    data = pa.concat_tables(
        part.add_column(0, _ORG, pa.repeat(pa.scalar(org), part.num_rows))
        for org, part in parts.items()
    )
    first = next(iter(tables.values()))
    return replace(
        first,
        schema=data.schema,
        key=("org", *first.key),
        covered=Coverage.of_orgs({org: one.covered for org, one in tables.items()}),
        batches=lambda: iter(data.to_batches()),
    )


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
