"""The quota is used to the full and not run into, against the simulator's own count.

Time is compressed: the event loop's clock jumps while all tasks sleep, so that the real
arithmetic of the limiter runs through minutes in moments.
"""

import asyncio
import math
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import pytest

from gcbatch.genesys.client.rate_limiter import RateLimiter
from gcbatch.genesys.client.server_quota import QuotaHeaders, ServerQuota
from gcbatch.simulator.quota import Quota

Clock = Callable[[], float]
InTime = Callable[[Callable[[Clock], Awaitable[None]]], None]
Rounding = Callable[[float], float]


def up(left_s: float) -> float:
    """As the service is seen to round: 61 at the start of a minute."""
    return math.floor(left_s) + 1


@dataclass
class Server:
    """Counts requests in windows; knows which were ours."""

    clock: Clock
    allowed: int = 30
    window_s: float = 6.0
    rounding: Rounding = up
    windows: list[dict[str, int]] = field(default_factory=list)
    refused: int = 0
    served_at: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.quota = Quota(
            allowed=self.allowed, window_s=self.window_s, clock=self.clock
        )

    def hit(self, who: str) -> tuple[bool, QuotaHeaders, float]:
        """Count a request; return whether it was served, and the headers."""
        counted = self.quota.count()
        if counted.count == 1:
            self.windows.append({})
        if not counted.exceeded:
            served = self.windows[-1]
            served[who] = served.get(who, 0) + 1
            self.served_at.append(self.clock())
        elif who != "others":
            self.refused += 1
        reported = QuotaHeaders(
            counted.count, counted.allowed, self.rounding(counted.left_s)
        )
        return not counted.exceeded, reported, float(counted.wait_s)

    def used(self, *who: str) -> float:
        """Return the part of the quota that was used, the last window left out."""
        whole = self.windows[:-1] or self.windows
        served = sum(window.get(w, 0) for window in whole for w in who)
        return served / (len(whole) * self.allowed)


async def client(
    server: Server,
    limiter: RateLimiter,
    name: str,
    *,
    queries: int,
    tasks: int = 8,
    latency_s: float = 0.05,
    seed: int = 0,
) -> None:
    """Ask *queries* with some tasks at once, each until it is served."""
    chance = random.Random(seed)  # noqa: S311 - of moments, not of secrets
    left = iter(range(queries))

    async def work() -> None:
        for _ in left:
            while True:
                permit = await limiter.acquire()
                await asyncio.sleep(latency_s * chance.uniform(0.25, 0.75))
                served, counted, wait_s = server.hit(name)
                await asyncio.sleep(latency_s * chance.uniform(0.25, 0.75))
                limiter.answered(permit, counted)
                if served:
                    break
                limiter.pause_all(wait_s)

    async with asyncio.TaskGroup() as group:
        for _ in range(tasks):
            group.create_task(work())


async def others(server: Server, per_s: float, seed: int) -> None:
    """Use the quota from elsewhere, at random moments, without end."""
    chance = random.Random(seed)  # noqa: S311 - of moments, not of secrets
    while True:
        await asyncio.sleep(chance.expovariate(per_s))
        server.hit("others")


@pytest.mark.parametrize("rounding", [up, math.ceil, math.floor])
@pytest.mark.parametrize("tasks", [1, 8, 64])
def test_the_quota_is_used_to_the_full(
    rounding: Rounding, tasks: int, in_turned_time: InTime
) -> None:
    """210 queries at 30 per 6 s: 95 % of it used, at most 2 refused."""
    servers: list[Server] = []

    async def work(clock: Clock) -> None:
        server = Server(clock, rounding=rounding)
        servers.append(server)
        await client(
            server, RateLimiter(10_000, clock=clock), "us", queries=210, tasks=tasks
        )

    in_turned_time(work)

    assert servers[0].refused <= 2
    assert servers[0].used("us") >= 0.95


@pytest.mark.parametrize("seed", range(8))
def test_others_on_the_same_client_are_seen(seed: int, in_turned_time: InTime) -> None:
    """With a third used from elsewhere, the rest is used, and hardly any refused."""
    servers: list[Server] = []

    async def work(clock: Clock) -> None:
        server = Server(clock)
        servers.append(server)
        noise = asyncio.create_task(others(server, 30 / 6 / 3, seed))
        limiter = RateLimiter(10_000, clock=clock)
        await client(server, limiter, "us", queries=210, seed=seed)
        noise.cancel()

    in_turned_time(work)

    assert servers[0].refused <= 2
    assert servers[0].used("us", "others") >= 0.95


@pytest.mark.parametrize("seed", range(8))
def test_two_processes_share_it(seed: int, in_turned_time: InTime) -> None:
    """Each paces by the headers' counts, which include the other's."""
    servers: list[Server] = []

    async def work(clock: Clock) -> None:
        server = Server(clock)
        servers.append(server)
        async with asyncio.TaskGroup() as group:
            for n in range(2):
                limiter = RateLimiter(10_000, clock=clock)
                one = client(
                    server, limiter, f"process {n}", queries=105, seed=2 * seed + n
                )
                group.create_task(one)

    in_turned_time(work)

    assert servers[0].refused <= 2
    assert servers[0].used("process 0", "process 1") >= 0.95


def test_a_minute_of_300_is_used(in_turned_time: InTime) -> None:
    """At the service's usual quota: 97 % and more, none refused."""
    servers: list[Server] = []

    async def work(clock: Clock) -> None:
        server = Server(clock, allowed=300, window_s=60.0)
        servers.append(server)
        await client(server, RateLimiter(300, clock=clock), "us", queries=1500)

    in_turned_time(work)

    assert servers[0].refused == 0
    assert servers[0].used("us") >= 0.97


@pytest.mark.parametrize("reserve", [10, 20, 50])
def test_a_reserve_is_kept(reserve: int, in_turned_time: InTime) -> None:
    """No window has more of ours than our share."""
    servers: list[Server] = []

    async def work(clock: Clock) -> None:
        server = Server(clock, allowed=100, window_s=10.0)
        servers.append(server)
        limiter = RateLimiter(100_000, reserve=reserve, clock=clock)
        await client(server, limiter, "us", queries=500)

    in_turned_time(work)

    most = max(window.get("us", 0) for window in servers[0].windows)
    assert most <= 100 - reserve
    assert servers[0].used("us") >= 0.95 * (1 - reserve / 100)


def test_requests_are_spread_over_the_window(in_turned_time: InTime) -> None:
    """No burst at its start: the service refuses those even below the quota."""
    servers: list[Server] = []

    async def work(clock: Clock) -> None:
        server = Server(clock)
        servers.append(server)
        await client(server, RateLimiter(10_000, clock=clock), "us", queries=120)

    in_turned_time(work)

    at = servers[0].served_at[30:]
    in_a_second = max(sum(t <= u < t + 1 for u in at) for t in at)
    assert in_a_second <= 8  # 5 on average


def test_a_refusal_makes_careful() -> None:
    """After a 429 one request goes ahead of the others, to see."""
    server_quota = ServerQuota()
    server_quota.answer(server_quota.send(0.0), 0.1, QuotaHeaders(30, 30, 6))
    server_quota.answer(server_quota.send(0.2), 0.3, QuotaHeaders(31, 30, 6))

    scout = server_quota.send(7.0)
    while_scouting = server_quota.delay_s(7.1)
    server_quota.answer(scout, 7.2, QuotaHeaders(1, 30, 6))

    assert while_scouting == math.inf
    assert server_quota.delay_s(7.2) < 1.0


def test_nothing_is_known_before_the_first_answer() -> None:
    """Two requests go blind; the third waits for an answer."""
    server_quota = ServerQuota()

    first = server_quota.send(0.0)
    second = server_quota.send(0.0)

    assert server_quota.delay_s(0.0) == math.inf
    server_quota.answer(first, 0.1, None)
    server_quota.lose(second)
    assert server_quota.delay_s(0.1) == 0.0


def test_a_late_answer_about_the_window_before_changes_nothing() -> None:
    """Answers may overtake each other, across the end of a window too."""
    server_quota = ServerQuota()
    late = server_quota.send(0.0)
    server_quota.answer(server_quota.send(0.0), 0.1, QuotaHeaders(2, 30, 6))
    server_quota.answer(server_quota.send(6.5), 6.6, QuotaHeaders(1, 30, 6))
    known = server_quota.delay_s(6.6)

    server_quota.answer(late, 6.7, QuotaHeaders(29, 30, 1))

    assert server_quota.delay_s(6.7) == pytest.approx(known - 0.1, abs=0.05)


def test_others_who_used_it_all_do_not_silence_us_for_ever() -> None:
    """A new window is tried, however much of the last one others were seen to use."""
    server_quota = ServerQuota()
    server_quota.answer(server_quota.send(0.0), 0.1, QuotaHeaders(1, 30, 170))
    server_quota.answer(server_quota.send(20.0), 20.1, QuotaHeaders(30, 30, 150))

    first_after_s = 171.5 + server_quota.delay_s(171.5)

    assert first_after_s < 180.0
    assert server_quota.delay_s(first_after_s) == 0.0


def test_a_lost_request_may_have_been_counted() -> None:
    """It counts as counted until an answer shows it."""
    server_quota = ServerQuota()
    server_quota.answer(server_quota.send(0.0), 0.0, QuotaHeaders(28, 30, 6))

    server_quota.lose(server_quota.send(0.0))
    server_quota.lose(server_quota.send(0.0))

    assert server_quota.delay_s(1.0) > 4.0


def test_a_daily_limit_is_not_spread_over_the_day() -> None:
    """What it allows goes at the ceiling's pace; then the wait is long."""
    server_quota = ServerQuota()
    server_quota.answer(server_quota.send(0.0), 0.0, QuotaHeaders(1, 3, 40_000))

    early = server_quota.delay_s(1.0)
    for _ in range(2):
        server_quota.answer(server_quota.send(1.0), 1.0, QuotaHeaders(3, 3, 39_999))

    assert early == 0.0
    assert server_quota.delay_s(2.0) > 39_000


def test_the_last_second_of_a_window_may_be_the_first_seen() -> None:
    """A server that rounds down reports 0 seconds then."""
    server_quota = ServerQuota()

    server_quota.answer(server_quota.send(0.0), 0.0, QuotaHeaders(1, 300, 0))

    assert server_quota.delay_s(0.0) < 2.0


class TestOffered:
    """How many requests the server allowed, over the windows that were seen."""

    def test_counts_each_window_once(self) -> None:
        """Two windows of 30 are 60, however many answers reported them."""
        server_quota = ServerQuota()
        for at in (0.0, 1.0, 2.0, 6.5, 7.5):
            permit = server_quota.send(at)
            left_s = 6.0 - at % 6.0
            server_quota.answer(permit, at, QuotaHeaders(1, 30, math.ceil(left_s)))

        assert server_quota.allowed(8.0) == 60
        assert server_quota.allowed(8.0, with_open=False) == 30

    def test_a_window_that_is_over_is_not_open(self) -> None:
        """Whoever begins after its end has no part in it."""
        server_quota = ServerQuota()
        server_quota.answer(server_quota.send(0.0), 0.0, QuotaHeaders(1, 30, 6))

        assert server_quota.allowed(100.0, with_open=False) == 30

    def test_nothing_reported_is_nothing_offered(self) -> None:
        """A server without the headers reports no quota."""
        server_quota = ServerQuota()
        server_quota.answer(server_quota.send(0.0), 0.0, None)

        assert server_quota.allowed(1.0) == 0

    def test_a_refusal_in_a_guessed_window_opens_none(self) -> None:
        """A server that rounds down refuses once: its window had not ended."""
        server_quota = ServerQuota()
        server_quota.answer(server_quota.send(0.0), 0.0, QuotaHeaders(30, 30, 6))
        assert server_quota.delay_s(6.5) == 0.0  # guesses that a new window began

        server_quota.answer(server_quota.send(6.5), 6.6, QuotaHeaders(31, 30, 1))

        assert server_quota.allowed(6.7) == 30
