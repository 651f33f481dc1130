"""The plan: which queries a job asks, in order, and what they cost. Pure."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import groupby
from typing import Any, Final, Protocol
from zoneinfo import ZoneInfo

from gcbatch import job as jobs
from gcbatch import question
from gcbatch.dates import is_relative
from gcbatch.errors import JobError
from gcbatch.query import Query, make_query
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

__all__ = ["Plan", "Scope", "make_plan"]

CLOCK_LENGTHS: Final = tuple(
    Period.parse(text) for text in ("PT12H", "PT8H", "PT6H", "PT4H", "PT3H", "PT2H")
)
"""Windows shorter than a day, longest first; each divides a day evenly."""

DAYS_OF_A_MONTH: Final = 31
"""Of the longest."""

INTERVAL_BYTES: Final = 80
"""Of the body, taken by the interval that a query adds to its template."""

Batch = Sequence[str] | None
"""The queues of a request; None is all."""

Cut = tuple[list[tuple[Window, int]], dict[int, list[Batch]]]
"""Windows, each with how many queues its requests name; the batches for so many."""


class Templates(Protocol):
    """What a plan asks of an endpoint."""

    @property
    def name(self) -> str:
        """What job files call it."""
        ...

    @property
    def part_format(self) -> int:
        """Version of how its parts are written; one of another version is no answer."""
        ...

    @property
    def queues_at_once(self) -> int | None:
        """How many queues one query may name; None is as many as its body holds."""
        ...

    @property
    def cuts_by_clock(self) -> bool:
        """Whether buckets are counted in elapsed time from the window's start.

        Else the service cuts them by the calendar of the job's zone.
        """
        ...

    @property
    def in_utc_days(self) -> bool:
        """Whether it is asked in whole days of UTC, whatever the job's zone."""
        ...

    def template(self, query: question.Query, queue_ids: Sequence[str] | None) -> bytes:
        """Return the body of a request but for its span.

        Args:
            query: What the job asks.
            queue_ids: The queues of this request; None is all.
        """
        ...


@dataclass(frozen=True, slots=True)
class Scope:
    """What a run is about, once dates and names are resolved.

    Args:
        identity: Whose data: the org's name, or its login host and client id.
        window: The whole range.
        queue_ids: The queues that are asked, sorted; None is all.
        queues_listed: How many queues the org lists; 0 where that is not known.
    """

    identity: str
    window: Window
    queue_ids: tuple[str, ...] | None
    queues_listed: int = 0


@dataclass(frozen=True)
class Plan:
    """The queries of a job, by window and within it by batch of queues.

    Args:
        window: The whole range; the windows of the queries tile it.
        queries: In the order in which they are asked.
    """

    window: Window
    queries: tuple[Query, ...]

    @property
    def run_id(self) -> str:
        """A hash over the queries: the same plan has the same id."""
        digests = "\n".join(query.digest for query in self.queries)
        return sha256(digests.encode()).hexdigest()[:16]

    @property
    def windows(self) -> list[tuple[Window, list[Query]]]:
        """The queries of each window, in time order."""
        by_window = groupby(self.queries, key=lambda query: query.window)
        return [(window, list(queries)) for window, queries in by_window]

    def to_json(self) -> dict[str, Any]:
        """Return it as it is kept with the run; templates are written once."""
        templates = list(dict.fromkeys(query.template for query in self.queries))
        places = {template: place for place, template in enumerate(templates)}
        return {
            "window": [self.window.start.isoformat(), self.window.end.isoformat()],
            "templates": [template.decode() for template in templates],
            "queries": [
                [
                    q.endpoint,
                    q.window.start.isoformat(),
                    q.window.end.isoformat(),
                    places[q.template],
                    q.digest,
                ]
                for q in self.queries
            ],
        }

    @classmethod
    def from_json(cls, raw: dict[str, Any]) -> "Plan":
        """Read what to_json wrote."""
        templates = [text.encode() for text in raw["templates"]]
        return cls(
            _window(*raw["window"]),
            tuple(
                Query(endpoint, _window(start, end), templates[place], digest)
                for endpoint, start, end, place, digest in raw["queries"]
            ),
        )


def _window(start: str, end: str) -> Window:
    return Window(datetime.fromisoformat(start), datetime.fromisoformat(end))


def make_plan(job: jobs.Job, scope: Scope, endpoint: Templates) -> Plan:
    """Return the fewest queries that the limits allow.

    Windows tile the range by the local calendar; queue lists are cut into batches.
    Longer windows need more batches, so each length is weighed.

    Args:
        job: What to ask.
        scope: About what.
        endpoint: Whom.

    Raises:
        JobError: If `fetch.chunk` does not hold whole buckets, or the queues need more
            requests than one whose answers cannot be told apart.
    """
    windows, batches = (
        _in_utc_days(job, scope, endpoint)
        if endpoint.in_utc_days
        else _fewest(job, scope, endpoint)
    )
    templates = {
        size: [endpoint.template(job.query, batch) for batch in of_size]
        for size, of_size in batches.items()
    }
    _check_bodies(job, list(templates.values()))
    return Plan(
        scope.window,
        tuple(
            make_query(
                scope.identity, endpoint.name, window, template, endpoint.part_format
            )
            for window, size in windows
            for template in templates[size]
        ),
    )


def _fewest(job: jobs.Job, scope: Scope, endpoint: Templates) -> Cut:
    """Return the windows and batches that together make the fewest queries.

    The last window is often shorter than the others, and needs fewer batches.
    """
    largest = _largest_batch(job, scope, endpoint)
    best: Cut | None = None
    fewest = math.inf
    windows: list[Window] = []
    for windows, buckets in _tilings(job, scope.window, endpoint):
        if len(windows) >= fewest:
            break  # as will all shorter ones
        sizes = [_fitting_batch(job, scope, count, largest) for count in buckets]
        if not all(sizes):
            continue
        batches = {size: _batches(scope.queue_ids, size) for size in set(sizes)}
        count = sum(len(batches[size]) for size in sizes)
        if count < fewest:
            best, fewest = (list(zip(windows, sizes, strict=True)), batches), count
    if best is None:
        # A single bucket may have too many results; asking for it is all one can do.
        batches = {largest: _batches(scope.queue_ids, largest)}
        return [(window, largest) for window in windows], batches
    return best


def _in_utc_days(job: jobs.Job, scope: Scope, endpoint: Templates) -> Cut:
    """Return windows that end at midnights in UTC, and the one batch of queues.

    Where the range begins later each day, windows are counted from a fixed one:
    else each would move too, and all of them be asked again every day.

    Raises:
        JobError: If `fetch.chunk` is no number of days, or longer than is allowed.
    """
    bounds, chunk = job.fetch.limits, job.fetch.chunk
    is_filtered = b"Filters" in endpoint.template(job.query, scope.queue_ids)
    most = bounds.max_days_details_filtered if is_filtered else bounds.max_days_details
    length = ONE_DAY.times(most)
    if chunk != "auto":
        if chunk.seconds or chunk.months or chunk.days > most:
            msg = f"fetch.chunk {chunk}: {endpoint.name} is asked in 1 to {most} days"
            raise JobError(msg, hint="use P1D, P7D or auto")
        length = chunk
    first = floor_to_bucket(scope.window.start, ONE_DAY, UTC_ZONE)
    if is_relative(job.query.start):
        first -= (first - EPOCH) % timedelta(days=length.days)
    days = tile(Window(first, scope.window.end), length, UTC_ZONE)
    size = len(scope.queue_ids or ())
    windows = [
        (Window(max(day.start, scope.window.start), day.end), size)
        for day in days
        if day.end > scope.window.start
    ]
    return windows, {size: [scope.queue_ids]}


def _largest_batch(job: jobs.Job, scope: Scope, endpoint: Templates) -> int:
    """Return how many queues a request may name."""
    ids = scope.queue_ids
    if not ids:
        return 1
    empty = len(endpoint.template(job.query, ids[:1]))
    each = max(len(i) for i in ids) + len('{"dimension":"queueId","value":""},')
    room = job.fetch.limits.body_bytes - empty - INTERVAL_BYTES
    most = 1 + max(0, room // each)  # the empty template names one
    return min(most, endpoint.queues_at_once or most)


def _fitting_batch(job: jobs.Job, scope: Scope, buckets: int, largest: int) -> int:
    """Return how many queues keep the expected results within the limit; 0 is none.

    Args:
        job: What to ask.
        scope: About what.
        buckets: Of a window.
        largest: Most queues of a request.
    """
    query, most = job.query, job.fetch.limits.expected_buckets
    groups = 1
    if "mediaType" in query.group_by and query.media_types:
        groups = len(query.media_types)
    if "queueId" in query.group_by and scope.queue_ids is not None:
        return min(largest, most // (buckets * groups))
    if "queueId" in query.group_by and scope.queues_listed:
        # Rounded up to a power of two, so that a new queue hardly ever changes the
        # windows, and with them what has to be fetched again.
        groups *= 1 << (scope.queues_listed - 1).bit_length()
    return largest if buckets * groups <= most else 0


def _batches(ids: tuple[str, ...] | None, size: int) -> list[Batch]:
    """Cut queues into batches of about one length, none longer than *size*."""
    if ids is None:
        return [None]
    count = -(-len(ids) // size)
    even = -(-len(ids) // count)
    return [ids[at : at + even] for at in range(0, len(ids), even)]


def _tilings(
    job: jobs.Job, whole: Window, endpoint: Templates
) -> Iterator[tuple[list[Window], list[int]]]:
    """Yield windows that tile the range, and how many buckets each has.

    Fewest windows first. Where the job says how long they are, only those.
    """
    granularity, zone, chunk = job.query.granularity, job.query.zone, job.fetch.chunk
    if chunk == "auto":
        lengths = _lengths(job, whole, endpoint)
    else:
        _check_chunk(chunk, granularity)
        lengths = iter([chunk])
    for length in lengths:
        windows = list(tile(whole, length, zone))
        if chunk == "auto":
            windows = _on_edges(windows, granularity, zone)
        else:
            _check_edges(windows, length, granularity, zone)
        if endpoint.cuts_by_clock:
            _check_clock(windows, granularity, zone)
        yield windows, [bucket_count(w, granularity, zone) for w in windows]


def _lengths(job: jobs.Job, whole: Window, endpoint: Templates) -> Iterator[Period]:
    """Yield lengths that windows may have, longest first; each holds whole buckets."""
    granularity, bounds = job.query.granularity, job.fetch.limits
    if granularity is None:
        for days in range(bounds.max_days_daily, 0, -1):
            yield ONE_DAY.times(days)
        return
    if not granularity.is_clock:
        if endpoint.cuts_by_clock:
            yield granularity  # a day of 23 hours is a bucket only by itself
            return
        days = granularity.months * DAYS_OF_A_MONTH + granularity.days
        for count in range(max(1, bounds.max_days_daily // days), 0, -1):
            yield granularity.times(count)
        return
    most_days = bounds.max_days_subday
    if endpoint.cuts_by_clock and _has_uneven_day(job, whole, granularity):
        most_days = 1  # so that buckets begin again at each midnight
    for days in range(most_days, 0, -1):
        yield ONE_DAY.times(days)
    for length in CLOCK_LENGTHS:
        if length.seconds % granularity.seconds == 0:
            yield length
    yield granularity


def _check_bodies(job: jobs.Job, templates: Sequence[Sequence[bytes]]) -> None:
    """Refuse requests that are too large, or whose answers cannot be put together.

    Args:
        job: What to ask.
        templates: Of the requests of a window, of each kind of window.
    """
    longest = max(len(template) for together in templates for template in together)
    size, most = longest + INTERVAL_BYTES, job.fetch.limits.body_bytes
    at_once = max(map(len, templates))
    if size > most:
        msg = f"query: a request would have {size} bytes; the service takes {most}"
        raise JobError(msg, hint="shorten query.filter, or name fewer queues")
    is_told_apart = job.query.family is None or "queueId" in job.query.group_by
    if at_once > 1 and not is_told_apart:
        msg = (
            f"query.queues: so many need {at_once} requests for each window, "
            "whose answers overlap when not grouped by queueId"
        )
        raise JobError(msg, hint="add queueId to query.group_by, or leave queues out")


def _on_edges(
    windows: Sequence[Window], granularity: Period | None, zone: ZoneInfo
) -> list[Window]:
    """Move the starts of windows back to edges of buckets, where clocks changed.

    Days counted from 21:00 begin within a bucket of three hours on the day of a change,
    and a bucket cut in two would be two rows.
    """
    if granularity is None or not granularity.is_clock:
        return list(windows)
    starts = [floor_to_bucket(w.start, granularity, zone) for w in windows]
    ends = [*starts[1:], windows[-1].end]
    starts[0] = windows[0].start
    return [Window(a, b) for a, b in zip(starts, ends, strict=True) if a < b]


def _check_edges(
    windows: Sequence[Window], chunk: Period, granularity: Period | None, zone: ZoneInfo
) -> None:
    """Refuse windows that a change of the clocks pushes off the buckets' edges."""
    if granularity is None:
        return
    for window in windows:
        if floor_to_bucket(window.start, granularity, zone) != window.start:
            msg = (
                f"fetch.chunk {chunk} leaves the edges of {granularity} buckets at "
                f"{to_local(window.start, zone):%Y-%m-%dT%H:%M} in {zone.key}"
            )
            raise JobError(msg, hint="use whole days, such as P1D, or auto")


def _check_clock(
    windows: Sequence[Window], granularity: Period | None, zone: ZoneInfo
) -> None:
    """Refuse windows whose buckets, counted by the clock, are not the calendar's."""
    if granularity is None:
        return
    for window in windows:
        edges = [window.start, window.end]
        if granularity.is_clock:
            edges = elapsed_edges(window, granularity)
        if edges != bucket_edges(window, granularity, zone):
            msg = (
                f"fetch.chunk: this endpoint counts {granularity} from the start of a "
                f"window, which leaves the buckets of {zone.key} in {window}"
            )
            raise JobError(msg, hint="leave fetch.chunk out, or use auto")


def _has_uneven_day(job: jobs.Job, whole: Window, granularity: Period) -> bool:
    pace = granularity.elapsed
    return any(day.span % pace for day in tile(whole, ONE_DAY, job.query.zone))


def _check_chunk(chunk: Period, granularity: Period | None) -> None:
    """Refuse windows that would cut through buckets."""
    if granularity is None:
        return
    if granularity.is_clock:
        whole = chunk.seconds % granularity.seconds == 0
    elif granularity.months:
        whole = not (chunk.days or chunk.seconds) and chunk.months > 0
        whole = whole and chunk.months % granularity.months == 0
    else:
        # A month holds whole days, but not whole weeks.
        whole = not chunk.seconds and chunk.days % granularity.days == 0
        whole = whole and (not chunk.months or granularity.days == 1)
    if not whole:
        msg = f"fetch.chunk {chunk} does not hold whole buckets of {granularity}"
        hint = f"use a multiple, such as {granularity.times(2)}, or auto"
        raise JobError(msg, hint=hint)
