"""Pacing: one pacer per token, for all tasks that share it."""

import asyncio
from collections.abc import Callable
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

    async def turn(self) -> None:
        """Return when the next request may be sent."""
        while True:
            # The hold may have been lengthened meanwhile, hence a loop.
            while (held_s := self._held_until - self._clock()) > 0:  # noqa: ASYNC110 - it is a time that is waited for, no event
                await asyncio.sleep(held_s)
            await self._limiter.acquire()
            if self._held_until <= self._clock():
                return

    def hold(self, seconds: float) -> None:
        """Let nobody go for *seconds* from now."""
        self._held_until = max(self._held_until, self._clock() + seconds)

    def observe(self, *, count: int, allowed: int, reset_s: float) -> None:
        """Take in what the server counts; hold when its window is full.

        Args:
            count: Requests that it counted in its current window, others' included.
            allowed: Requests that it allows in a window.
            reset_s: Seconds until the window ends.
        """
        if count >= max(1, int(allowed * self._share)):
            self.hold(reset_s)
