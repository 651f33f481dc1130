"""The kinds of Arrow columns that a database may have a type for."""

from enum import StrEnum
from typing import Final

import pyarrow as pa

__all__ = ["FRACTION_DIGITS", "WHOLE_NUMBERS", "Kind", "kind_of"]


class Kind(StrEnum):
    """What a column holds; wide and narrow forms of one Arrow type are one kind."""

    BOOL = "bool"
    INT8 = "int8"
    INT16 = "int16"
    INT32 = "int32"
    INT64 = "int64"
    UINT8 = "uint8"
    UINT16 = "uint16"
    UINT32 = "uint32"
    FLOAT32 = "float32"
    FLOAT64 = "float64"
    TEXT = "text"
    INSTANT = "instant"
    LOCAL_TIME = "local time"
    DATE = "date"
    DECIMAL = "decimal"
    BINARY = "binary"
    TEXTS = "list of texts"


WHOLE_NUMBERS: Final = (
    *(Kind.INT8, Kind.INT16, Kind.INT32, Kind.INT64),
    *(Kind.UINT8, Kind.UINT16, Kind.UINT32),
)
"""The kinds for which some databases have one type."""

_BY_TYPE: Final = {
    pa.bool_(): Kind.BOOL,
    pa.int8(): Kind.INT8,
    pa.int16(): Kind.INT16,
    pa.int32(): Kind.INT32,
    pa.int64(): Kind.INT64,
    pa.uint8(): Kind.UINT8,
    pa.uint16(): Kind.UINT16,
    pa.uint32(): Kind.UINT32,
    pa.float32(): Kind.FLOAT32,
    pa.float64(): Kind.FLOAT64,
    pa.date32(): Kind.DATE,
    pa.binary(): Kind.BINARY,
    pa.large_binary(): Kind.BINARY,
}

FRACTION_DIGITS: Final = {"s": 0, "ms": 3, "us": 6, "ns": 9}
"""Digits after the point of a second, by the unit of Arrow's timestamps."""


def kind_of(kind: pa.DataType) -> Kind | None:
    """Return the kind of a column by its Arrow type; None if no database has it here.

    uint64 has none: its upper half fits no signed type, and drivers write it as
    negative numbers.
    """
    if pa.types.is_dictionary(kind):
        return Kind.TEXT if _is_text(kind.value_type) else None
    if _is_text(kind):
        return Kind.TEXT
    if pa.types.is_timestamp(kind):
        return Kind.LOCAL_TIME if kind.tz is None else Kind.INSTANT
    if pa.types.is_decimal128(kind):
        return Kind.DECIMAL
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return Kind.TEXTS if _is_text(kind.value_type) else None
    return _BY_TYPE.get(kind)


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))
