"""Waiting before a request is repeated, and giving up when that no longer helps."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Final

from gcbatch.errors import ErrorResponse, OutOfReachError, ServiceError, TooLargeError
from gcbatch.genesys import RetryBudget, RetryRule, Traffic, parse_date, retry_after_s
from gcbatch.genesys.client.error_response import to_exception
from gcbatch.genesys.client.transport import (
    ANALYTICS,
    ConnectError,
    ForeignAnswerError,
    ReadError,
    ReadTimeoutError,
    Response,
)

__all__ = ["Retrier", "RetrySettings", "wait_too_long_error"]

HEAVY_ANSWERS: Final = 4
"""After so many answers 504 to one query, or 429 while others pass, the query counts as
too large."""


@dataclass
class RetrySettings:
    """The settings and counts that all retriers of one client share.

    Args:
        give_up_s: How long to try an address that cannot be reached.
        pause_all: Makes all calls wait for some seconds after a 429: they share the
            quota.
        clock: Monotonic seconds.
        traffic: Counts the waits.
        on_wait: Is called before every wait, with its seconds and its cause.
    """

    give_up_s: float
    pause_all: Callable[[float], None]
    clock: Callable[[], float]
    traffic: Traffic = field(default_factory=Traffic)
    on_wait: Callable[[float, str], None] = lambda _seconds, _cause: None


class Retrier:
    """Waits between the attempts of one call, and ends them with an error.

    Args:
        settings: The settings of the client.
        call: The call's name in errors.
        can_split: Whether the caller can split the request.
        hurried: Whether to give up soon: after a timeout there is no other attempt, and
            no wait is longer than a minute.
    """

    def __init__(
        self,
        settings: RetrySettings,
        call: str,
        *,
        can_split: bool = False,
        hurried: bool = False,
    ) -> None:
        self._settings = settings
        self._call = call
        self._budget = RetryBudget(
            give_up_s=settings.give_up_s,
            clock=settings.clock,
            # Jitter only has to spread tasks apart; nothing secret depends on it.
            jitter=lambda: random.uniform(0.5, 1.0),  # noqa: S311
            hurried=hurried,
        )
        self._answered_before = settings.traffic.answered[HTTPStatus.OK]
        self._heavy_answers = 0
        self.can_split = can_split

    @property
    def failed(self) -> int:
        """Attempts that failed so far."""
        return self._budget.failed

    async def after_loss(self, loss: ConnectError | ReadError) -> None:
        """Wait after an attempt that brought no usable answer.

        Raises:
            ServiceError: When it is time to give up.
        """
        wait_s = self._budget.wait_s(unreachable=isinstance(loss, ConnectError))
        is_slow = self._budget.hurried and isinstance(loss, ReadTimeoutError)
        if wait_s is not None and not is_slow:
            cause = "unreachable" if isinstance(loss, ConnectError) else loss.cause
            await self._wait(wait_s, cause)
            return
        if isinstance(loss, ConnectError):
            msg = f"{self._call}: cannot be reached: {loss}"
            hint = "check region, domain or api_url, the network and proxies"
            raise OutOfReachError(msg, hint=hint) from loss
        attempts = f"{self.failed} attempt{'s' * (self.failed > 1)}"
        msg = f"{self._call}: no usable answer in {attempts}: {loss}"
        hint = loss.hint
        if ANALYTICS in self._call and not isinstance(loss, ForeignAnswerError):
            hint += ", or set a shorter fetch.chunk"
        raise ServiceError(msg, hint=hint) from loss

    async def after_refusal(
        self, refusal: ErrorResponse, response: Response, rule: RetryRule
    ) -> None:
        """Wait after an error response that may not come again.

        Args:
            refusal: The error.
            response: The answer that it was read from, for its headers.
            rule: The rule by which the request is repeated.

        Raises:
            TooLargeError: If the caller can split the request, which seems to be too
                large for the service.
            GcbatchError: The error itself, when it is time to give up.
        """
        # While no request is answered, the size of this one is not the cause.
        answered = self._settings.traffic.answered[HTTPStatus.OK]
        self._heavy_answers += rule.is_heavy(answered > self._answered_before)
        if self.can_split and self._heavy_answers >= HEAVY_ANSWERS:
            raise TooLargeError(str(refusal), response=refusal)
        # A Retry-After with a date is by the clock of the machine that sent it.
        now = parse_date(response.headers.get("Date", "")) or datetime.now(UTC)
        asked_s = None
        if rule.is_quota or "Retry-After" in response.headers:
            asked_s = retry_after_s(response.headers, refusal.message, now)
        if asked_s is not None and asked_s > self._budget.max_asked_s:
            raise wait_too_long_error(asked_s, f"{refusal}", now=now, refusal=refusal)
        wait_s = self._budget.wait_s(asked_s=asked_s)
        if wait_s is None:
            raise to_exception(refusal)
        if rule.is_quota:
            self._settings.pause_all(wait_s)
        await self._wait(wait_s, str(refusal.status))

    def after_stale_token(self, refusal: ErrorResponse) -> None:
        """Count a 401; the next attempt has another token, and needs no wait.

        Raises:
            GcbatchError: The error itself, when it is time to give up.
        """
        if self._budget.wait_s(asked_s=0.0) is None:
            raise to_exception(refusal)
        self._settings.traffic.retries[str(refusal.status)] += 1

    async def _wait(self, seconds: float, cause: str) -> None:
        traffic = self._settings.traffic
        traffic.retries[cause] += 1
        traffic.waited_s += seconds
        self._settings.on_wait(seconds, cause)
        await asyncio.sleep(seconds)


def wait_too_long_error(
    wait_s: float, why: str, *, now: datetime, refusal: ErrorResponse | None = None
) -> ServiceError:
    """Return the error for a wait that is too long for a run, such as a daily limit.

    Args:
        wait_s: How long; may be infinite.
        why: The cause of the wait.
        now: UTC.
        refusal: The error response that asks for the wait.
    """
    try:
        at = f"{now + timedelta(seconds=wait_s):%Y-%m-%d %H:%M:%S} UTC"
    except (OverflowError, ValueError):
        at = "an unknown time"
    msg = f"{why}: the service accepts no request before {at}"
    hint = f"run it again after {at}; what was fetched stays in the store"
    return OutOfReachError(msg, hint=hint, response=refusal)
