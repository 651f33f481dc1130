"""The rate of requests: one limiter per token, for all tasks that share it."""

import asyncio
import math
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Protocol

from aiolimiter import AsyncLimiter

from gcbatch.genesys.client.server_quota import Permit, QuotaHeaders, ServerQuota

__all__ = ["Limiter", "QuotaExhaustedError", "RateLimiter", "make_limiter"]

WINDOW_S: Final = 60.0
MAX_WAIT_S: Final = 900.0
"""Longest wait for a window's end. Daily limits end in hours: the run then ends, and
what it fetched is kept."""

BURST_SHARE: Final = 60
"""A burst is a 60th of a minute's requests: 5 of 300, 1 of 30."""


def make_limiter(requests_per_minute: int) -> AsyncLimiter:
    """Build a limiter that stays within *requests_per_minute* in any minute.

    AsyncLimiter(300, 60) would not: its bucket starts empty and leaks while it fills,
    so that it grants 600 requests in its first minute (measured, aiolimiter 1.3). A
    small bucket grants at most a burst above the steady rate; that much is taken off.

    Args:
        requests_per_minute: Maximum of requests in any span of 60 s; 1 or more.
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


class Limiter(Protocol):
    """Says when a request may be sent; see RateLimiter."""

    async def acquire(self) -> Permit:
        """Wait until the next request may be sent."""

    def answered(self, permit: Permit, headers: QuotaHeaders | None) -> None:
        """Take in what an answer says of the quota."""

    def lost(self, permit: Permit) -> None:
        """Note that no answer will come."""

    def pause_all(self, seconds: float) -> None:
        """Let no request start for *seconds* from now."""


class RateLimiter:
    """Lets requests start at the rate that the quota allows.

    Two limits apply: the maximum of the job, in any minute; and below it what the
    server counts, in its own windows.

    Args:
        requests_per_minute: The maximum of the job.
        reserve: Percent of both limits that is left to other users.
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
        self._quota = ServerQuota(share)
        self._clock = clock
        self._paused_until = 0.0
        self._change = asyncio.Event()
        self._first_in_line = asyncio.Lock()

    async def acquire(self) -> Permit:
        """Wait until the next request may be sent; first come, first served.

        Returns:
            A permit, to be passed to answered, lost or unused.

        Raises:
            QuotaExhaustedError: If the wait would be longer than MAX_WAIT_S.
        """
        async with self._first_in_line:
            while True:
                while (wait_s := self._wait_s()) > 0:
                    if MAX_WAIT_S < wait_s < math.inf:
                        raise QuotaExhaustedError(wait_s)
                    # Answers to requests in flight may shorten or extend the wait.
                    with suppress(TimeoutError):
                        async with asyncio.timeout(wait_s):
                            await self._change.wait()
                await self._limiter.acquire()
                if self._wait_s() <= 0:
                    return self._quota.send(self._clock())

    def answered(self, permit: Permit, headers: QuotaHeaders | None) -> None:
        """Take in what an answer says of the quota; None if it says nothing."""
        self._quota.answer(permit, self._clock(), headers)
        self._wake()

    def lost(self, permit: Permit) -> None:
        """Note that no answer will come."""
        self._quota.lose(permit)
        self._wake()

    def unused(self, permit: Permit) -> None:
        """Take back a permit with which nothing was sent."""
        self._quota.take_back(permit)
        self._wake()

    def allowed(self, *, with_open: bool = True) -> int:
        """Return how many requests the server allowed; see ServerQuota.allowed."""
        return self._quota.allowed(self._clock(), with_open=with_open)

    def pause_all(self, seconds: float) -> None:
        """Let no request start for *seconds* from now."""
        self._paused_until = max(self._paused_until, self._clock() + seconds)
        self._wake()

    def _wake(self) -> None:
        self._change.set()
        self._change.clear()

    def _wait_s(self) -> float:
        now = self._clock()
        return max(self._paused_until - now, self._quota.delay_s(now))
