"""The server's own count of requests, and when the next one fits into it. Pure.

The server counts requests in windows and says with every answer how many it counted,
how many it allows, and in how many whole seconds the window ends. From many answers
the end becomes known to within a request's spacing; what is left of it is spread
over what is left of its time, others' requests taken off as far as they were seen.

The length of a window is learnt, never assumed: an end that is told later than the
known one belongs to a new window.
"""

import math
from dataclasses import dataclass
from typing import Final

__all__ = ["SPREAD_MOST_S", "Permit", "QuotaHeaders", "ServerQuota"]

BLIND_REQUESTS: Final = 2
"""In flight at once before the first answer told how much is allowed."""

SPREAD_MOST_S: Final = 900.0
"""Windows longer than this (daily limits) are not spread over: what they allow is used
as fast as it may, and then the run ends with the time to come back at."""


@dataclass(frozen=True, slots=True)
class QuotaHeaders:
    """What an answer says of the quota.

    Args:
        count: Requests that the server counted in its window, others' included.
        allowed: Requests that it allows in a window.
        reset_s: Whole seconds until the window ends, rounded by the server.
    """

    count: int
    allowed: int
    reset_s: float


@dataclass(eq=False, slots=True)
class Permit:
    """A request that may be sent.

    Args:
        sent_at: When, by the budget's clock.
        opened: Whether it was sent in the belief that a new window had begun.
    """

    sent_at: float
    opened: bool


class ServerQuota:
    """What one client may still send, as far as its answers tell.

    All times are seconds of one monotonic clock.

    Args:
        share: Part of the quota to use, more than 0, at most 1.
    """

    def __init__(self, share: float = 1.0) -> None:
        self._share = share
        self._allowed: int | None = None
        self._told_nothing = False
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
        self._careful = False
        self._offered_before = 0

    def offered(self, now: float, *, open_too: bool = True) -> int:
        """Return how many requests the server allowed, over the windows seen so far.

        Args:
            now: Seconds of the clock.
            open_too: Whether to count the window that *now* is in.
        """
        is_open = now < self._latest_end and not self._is_guess
        if is_open and not open_too:
            return self._offered_before
        return self._offered_before + (self._allowed or 0)

    def delay_s(self, now: float) -> float:
        """Return how long the next request has to wait; 0 is not at all.

        The wait may end sooner when an answer comes: ask again then.
        """
        if self._told_nothing:
            return 0.0
        if self._allowed is None:
            # Nothing is known yet; an answer will wake whoever waits.
            return math.inf if len(self._in_flight) >= BLIND_REQUESTS else 0.0
        if self._careful and self._in_flight:
            return math.inf
        if now >= self._latest_end:
            self._guess_new_window(now)
        left_s = self._latest_end - now
        room = self._room()
        others_per_s = self._others_per_s
        unseen = others_per_s * min(now - self._seen_at, left_s)
        if room - math.ceil(unseen) <= 0:
            return left_s
        if self._length_s > SPREAD_MOST_S:
            return 0.0
        # One gap more than requests, so that the last of them is well inside.
        usable = max(1.0, room - others_per_s * left_s)
        return max(0.0, self._last_sent + left_s / (usable + 1) - now)

    def send(self, now: float) -> Permit:
        """Note that a request is sent now."""
        ticket = Permit(now, opened=self._is_guess)
        self._in_flight.add(ticket)
        self._last_sent = now
        return ticket

    def take_back(self, ticket: Permit) -> None:
        """Note that a request was not sent after all."""
        self._in_flight.discard(ticket)

    def lose(self, ticket: Permit) -> None:
        """Note that a request got no answer; the server may have counted it."""
        if ticket in self._in_flight:
            self._in_flight.discard(ticket)
            self._count += 1

    def answer(self, ticket: Permit, now: float, standing: QuotaHeaders | None) -> None:
        """Take in what an answer says.

        Args:
            ticket: Of its request.
            now: When it came.
            standing: What it says; None where it says nothing of a quota.
        """
        self._in_flight.discard(ticket)
        self._careful = False
        self._told_nothing = standing is None and self._allowed is None
        if standing is None:
            return
        refused = standing.count > standing.allowed
        if refused and ticket.opened and not self._slack_s:
            # The old window had not ended: this server rounds the time down.
            self._slack_s = 1.0
        self._careful = refused
        earliest = ticket.sent_at + standing.reset_s - 1.0
        latest = now + standing.reset_s + self._slack_s
        known = self._allowed is not None and not self._is_guess
        if known and latest < self._earliest_end:
            return  # an answer about the window before, come late
        if known and earliest <= self._latest_end:
            self._count = max(self._count, standing.count)
            self._ours_since += 1
            self._earliest_end = max(self._earliest_end, earliest)
            self._latest_end = max(self._earliest_end, min(self._latest_end, latest))
        else:
            if not (refused and ticket.opened):  # else the old window goes on
                self._offered_before += self._allowed or 0
            self._count = self._first_count = standing.count
            self._ours_since, self._first_seen = 0, now
            self._earliest_end, self._latest_end = earliest, latest
            self._is_guess = False
        self._length_s = max(self._length_s, standing.reset_s)
        self._allowed = standing.allowed
        self._seen_at = now
        self._watch_others(now)

    def _room(self) -> int:
        """Return how many requests still fit into the window, those in flight off."""
        limit = max(1, math.floor((self._allowed or 0) * self._share))
        return limit - self._count - len(self._in_flight)

    def _watch_others(self, now: float) -> None:
        """Learn how fast others use the quota, over enough of a window to tell."""
        seen_s = now - self._first_seen
        if seen_s > 0 and seen_s >= self._length_s / 10:
            others = self._count - self._first_count - self._ours_since
            self._others_per_s = max(0, others) / seen_s

    def _guess_new_window(self, now: float) -> None:
        """Take it that a new window, as long as any before, begins now."""
        self._count = 0
        self._earliest_end = now
        self._latest_end = now + max(self._length_s, 1.0)
        # Of this window others have used nothing yet. Whoever took the time since the
        # last answer for theirs would never ask again, and never learn otherwise.
        self._seen_at = now
        self._is_guess = True
