"""Counts requests in fixed windows.

A window opens with the first request after the last one closed. Source for the
headers: a trace in MyPureCloud/developer-center-blog (2021-05-06), whose first
request of a window reads count 1, reset 61.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Quota", "QuotaState"]


@dataclass(frozen=True, slots=True)
class QuotaState:
    """How much of a window is used.

    Args:
        count: Requests so far, including refused ones.
        allowed: Requests per window.
        left_s: Seconds until the window closes.
    """

    count: int
    allowed: int
    left_s: float

    @property
    def exceeded(self) -> bool:
        """Whether the last request exceeded the quota."""
        return self.count > self.allowed

    @property
    def wait_s(self) -> int:
        """Whole seconds after which the window is certainly closed; at least 1."""
        return max(math.ceil(self.left_s), 1)

    def headers(self) -> dict[str, str]:
        """Return the three headers that every response has."""
        return {
            "inin-ratelimit-count": str(self.count),
            "inin-ratelimit-allowed": str(self.allowed),
            "inin-ratelimit-reset": str(math.floor(self.left_s) + 1),
        }


class Quota:
    """Counts the requests of one client.

    Args:
        allowed: Requests per window; may be changed at any time.
        window_s: Length of a window in seconds.
        clock: Seconds, monotonic.
    """

    def __init__(
        self, *, allowed: int, window_s: float, clock: Callable[[], float]
    ) -> None:
        self.allowed = allowed
        self.window_s = window_s
        self._clock = clock
        self._closes_at = -math.inf
        self._count = 0

    def count(self) -> QuotaState:
        """Count one request and return the state after it."""
        if self._clock() >= self._closes_at:
            self._closes_at = self._clock() + self.window_s
            self._count = 0
        self._count += 1
        return self.state()

    def state(self) -> QuotaState:
        """Return the state without counting a request."""
        left_s = self._closes_at - self._clock()
        if left_s <= 0:
            return QuotaState(0, self.allowed, self.window_s)
        return QuotaState(self._count, self.allowed, left_s)
