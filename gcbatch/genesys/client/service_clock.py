"""What time it is for the service, by the Date of its answers.

Whether figures had settled when they were asked for is judged by when that was. A
machine whose clock is wrong, or a worker whose clock is another, must not decide that.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

__all__ = ["ServiceClock", "parse_date"]

TOLERANCE: Final = timedelta(seconds=5)
"""So far two clocks may be apart and still count as agreeing: those that are set by NTP
are closer, and a Date takes a moment to come."""

WHOLE_SECOND: Final = timedelta(seconds=1)
"""A Date leaves out the fraction of its second (RFC 9110, section 5.6.7)."""


def parse_date(text: str) -> datetime | None:
    """Return what a Date header says, in UTC; None where it is no date."""
    try:
        told = parsedate_to_datetime(text)
        return told.astimezone(UTC) if told.tzinfo else told.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


@dataclass
class ServiceClock:
    """The service's clock, as far as its answers show it.

    Attributes:
        ahead: How far it is ahead of this machine's; zero while they agree, or no
            answer had a Date.
    """

    ahead: timedelta = field(default=timedelta(), init=False)

    def now(self) -> datetime:
        """Return the present time, UTC."""
        return datetime.now(UTC) + self.ahead

    def asked_at(self, date: str, sent_at: datetime, took: timedelta) -> datetime:
        """Learn from an answer, and return when its request was sent, UTC.

        Where the clocks agree, that is what this machine's shows; else the earliest
        time that the answer allows for, so that nothing counts as settled too soon.

        Args:
            date: The answer's Date header; empty if it has none.
            sent_at: When the request was sent, by this machine's clock.
            took: How long the answer took to begin.
        """
        told = parse_date(date)
        try:
            if told is None:
                return sent_at + self.ahead
            earliest, latest = told - took, told + WHOLE_SECOND
            is_early = sent_at + TOLERANCE < earliest
            is_late = sent_at > latest + TOLERANCE
        except OverflowError:  # of a Date at the end of the calendar
            return sent_at + self.ahead
        if is_early or is_late:
            self.ahead = earliest - sent_at
            return earliest
        self.ahead = timedelta()
        return sent_at
