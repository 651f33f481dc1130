"""Which failed requests are repeated, how often, and after how long.

Pure: no I/O; the clock and the jitter are arguments.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final

from gcbatch.errors import ErrorResponse

__all__ = [
    "HURRIED_ATTEMPTS",
    "HURRIED_MAX_RETRY_AFTER_S",
    "MAX_ATTEMPTS",
    "MAX_BACKOFF_S",
    "MAX_RETRY_AFTER_S",
    "RETRY_RULES",
    "RetryBudget",
    "RetryRule",
    "backoff_s",
    "parse_date",
    "retry_after_s",
    "rule_for",
]

MAX_ATTEMPTS: Final = 12
MAX_BACKOFF_S: Final = 60.0
MAX_RETRY_AFTER_S: Final = 180.0
"""Longest wait that the service may ask for. Daily limits ask for hours: the run then
fails with their message. The service's Java and Go clients give up at this figure."""

HURRIED_ATTEMPTS: Final = 4
"""Attempts of a request that a run can do without, such as one for names. A short
failure is over after the 1, 2 and 4 s between them."""

HURRIED_MAX_RETRY_AFTER_S: Final = 60.0
"""Longest wait that the service may ask for with such a request. The windows of the
quota are a minute long."""

# Two texts are known: `Retry the request in [3] seconds`, and an older one with the
# limit first, `exceeded the maximum [300] requests within [60] seconds`.
_SECONDS: Final = re.compile(r"in \[(\d+)\] seconds")


def retry_after_s(
    headers: Mapping[str, str], message: str, now: datetime
) -> float | None:
    """Return how long the service asks to wait, in seconds; None if it does not say.

    Args:
        headers: The headers of the answer; looked up without regard to case.
        message: The message of the error.
        now: For a Retry-After that names a date.

    Returns:
        Retry-After if there is one, else the number in the message, else the time to
        the reset of the rate limit's window.
    """
    retry_after = headers.get("Retry-After", "").strip()
    if retry_after.isdecimal():
        return float(retry_after)
    if retry_after and (at := parse_date(retry_after)):
        return max(0.0, (at - now).total_seconds())
    if match := _SECONDS.search(message):
        return float(match[1])
    reset = headers.get("inin-ratelimit-reset", "").strip()
    return float(reset) if reset.isdecimal() else None


def parse_date(text: str) -> datetime | None:
    """Return the date of a header, in UTC; None if it is no date."""
    try:
        date = parsedate_to_datetime(text)
        return date.astimezone(UTC) if date.tzinfo else date.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


@dataclass(frozen=True, slots=True)
class RetryRule:
    """Which failed requests are repeated, and how.

    Args:
        statuses: The statuses of the error responses that it applies to.
        is_quota: Whether they mean that the quota is used up. All requests then wait,
            for as long as Retry-After, the message or the quota's headers say. If not,
            this request alone waits, and Retry-After alone counts.
        is_heavy: Says whether such an answer may mean that the query is too large,
            given whether others were served meanwhile.
    """

    statuses: tuple[int, ...]
    is_quota: bool = False
    is_heavy: Callable[[bool], bool] = lambda _others_served: False


RETRY_RULES: Final = (
    # If others are served while the quota is used up, this query costs too much.
    RetryRule(
        (HTTPStatus.TOO_MANY_REQUESTS,),
        is_quota=True,
        is_heavy=lambda others_served: others_served,
    ),
    # The service did not answer in time, perhaps because the query is too large.
    RetryRule((HTTPStatus.GATEWAY_TIMEOUT,), is_heavy=lambda _others_served: True),
    # The service cannot answer now.
    RetryRule(
        (
            HTTPStatus.REQUEST_TIMEOUT,
            HTTPStatus.INTERNAL_SERVER_ERROR,
            HTTPStatus.BAD_GATEWAY,
            HTTPStatus.SERVICE_UNAVAILABLE,
        )
    ),
)
"""Which failed requests are repeated. The first rule that fits applies."""


def rule_for(error: ErrorResponse) -> RetryRule | None:
    """Return the rule by which a failed request is repeated; None if it is not."""
    return next((rule for rule in RETRY_RULES if error.status in rule.statuses), None)


def backoff_s(attempt: int) -> float:
    """Return our own wait after a failed attempt (the first is 1), without jitter."""
    return float(min(2.0 ** (attempt - 1), MAX_BACKOFF_S))


@dataclass
class RetryBudget:
    """Counts the attempts of one call.

    Args:
        give_up_s: How long to try an address that cannot be reached.
        clock: Monotonic seconds.
        jitter: Returns a factor from 0.5 to 1 for each wait, so that tasks that failed
            at the same moment do not come back at the same moment.
        hurried: Whether the request is one that a run can do without.

    Attributes:
        failed: Attempts that failed so far.
    """

    give_up_s: float
    clock: Callable[[], float]
    jitter: Callable[[], float]
    hurried: bool = False
    failed: int = field(default=0, init=False)
    _unreachable_since: float | None = field(default=None, init=False)

    @property
    def max_asked_s(self) -> float:
        """Longest wait that the service may ask for."""
        return HURRIED_MAX_RETRY_AFTER_S if self.hurried else MAX_RETRY_AFTER_S

    def wait_s(
        self, *, asked_s: float | None = None, unreachable: bool = False
    ) -> float | None:
        """Count a failure; return the seconds to wait before the next attempt.

        Args:
            asked_s: How long the service asks to wait. It overrides our own schedule,
                because only the service knows when its window reopens.
            unreachable: Whether no connection was made.

        Returns:
            Seconds; None when it is time to give up, or *asked_s* is more than
            max_asked_s.
        """
        self.failed += 1
        own = backoff_s(self.failed) * self.jitter()
        if unreachable:
            now = self.clock()
            if self._unreachable_since is None:
                self._unreachable_since = now
            left = self._unreachable_since + self.give_up_s - now
            return min(own, left) if left > 0 else None
        self._unreachable_since = None
        if self.failed >= (HURRIED_ATTEMPTS if self.hurried else MAX_ATTEMPTS):
            return None
        if asked_s is None:
            return own
        return asked_s + self.jitter() if asked_s <= self.max_asked_s else None
