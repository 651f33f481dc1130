"""Single values for Arrow's functions, with their type."""

from functools import lru_cache

import pyarrow as pa

__all__ = ["scalar"]


@lru_cache(maxsize=256)
def scalar(value: int | str) -> pa.Scalar:
    """Return a value as an int64 or string of Arrow, made once for each value.

    Without a type, and without numpy installed, Arrow looks for numpy on disk for each
    value: 40 microseconds, dozens of times a batch.
    """
    return pa.scalar(value, pa.string() if isinstance(value, str) else pa.int64())
