"""The service's time, by the Date of its answers.

Whether figures were final depends on when they were requested. A wrong clock of this
machine, or of a worker, must not decide that.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from gcbatch.genesys.retry_rules import parse_date

__all__ = ["ServiceClock"]

TOLERANCE: Final = timedelta(seconds=5)
"""Clocks that differ by less count as equal: those that NTP sets are closer, and a Date
takes a moment to come."""

WHOLE_SECOND: Final = timedelta(seconds=1)
"""A Date leaves out the fraction of its second (RFC 9110, section 5.6.7)."""


@dataclass
class ServiceClock:
    """The service's clock, by the Date of its answers.

    Attributes:
        ahead: How far it is ahead of this machine's clock; zero if they agree, or if no
            answer had a Date.
    """

    ahead: timedelta = field(default=timedelta(), init=False)

    def now(self) -> datetime:
        """Return the present time, UTC."""
        return datetime.now(UTC) + self.ahead

    def asked_at(self, date: str, sent_at: datetime, took: timedelta) -> datetime:
        """Learn from an answer, and return when its request was sent, UTC.

        That is the time of this machine if the clocks agree. If not, it is the earliest
        time that the answer allows, so that no figure counts as final too soon.

        Args:
            date: The answer's Date header; empty if it has none.
            sent_at: When the request was sent, by this machine's clock.
            took: How long the answer took to begin.
        """
        answered_at = parse_date(date)
        try:
            if answered_at is None:
                return sent_at + self.ahead
            earliest, latest = answered_at - took, answered_at + WHOLE_SECOND
            is_early = sent_at + TOLERANCE < earliest
            is_late = sent_at > latest + TOLERANCE
        except OverflowError:  # of a Date at the end of the calendar
            return sent_at + self.ahead
        if is_early or is_late:
            self.ahead = earliest - sent_at
            return earliest
        self.ahead = timedelta()
        return sent_at
