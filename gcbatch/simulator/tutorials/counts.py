"""Counts what happened in each bucket of each queue, for the tutorials' endpoints.

Two tutorials ask for service levels in shapes that the service's published API does
not have; the simulator answers them from the same events as the aggregates. Offers,
answers, abandons and handling land in the bucket in which the aggregates post them.

These shapes know no time zone: buckets are counted from the start of the query in
elapsed time, a day being 24 hours, and the end of the query cuts the last one off.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Final, NamedTuple

from gcbatch.simulator.aggregates.filters import Filter
from gcbatch.simulator.instants import duration_ms
from gcbatch.simulator.problems import invalid_value
from gcbatch.simulator.tenant.cache import kept_with_tenant
from gcbatch.simulator.tenant.events import Events, Key, Profile, Series, events_of
from gcbatch.simulator.tenant.tenant import Tenant

__all__ = [
    "HANDLE_OF_ANSWERED",
    "Cell",
    "Question",
    "Tally",
    "read_step",
    "tallies_of",
]

HANDLE_OF_ANSWERED: Final = "handle time, posted when the call is answered"


class Cell(NamedTuple):
    """What is counted together.

    Args:
        queue_id: The queue.
        start_ms: First millisecond of the bucket.
        beside: A value for each further dimension; None where an event has none.
    """

    queue_id: str
    start_ms: int
    beside: tuple[str | None, ...] = ()


_NOTHING: Final = Series([], [], [])


@dataclass(frozen=True, slots=True)
class Question:
    """What to count.

    Args:
        start_ms: First millisecond, since 1970.
        end_ms: First millisecond no longer asked for.
        step_ms: Length of a bucket; None is one bucket.
        events: The metrics whose events count.
        filter: None takes all.
        queue_ids: None takes all.
        beside: Dimensions that are told apart besides the queue.
    """

    start_ms: int
    end_ms: int
    step_ms: int | None
    events: tuple[str, ...]
    filter: Filter | None = None
    queue_ids: frozenset[str] | None = None
    beside: tuple[str, ...] = ()

    def bucket_of(self, ms: int) -> int:
        """Return the first millisecond of the bucket of an instant."""
        if self.step_ms is None:
            return self.start_ms
        return ms - (ms - self.start_ms) % self.step_ms

    def queue_of(self, profile: Profile) -> str | None:
        """Return the queue of an event; None if it does not count."""
        queue_id = profile.get("queueId")
        if self.filter is not None and not self.filter.accepts(profile):
            return None
        if self.queue_ids is not None and queue_id not in self.queue_ids:
            return None
        return queue_id

    def beside_of(self, profile: Profile) -> tuple[str | None, ...]:
        """Return an event's values of the dimensions besides the queue."""
        return tuple(map(profile.get, self.beside))


class Tally:
    """What happened in one bucket of one queue, by metric."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._sums: defaultdict[str, float] = defaultdict(int)

    def add(self, metric: str, value: float) -> None:
        """Count an event."""
        self._counts[metric] += 1
        self._sums[metric] += value

    def count(self, metric: str) -> float:
        """Return how many there were; a counter's event may be worth several."""
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


def tallies_of(tenant: Tenant, question: Question) -> Mapping[Cell, Tally]:
    """Return the tally of each cell in which something happened.

    Kept, as a query is asked page by page.
    """
    return _tallies_by_question(tenant)(question)


@kept_with_tenant
def _tallies_by_question(tenant: Tenant) -> Callable[[Question], Mapping[Cell, Tally]]:
    events = events_of(tenant)
    of_answered = _handle_of_answered(events)
    return lru_cache(maxsize=16)(partial(_tallies, events, of_answered))


def _tallies(
    events: Events, of_answered: Series, question: Question
) -> Mapping[Cell, Tally]:
    queues = [question.queue_of(profile) for profile in events.profiles]
    beside = [question.beside_of(profile) for profile in events.profiles]
    tallies: defaultdict[Cell, Tally] = defaultdict(Tally)
    for metric in question.events:
        series = (
            of_answered if metric == HANDLE_OF_ANSWERED else _series(events, metric)
        )
        for at in series.between(question.start_ms, question.end_ms):
            profile = series.profiles[at]
            queue_id = queues[profile]
            if queue_id is not None:
                start_ms = question.bucket_of(series.times[at])
                cell = Cell(queue_id, start_ms, beside[profile])
                tallies[cell].add(metric, series.values[at])
    return dict(tallies)


def _series(events: Events, metric: str) -> Series:
    return events.series.get("Conversation", {}).get(Key(metric), _NOTHING)


def _handle_of_answered(events: Events) -> Series:
    """Return the handle times where the call was answered, not where it ended."""
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
        Problem: If it is no ISO duration of weeks, days, hours, minutes, seconds.
    """
    if value is None:
        return None
    step_ms = duration_ms(value) if isinstance(value, str) else None
    if step_ms is None:
        raise invalid_value(value, "Duration")
    return step_ms
