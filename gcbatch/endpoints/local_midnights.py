"""Checks the buckets of an answer, and cuts windows at local midnights.

A query says how long its buckets are and whose days they belong to. Nothing says what
the service counts hours from: local midnight, midnight in UTC or the start of the
window. That makes no difference where every local midnight is on an hour of UTC, which
is almost everywhere. It does in zones such as Asia/Kolkata, and where a day is not a
whole number of buckets long, as in Australia/Lord_Howe, whose clocks change by 30
minutes: there a bucket can reach over a local midnight, and its figures belong to two
days.

So all buckets of an answer must lie on one of the three grids. A window cuts off its
first and last bucket, so a query that ends at a midnight has no bucket across it. Plans
do not cut there: if the service counts from local midnight, as the field timeZone of
its queries suggests, a request for each day of Asia/Kolkata would be in vain. A query
is cut when an answer shows that it has to be, and this then holds for the rest of the
run (gcbatch/endpoints/splitting.py).

Source: fields granularity and timeZone of the model ConversationAggregationQuery of
PureCloudPlatformClientV2 269.0.0, read 2026-11-21.
"""

from collections.abc import Collection
from collections.abc import Set as AbstractSet
from datetime import datetime
from enum import Enum
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

from gcbatch.errors import DataError
from gcbatch.windows import (
    UTC_ZONE,
    Period,
    Window,
    bucket_edges,
    elapsed_edges,
    floor_to_bucket,
    midnights,
)

__all__ = ["AcrossMidnightError", "Anchor", "Span", "check_buckets", "in_whole_days"]

Span = tuple[datetime, datetime]
"""The ends of a bucket."""

_HINT: Final = (
    "the service does not keep to query.granularity and query.timezone: use ones that "
    "it supports, or ask its support"
)


class Anchor(Enum):
    """The instant from which buckets of hours or minutes are counted."""

    MIDNIGHT = "local midnight"
    UTC = "midnight in UTC"
    START = "the start of the window"


class AcrossMidnightError(DataError):
    """A bucket of an answer reaches over a local midnight.

    Args:
        problem: See GcbatchError.
        anchors: All instants from which the answer's buckets may be counted.
    """

    def __init__(self, problem: str, anchors: AbstractSet[Anchor]) -> None:
        super().__init__(problem, hint="set fetch.chunk to P1D")
        self.anchors = anchors


def check_buckets(
    spans: Collection[Span], window: Window, granularity: Period | None, zone: ZoneInfo
) -> None:
    """Refuse buckets of an answer that do not belong to its query.

    Args:
        spans: The buckets, each once.
        window: The window of the query.
        granularity: Length of a bucket. Weeks and months are those of the calendar,
            other counts of days begin with the window; None is the window itself.
        zone: The time zone of days, weeks and months.

    Raises:
        AcrossMidnightError: If all are on one grid, but one reaches over a midnight.
        DataError: If no grid has all of them; names one.
    """
    found = set(spans)
    grids = {Anchor.MIDNIGHT: set(pairwise(bucket_edges(window, granularity, zone)))}
    if found <= grids[Anchor.MIDNIGHT]:
        return
    if granularity is not None and granularity.is_clock:
        grids[Anchor.UTC] = set(pairwise(bucket_edges(window, granularity, UTC_ZONE)))
        grids[Anchor.START] = set(pairwise(elapsed_edges(window, granularity)))
    anchors = {anchor for anchor, grid in grids.items() if found <= grid}
    if not anchors:
        on_none = found.difference(*grids.values())
        span = Window(*min(on_none or found - grids[Anchor.MIDNIGHT]))
        wanted = granularity or "one bucket per window"
        msg = f"bucket {span} is none of {wanted} in {zone.key}, as requested"
        raise DataError(msg, hint=_HINT)
    days = list(midnights(window, zone))
    for start, end in sorted(found):
        if any(start < day < end for day in days):
            msg = f"bucket {Window(start, end)} reaches over midnight in {zone.key}"
            raise AcrossMidnightError(msg, anchors)


def in_whole_days(
    window: Window,
    granularity: Period | None,
    zone: ZoneInfo,
    anchors: AbstractSet[Anchor],
) -> list[Window]:
    """Cut a window at the local midnights that buckets would reach over.

    Args:
        window: The span to cut.
        granularity: Length of a bucket.
        zone: The time zone of the midnights.
        anchors: All instants from which buckets may be counted.

    Returns:
        The fewest windows that tile it, so that none has a bucket across a midnight,
        whichever of *anchors* buckets are counted from.
    """
    windows, start = [], window.start
    if granularity is not None and granularity.is_clock and anchors:
        for day in midnights(window, zone):
            before = Window(start, day)
            if not all(_is_edge(before, granularity, anchor) for anchor in anchors):
                windows.append(before)
                start = day
    return [*windows, Window(start, window.end)]


def _is_edge(before: Window, granularity: Period, anchor: Anchor) -> bool:
    """Return whether a bucket ends with *before*, which ends at a midnight."""
    if anchor is Anchor.UTC:
        return floor_to_bucket(before.end, granularity, UTC_ZONE) == before.end
    return anchor is Anchor.MIDNIGHT or not before.span % granularity.elapsed
