"""Pacing: one pacer per token, for all tasks that share it."""

import asyncio
import math
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from aiolimiter import AsyncLimiter

from gcbatch.genesys.client.server_quota import Permit, QuotaHeaders, ServerQuota

__all__ = ["QuotaExhaustedError", "RateLimiter", "make_limiter"]

WINDOW_S: Final = 60.0
MAX_WAIT_S: Final = 900.0
"""Longest wait for a window's end. Daily limits end in hours: then the run ends, and
what it fetched is kept."""

BURST_SHARE: Final = 60
"""A burst is a 60th of a minute's requests: 5 of 300, 1 of 30."""


def make_limiter(requests_per_minute: int) -> AsyncLimiter:
    """Build a limiter that stays within *requests_per_minute* in any minute.

    AsyncLimiter(300, 60) would not: its bucket starts empty and leaks while it fills,
    so that it grants 600 requests in its first minute (measured, aiolimiter 1.3). A
    small bucket grants at most a burst above the steady rate; that much is taken off.

    Args:
        requests_per_minute: Most requests in any span of 60 s; 1 or more.
    """
    burst = max(1, requests_per_minute // BURST_SHARE)
    steady = requests_per_minute - (burst - 1)
    return AsyncLimiter(max_rate=burst, time_period=WINDOW_S * burst / steady)


class QuotaExhaustedError(Exception):
    """The quota is used up for longer than a run should wait.

    Args:
        wait_s: Seconds until its window ends.
    """

    def __init__(self, wait_s: float) -> None:
        super().__init__(f"{wait_s:.0f} s")
        self.wait_s = wait_s


class RateLimiter:
    """Lets requests go at the pace of the quota; holds all of them when told to.

    Two things set the pace: the ceiling of the job, in any minute; and below it what
    the server counts, in its own windows.

    Args:
        requests_per_minute: The ceiling.
        reserve: Percent of it, and of what the server allows, left to other users.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        requests_per_minute: int,
        *,
        reserve: float = 0,
        clock: Callable[[], float],
    ) -> None:
        share = 1 - reserve / 100
        self.per_minute = max(1, int(requests_per_minute * share))
        self._limiter = make_limiter(self.per_minute)
        self._budget = ServerQuota(share)
        self._clock = clock
        self._held_until = 0.0
        self._news = asyncio.Event()
        self._gate = asyncio.Lock()

    async def turn(self) -> Permit:
        """Return when the next request may be sent, in the order of asking.

        Returns:
            A ticket, to be handed to answered or lost.

        Raises:
            QuotaSpentError: If that is further off than MAX_WAIT_S.
        """
        async with self._gate:
            while True:
                while (wait_s := self._wait_s()) > 0:
                    if MAX_WAIT_S < wait_s < math.inf:
                        raise QuotaExhaustedError(wait_s)
                    # Answers to what is in flight may say that there is room after
                    # all, or that the wait is longer.
                    with suppress(TimeoutError):
                        async with asyncio.timeout(wait_s):
                            await self._news.wait()
                await self._limiter.acquire()
                if self._wait_s() <= 0:
                    return self._budget.send(self._clock())

    def answered(self, ticket: Permit, standing: QuotaHeaders | None) -> None:
        """Take in what an answer says of the quota; None if it says nothing."""
        self._budget.answer(ticket, self._clock(), standing)
        self._tell()

    def lost(self, ticket: Permit) -> None:
        """Note that no answer will come."""
        self._budget.lose(ticket)
        self._tell()

    def unused(self, ticket: Permit) -> None:
        """Take a ticket back that nothing was sent with."""
        self._budget.take_back(ticket)
        self._tell()

    def offered(self, *, open_too: bool = True) -> int:
        """Return how many requests the server allowed so far; see Budget.offered."""
        return self._budget.offered(self._clock(), open_too=open_too)

    def hold(self, seconds: float) -> None:
        """Let nobody go for *seconds* from now."""
        self._held_until = max(self._held_until, self._clock() + seconds)
        self._tell()

    def _tell(self) -> None:
        self._news.set()
        self._news.clear()

    def _wait_s(self) -> float:
        now = self._clock()
        return max(self._held_until - now, self._budget.delay_s(now))
