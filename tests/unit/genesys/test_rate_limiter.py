"""Pacing keeps its promise in any minute, by a clock that tests turn."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from gcbatch.genesys.client.rate_limiter import RateLimiter
from gcbatch.genesys.client.server_quota import QuotaHeaders

InTime = Callable[[Callable[[Callable[[], float]], Awaitable[None]]], None]
RATES = [1, 2, 5, 30, 59, 60, 61, 119, 120, 300, 1000]


def most_in_a_minute(grants: list[float]) -> int:
    """Return the largest number of grants in any span [t, t + 60 s)."""
    most = first = 0
    for last, at in enumerate(grants):
        while at - grants[first] >= 60 - 1e-6:
            first += 1
        most = max(most, last - first + 1)
    return most


async def workers(
    limiter: RateLimiter,
    clock: Callable[[], float],
    grants: list[float],
    until_s: float,
) -> None:
    """Have several tasks take turns until a time."""

    async def work() -> None:
        while clock() < until_s:
            permit = await limiter.acquire()
            grants.append(clock())
            limiter.answered(permit, None)

    async with asyncio.TaskGroup() as group:
        for _ in range(8):
            group.create_task(work())


@pytest.mark.parametrize("rate", RATES)
def test_no_minute_has_more_requests_than_allowed(
    rate: int, in_turned_time: InTime
) -> None:
    """From a cold start, and over minutes that follow, each span of 60 s holds it."""
    grants: list[float] = []

    async def work(clock: Callable[[], float]) -> None:
        await workers(RateLimiter(rate, clock=clock), clock, grants, until_s=400.0)

    in_turned_time(work)

    assert most_in_a_minute(grants) <= rate
    # Nor is much of it left unused: 9 of 10 requests from 30 a minute on.
    used = len([t for t in grants if 60 <= t < 360]) / 5
    assert used >= rate * (0.9 if rate >= 30 else 0.5)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("idle_s", [0.5, 17.0, 61.0, 1000.0])
def test_idling_saves_nothing_up(
    rate: int, idle_s: float, in_turned_time: InTime
) -> None:
    """A pause does not let more through afterwards than a minute allows."""
    grants: list[float] = []

    async def work(clock: Callable[[], float]) -> None:
        limiter = RateLimiter(rate, clock=clock)
        for _ in range(4):
            await workers(limiter, clock, grants, until_s=clock() + 30)
            await asyncio.sleep(idle_s)

    in_turned_time(work)

    assert most_in_a_minute(grants) <= rate


def test_a_hold_is_everyones(in_turned_time: InTime) -> None:
    """While it lasts no task goes, not even one that had waited before it."""
    grants: list[float] = []

    async def work(clock: Callable[[], float]) -> None:
        limiter = RateLimiter(300, clock=clock)

        async def interrupt() -> None:
            await asyncio.sleep(10)
            limiter.pause_all(20)
            await asyncio.sleep(5)
            limiter.pause_all(40)  # longer than what is left of the first
            limiter.pause_all(1)  # shorter: changes nothing

        holding = asyncio.create_task(interrupt())
        await workers(limiter, clock, grants, until_s=70.0)
        await holding

    in_turned_time(work)

    assert not [t for t in grants if 10.0 < t < 55.0]
    assert [t for t in grants if t <= 10.0]
    assert [t for t in grants if t >= 55.0]
    assert most_in_a_minute(grants) <= 300


@pytest.mark.parametrize(
    ("count", "allowed", "reserve", "held"),
    [
        (299, 300, 0, False),
        (300, 300, 0, True),
        (149, 300, 50, False),
        (150, 300, 50, True),
        (180, 180, 0, True),
        (0, 0, 0, False),
        (1, 0, 0, True),
    ],
)
def test_a_full_window_is_waited_out(
    count: int, allowed: int, reserve: float, in_turned_time: InTime, *, held: bool
) -> None:
    """The server's own count decides below the ceiling, others' requests included."""
    waited: list[float] = []

    async def work(clock: Callable[[], float]) -> None:
        limiter = RateLimiter(300, reserve=reserve, clock=clock)
        permit = await limiter.acquire()
        limiter.answered(permit, QuotaHeaders(count, allowed, 33))
        await limiter.acquire()
        waited.append(clock())

    in_turned_time(work)

    assert (waited[0] >= 32.9) is held


@pytest.mark.parametrize(
    ("rate", "reserve", "expected"),
    [(300, 0, 300), (300, 10, 270), (300, 99.9, 1), (1, 50, 1)],
)
def test_a_reserve_is_left_to_others(rate: int, reserve: float, expected: int) -> None:
    """A percentage of the quota is not used; one request a minute always is."""
    assert RateLimiter(rate, reserve=reserve, clock=lambda: 0.0).per_minute == expected
