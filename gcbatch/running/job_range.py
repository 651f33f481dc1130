"""The range of a job as instants: its own, and the spans within it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from gcbatch.errors import JobError
from gcbatch.job import DatedSpan, Job
from gcbatch.windows import Window

__all__ = ["JobRange"]


@dataclass(frozen=True, slots=True)
class JobRange:
    """The range of a job of one org.

    Args:
        job: The job.
        now: The instant that relative dates count from, UTC.
    """

    job: Job
    now: datetime

    def window(self) -> Window:
        """Return the range.

        Raises:
            JobError: If `from` and `to` give no range.
        """
        try:
            return self.job.query.window(self.now)
        except (ValueError, OverflowError) as exc:
            msg = f"query: {exc}"
            raise JobError(msg, hint="correct query.from and query.to") from exc

    def own_window(self) -> Window | None:
        """Return the range of the job file itself, if options replaced it.

        None if they did not, or the file has none.
        """
        if self.job.own_range is None:
            return None
        try:
            return self.job.query.window(self.now, self.job.own_range)
        except (ValueError, OverflowError):
            return None

    def refetched(self, spans: Iterable[DatedSpan]) -> list[Window]:
        """Return spans that are fetched again as instants.

        Raises:
            JobError: If one is not within the range.
        """
        whole = self.window()
        found = (span.within(self.job, whole, self.now) for span in spans)
        return [window for window in found if window]
