"""Buckets told by their start alone, counted from the window's start."""

from datetime import UTC, datetime, timedelta
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from gcbatch.errors import DataError
from gcbatch.query import Query
from gcbatch.table import INSTANT
from gcbatch.text import one_line
from gcbatch.windows import Period, Window

__all__ = ["KEY_FIELDS", "BucketGrid", "levels_missing", "window_duration"]


KEY_FIELDS: Final = (
    pa.field("interval_start", INSTANT, nullable=False),
    pa.field("interval_end", INSTANT, nullable=False),
    pa.field("queue_id", pa.string()),
    pa.field("queue_name", pa.string()),
)
"""Columns that the parts of both shapes begin with."""

_HINT: Final = (
    "this service counts buckets from elsewhere than the start of a window: set "
    "query.granularity or query.timezone to what it keeps to, or ask who runs it"
)


class BucketGrid:
    """The buckets of one query, by elapsed time from its window's start.

    Args:
        query: Whose window.
        granularity: Length of a bucket; a calendar length, or None, is one bucket,
            because such windows are planned one bucket long.
    """

    def __init__(self, query: Query, granularity: Period | None) -> None:
        self._query = query
        self._pace = query.window.span
        if granularity is not None and granularity.is_clock:
            self._pace = granularity.elapsed

    def bucket(self, start: str | None, where: str) -> tuple[datetime, datetime]:
        """Return the ends of the bucket that starts at *start*.

        Args:
            start: An instant; None is the window's own start.
            where: What to call the bucket in errors.

        Raises:
            DataError: If it is no instant, outside the window or no bucket's start.
        """
        window = self._query.window
        if start is None and self._pace < window.span:
            msg = f"{self._query}: {where}: names no bucket, though several were asked"
            raise DataError(msg, hint=_HINT)
        try:
            instant = window.start if start is None else _instant(start)
        except (ValueError, OverflowError) as exc:
            msg = f"{self._query}: {where}: {one_line(start)!r} is no instant"
            raise DataError(msg) from exc
        if not window.start <= instant < window.end:
            msg = f"{self._query}: {where}: {one_line(start)} is outside the window"
            raise DataError(msg, hint=_HINT)
        if (instant - window.start) % self._pace:
            msg = (
                f"{self._query}: {where}: {one_line(start)} is not the start of a "
                "bucket"
            )
            raise DataError(msg, hint=_HINT)
        return instant, min(instant + self._pace, window.end)


def _instant(text: str) -> datetime:
    """Return an instant in UTC.

    Raises:
        ValueError: If it has no offset: it would be taken for this machine's time.
    """
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError(text)
    return instant.astimezone(UTC)


def window_duration(window: Window) -> str:
    """Return the duration of a window as elapsed time: a day of 23 hours is PT1380M.

    For buckets of a day or more, which are asked a window each: what P1D means to a
    service that knows no time zone, nobody can say.
    """
    return f"PT{window.span // timedelta(minutes=1)}M"


def levels_missing(handled: pa.ChunkedArray, level: pa.ChunkedArray) -> dict[str, int]:
    """Count the buckets that had handled calls but no service level: it counts as 0."""
    missing = pc.and_(pc.greater(pc.fill_null(handled, 0), 0), pc.is_null(level))
    return {
        "buckets with handled calls but no service level": pc.sum(missing).as_py() or 0
    }
