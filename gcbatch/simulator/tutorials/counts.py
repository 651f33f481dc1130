"""Counts the events of each bucket and queue, for the tutorials' endpoints.

Two tutorials use shapes of service levels that the service's published API does not
have. The simulator answers them from the events of the aggregates: offers, answers,
abandons and handling count in the same bucket.

These shapes have no time zone: buckets begin at the start of the query, in elapsed
time, a day being 24 hours. The end of the query ends the last bucket.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, Final, NamedTuple

from gcbatch.simulator.aggregates.filters import Filter
from gcbatch.simulator.instants import duration_ms
from gcbatch.simulator.paging import Page, Place, page_at
from gcbatch.simulator.problems import invalid_value
from gcbatch.simulator.tenant.cache import cached_per_tenant
from gcbatch.simulator.tenant.events import Events, Key, Profile, Series, events_of
from gcbatch.simulator.tenant.tenant import Tenant

__all__ = [
    "HANDLE_OF_ANSWERED",
    "Cell",
    "CellCounts",
    "CountQuery",
    "count_cells",
    "counted_page",
    "events_of_metrics",
    "read_step",
]

HANDLE_OF_ANSWERED: Final = "handle time, posted when the call is answered"


class Cell(NamedTuple):
    """A bucket of one queue.

    Args:
        queue_id: The queue.
        start_ms: First millisecond of the bucket.
        others: A value for each further dimension; None if an event has none.
    """

    queue_id: str
    start_ms: int
    others: tuple[str | None, ...] = ()


_NOTHING: Final = Series([], [], [])


@dataclass(frozen=True, slots=True)
class CountQuery:
    """What to count.

    Args:
        start_ms: First millisecond, since 1970.
        end_ms: First millisecond after the range.
        step_ms: Length of a bucket; None is one bucket.
        events: The metrics whose events count.
        filter: None accepts all.
        queue_ids: None accepts all.
        others: Dimensions of cells in addition to the queue.
    """

    start_ms: int
    end_ms: int
    step_ms: int | None
    events: tuple[str, ...]
    filter: Filter | None = None
    queue_ids: frozenset[str] | None = None
    others: tuple[str, ...] = ()

    def bucket_of(self, ms: int) -> int:
        """Return the first millisecond of the bucket of an instant."""
        if self.step_ms is None:
            return self.start_ms
        return ms - (ms - self.start_ms) % self.step_ms

    def queue_of(self, profile: Profile) -> str | None:
        """Return the queue of an event; None if the query does not count it."""
        queue_id = profile.get("queueId")
        if self.filter is not None and not self.filter.accepts(profile):
            return None
        if self.queue_ids is not None and queue_id not in self.queue_ids:
            return None
        return queue_id

    def others_of(self, profile: Profile) -> tuple[str | None, ...]:
        """Return an event's values of the dimensions in addition to the queue."""
        return tuple(map(profile.get, self.others))


class CellCounts:
    """The events of one cell, by metric."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._sums: defaultdict[str, float] = defaultdict(int)

    def add(self, metric: str, value: float) -> None:
        """Count an event."""
        self._counts[metric] += 1
        self._sums[metric] += value

    def count(self, metric: str) -> float:
        """Return the number of events; an event of an `n` metric may count several."""
        of_metric = self._sums if metric.startswith("n") else self._counts
        return of_metric.get(metric, 0)

    def seconds(self, metric: str) -> float:
        """Return the sum of a time."""
        return self._sums.get(metric, 0) / 1000

    @property
    def level(self) -> float | None:
        """Percentage of the handled calls that were answered in time."""
        handled = self.count("tAnswered")
        if not handled:
            return None
        return 100 * (handled - self.count("nOverSla")) / handled


def count_cells(tenant: Tenant, query: CountQuery) -> Mapping[Cell, CellCounts]:
    """Return the counts of each cell that has events.

    Cached, because the pages of a query are separate requests.
    """
    return _cell_counter(tenant)(query)


def counted_page(
    tenant: Tenant,
    query: CountQuery,
    place: Place,
    size: int,
    faults: tuple[str, ...],
    *,
    sort_key: Callable[[Cell], Any],
) -> Page[tuple[Cell, CellCounts]]:
    """Return the cells of a page with their counts.

    Args:
        tenant: The organisation's data.
        query: What to count.
        place: Where the page begins.
        size: Maximum cells of a page.
        faults: Kinds of the faults that apply to the request.
        sort_key: Decides the order of the cells.
    """
    counts = count_cells(tenant, query)
    rows = [(cell, counts[cell]) for cell in sorted(counts, key=sort_key)]
    return page_at(place, rows, size, faults)


def events_of_metrics(
    metrics: Iterable[str], sources: Mapping[str, tuple[str, ...]]
) -> tuple[str, ...]:
    """Return the aggregates' metrics that *metrics* are computed from, each once."""
    return tuple(dict.fromkeys(event for name in metrics for event in sources[name]))


@cached_per_tenant
def _cell_counter(tenant: Tenant) -> Callable[[CountQuery], Mapping[Cell, CellCounts]]:
    events = events_of(tenant)
    of_answered = _handle_of_answered(events)
    return lru_cache(maxsize=16)(partial(_count, events, of_answered))


def _count(
    events: Events, of_answered: Series, query: CountQuery
) -> Mapping[Cell, CellCounts]:
    queues = [query.queue_of(profile) for profile in events.profiles]
    others = [query.others_of(profile) for profile in events.profiles]
    counts: defaultdict[Cell, CellCounts] = defaultdict(CellCounts)
    for metric in query.events:
        series = (
            of_answered if metric == HANDLE_OF_ANSWERED else _series(events, metric)
        )
        for at in series.between(query.start_ms, query.end_ms):
            profile = series.profiles[at]
            queue_id = queues[profile]
            if queue_id is not None:
                start_ms = query.bucket_of(series.times[at])
                cell = Cell(queue_id, start_ms, others[profile])
                counts[cell].add(metric, series.values[at])
    return dict(counts)


def _series(events: Events, metric: str) -> Series:
    return events.series.get("Conversation", {}).get(Key(metric), _NOTHING)


def _handle_of_answered(events: Events) -> Series:
    """Return the handle times at the instant of the answer, not of the end."""
    ended = _series(events, "tHandle")
    handles = sorted(
        (int(at - value), value, profile)
        for at, value, profile in zip(
            ended.times, ended.values, ended.profiles, strict=True
        )
    )
    return Series(
        [at for at, _, _ in handles],
        [value for _, value, _ in handles],
        [profile for _, _, profile in handles],
    )


def read_step(value: object) -> int | None:
    """Return the length of the buckets in milliseconds; None is one bucket.

    Raises:
        Problem: If it is not an ISO duration of weeks, days, hours, minutes, seconds.
    """
    if value is None:
        return None
    step_ms = duration_ms(value) if isinstance(value, str) else None
    if step_ms is None:
        raise invalid_value(value, "Duration")
    return step_ms
