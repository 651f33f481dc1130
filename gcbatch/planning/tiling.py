"""Cuts a job into windows and batches of queues, with the fewest requests."""

import math
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Final
from zoneinfo import ZoneInfo

from gcbatch.errors import JobError
from gcbatch.job import Job, is_relative
from gcbatch.planning.scope import PlannedEndpoint, ResolvedScope
from gcbatch.windows import (
    EPOCH,
    ONE_DAY,
    UTC_ZONE,
    Period,
    Window,
    bucket_count,
    bucket_edges,
    elapsed_edges,
    floor_to_bucket,
    tile,
    to_local,
)

__all__ = ["INTERVAL_BYTES", "fewest_queries", "utc_day_queries"]

CLOCK_LENGTHS: Final = tuple(
    Period.parse(text) for text in ("PT12H", "PT8H", "PT6H", "PT4H", "PT3H", "PT2H")
)
"""Windows shorter than a day, longest first; each divides a day evenly."""

MAX_DAYS_OF_MONTH: Final = 31

INTERVAL_BYTES: Final = 80
"""Size in a body of the interval that a query adds to its template."""

Batch = Sequence[str] | None
"""The queues of a request; None is all."""

Cut = tuple[list[tuple[Window, int]], dict[int, list[Batch]]]
"""Windows, each with the number of queues per request; the batches for each number."""


def fewest_queries(job: Job, scope: ResolvedScope, endpoint: PlannedEndpoint) -> Cut:
    """Return the windows and batches that make the fewest queries.

    The last window is often shorter than the others and needs fewer batches.
    """
    largest = _largest_batch(job, scope, endpoint)
    best: Cut | None = None
    fewest = math.inf
    windows: list[Window] = []
    for windows, buckets in _tilings(job, scope.window, endpoint):
        if len(windows) >= fewest:
            break  # shorter windows are even more
        sizes = [_fitting_batch(job, scope, count, largest) for count in buckets]
        if not all(sizes):
            continue
        batches = {size: _batches(scope.queue_ids, size) for size in set(sizes)}
        count = sum(len(batches[size]) for size in sizes)
        if count < fewest:
            best, fewest = (list(zip(windows, sizes, strict=True)), batches), count
    if best is None:
        # Even a single bucket may have too many results; nothing smaller can be
        # requested.
        batches = {largest: _batches(scope.queue_ids, largest)}
        return [(window, largest) for window in windows], batches
    return best


def utc_day_queries(job: Job, scope: ResolvedScope, endpoint: PlannedEndpoint) -> Cut:
    """Return windows that end at midnights in UTC, and one batch of all queues.

    If the range has a relative start, windows are counted from EPOCH. Else all windows
    would move with the range, and every day all of them would be fetched again.

    Raises:
        JobError: If `fetch.chunk` is not in whole days, or longer than the limit.
    """
    limits, chunk = job.fetch.limits, job.fetch.chunk
    is_filtered = b"Filters" in endpoint.template(job.query, scope.queue_ids)
    days = limits.max_days_details_filtered if is_filtered else limits.max_days_details
    length = ONE_DAY.times(days)
    if chunk != "auto":
        if chunk.seconds or chunk.months or chunk.days > days:
            msg = f"fetch.chunk {chunk}: {endpoint.name} takes 1 to {days} days"
            raise JobError(msg, hint="use P1D, P7D or auto")
        length = chunk
    first = floor_to_bucket(scope.window.start, ONE_DAY, UTC_ZONE)
    if is_relative(job.query.start):
        first -= (first - EPOCH) % timedelta(days=length.days)
    size = len(scope.queue_ids or ())
    windows = [
        (Window(max(span.start, scope.window.start), span.end), size)
        for span in tile(Window(first, scope.window.end), length, UTC_ZONE)
        if span.end > scope.window.start
    ]
    return windows, {size: [scope.queue_ids]}


def _largest_batch(job: Job, scope: ResolvedScope, endpoint: PlannedEndpoint) -> int:
    """Return how many queues a request may name."""
    ids = scope.queue_ids
    if not ids:
        return 1
    empty = len(endpoint.template(job.query, ids[:1]))
    each = max(len(i) for i in ids) + len('{"dimension":"queueId","value":""},')
    free = job.fetch.limits.body_bytes - empty - INTERVAL_BYTES
    fitting = 1 + max(0, free // each)  # *empty* has one queue already
    return min(fitting, endpoint.queues_at_once or fitting)


def _fitting_batch(job: Job, scope: ResolvedScope, buckets: int, largest: int) -> int:
    """Return how many queues keep the expected results within the limit; 0 is none.

    Args:
        job: What to fetch.
        scope: The queues.
        buckets: Number of buckets of a window.
        largest: Maximum number of queues in a request.
    """
    query, limit = job.query, job.fetch.limits.expected_buckets
    groups = 1
    if "mediaType" in query.group_by and query.media_types:
        groups = len(query.media_types)
    if "queueId" in query.group_by and scope.queue_ids is not None:
        return min(largest, limit // (buckets * groups))
    if "queueId" in query.group_by and scope.queues_listed:
        # Rounded up to a power of two, so that a new queue seldom changes the windows;
        # new windows would have to be fetched again.
        groups *= 1 << (scope.queues_listed - 1).bit_length()
    return largest if buckets * groups <= limit else 0


def _batches(ids: tuple[str, ...] | None, size: int) -> list[Batch]:
    """Return the queues in batches of about equal length, at most *size* each."""
    if ids is None:
        return [None]
    count = -(-len(ids) // size)
    even = -(-len(ids) // count)
    return [ids[at : at + even] for at in range(0, len(ids), even)]


def _tilings(
    job: Job, whole: Window, endpoint: PlannedEndpoint
) -> Iterator[tuple[list[Window], list[int]]]:
    """Yield windows that tile the range, and the number of buckets of each.

    The fewest windows come first. If `fetch.chunk` sets the length, it is the only one.
    """
    granularity, zone, chunk = job.query.granularity, job.query.zone, job.fetch.chunk
    if chunk == "auto":
        lengths = _lengths(job, whole, endpoint)
    else:
        if granularity:
            _check_chunk(chunk, granularity)
        lengths = iter([chunk])
    for length in lengths:
        windows = list(tile(whole, length, zone))
        if granularity and chunk == "auto":
            windows = _on_edges(windows, granularity, zone)
        elif granularity:
            _check_edges(windows, length, granularity, zone)
        if granularity and endpoint.cuts_by_clock:
            _check_clock(windows, granularity, zone)
        yield windows, [bucket_count(w, granularity, zone) for w in windows]


def _lengths(job: Job, whole: Window, endpoint: PlannedEndpoint) -> Iterator[Period]:
    """Yield possible lengths of windows, longest first; each holds whole buckets."""
    granularity, limits = job.query.granularity, job.fetch.limits
    if granularity is None:
        for count in range(limits.max_days_daily, 0, -1):
            yield ONE_DAY.times(count)
        return
    if not granularity.is_clock:
        if endpoint.cuts_by_clock:
            yield granularity  # a day of 23 hours needs a window of its own
            return
        length_days = granularity.months * MAX_DAYS_OF_MONTH + granularity.days
        for count in range(max(1, limits.max_days_daily // length_days), 0, -1):
            yield granularity.times(count)
        return
    max_days = limits.max_days_subday
    days = tile(whole, ONE_DAY, job.query.zone)
    if endpoint.cuts_by_clock and any(d.span % granularity.elapsed for d in days):
        max_days = 1  # so that each midnight begins a bucket
    for count in range(max_days, 0, -1):
        yield ONE_DAY.times(count)
    for length in CLOCK_LENGTHS:
        if length.seconds % granularity.seconds == 0:
            yield length
    yield granularity


def _on_edges(
    windows: list[Window], granularity: Period, zone: ZoneInfo
) -> list[Window]:
    """Return the windows with each start moved back to a bucket's edge.

    A clock change can shift it: days counted from 21:00 then begin within a bucket of
    three hours, and a bucket cut in two would be two rows.
    """
    if not granularity.is_clock:
        return windows
    starts = [floor_to_bucket(w.start, granularity, zone) for w in windows]
    ends = [*starts[1:], windows[-1].end]
    starts[0] = windows[0].start
    return [Window(a, b) for a, b in zip(starts, ends, strict=True) if a < b]


def _check_edges(
    windows: Sequence[Window], chunk: Period, granularity: Period, zone: ZoneInfo
) -> None:
    """Refuse windows that a clock change moves off the edges of buckets."""
    for window in windows:
        if floor_to_bucket(window.start, granularity, zone) != window.start:
            msg = (
                f"fetch.chunk {chunk} leaves the edges of {granularity} buckets at "
                f"{to_local(window.start, zone):%Y-%m-%dT%H:%M} in {zone.key}"
            )
            raise JobError(msg, hint="use whole days, such as P1D, or auto")


def _check_clock(
    windows: Sequence[Window], granularity: Period, zone: ZoneInfo
) -> None:
    """Refuse windows whose buckets differ by elapsed time and by calendar."""
    for window in windows:
        edges = [window.start, window.end]
        if granularity.is_clock:
            edges = elapsed_edges(window, granularity)
        if edges != bucket_edges(window, granularity, zone):
            msg = (
                f"fetch.chunk: this endpoint counts {granularity} from the start of a "
                f"window; in {window} those are not the buckets of {zone.key}"
            )
            raise JobError(msg, hint="leave fetch.chunk out, or use auto")


def _check_chunk(chunk: Period, granularity: Period) -> None:
    """Refuse a chunk that would cut through buckets."""
    if granularity.is_clock:
        is_whole = chunk.seconds % granularity.seconds == 0
    elif granularity.months:
        is_whole = not (chunk.days or chunk.seconds) and chunk.months > 0
        is_whole = is_whole and chunk.months % granularity.months == 0
    else:
        # A month holds whole days, but not whole weeks.
        is_whole = not chunk.seconds and chunk.days % granularity.days == 0
        is_whole = is_whole and (not chunk.months or granularity.days == 1)
    if not is_whole:
        msg = f"fetch.chunk {chunk} does not hold whole buckets of {granularity}"
        hint = f"use a multiple, such as {granularity.times(2)}, or auto"
        raise JobError(msg, hint=hint)
