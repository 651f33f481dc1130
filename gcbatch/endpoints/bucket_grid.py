"""Finds the bucket that begins at an instant, counted from the start of the window."""

from typing import Final

from gcbatch.endpoints.local_midnights import Span
from gcbatch.errors import DataError
from gcbatch.query import Query
from gcbatch.text import one_line
from gcbatch.windows import Period, parse_instant

__all__ = ["BucketGrid"]

_HINT: Final = (
    "this service does not count buckets from the start of a window: set "
    "query.granularity or query.timezone to what it uses, or ask its operator"
)


class BucketGrid:
    """The buckets of one query, by elapsed time from the start of its window.

    Args:
        query: The query.
        granularity: Length of a bucket; a calendar length, or None, is one bucket,
            because such windows are planned one bucket long.
    """

    def __init__(self, query: Query, granularity: Period | None) -> None:
        self._query = query
        self._step = query.window.span
        if granularity is not None and granularity.is_clock:
            self._step = granularity.elapsed

    def bucket(self, start: str | None, where: str) -> Span:
        """Return the ends of the bucket that starts at *start*.

        Args:
            start: An instant; None is the start of the window.
            where: What to call the bucket in errors.

        Raises:
            DataError: If it is no instant, is outside the window, or starts no bucket.
        """
        window = self._query.window
        where = f"{self._query}: {where}"
        if start is None and self._step < window.span:
            msg = f"{where}: names no bucket, though several were requested"
            raise DataError(msg, hint=_HINT)
        try:
            instant = window.start if start is None else parse_instant(start)
        except (ValueError, OverflowError) as exc:
            msg = f"{where}: {one_line(start)!r} is no instant"
            raise DataError(msg) from exc
        if not window.start <= instant < window.end:
            msg = f"{where}: {one_line(start)} is outside the window"
            raise DataError(msg, hint=_HINT)
        if (instant - window.start) % self._step:
            msg = f"{where}: {one_line(start)} is not the start of a bucket"
            raise DataError(msg, hint=_HINT)
        return instant, min(instant + self._step, window.end)
