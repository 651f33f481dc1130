"""What an org session sent, waited for and failed at since a moment."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from gcbatch.fetching.sessions import OrgSession
from gcbatch.genesys.client import FailedCall

__all__ = ["Usage"]


@dataclass
class Usage:
    """What a run spent of clients that other runs use before and after it.

    Args:
        requests: To the API, repeated ones included.
        throttled: Answers 429.
        waited_s: Seconds that requests waited before they were repeated.
        tokens: Tokens granted.
        received: Bytes of answers, after decompression.
        echoed: Answers that held the credentials, which were hidden.
    """

    requests: int = 0
    throttled: int = 0
    waited_s: float = 0.0
    tokens: int = 0
    received: int = 0
    echoed: int = 0
    _retries: Counter[str] = field(default_factory=Counter)
    _answered: Counter[int] = field(default_factory=Counter)
    _failed: list[FailedCall] = field(default_factory=list)
    _offered: int = 0

    @contextmanager
    def noting(self, session: OrgSession) -> Iterator[None]:
        """Add what is spent of a client within the block."""
        traffic, access = session.client.traffic, session.access
        # Not told by the time: workers' clocks differ.
        known = {call for calls in traffic.failed.values() for call in calls}
        sent, throttled = traffic.sent, traffic.throttled
        waited_s, received = traffic.waited_s, traffic.received
        echoed = traffic.echoed
        retries, answered = Counter(traffic.retries), Counter(traffic.answered)
        offered, granted = access.pacer.offered(open_too=False), access.tokens.granted
        try:
            yield
        finally:
            self.requests += traffic.sent - sent
            self.throttled += traffic.throttled - throttled
            self.waited_s += traffic.waited_s - waited_s
            self.tokens += access.tokens.granted - granted
            self.received += traffic.received - received
            self.echoed += traffic.echoed - echoed
            self._retries += traffic.retries - retries
            self._answered += traffic.answered - answered
            self._offered += access.pacer.offered() - offered
            calls = (call for calls in traffic.failed.values() for call in calls)
            self._failed += (call for call in calls if call not in known)

    @property
    def retries(self) -> dict[str, int]:
        """Repeated requests by cause."""
        return dict(self._retries)

    @property
    def answered(self) -> dict[str, int]:
        """Answers by HTTP status."""
        return {str(int(s)): self._answered[s] for s in sorted(self._answered)}

    @property
    def failed(self) -> tuple[FailedCall, ...]:
        """The last failed calls of each status, in the order of time."""
        return tuple(sorted(self._failed, key=lambda call: call.at))

    @property
    def quota_used_pct(self) -> float | None:
        """Part of the quota that was used, in percent.

        Requests that were served (all but 429), by what the server allowed over those
        of its windows in which this run was answered. None where it told no quota.
        """
        if self._offered <= 0:
            return None
        served = self._answered.total() - self.throttled
        return 100.0 * served / self._offered
