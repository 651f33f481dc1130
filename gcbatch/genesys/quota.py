"""Pacing: one pacer per token, for all tasks that share it."""

import asyncio
import math
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from aiolimiter import AsyncLimiter

__all__ = ["Pacer", "make_limiter"]

WINDOW_S: Final = 60.0
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


class Pacer:
    """Lets requests go at the pace of the quota; holds all of them when told to.

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
        self._share = 1 - reserve / 100
        self.per_minute = max(1, int(requests_per_minute * self._share))
        self._limiter = make_limiter(self.per_minute)
        self._clock = clock
        self._held_until = 0.0
        self._in_flight = 0
        self._allowed = math.inf
        self._count = 0
        self._room = math.inf
        self._window_ends = 0.0
        self._news = asyncio.Event()

    async def turn(self) -> None:
        """Return when the next request may be sent; call done when it was answered."""
        while True:
            while (wait_s := self._wait_s()) > 0:
                # Answers to what is in flight may say that there is room after all,
                # or that the wait is longer.
                with suppress(TimeoutError):
                    async with asyncio.timeout(wait_s):
                        await self._news.wait()
            await self._limiter.acquire()
            if self._wait_s() <= 0:
                self._in_flight += 1
                self._room -= 1
                return

    def done(self) -> None:
        """Note that a request is no longer in flight; then observe what it says."""
        self._in_flight -= 1

    def hold(self, seconds: float) -> None:
        """Let nobody go for *seconds* from now."""
        self._held_until = max(self._held_until, self._clock() + seconds)

    def observe(self, *, count: int, allowed: int, reset_s: float) -> None:
        """Take in what the server counts; hold when its window is full.

        Requests in flight may or may not be counted yet: they are taken as not, and
        the answers to them put it right. None is sent only to be refused.

        Args:
            count: Requests that it counted in its current window, others' included.
            allowed: Requests that it allows in a window.
            reset_s: Seconds until the window ends.
        """
        now = self._clock()
        if now < self._window_ends:
            count = max(count, self._count)  # answers may come out of order
        self._count, self._window_ends = count, now + reset_s
        self._allowed = max(1, int(allowed * self._share))
        self._room = self._allowed - count - self._in_flight
        self._news.set()
        self._news.clear()

    def _wait_s(self) -> float:
        now = self._clock()
        if now >= self._window_ends:
            # A new window, as long as any until an answer tells more of it.
            self._count, self._window_ends = 0, now + WINDOW_S
            self._room = self._allowed - self._in_flight
        full_s = self._window_ends - now if self._room < 1 else 0.0
        return max(self._held_until - now, full_s)
