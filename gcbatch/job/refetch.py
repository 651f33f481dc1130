"""Reads the spans that a run fetches again: `FROM..TO` of `--refetch`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from gcbatch.errors import JobError
from gcbatch.job.dates import check_date, is_relative, resolve_range
from gcbatch.job.job import Job
from gcbatch.text import one_line
from gcbatch.windows import Window, from_local, iso, midnight, to_local

__all__ = [
    "DatedSpan",
    "Refetch",
    "RefetchSpan",
    "refetch_spans",
    "span_for_refetch",
]

SEPARATOR: Final = ".."
PAIR: Final = 2
HINT: Final = (
    "write FROM..TO, such as 2026-11-21..2026-11-23; TO is the first day not fetched"
)

RefetchSpan = str | tuple[str | date, str | date]
"""One span: `"2026-11-21..2026-11-23"`, or its two ends. A date is a midnight."""

Refetch = RefetchSpan | list[RefetchSpan]
"""What a run fetches again: one span or several."""


@dataclass(frozen=True, slots=True)
class DatedSpan:
    """A span as it was written; its dates become instants in the zone of each org.

    Args:
        start, end: As `query.from` and `query.to` take them; *end* is exclusive.
    """

    start: str
    end: str

    def __str__(self) -> str:
        return f"{self.start}{SEPARATOR}{self.end}"

    def within(self, job: Job, whole: Window, now: datetime) -> Window | None:
        """Return the span as instants.

        Args:
            job: A job of one org, or one of several.
            whole: Its range.
            now: The instant from which relative dates count.

        Returns:
            For one of several orgs, what of the span is in its range: the ranges of
            others may differ by their time zones. None if nothing is.

        Raises:
            JobError: If it is empty, or, for the only org, not within the range.
        """
        if job.lists_only:
            msg = f"refetch {self}: the job has no section `query:`, so it has no range"
            raise JobError(msg, hint="`gcbatch run --fresh JOB` lists its tables again")
        zone = job.query.zone
        try:
            # Ends may lie between two buckets: what a span touches is fetched whole.
            window = resolve_range(
                self.start, self.end, granularity=None, zone=zone, now=now
            )
        except (ValueError, OverflowError) as exc:
            msg = f"refetch {self}: {exc}"
            raise JobError(msg, hint=HINT) from exc
        if is_relative(self.end) and window.start < whole.end:
            # `now` of the range was moved back to the edge of a bucket.
            window = Window(window.start, min(window.end, whole.end))
        if job.org_name:
            return window.intersection(whole)
        if window not in whole:
            own = span_for_refetch(whole, zone)
            msg = f"refetch {self}: is not within the range of the job ({own})"
            hint = "name days of this range, or change query.from and query.to"
            raise JobError(msg, hint=hint)
        return window


def refetch_spans(given: Refetch | Sequence[RefetchSpan] | None) -> list[DatedSpan]:
    """Return what was given as spans of checked dates.

    Raises:
        JobError: If one of them is no span of dates.
    """
    if given is None:
        return []
    each = [given] if isinstance(given, (str, tuple)) else given
    return [_read(span) for span in each]


def _read(span: RefetchSpan) -> DatedSpan:
    if isinstance(span, str):
        ends = span.split(SEPARATOR)
    else:
        ends = [e if isinstance(e, str) else e.isoformat() for e in span]
    what = "is not FROM..TO"
    if len(ends) == PAIR:
        try:
            return DatedSpan(*(check_date(end.strip()) for end in ends))
        except ValueError as exc:
            what = str(exc)
    msg = f"refetch {one_line(SEPARATOR.join(ends)) or repr('')}: {what}"
    raise JobError(msg, hint=HINT)


def span_for_refetch(window: Window, zone: ZoneInfo) -> str:
    """Return a window as `--refetch` takes it, by local days where it has whole days.

    Local times do where they are not ambiguous: in a job of several orgs, these then
    mean the same time of day in the zone of each.
    """
    return SEPARATOR.join(_end_text(end, zone) for end in (window.start, window.end))


def _end_text(instant: datetime, zone: ZoneInfo) -> str:
    wall = to_local(instant, zone).replace(tzinfo=None)
    if instant == midnight(wall.date(), zone):
        return wall.date().isoformat()
    if instant == from_local(wall, zone):
        return wall.isoformat(timespec="seconds")
    return iso(instant)
