"""Which failed requests are repeated, how often, and after how long.

Pure: no I/O; time and chance are arguments.
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
    "of_status",
    "retry_after_header_s",
    "retry_after_s",
    "rule_for",
]

MAX_ATTEMPTS: Final = 12
MAX_BACKOFF_S: Final = 60.0
MAX_RETRY_AFTER_S: Final = 180.0
"""Daily limits ask for hours; better to fail with their words than to sleep a day.
The service's Java and Go clients give up at the same figure."""

HURRIED_ATTEMPTS: Final = 4
"""Of a request that a run can do without: a hiccup is over after the 1, 2 and 4 s
between them, and who waits for names waits for nothing more."""

HURRIED_MAX_RETRY_AFTER_S: Final = 60.0
"""Likewise; the windows of the quota are a minute long."""

# Two texts are known: `Retry the request in [3] seconds`, and an older one with the
# limit first, `exceeded the maximum [300] requests within [60] seconds`.
_SECONDS: Final = re.compile(r"in \[(\d+)\] seconds")


def retry_after_s(
    headers: Mapping[str, str], message: str, now: datetime
) -> float | None:
    """Return how long the service says to wait, in seconds, or None.

    Args:
        headers: Of the answer; looked up without regard to case.
        message: The error's own words.
        now: For a Retry-After that names a date.

    Returns:
        Retry-After if there is one, else the number in the message, else the time to
        the reset of the rate limit's window.
    """
    retry_after = headers.get("Retry-After", "").strip()
    if retry_after.isdecimal():
        return float(retry_after)
    if retry_after:
        try:
            at = parsedate_to_datetime(retry_after)
        except (ValueError, OverflowError):
            pass
        else:
            if at.tzinfo is None:
                at = at.replace(tzinfo=UTC)
            return max(0.0, (at - now).total_seconds())
    if match := _SECONDS.search(message):
        return float(match[1])
    reset = headers.get("inin-ratelimit-reset", "").strip()
    return float(reset) if reset.isdecimal() else None


def retry_after_header_s(
    headers: Mapping[str, str], message: str, now: datetime
) -> float | None:
    """Return how long the service says to wait, if it does by Retry-After at all."""
    return retry_after_s(headers, message, now) if "Retry-After" in headers else None


def of_status(*statuses: int) -> Callable[[ErrorResponse], bool]:
    """Return what tells refusals of some HTTP statuses from others."""
    return lambda refusal: refusal.status in statuses


@dataclass(frozen=True, slots=True)
class RetryRule:
    """Which refused requests are repeated, and how.

    Args:
        fits: Says whether a refusal is one of them.
        told_s: Returns how long the service says to wait, in seconds, of the headers
            and the words of its answer and the time; None if it does not say.
        holds_all: Whether everyone waits, and not just this request.
        is_heavy: Says whether such an answer may mean that too much was asked, by
            whether others were served meanwhile.
    """

    fits: Callable[[ErrorResponse], bool]
    told_s: Callable[[Mapping[str, str], str, datetime], float | None] = (
        retry_after_header_s
    )
    holds_all: bool = False
    is_heavy: Callable[[bool], bool] = lambda _others_served: False


RETRY_RULES: Final = (
    # The quota is used up: all tasks wait, as long as the service says. Where others
    # are served meanwhile, it is this query that costs too much.
    RetryRule(
        of_status(HTTPStatus.TOO_MANY_REQUESTS),
        told_s=retry_after_s,
        holds_all=True,
        is_heavy=lambda others_served: others_served,
    ),
    # The service did not answer in time, perhaps because the query is too large.
    RetryRule(
        of_status(HTTPStatus.GATEWAY_TIMEOUT), is_heavy=lambda _others_served: True
    ),
    # The service cannot answer now.
    RetryRule(
        of_status(
            HTTPStatus.REQUEST_TIMEOUT,
            HTTPStatus.INTERNAL_SERVER_ERROR,
            HTTPStatus.BAD_GATEWAY,
            HTTPStatus.SERVICE_UNAVAILABLE,
        )
    ),
)
"""Which refused requests are repeated. The first rule that fits applies."""


def rule_for(refusal: ErrorResponse) -> RetryRule | None:
    """Return the rule by which a refused request is repeated; None if it is not."""
    return next((rule for rule in RETRY_RULES if rule.fits(refusal)), None)


def backoff_s(attempt: int) -> float:
    """Return our own wait after a failed attempt (the first is 1), without jitter."""
    return float(min(2.0 ** (attempt - 1), MAX_BACKOFF_S))


@dataclass
class RetryBudget:
    """Counts the attempts of one call.

    Args:
        give_up_s: How long an address that cannot be reached is tried.
        clock: Monotonic seconds.
        jitter: A factor from 0.5 to 1, drawn again for each wait, so that tasks that
            failed together do not come back together.
        most: Attempts in total.
    """

    give_up_s: float
    clock: Callable[[], float]
    jitter: Callable[[], float]
    most: int = MAX_ATTEMPTS
    made: int = 0
    _unreachable_since: float | None = field(default=None, init=False)

    def wait_s(
        self, *, told_s: float | None = None, unreachable: bool = False
    ) -> float | None:
        """Note a failure; return the seconds to wait before trying again.

        Args:
            told_s: What the service said; wins over our own schedule, because only
                it knows when its window reopens. More than MAX_TOLD_WAIT_S is not
                waited for.
            unreachable: Whether there was nobody to answer.

        Returns:
            Seconds, or None when it is time to give up.
        """
        self.made += 1
        own = backoff_s(self.made) * self.jitter()
        if unreachable:
            now = self.clock()
            if self._unreachable_since is None:
                self._unreachable_since = now
            left = self._unreachable_since + self.give_up_s - now
            return min(own, left) if left > 0 else None
        self._unreachable_since = None
        if self.made >= self.most:
            return None
        if told_s is None:
            return own
        return told_s + self.jitter() if told_s <= MAX_RETRY_AFTER_S else None
