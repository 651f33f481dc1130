"""Puts the numbers of an answer into Arrow columns; refuses those that do not fit."""

from typing import Final

import pyarrow as pa

from gcbatch.errors import SHAPE_HINT, DataError
from gcbatch.lazy import lazy_import

__all__ = ["MAX_NUMBER", "Number", "check_range", "number_array"]

pc = lazy_import("pyarrow.compute")

Number = int | float

MAX_NUMBER: Final = 2**53
"""Largest count or number of milliseconds (285,000 years); larger sums overflow."""


def check_range(column: pa.Array, maximum: float, name: str) -> pa.Array:
    """Return a column of numbers from 0 to *maximum* as it is.

    Raises:
        DataError: If one is outside; names the figure and the value.
    """
    for end in pc.min_max(column).as_py().values():
        if end is not None and not 0 <= end <= maximum:
            raise _error(name, f"is no sensible number ({end})")
    return column


def number_array(values: list[Number | None], kind: pa.DataType, name: str) -> pa.Array:
    """Return one column of numbers, null where there is none.

    Integers must be whole, whether written 414 or 414.0, and not negative: pyarrow
    would silently cut 414.5 to 414.

    Args:
        values: As decoded.
        kind: int64 for counts and milliseconds, else float64.
        name: What to call the figure in errors.

    Raises:
        DataError: If a value does not fit; names the figure and the value.
    """
    is_float = pa.types.is_floating(kind)
    if not is_float and float in set(map(type, values)):
        for value in values:
            if isinstance(value, float) and not value.is_integer():
                raise _error(name, f"is not a whole number ({value})")
        values = [int(v) if isinstance(v, float) else v for v in values]
    try:
        if is_float:
            return pa.array([None if v is None else float(v) for v in values], kind)
        column = pa.array(values, kind)
    except (pa.ArrowInvalid, OverflowError) as exc:
        raise _error(name, "is larger than 64 bits") from exc
    minimum = pc.min_max(column).as_py()["min"]
    if minimum is not None and minimum < 0:
        raise _error(name, f"is negative ({minimum})")
    return check_range(column, MAX_NUMBER, name)


def _error(name: str, problem: str) -> DataError:
    return DataError(f"{name} {problem}", hint=SHAPE_HINT)
