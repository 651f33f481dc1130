"""Counts of what a client sent, received, repeated and waited for."""

from collections import Counter, deque
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final

__all__ = ["FAILED_KEPT", "FailedCall", "Traffic"]

FAILED_KEPT: Final = 25
"""Failed calls that are remembered, the last ones of each status: a storm of 429 must
not push out the one 500 that matters."""


@dataclass(frozen=True, slots=True)
class FailedCall:
    """An answer that could not be used; the request may have been repeated.

    Args:
        at: When it came, UTC.
        method, path: The method and path of the request.
        status: HTTP status; one of success if the body was damaged.
        correlation_id: What the service's support asks for; empty if unknown.
    """

    at: datetime
    method: str
    path: str
    status: int
    correlation_id: str


@dataclass
class Traffic:
    """Counts of requests and answers.

    Args:
        sent: Requests to the API, repeated ones included, requests for tokens not.
        answered: Answers by HTTP status.
        retries: Repeated requests by cause: `429`, `timeout`, `connection lost` …
        waited_s: Seconds that requests waited before they were repeated.
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

    def remember(self, call: FailedCall) -> None:
        """Add a failed call, and forget the first one where there are too many."""
        self.failed.setdefault(call.status, deque(maxlen=FAILED_KEPT)).append(call)

    def fail(self, method: str, path: str, status: int, correlation_id: str) -> None:
        """Add a call that failed now."""
        at = datetime.now(UTC)
        self.remember(FailedCall(at, method, path, status, correlation_id))

    def copy(self) -> "Traffic":
        """Return the counts of this moment, which stay as they are."""
        return replace(
            self,
            answered=Counter(self.answered),
            retries=Counter(self.retries),
            failed={status: calls.copy() for status, calls in self.failed.items()},
        )

    def since(self, before: "Traffic") -> "Traffic":
        """Return what was counted after *before*, an earlier copy of these counts."""
        news = Traffic(
            self.sent - before.sent,
            self.answered - before.answered,
            self.retries - before.retries,
            self.waited_s - before.waited_s,
            self.received - before.received,
            self.echoed - before.echoed,
        )
        for status, calls in self.failed.items():
            # By the calls, not by their times: the clocks of workers differ.
            known = before.failed.get(status, ())
            for call in calls:
                if call not in known:
                    news.remember(call)
        return news

    def add(self, other: "Traffic") -> None:
        """Add other counts to these."""
        self.sent += other.sent
        self.answered.update(other.answered)
        self.retries.update(other.retries)
        self.waited_s += other.waited_s
        self.received += other.received
        self.echoed += other.echoed
        for calls in other.failed.values():
            for call in calls:
                self.remember(call)
