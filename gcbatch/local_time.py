"""Local times beside instants: the clock of a time zone, with its offset from UTC.

`2026-10-25T01:30:00+01:00` names one instant also in an hour that exists twice, sorts
within a day as clocks show it, and is text that every destination takes.
"""

from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import pyarrow as pa

from gcbatch.lazy import lazy_import
from gcbatch.windows import EPOCH, MILLISECOND

__all__ = ["LOCAL", "local_clocks", "local_fields", "local_texts", "with_local_columns"]

pc = lazy_import("pyarrow.compute")

LOCAL: Final = "_local"
"""Ends the name of a column of local times: `interval_start_local`."""

HOUR_MS: Final = 3_600_000
LAST_MS: Final = (datetime(9999, 12, 30, tzinfo=UTC) - EPOCH) // MILLISECOND
FIRST_MS: Final = (datetime(1, 1, 3, tzinfo=UTC) - EPOCH) // MILLISECOND
"""Python's calendar has no local time beyond these."""


def local_fields(schema: pa.Schema) -> pa.Schema:
    """Return a schema with a column of local times after each column of instants.

    A column that has its local column already, or is no instant, gets none.
    """
    fields: list[pa.Field] = []
    for field in schema:
        fields.append(field)
        name = f"{field.name}{LOCAL}"
        if not pa.types.is_timestamp(field.type) or name in schema.names:
            continue
        about = f"{field.name} by the clock of the job's time zone, with its offset"
        fields.append(pa.field(name, pa.string(), metadata={"description": about}))
    return pa.schema(fields, metadata=schema.metadata)


def with_local_columns(rows: pa.RecordBatch, zone: ZoneInfo) -> pa.RecordBatch:
    """Return rows with the columns that local_fields adds.

    Args:
        rows: Rows with instants in UTC.
        zone: The time zone of the new columns.
    """
    schema = local_fields(rows.schema)
    columns = [
        rows[name]
        if name in rows.schema.names
        else local_texts(rows[name.removesuffix(LOCAL)], zone)
        for name in schema.names
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def local_texts(instants: pa.Array, zone: ZoneInfo) -> pa.Array:
    """Return instants as the clocks of a zone show them, in ISO 8601 with the offset.

    Args:
        instants: Timestamps in UTC.
        zone: The time zone. Its rules are Python's: Arrow's need a data base that some
            systems lack.

    Returns:
        Texts such as `2026-10-25T01:30:00+01:00`, with milliseconds where an instant is
        no whole second. Null where the instant is, or is at an end of the calendar.
    """
    clocks, offsets = local_clocks(instants, zone)
    texts = pc.replace_substring(clocks.cast(pa.string()), " ", "T")
    texts = pc.replace_substring_regex(texts, r"\.000$", "")
    coded = offsets.dictionary_encode()
    signs = pa.array(
        [_offset_text(seconds) for seconds in coded.dictionary.to_pylist()],
        pa.string(),
    )
    return pc.binary_join_element_wise(texts, signs.take(coded.indices), "")


def local_clocks(instants: pa.Array, zone: ZoneInfo) -> tuple[pa.Array, pa.Array]:
    """Return what the clocks of a zone show, and how far they are ahead of UTC.

    Args:
        instants: Timestamps in UTC.
        zone: The time zone; see local_texts.

    Returns:
        Timestamps without zone, in milliseconds, and offsets in seconds. Null where the
        instant is, or is at an end of the calendar.
    """
    kind = pa.timestamp("ms", tz="UTC")
    numbers = instants.cast(kind, safe=False).cast(pa.int64())
    within = pc.and_(
        pc.greater_equal(numbers, FIRST_MS), pc.less_equal(numbers, LAST_MS)
    )
    numbers = pc.if_else(within, numbers, pa.scalar(None, pa.int64()))
    offsets = _offsets(numbers, zone)
    return pc.add(numbers, pc.multiply(offsets, 1000)).cast(pa.timestamp("ms")), offsets


def _offsets(numbers: pa.Array, zone: ZoneInfo) -> pa.Array:
    """Return the zone's offset from UTC at each instant, in seconds.

    Args:
        numbers: Milliseconds since 1970.
        zone: The time zone.
    """
    since = pc.subtract(numbers, _remainder(numbers))
    hours = since.dictionary_encode()
    known: list[int | None] = []
    for first in hours.dictionary.to_pylist():
        offset = _offset_at(first, zone)
        last = _offset_at(first + HOUR_MS - 1, zone)
        known.append(offset if offset == last else None)
    offsets = pa.array(known, pa.int64()).take(hours.indices)
    if offsets.null_count == numbers.null_count:
        return offsets
    # The clocks change within an hour: its instants are looked up one by one.
    pairs = zip(offsets.to_pylist(), numbers.to_pylist(), strict=True)
    looked_up = [
        _offset_at(n, zone) if offset is None and n is not None else offset
        for offset, n in pairs
    ]
    return pa.array(looked_up, pa.int64())


def _remainder(numbers: pa.Array) -> pa.Array:
    """Return the milliseconds of each number since its hour of UTC began."""
    whole = pc.multiply(pc.divide(numbers, HOUR_MS), HOUR_MS)
    rest = pc.subtract(numbers, whole)  # Arrow's division cuts towards zero
    return pc.if_else(pc.less(rest, 0), pc.add(rest, HOUR_MS), rest)


def _offset_at(number: int, zone: ZoneInfo) -> int:
    instant = (EPOCH + number * MILLISECOND).astimezone(zone)
    return (instant.utcoffset() or timedelta()) // timedelta(seconds=1)


def _offset_text(seconds: int) -> str:
    minutes, rest = divmod(abs(seconds), 60)
    text = f"{'-' if seconds < 0 else '+'}{minutes // 60:02}:{minutes % 60:02}"
    return f"{text}:{rest:02}" if rest else text  # before 1972, in Liberia
