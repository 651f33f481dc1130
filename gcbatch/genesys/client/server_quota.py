"""When the next request fits into the quota that the server reports. Pure.

The server counts requests in windows. Every answer says how many it counted, how many
it allows, and in how many whole seconds the window ends. Many answers give the end to
within the time between two requests. The requests that are left are spread over the
time that is left, without those that other users are expected to send.

The length of a window is learnt, never assumed: an end later than the known one belongs
to a new window.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

__all__ = ["MAX_SPREAD_S", "Permit", "QuotaHeaders", "ServerQuota"]

BLIND_REQUESTS: Final = 2
"""Requests in flight before the first answer says how many are allowed."""

MAX_SPREAD_S: Final = 900.0
"""Requests are not spread over longer windows (daily limits): they are sent as fast as
allowed, and then the run ends with the time when more are."""

MAX_DIGITS: Final = 9
"""Digits of a number in a header; a longer one is no count of requests or seconds."""


@dataclass(frozen=True, slots=True)
class QuotaHeaders:
    """The quota, as the headers of an answer report it.

    Args:
        count: Requests that the server counted in its window, of all users.
        allowed: Requests that it allows in a window.
        reset_s: Whole seconds until the window ends, rounded by the server.
    """

    count: int
    allowed: int
    reset_s: float

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> Self | None:
        """Return the quota in the headers of an answer; None if a header is missing."""
        texts = [
            headers.get(f"inin-ratelimit-{name}", "")
            for name in ("count", "allowed", "reset")
        ]
        if not all(text.isdecimal() and len(text) <= MAX_DIGITS for text in texts):
            return None
        return cls(*map(int, texts))


@dataclass(eq=False, slots=True)
class Permit:
    """A request that may be sent.

    Args:
        sent_at: When, in seconds of the quota's clock.
        opened: Whether it was sent on the guess that a new window had begun.
    """

    sent_at: float
    opened: bool


class ServerQuota:
    """Computes when one client may send, from the headers of its answers.

    All times are seconds of one monotonic clock.

    Args:
        share: Part of the quota to use, more than 0, at most 1.
    """

    def __init__(self, share: float = 1.0) -> None:
        self._share = share
        self._allowed: int | None = None
        self._has_no_limit = False
        self._count = 0
        self._others_per_s = 0.0
        self._ours_since = 0
        self._first_count = 0
        self._first_seen = -math.inf
        self._earliest_end = self._latest_end = -math.inf
        self._length_s = 0.0
        self._slack_s = 0.0
        self._is_guess = False
        self._in_flight: set[Permit] = set()
        self._last_sent = -math.inf
        self._seen_at = -math.inf
        self._one_at_a_time = False
        self._allowed_before = 0

    def allowed(self, now: float, *, with_open: bool = True) -> int:
        """Return how many requests the server allowed, over the windows seen so far.

        Args:
            now: Seconds of the clock.
            with_open: Whether to count the window that *now* is in.
        """
        is_open = now < self._latest_end and not self._is_guess
        if is_open and not with_open:
            return self._allowed_before
        return self._allowed_before + (self._allowed or 0)

    def delay_s(self, now: float) -> float:
        """Return how long the next request has to wait; 0 for no wait.

        An answer that comes meanwhile may change the wait.
        """
        if self._has_no_limit:
            return 0.0
        if self._allowed is None:
            # Nothing is known yet: wait for an answer.
            return math.inf if len(self._in_flight) >= BLIND_REQUESTS else 0.0
        if self._one_at_a_time and self._in_flight:
            return math.inf
        if now >= self._latest_end:
            self._guess_new_window(now)
        left_s = self._latest_end - now
        remaining = self._remaining()
        others_per_s = self._others_per_s
        unseen = others_per_s * min(now - self._seen_at, left_s)
        if remaining - math.ceil(unseen) <= 0:
            return left_s
        if self._length_s > MAX_SPREAD_S:
            return 0.0
        # One gap more than requests, so that the last one is well inside the window.
        usable = max(1.0, remaining - others_per_s * left_s)
        return max(0.0, self._last_sent + left_s / (usable + 1) - now)

    def send(self, now: float) -> Permit:
        """Note that a request is sent now."""
        permit = Permit(now, opened=self._is_guess)
        self._in_flight.add(permit)
        self._last_sent = now
        return permit

    def take_back(self, permit: Permit) -> None:
        """Note that a request was not sent after all."""
        self._in_flight.discard(permit)

    def lose(self, permit: Permit) -> None:
        """Note that a request got no answer; the server may have counted it."""
        if permit in self._in_flight:
            self._in_flight.discard(permit)
            self._count += 1

    def answer(self, permit: Permit, now: float, headers: QuotaHeaders | None) -> None:
        """Take in what an answer says.

        Args:
            permit: The permit of the request.
            now: When it came.
            headers: What it says; None if it says nothing of a quota.
        """
        self._in_flight.discard(permit)
        self._one_at_a_time = False
        self._has_no_limit = headers is None and self._allowed is None
        if headers is None:
            return
        refused = headers.count > headers.allowed
        if refused and permit.opened and not self._slack_s:
            # The old window had not ended: this server rounds the time down.
            self._slack_s = 1.0
        self._one_at_a_time = refused
        earliest = permit.sent_at + headers.reset_s - 1.0
        latest = now + headers.reset_s + self._slack_s
        known = self._allowed is not None and not self._is_guess
        if known and latest < self._earliest_end:
            return  # a late answer, about the window before
        if known and earliest <= self._latest_end:
            self._count = max(self._count, headers.count)
            self._ours_since += 1
            self._earliest_end = max(self._earliest_end, earliest)
            self._latest_end = max(self._earliest_end, min(self._latest_end, latest))
        else:
            if not (refused and permit.opened):  # if so, the old window goes on
                self._allowed_before += self._allowed or 0
            self._count = self._first_count = headers.count
            self._ours_since, self._first_seen = 0, now
            self._earliest_end, self._latest_end = earliest, latest
            self._is_guess = False
        self._length_s = max(self._length_s, headers.reset_s)
        self._allowed = headers.allowed
        self._seen_at = now
        self._watch_others(now)

    def _remaining(self) -> int:
        """Return how many requests the window still allows beside those in flight."""
        limit = max(1, math.floor((self._allowed or 0) * self._share))
        return limit - self._count - len(self._in_flight)

    def _watch_others(self, now: float) -> None:
        """Learn how fast others use the quota, once a tenth of a window is seen."""
        seen_s = now - self._first_seen
        if seen_s > 0 and seen_s >= self._length_s / 10:
            others = self._count - self._first_count - self._ours_since
            self._others_per_s = max(0, others) / seen_s

    def _guess_new_window(self, now: float) -> None:
        """Assume that a new window begins now, as long as the longest so far."""
        self._count = 0
        self._earliest_end = now
        self._latest_end = now + max(self._length_s, 1.0)
        # Others have used nothing of this window yet. A client that counted the time
        # since the last answer as theirs would never send again, nor learn more.
        self._seen_at = now
        self._is_guess = True
