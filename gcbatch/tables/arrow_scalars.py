"""Single values for Arrow's functions, told with their type."""

from functools import lru_cache

import pyarrow as pa

__all__ = ["scalar"]


@lru_cache(maxsize=256)
def scalar(value: int | str) -> pa.Scalar:
    """Return a value as Arrow has it, an int64 or a string; made once for each value.

    Where numpy is not installed, Arrow looks for it on disk each time that it has to
    find the type of a value: 40 microseconds, dozens of times a batch.
    """
    return pa.scalar(value, pa.string() if isinstance(value, str) else pa.int64())
