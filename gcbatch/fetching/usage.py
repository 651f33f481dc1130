"""The usage of a run: its requests, waits, failures, tokens and quota."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from gcbatch.fetching.sessions import OrgSession
from gcbatch.genesys import FailedCall, Traffic

__all__ = ["Usage"]


@dataclass
class Usage:
    """The usage of one run, of clients that other runs use before and after it.

    Args:
        traffic: The requests and answers.
        tokens: Tokens granted.
    """

    traffic: Traffic = field(default_factory=Traffic)
    tokens: int = 0
    _allowed: int = 0

    @contextmanager
    def counting(self, session: OrgSession) -> Iterator[None]:
        """Add what is used of a session within the block."""
        traffic, org_client = session.client.traffic, session.org_client
        before, granted = traffic.copy(), org_client.tokens.granted
        allowed = org_client.limiter.allowed(with_open=False)
        try:
            yield
        finally:
            self.traffic.add(traffic.since(before))
            self.tokens += org_client.tokens.granted - granted
            self._allowed += org_client.limiter.allowed() - allowed

    @property
    def answered(self) -> dict[str, int]:
        """Answers by HTTP status."""
        answered = self.traffic.answered
        return {str(int(status)): answered[status] for status in sorted(answered)}

    @property
    def failed(self) -> tuple[FailedCall, ...]:
        """The last failed calls of each status, in the order of time."""
        calls = (call for calls in self.traffic.failed.values() for call in calls)
        return tuple(sorted(calls, key=lambda call: call.at))

    @property
    def quota_used_pct(self) -> float | None:
        """Part of the quota that was used, in percent.

        That is the requests that were served (all but 429), by what the server allowed
        over those of its windows in which it answered this run. None if it sent no
        quota.
        """
        if self._allowed <= 0:
            return None
        served = self.traffic.answered.total() - self.traffic.throttled
        return 100.0 * served / self._allowed
