"""Waiting before a request is repeated, and giving up when that no longer helps."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Final

from gcbatch.errors import ErrorResponse, OutOfReachError, ServiceError, TooLargeError
from gcbatch.genesys import (
    HURRIED_ATTEMPTS,
    HURRIED_MAX_RETRY_AFTER_S,
    MAX_ATTEMPTS,
    MAX_RETRY_AFTER_S,
    RetryBudget,
    RetryRule,
)
from gcbatch.genesys.client.error_response import ANALYTICS, to_exception
from gcbatch.genesys.client.service_clock import parse_date
from gcbatch.genesys.client.traffic import Traffic
from gcbatch.genesys.client.transport import (
    ConnectError,
    ForeignAnswerError,
    ReadError,
    ReadTimeoutError,
    Response,
)

__all__ = ["Retrier", "RetryState", "wait_too_long_error"]


HEAVY_TRIES: Final = 4
"""So many answers 504 to one query, or 429 while others pass, and it is taken to be too
large."""


class Retrier:
    """How long all calls of a client wait; tells of every wait.

    Args:
        give_up_s: How long an address that cannot be reached is tried.
        hold: Makes everyone wait for some seconds, after a 429: the quota is
            everyone's.
        clock: Monotonic seconds.

    Attributes:
        traffic: Counts the waits.
        on_wait: Is told of every wait, in seconds, and of its cause.
    """

    def __init__(
        self,
        *,
        give_up_s: float,
        hold: Callable[[float], None],
        clock: Callable[[], float],
    ) -> None:
        self._give_up_s = give_up_s
        self._clock = clock
        self.hold = hold
        self.traffic = Traffic()
        self.on_wait: Callable[[float, str], None] = lambda _seconds, _cause: None

    def tries(
        self, where: str, *, divisible: bool = False, hurried: bool = False
    ) -> "RetryState":
        """Return the tries of one call.

        Args:
            where: Names it in errors.
            divisible: Whether less could be asked at once.
            hurried: Whether to give up soon, as for what a run can do without.
        """
        attempts = RetryBudget(
            give_up_s=self._give_up_s,
            clock=self._clock,
            # Jitter only has to spread tasks apart; nothing secret hangs on it.
            jitter=lambda: random.uniform(0.5, 1.0),  # noqa: S311
            most=HURRIED_ATTEMPTS if hurried else MAX_ATTEMPTS,
        )
        return RetryState(self, where, attempts, divisible=divisible, hurried=hurried)

    async def wait(self, seconds: float, cause: str) -> None:
        """Wait, count it, and tell of it."""
        self.traffic.retries[cause] += 1
        self.traffic.waited_s += seconds
        self.on_wait(seconds, cause)
        await asyncio.sleep(seconds)


def wait_too_long_error(
    wait_s: float, why: str, *, now: datetime, response: ErrorResponse | None = None
) -> ServiceError:
    """Return the error for a wait that is too long to sit out, as of a daily limit.

    Args:
        wait_s: How long; infinite ones are told as such.
        why: What is to be waited for.
        now: UTC.
        response: The answer that told the wait.
    """
    try:
        at = f"{now + timedelta(seconds=wait_s):%Y-%m-%d %H:%M:%S} UTC"
    except (OverflowError, ValueError):
        at = "an unknown time"
    msg = f"{why}: no request is welcome before {at}"
    hint = f"run it again after {at}; what was fetched is kept"
    return OutOfReachError(msg, hint=hint, response=response)


@dataclass
class RetryState:
    """The tries of one call.

    Args:
        patience: Of the client.
        where: What is called, in errors.
        attempts: Counts them.
        divisible: Whether less could be asked at once.
        hurried: Whether to give up soon: an answer that did not come in time is not
            waited for again, nor is a long wait sat out.
    """

    patience: Retrier
    where: str
    attempts: RetryBudget
    divisible: bool = False
    hurried: bool = False
    _heavy: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self._served = self.patience.traffic.answered[HTTPStatus.OK]

    @property
    def made(self) -> int:
        """Tries that failed so far."""
        return self.attempts.made

    async def after_loss(self, lost: ConnectError | ReadError) -> None:
        """Wait, after no usable answer came.

        Raises:
            ServiceError: When it is time to give up.
        """
        wait_s = self.attempts.wait_s(unreachable=isinstance(lost, ConnectError))
        is_slow = self.hurried and isinstance(lost, ReadTimeoutError)
        if wait_s is not None and not is_slow:
            cause = "unreachable" if isinstance(lost, ConnectError) else lost.cause
            await self.patience.wait(wait_s, cause)
            return
        if isinstance(lost, ConnectError):
            msg = f"{self.where}: cannot be reached: {lost}"
            hint = "check region, domain or api_url, the network and proxies"
            raise OutOfReachError(msg, hint=hint) from lost
        tried = f"{self.made} attempt{'s' * (self.made > 1)}"
        msg = f"{self.where}: no usable answer in {tried}: {lost}"
        hint = lost.hint
        if ANALYTICS in self.where and not isinstance(lost, ForeignAnswerError):
            hint += ", or set a shorter fetch.chunk"
        raise ServiceError(msg, hint=hint) from lost

    async def after_refusal(
        self, refusal: ErrorResponse, response: Response, rule: RetryRule
    ) -> None:
        """Wait, after the service could not serve the request now.

        Args:
            refusal: What it said.
            response: The same, with its headers.
            rule: By which it is repeated.

        Raises:
            TooLargeError: If less could be asked at once, and it is the size of the
                request that the service seems not to bear.
            GcbatchError: The refusal as an error, when it is time to give up.
        """
        # While nobody is served, it is not the size of this request.
        others_served = self.patience.traffic.answered[HTTPStatus.OK] > self._served
        if rule.is_heavy(others_served):
            self._heavy += 1
        if self.divisible and self._heavy >= HEAVY_TRIES:
            raise TooLargeError(str(refusal), response=refusal)
        # A Retry-After that names a date does so by the clock of whoever sent it.
        now = parse_date(response.headers.get("Date", "")) or datetime.now(UTC)
        told_s = rule.told_s(response.headers, refusal.message, now)
        most_s = HURRIED_MAX_RETRY_AFTER_S if self.hurried else MAX_RETRY_AFTER_S
        if told_s is not None and told_s > most_s:
            raise wait_too_long_error(told_s, f"{refusal}", now=now, response=refusal)
        wait_s = self.attempts.wait_s(told_s=told_s)
        if wait_s is None:
            raise to_exception(refusal)
        if rule.holds_all:
            self.patience.hold(wait_s)
        await self.patience.wait(wait_s, str(refusal.status))

    def after_stale_token(self, refusal: ErrorResponse) -> None:
        """Count a 401; the next try has another token, and needs no wait.

        Raises:
            GcbatchError: The refusal as an error, when it is time to give up.
        """
        if self.attempts.wait_s(told_s=0.0) is None:
            raise to_exception(refusal)
        self.patience.traffic.retries[str(refusal.status)] += 1
