"""A stream of rows whose own errors come out of a driver as they were raised."""

from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa

__all__ = ["own_errors"]


@contextmanager
def own_errors(rows: pa.RecordBatchReader) -> Iterator[pa.RecordBatchReader]:
    """Yield the same stream; raise what reading it raises, not a driver's error of it.

    Args:
        rows: A stream that a driver reads. If reading it fails, drivers raise an error
            of their own with the text of the traceback.
    """
    failure: list[BaseException] = []

    def batches() -> Iterator[pa.RecordBatch]:
        try:
            yield from rows
        except GeneratorExit:
            raise
        except BaseException as exc:
            failure.append(exc)
            raise

    try:
        yield pa.RecordBatchReader.from_batches(rows.schema, batches())
    except Exception:
        if failure:
            raise failure[0] from None
        raise
