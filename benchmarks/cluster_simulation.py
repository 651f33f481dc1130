"""How long 200 orgs x 2 years of conversation details take: arithmetic and simulation.

    python benchmarks/cluster_simulation.py

Prints the tables of docs/scale.md. The simulation is of discrete events, and the same
for the same seed: orgs send requests at the rate of their quota, or read the results of
the service's jobs; answers wait for a core. The script sends no request and measures
nothing: the costs were measured before, by the scripts named in the comments.
"""

import heapq
import math
import random
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from statistics import median
from typing import Final

SEEDS: Final = (1, 2, 3)
"""The first has all tables; the others show how much they differ."""

ORGS: Final = 200
DAYS: Final = 730
MEDIAN_PER_DAY: Final = 4_000
"""Conversations of the median org. An assumption, as is the next:"""

SIGMA: Final = 1.1
"""Of the logarithm: one org in ten has four times the median, or a quarter."""

FETCH_US: Final = 52.0
"""Processor time of a conversation fetched and stored. Measured on one core of an AMD
EPYC by benchmarks/cost_of_details.py, 2026-11-22: 40 to 42 with 4.4 KB; 2026-11-27:
with 6.7 KB 1.3 times as much."""

EXPORT_US: Final = 24.0
"""Of one read again and written to `conversations` in Parquet. The same source: 18, and
1.33 times as much."""

BYTES: Final = 6_681
"""Of a conversation as JSON. The same source; the size of generated ones."""

GZIP_BYTES: Final = 973
"""Of it in transit, if the service compresses. The same source, with level 6; real ones
are less alike."""

STORED_BYTES: Final = 1_150
"""Of it in a part. The same source: 870 if conversations are much alike; others took a
third more when they had 4.4 KB."""

GRANT_US: Final = 135.0
"""Processor time of the coordinator for a worker's request, over TLS. Measured by
benchmarks/coordinator.py, 2026-11-22: 129 to 147."""

TASK_US: Final = 1_000.0
"""Of the scheduler for a task, which is a query. distributed.dask.org, "about 1ms of
overhead", read 2026-11-22."""

PROCESS_MB: Final = 105
"""A process with all of gcbatch loaded. Measured, Linux, resident."""

QUERY_BYTES: Final = 317
"""A query of a plan. Measured over 146,000 of them, resident."""

ORG_BYTES: Final = 4_200
"""Of an org: session, rate limiter and token, without requests. Measured over 200."""

QUOTA: Final = 300
"""Requests a minute of a client; see gcbatch/genesys/limits.py."""

WINDOW_S: Final = 60.0
PAGE: Final = 100
"""Conversations of a page; see gcbatch/genesys/limits.py."""

JOB_DAYS: Final = 7
JOB_PAGE: Final = 1_000
JOBS_IN_FLIGHT: Final = 5
JOB_REQUESTS: Final = 12
"""Of a job in addition to its pages: submitted, polled, deleted."""

JOB_WAIT_S: Final = 180.0
"""Until a job is done. An assumption: the service documents no figure."""

JOB_PAGE_S: Final = 3.0
"""Until a page of 6.7 MB has arrived; only then can the next be requested. An
assumption."""


@dataclass(frozen=True, slots=True)
class Batch:
    """The answers of a minute's requests, or the results of a job.

    Args:
        arrives_s: Seconds until it has arrived.
        lasts_s: Seconds until the next may be requested.
        conversations: Their number.
    """

    arrives_s: float
    lasts_s: float
    conversations: int


@dataclass(frozen=True)
class Outcome:
    """How a simulated run went.

    Args:
        hours: Until the last org was done.
        busy: Share of the cores' time that they worked.
        at_once: Maximum of orgs that were active.
    """

    hours: float
    busy: float
    at_once: int


def volumes(seed: int) -> list[int]:
    """Return the conversations a day of each org."""
    chance = random.Random(seed)  # noqa: S311 - no secret is made of it
    mu = math.log(MEDIAN_PER_DAY)
    return [round(chance.lognormvariate(mu, SIGMA)) for _ in range(ORGS)]


def pages_of(per_day: int) -> int:
    """Return the requests of an org by pages; a day's last page may be short."""
    return DAYS * math.ceil(per_day / PAGE)


def job_requests_of(per_day: int) -> int:
    """Return the requests of an org by jobs."""
    jobs = math.ceil(DAYS / JOB_DAYS)
    return jobs * (JOB_REQUESTS + math.ceil(per_day * JOB_DAYS / JOB_PAGE))


def by_pages(per_day: int) -> list[Batch]:
    """Return the batches of an org, minute by minute, at its quota."""
    minutes, left = math.ceil(pages_of(per_day) / QUOTA), per_day * DAYS
    batches: list[Batch] = []
    for minute in range(minutes):
        here = left // (minutes - minute)
        batches.append(Batch(0.0, WINDOW_S, here))
        left -= here
    return batches


def by_jobs(per_day: int) -> list[Batch]:
    """Return the batches of an org, job by job."""
    batches: list[Batch] = []
    for first in range(0, DAYS, JOB_DAYS):
        here = per_day * min(JOB_DAYS, DAYS - first)
        reading_s = math.ceil(here / JOB_PAGE) * JOB_PAGE_S
        batches.append(Batch(JOB_WAIT_S, JOB_WAIT_S + reading_s, here))
    return batches


def simulate(
    work: Sequence[Sequence[Batch]], *, cores: int, lanes: int, at_once: int = ORGS
) -> Outcome:
    """Simulate orgs that get their batches, and cores that process them in order.

    Args:
        work: The work of each org, its batches in order.
        cores: Number of processes; one of them processes a batch.
        lanes: Batches of an org that are active at once.
        at_once: Orgs that are active at once; the others wait.
    """
    events: list[tuple[float, int, int, Batch | None]] = []
    number = count()
    waiting = deque(range(len(work)))
    left = [deque(batches) for batches in work]
    active: dict[int, int] = {}
    free_at = [0.0] * cores
    worked_s = ended_s = 0.0
    peak = 0

    def begin(org: int, now: float) -> None:
        """Request the next batch of an org; without one, start another org."""
        if left[org]:
            batch = left[org].popleft()
            active[org] = active.get(org, 0) + 1
            heapq.heappush(events, (now + batch.arrives_s, next(number), org, batch))
        elif not active.get(org):
            active.pop(org, None)
            start_orgs(now)

    def start_orgs(now: float) -> None:
        while waiting and len(active) < at_once:
            org = waiting.popleft()
            for _ in range(min(lanes, len(left[org]))):
                begin(org, now)

    start_orgs(0.0)
    while events:
        now, _, org, batch = heapq.heappop(events)
        peak = max(peak, len(active))
        if batch is None:
            active[org] -= 1
            begin(org, now)
            continue
        cost_s = batch.conversations * FETCH_US / 1e6
        done_s = max(now, heapq.heappop(free_at)) + cost_s
        heapq.heappush(free_at, done_s)
        worked_s += cost_s
        next_s = max(done_s, now - batch.arrives_s + batch.lasts_s)
        ended_s = max(ended_s, done_s)
        heapq.heappush(events, (next_s, next(number), org, None))
    return Outcome(ended_s / 3600, worked_s / (cores * ended_s), peak)


def needs(orgs: Sequence[int]) -> Iterator[str]:
    """Yield the arithmetic as a table."""
    conversations = sum(orgs) * DAYS
    pages, jobs = sum(map(pages_of, orgs)), sum(map(job_requests_of, orgs))
    hours = sorted(pages_of(per_day) / QUOTA / 60 for per_day in orgs)
    queries = ORGS * DAYS
    memory_mb = PROCESS_MB + (queries * QUERY_BYTES + ORGS * ORG_BYTES) / 1e6
    yield "| what | how much |"
    yield "|---|---|"
    yield f"| conversations | {conversations / 1e6:,.0f} million |"
    yield f"| requests by pages | {pages / 1e6:,.2f} million |"
    yield f"| requests by jobs | {jobs / 1e6:,.2f} million |"
    yield f"| hours at the quota by pages, the median org | {median(hours):.1f} |"
    yield f"| the same, one org in ten needs more than | {hours[-ORGS // 10]:.1f} |"
    yield f"| the same, the largest org | {hours[-1]:.1f} |"
    yield f"| received, as JSON | {conversations * BYTES / 1e12:.2f} TB |"
    yield f"| received, compressed | {conversations * GZIP_BYTES / 1e12:.2f} TB |"
    yield f"| stored | {conversations * STORED_BYTES / 1e12:.2f} TB |"
    yield f"| core-hours to fetch | {conversations * FETCH_US / 3.6e9:.1f} |"
    yield f"| core-hours to export | {conversations * EXPORT_US / 3.6e9:.1f} |"
    granted = pages * GRANT_US / 3.6e9
    yield f"| core-hours to grant all requests by pages | {granted:.2f} |"
    scheduled = queries * TASK_US / 3.6e9
    yield f"| core-hours to schedule a query a day and org | {scheduled:.2f} |"
    busiest = ORGS * QUOTA * GRANT_US / 1e6 / WINDOW_S
    yield f"| the coordinator's core, all orgs at their quota | {busiest:.0%} |"
    yield f"| memory of the coordinator | {memory_mb:,.0f} MB |"


SCENARIOS: Final = ((1, 50), (1, ORGS), (2, ORGS), (4, ORGS), (8, ORGS), (16, ORGS))
"""Cores, and orgs at once; the first is one process without a cluster."""


def scenarios(orgs: Sequence[int]) -> Iterator[str]:
    """Yield how long it takes with so many cores, by either mode, as a table."""
    pages = [by_pages(per_day) for per_day in orgs]
    jobs = [by_jobs(per_day) for per_day in orgs]
    yield "| cores | orgs at once | by pages | cores busy | by jobs | cores busy |"
    yield "|---|---|---|---|---|---|"
    for cores, at_once in SCENARIOS:
        paged = simulate(pages, cores=cores, lanes=1, at_once=at_once)
        jobbed = simulate(jobs, cores=cores, lanes=JOBS_IN_FLIGHT, at_once=at_once)
        yield (
            f"| {cores} | {at_once} | {paged.hours:.1f} h | {paged.busy:.0%} "
            f"| {jobbed.hours:.1f} h | {jobbed.busy:.0%} |"
        )


def other_seeds() -> Iterator[str]:
    """Yield how much other random orgs differ, as a table."""
    yield "| seed | conversations | the largest org | one core, by pages | by jobs |"
    yield "|---|---|---|---|---|"
    for seed in SEEDS:
        orgs = volumes(seed)
        largest = max(map(pages_of, orgs)) / QUOTA / 60
        paged = simulate([by_pages(n) for n in orgs], cores=1, lanes=1)
        jobbed = simulate([by_jobs(n) for n in orgs], cores=1, lanes=JOBS_IN_FLIGHT)
        yield (
            f"| {seed} | {sum(orgs) * DAYS / 1e6:,.0f} million | {largest:.1f} h "
            f"| {paged.hours:.1f} h | {jobbed.hours:.1f} h |"
        )


def tables() -> Iterator[str]:
    """Yield all tables of the page, a line each."""
    orgs = volumes(SEEDS[0])
    for table in (needs(orgs), scenarios(orgs), other_seeds()):
        yield from table
        yield ""


if __name__ == "__main__":
    for line in tables():
        print(line)
