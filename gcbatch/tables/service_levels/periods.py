"""The periods of the table `sla`: hours, days, weeks and months of a time zone."""

from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from gcbatch.errors import DataError
from gcbatch.windows import (
    MILLISECOND,
    ONE_DAY,
    Period,
    Window,
    ceil_to_bucket,
    floor_to_bucket,
    to_local,
)

__all__ = ["period_of"]

_PERIODS: Final = {
    "hour": (Period.parse("PT1H"), "%Y-%m-%dT%H:%M"),
    "day": (ONE_DAY, "%Y-%m-%d"),
    "week": (Period.parse("P1W"), "%G-W%V"),
    "month": (Period.parse("P1M"), "%Y-%m"),
}

_ACROSS_HOURS: Final = (
    "the service's buckets do not fit into this zone's hours: set query.granularity "
    "to PT15M, which fits into the hours of every zone, or sla.period to day"
)
_ACROSS_DAYS: Final = (
    "`gcbatch run --fresh JOB` fetches its part again, in windows cut by day"
)


def period_of(
    start: datetime, end: datetime, *, period: str, zone: ZoneInfo, covered: Window
) -> tuple[str, datetime, datetime]:
    """Return the label, start and end of the period that a bucket falls in.

    Args:
        start: The start of the bucket.
        end: The end of the bucket.
        period: interval, hour, day, week, month or total.
        zone: The time zone of the hours and days; the label is its local time.
        covered: The job's range; the period is clipped to it.

    Raises:
        DataError: If the bucket reaches over the end of the period, as its figures
            cannot be divided.
    """
    if period == "interval":
        return f"{to_local(start, zone):%Y-%m-%dT%H:%M}", start, end
    if period == "total":
        return "total", covered.start, covered.end
    length, form = _PERIODS[period]
    first = floor_to_bucket(start, length, zone)
    # One millisecond after its start is before the end of every period.
    last = ceil_to_bucket(first + MILLISECOND, length, zone)
    label = f"{to_local(first, zone):{form}}"
    if end > last:
        bucket = Window(start, end)
        msg = f"sla: bucket {bucket} reaches over the end of {label} in {zone.key}"
        raise DataError(msg, hint=_ACROSS_HOURS if period == "hour" else _ACROSS_DAYS)
    return label, max(first, covered.start), min(last, covered.end)
