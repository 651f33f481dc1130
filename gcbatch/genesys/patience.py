"""Waiting before a request is repeated, and giving up when that no longer helps."""

import asyncio
import random
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Final

from gcbatch.errors import OutOfReachError, Refusal, ServiceError, TooLargeError
from gcbatch.genesys.answers import ANALYTICS, error_of
from gcbatch.genesys.clock import told_date
from gcbatch.genesys.retry import (
    HURRIED_ATTEMPTS,
    HURRIED_TOLD_WAIT_S,
    MAX_ATTEMPTS,
    MAX_TOLD_WAIT_S,
    Attempts,
    Rule,
)
from gcbatch.genesys.transport import (
    Foreign,
    Interrupted,
    Response,
    TimedOut,
    Unreachable,
)

__all__ = ["FailedCall", "Patience", "Traffic", "Tries", "too_long"]


HEAVY_TRIES: Final = 4
"""So many answers 504 to one query, or 429 while others pass, and it is taken to be too
large."""


FAILED_KEPT: Final = 25
"""Failed calls that are remembered, the last ones of each status: a storm of 429 shall
not crowd out the one 500 that matters."""


@dataclass(frozen=True, slots=True)
class FailedCall:
    """An answer that could not be used; it may have been asked for again.

    Args:
        at: When it came, UTC.
        method, path: Of the request.
        status: HTTP status; of success where the body was damaged.
        correlation_id: What the service's support asks for; empty if unknown.
    """

    at: datetime
    method: str
    path: str
    status: int
    correlation_id: str


@dataclass
class Traffic:
    """What went over the line.

    Args:
        sent: Requests sent to the API, retries included, tokens not.
        answered: Answers by HTTP status.
        retries: Repeated requests by cause: `429`, `timeout`, `connection lost` …
        waited_s: Seconds that tasks waited because they were told to or by backoff.
        received: Bytes of answers, after decompression.
        echoed: Answers that held the credentials, which were hidden.
        failed: The last failed calls of each status.
    """

    sent: int = 0
    answered: Counter[int] = field(default_factory=Counter)
    retries: Counter[str] = field(default_factory=Counter)
    waited_s: float = 0.0
    received: int = 0
    echoed: int = 0
    failed: dict[int, deque[FailedCall]] = field(default_factory=dict)

    @property
    def throttled(self) -> int:
        """Answers 429."""
        return self.answered[HTTPStatus.TOO_MANY_REQUESTS]

    def fail(self, method: str, path: str, status: int, correlation_id: str) -> None:
        """Remember a failed call."""
        known = self.failed.setdefault(status, deque(maxlen=FAILED_KEPT))
        at = datetime.now(UTC)
        known.append(FailedCall(at, method, path, status, correlation_id))


class Patience:
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
    ) -> "Tries":
        """Return the tries of one call.

        Args:
            where: Names it in errors.
            divisible: Whether less could be asked at once.
            hurried: Whether to give up soon, as for what a run can do without.
        """
        attempts = Attempts(
            give_up_s=self._give_up_s,
            clock=self._clock,
            # Jitter only has to spread tasks apart; nothing secret hangs on it.
            jitter=lambda: random.uniform(0.5, 1.0),  # noqa: S311
            most=HURRIED_ATTEMPTS if hurried else MAX_ATTEMPTS,
        )
        return Tries(self, where, attempts, divisible=divisible, hurried=hurried)

    async def wait(self, seconds: float, cause: str) -> None:
        """Wait, count it, and tell of it."""
        self.traffic.retries[cause] += 1
        self.traffic.waited_s += seconds
        self.on_wait(seconds, cause)
        await asyncio.sleep(seconds)


def too_long(
    wait_s: float, why: str, *, now: datetime, refusal: Refusal | None = None
) -> ServiceError:
    """Return the error for a wait that is too long to sit out, as of a daily limit.

    Args:
        wait_s: How long; infinite ones are told as such.
        why: What is to be waited for.
        now: UTC.
        refusal: The answer that told the wait.
    """
    try:
        at = f"{now + timedelta(seconds=wait_s):%Y-%m-%d %H:%M:%S} UTC"
    except (OverflowError, ValueError):
        at = "an unknown time"
    msg = f"{why}: no request is welcome before {at}"
    hint = f"run it again after {at}; what was fetched is kept"
    return OutOfReachError(msg, hint=hint, refusal=refusal)


@dataclass
class Tries:
    """The tries of one call.

    Args:
        patience: Of the client.
        where: What is called, in errors.
        attempts: Counts them.
        divisible: Whether less could be asked at once.
        hurried: Whether to give up soon: an answer that did not come in time is not
            waited for again, nor is a long wait sat out.
    """

    patience: Patience
    where: str
    attempts: Attempts
    divisible: bool = False
    hurried: bool = False
    _heavy: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self._served = self.patience.traffic.answered[HTTPStatus.OK]

    @property
    def made(self) -> int:
        """Tries that failed so far."""
        return self.attempts.made

    async def after_loss(self, lost: Unreachable | Interrupted) -> None:
        """Wait, after no usable answer came.

        Raises:
            ServiceError: When it is time to give up.
        """
        wait_s = self.attempts.wait_s(unreachable=isinstance(lost, Unreachable))
        is_slow = self.hurried and isinstance(lost, TimedOut)
        if wait_s is not None and not is_slow:
            cause = "unreachable" if isinstance(lost, Unreachable) else lost.cause
            await self.patience.wait(wait_s, cause)
            return
        if isinstance(lost, Unreachable):
            msg = f"{self.where}: cannot be reached: {lost}"
            hint = "check region, domain or api_url, the network and proxies"
            raise OutOfReachError(msg, hint=hint) from lost
        tried = f"{self.made} attempt{'s' * (self.made > 1)}"
        msg = f"{self.where}: no usable answer in {tried}: {lost}"
        hint = lost.hint
        if ANALYTICS in self.where and not isinstance(lost, Foreign):
            hint += ", or set a shorter fetch.chunk"
        raise ServiceError(msg, hint=hint) from lost

    async def after_refusal(
        self, refusal: Refusal, response: Response, rule: Rule
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
            raise TooLargeError(str(refusal), refusal=refusal)
        # A Retry-After that names a date does so by the clock of whoever sent it.
        now = told_date(response.headers.get("Date", "")) or datetime.now(UTC)
        told_s = rule.told_s(response.headers, refusal.message, now)
        most_s = HURRIED_TOLD_WAIT_S if self.hurried else MAX_TOLD_WAIT_S
        if told_s is not None and told_s > most_s:
            raise too_long(told_s, f"{refusal}", now=now, refusal=refusal)
        wait_s = self.attempts.wait_s(told_s=told_s)
        if wait_s is None:
            raise error_of(refusal)
        if rule.holds_all:
            self.patience.hold(wait_s)
        await self.patience.wait(wait_s, str(refusal.status))

    def after_stale_token(self, refusal: Refusal) -> None:
        """Count a 401; the next try has another token, and needs no wait.

        Raises:
            GcbatchError: The refusal as an error, when it is time to give up.
        """
        if self.attempts.wait_s(told_s=0.0) is None:
            raise error_of(refusal)
        self.patience.traffic.retries[str(refusal.status)] += 1
