"""Counts of what a client sent, received, repeated and waited for."""

from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final

__all__ = ["FAILED_KEPT", "FailedCall", "Traffic"]


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
