"""Figures of an answer as Arrow columns, refused where they do not fit."""

from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from gcbatch.errors import SHAPE_HINT, DataError

__all__ = ["MOST", "SHAPE_HINT", "Number", "check_range", "number_array"]

Number = int | float

MOST: Final = 2**53
"""Of a count or of milliseconds: 285,000 years."""


def check_range(column: pa.Array, most: float, name: str) -> pa.Array:
    """Return a column of numbers from 0 to *most* as it is.

    Raises:
        DataError: If one is not; names the figure and the value.
    """
    ends = pc.min_max(column).as_py()
    for end in ends.values():
        if end is not None and not 0 <= end <= most:
            msg = f"{name} is no sensible number ({end})"
            raise DataError(msg, hint=SHAPE_HINT)
    return column


def number_array(values: list[Number | None], kind: pa.DataType, name: str) -> pa.Array:
    """Return one column of numbers, null where there is none.

    Whole numbers must be whole, be they written 414 or 414.0, and not negative:
    pyarrow would cut 414.5 to 414 without a word.

    Args:
        values: As decoded.
        kind: int64 for counts and milliseconds, else float64.
        name: What to call the figure in errors.

    Raises:
        DataError: If a value does not fit; names the figure and the value.
    """
    if pa.types.is_floating(kind):
        try:
            return pa.array([None if v is None else float(v) for v in values], kind)
        except OverflowError as exc:
            msg = f"{name} is larger than 64 bits"
            raise DataError(msg, hint=SHAPE_HINT) from exc
    if float in set(map(type, values)):
        for value in values:
            if isinstance(value, float) and not value.is_integer():
                msg = f"{name} is not a whole number ({value})"
                raise DataError(msg, hint=SHAPE_HINT)
        values = [int(v) if isinstance(v, float) else v for v in values]
    try:
        column = pa.array(values, kind)
    except (pa.ArrowInvalid, OverflowError) as exc:
        msg = f"{name} is larger than 64 bits"
        raise DataError(msg, hint=SHAPE_HINT) from exc
    ends = pc.min_max(column).as_py()
    if ends["min"] is not None and ends["min"] < 0:
        msg = f"{name} is negative ({ends['min']})"
        raise DataError(msg, hint=SHAPE_HINT)
    if ends["max"] is not None and ends["max"] > MOST:
        # Sums of such would wrap round.
        msg = f"{name} is no sensible number ({ends['max']})"
        raise DataError(msg, hint=SHAPE_HINT)
    return column
