"""The plan: which queries a job asks, in order, and what they cost. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import groupby
from typing import Any, Final, Protocol

from gcbatch import job as jobs
from gcbatch.errors import JobError
from gcbatch.query import Query, make_query
from gcbatch.windows import ONE_DAY, Period, Window, bucket_count, tile

__all__ = ["Plan", "Scope", "make_plan"]

CLOCK_LENGTHS: Final = tuple(
    Period.parse(text) for text in ("PT12H", "PT8H", "PT6H", "PT4H", "PT3H", "PT2H")
)
"""Windows shorter than a day, longest first; each divides a day evenly."""

INTERVAL_BYTES: Final = 80
"""Of the body, taken by the interval that a query adds to its template."""


class Templates(Protocol):
    """What a plan asks of an endpoint."""

    @property
    def name(self) -> str:
        """What job files call it."""
        ...

    def template(self, query: jobs.Query, queue_ids: Sequence[str] | None) -> bytes:
        """Return the body of a request but for its interval."""
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

    def minutes(self, requests_per_minute: int) -> float:
        """Return how long its requests take at the quota, in minutes."""
        return len(self.queries) / requests_per_minute

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
    More batches allow longer windows, so each number of batches is weighed.

    Args:
        job: What to ask.
        scope: About what.
        endpoint: Whom.

    Raises:
        JobError: If `fetch.chunk` does not hold whole buckets.
    """
    best: tuple[list[Window], list[Sequence[str] | None]] | None = None
    for batches in _batchings(job, scope, endpoint):
        groups = _expected_groups(job, scope, batches[0])
        windows = _windows(job, scope.window, groups)
        if best is None or len(windows) * len(batches) < len(best[0]) * len(best[1]):
            best = windows, batches
    assert best is not None  # noqa: S101 - there is always one batching
    windows, batches = best
    templates = [endpoint.template(job.query, batch) for batch in batches]
    return Plan(
        scope.window,
        tuple(
            make_query(scope.identity, endpoint.name, window, template)
            for window in windows
            for template in templates
        ),
    )


def _batchings(
    job: jobs.Job, scope: Scope, endpoint: Templates
) -> Iterator[list[Sequence[str] | None]]:
    """Yield ways to cut the queues into batches of about one size, fewest first."""
    ids = scope.queue_ids
    if ids is None:
        yield [None]
        return
    empty = len(endpoint.template(job.query, ids[:1]))
    each = max(len(i) for i in ids) + len('{"dimension":"queueId","value":""},')
    most = max(1, (job.fetch.limits.body_bytes - empty - INTERVAL_BYTES) // each)
    fewest = -(-len(ids) // most)
    sizes: set[int] = set()
    for count in range(fewest, len(ids) + 1):
        size = -(-len(ids) // count)
        if size not in sizes:
            sizes.add(size)
            yield [ids[at : at + size] for at in range(0, len(ids), size)]


def _expected_groups(job: jobs.Job, scope: Scope, batch: Sequence[str] | None) -> int:
    """Return how many groups a bucket may have, as far as the job tells."""
    groups = 1
    if "queueId" in job.query.group_by:
        if batch is not None:
            groups *= len(batch)
        elif scope.queues_listed:
            # Rounded up to a power of two, so that a new queue hardly ever changes
            # the windows, and with them what has to be fetched again.
            groups *= 1 << (scope.queues_listed - 1).bit_length()
    if "mediaType" in job.query.group_by and job.query.media_types:
        groups *= len(job.query.media_types)
    return groups


def _windows(job: jobs.Job, whole: Window, groups: int) -> list[Window]:
    """Return the longest windows whose expected results stay within the limit."""
    granularity, zone = job.query.granularity, job.query.zone
    if job.fetch.chunk != "auto":
        _check_chunk(job.fetch.chunk, granularity)
        return list(tile(whole, job.fetch.chunk, zone))
    most = job.fetch.limits.expected_buckets
    windows: list[Window] = []
    for length in _lengths(job):
        windows = list(tile(whole, length, zone))
        if all(bucket_count(w, granularity, zone) * groups <= most for w in windows):
            break
    return windows


def _lengths(job: jobs.Job) -> Iterator[Period]:
    """Yield lengths that windows may have, longest first; each holds whole buckets."""
    granularity, bounds = job.query.granularity, job.fetch.limits
    if granularity is None:
        for days in range(bounds.max_days_daily, 0, -1):
            yield ONE_DAY.times(days)
        return
    if not granularity.is_clock:
        days = timedelta(seconds=granularity.typical_s) // timedelta(days=1)
        for count in range(max(1, bounds.max_days_daily // days), 0, -1):
            yield granularity.times(count)
        return
    for days in range(bounds.max_days_subday, 0, -1):
        yield ONE_DAY.times(days)
    for length in CLOCK_LENGTHS:
        if length.seconds % granularity.seconds == 0:
            yield length
    yield granularity


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
        whole = not (chunk.months or chunk.seconds) and chunk.days > 0
        whole = whole and chunk.days % granularity.days == 0
    if not whole:
        msg = f"fetch.chunk {chunk} does not hold whole buckets of {granularity}"
        hint = f"use a multiple, such as {granularity.times(2)}, or auto"
        raise JobError(msg, hint=hint)
