"""Turns the rows of a table into text, column by column.

Arrow converts a whole column at a time: a million rows take less than a second of one
core. Python's csv, which converts cell by cell, takes five, and orjson by row two
(measured 2026-11, pyarrow 26, eight to ten columns).
"""

from collections.abc import Callable
from datetime import date, datetime
from pathlib import PurePath
from typing import Any

import orjson
import pyarrow as pa

from gcbatch.errors import OutputError
from gcbatch.exporting import Receipt, Target
from gcbatch.lazy import lazy_import
from gcbatch.table import Table
from gcbatch.windows import iso

__all__ = [
    "as_bytes",
    "as_json",
    "as_text",
    "concat",
    "each_once",
    "holds_json",
    "write_lines",
]

pc = lazy_import("pyarrow.compute")

_TEXT = pa.large_string()
"""64-bit offsets: 32,768 rows of long JSON cells can exceed the 2 GB of a string."""

_TO_ESCAPE = r'["\\\x00-\x1f]'
"""Characters that JSON texts have to escape."""


def as_text(column: pa.Array, name: str) -> pa.Array:
    """Return a column as text, null where it is null.

    Integers are plain. Floats have as many digits as read back to the same value, and a
    point or an exponent, unlike integers. Booleans are true or false, times ISO 8601
    with Z and at least milliseconds, lists and structs JSON.

    Args:
        column: A column of any type that a table may have.
        name: Its name, for errors.

    Raises:
        OutputError: If a list or struct holds NaN or infinity, unknown to JSON.
    """
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_timestamp(column.type):
        return each_once(column, _times_as_text)
    if pa.types.is_floating(column.type):
        return each_once(column, _floats_as_text)
    if pa.types.is_nested(column.type):
        return as_json(column, name)
    return column.cast(_TEXT)


def _times_as_text(times: pa.Array) -> pa.Array:
    # First cast to a time without zone: with one, Arrow would look the zone up, which
    # takes ten times as long and needs a zone database on Windows.
    unit = "ms" if times.type.unit == "s" else times.type.unit
    spaced = times.cast(pa.timestamp(unit)).cast(_TEXT)
    text = pc.binary_replace_slice(spaced, start=10, stop=11, replacement="T")
    return concat(text, "Z") if times.type.tz else text


def _floats_as_text(floats: pa.Array) -> pa.Array:
    return pc.replace_substring_regex(floats.cast(_TEXT), r"\A(-?[0-9]+)\z", r"\1.0")


def holds_json(field: pa.Field) -> bool:
    """Return whether the texts of a column are JSON, each in one line."""
    return (field.metadata or {}).get(b"content") == b"json"


def as_json(column: pa.Array, name: str) -> pa.Array:
    """Return a column as JSON values, null where it is null.

    Args:
        column: A column of any type that a table may have.
        name: Its name, for errors.

    Returns:
        Texts; numbers and times are as in as_text.

    Raises:
        OutputError: If it holds NaN or infinity, which JSON does not support.
    """
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    _refuse_non_finite(column, name)
    kind = column.type
    if pa.types.is_nested(kind):
        return pa.array([_dumps(value) for value in column.to_pylist()], _TEXT)
    if pa.types.is_timestamp(kind):
        return each_once(column, lambda times: concat('"', _times_as_text(times), '"'))
    text = as_text(column, name)
    if pa.types.is_boolean(kind) or pa.types.is_null(kind) or _is_number(kind):
        return text
    if pa.types.is_temporal(kind):
        return concat('"', text, '"')
    return each_once(text, _quoted)


def each_once(values: pa.Array, change: Callable[[pa.Array], pa.Array]) -> pa.Array:
    """Return changed values; if most repeat, each distinct one is changed once.

    Args:
        values: Texts, floats or times; null stays null. Integers gain nothing: to
            number them takes as long as to format them.
        change: Changes values, each independently of the others.
    """
    encoded = pc.dictionary_encode(values)
    if 2 * len(encoded.dictionary) <= len(values):
        return change(encoded.dictionary).take(encoded.indices)
    return change(values)


def _quoted(texts: pa.Array) -> pa.Array:
    """Return texts as JSON; only those that need escapes pass through Python."""
    to_escape = pc.fill_null(
        pc.match_substring_regex(texts, _TO_ESCAPE), fill_value=False
    )
    quoted = concat('"', texts, '"')
    if not pc.any(to_escape).as_py():
        return quoted
    escaped = [_dumps(text) for text in texts.filter(to_escape).to_pylist()]
    return pc.replace_with_mask(quoted, to_escape, pa.array(escaped, _TEXT))


def _is_number(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_decimal(kind)
    )


def _dumps(value: Any) -> str | None:
    if value is None:
        return None
    options = orjson.OPT_PASSTHROUGH_DATETIME
    return orjson.dumps(value, default=_time_as_text, option=options).decode()


def _time_as_text(value: Any) -> str:
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError


def _refuse_non_finite(column: pa.Array, name: str) -> None:
    if pa.types.is_nested(column.type):
        # flatten() gives a list its values and a struct its fields.
        inside = column.flatten()
        for child in inside if isinstance(inside, list) else [inside]:
            _refuse_non_finite(child, name)
    elif (
        pa.types.is_floating(column.type)
        and pc.any(pc.invert(pc.is_finite(column))).as_py()
    ):
        msg = f"{name}: holds NaN or infinity, which JSON does not support"
        raise OutputError(msg, hint="export to csv or parquet, or leave the column out")


def concat(*pieces: pa.Array | str, null: str | None = None) -> pa.Array:
    """Return a text for each row, joined from pieces.

    Args:
        pieces: From left to right; a column gives a text for each row, a str the
            same for all. At least one is a column.
        null: The text for null; None makes a row with a null null.
    """
    return pc.binary_join_element_wise(
        *(pa.scalar(p, _TEXT) if isinstance(p, str) else p for p in pieces),
        pa.scalar("", _TEXT),
        null_handling="emit_null" if null is None else "replace",
        null_replacement=null or "",
    )


def as_bytes(lines: pa.Array) -> memoryview:
    """Return the bytes of lines that concat made, without a copy."""
    size = pc.sum(pc.binary_length(lines)).as_py() or 0
    return memoryview(lines.buffers()[2])[:size]


def write_lines(
    table: Table,
    target: Target,
    path: PurePath,
    encode: Callable[[pa.RecordBatch], memoryview],
    *,
    head: bytes = b"",
) -> Receipt:
    """Write a table into one file of lines, a batch at a time.

    Args:
        table: The table to write.
        target: Stages the file.
        path: Where the file is to be.
        encode: Returns the bytes of a batch's lines.
        head: Bytes before the first row.
    """
    rows = 0
    with target.stage(path).open("wb") as file:
        file.write(head)
        for batch in table:
            file.write(encode(batch))
            rows += batch.num_rows
    return Receipt(str(path), rows)
