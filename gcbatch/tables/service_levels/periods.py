"""The periods of the table `sla`: hours, days, weeks and months of a time zone."""

from datetime import date, datetime, timedelta
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
    from_local,
    midnight,
    step,
    to_local,
)

__all__ = ["earlier_start", "length_of", "period_of", "steps_before"]

_PERIODS: Final = {
    "hour": (Period.parse("PT1H"), "%Y-%m-%dT%H:%M"),
    "day": (ONE_DAY, "%Y-%m-%d"),
    "week": (Period.parse("P1W"), "%G-W%V"),
    "month": (Period.parse("P1M"), "%Y-%m"),
}

_DAYS_BEFORE: Final = {
    "previous_day": 1,
    "previous_week": 7,
    "previous_year": 364,  # the same weekday
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


def length_of(period: str) -> Period:
    """Return the length of an hour, day, week or month."""
    return _PERIODS[period][0]


def earlier_start(
    start: datetime, period: str, previous: str, zone: ZoneInfo
) -> datetime | None:
    """Return the start of the period that a period is compared with.

    Args:
        start: Where the period starts.
        period: interval, hour, day, week or month.
        previous: One of PREVIOUS that this period has.
        zone: The time zone of the calendar.

    Returns:
        None if there is none: the clocks skipped that time, or the year before has no
        week of that number. Of a time that exists twice it is the first.
    """
    days = _DAYS_BEFORE.get(previous)
    if period in {"interval", "hour"}:
        wall = to_local(start, zone).replace(tzinfo=None) - timedelta(days=days or 0)
        found = from_local(wall, zone)
        return found if to_local(found, zone).replace(tzinfo=None) == wall else None
    first = floor_to_bucket(start, length_of(period), zone)
    # Where the clocks skip midnight, the day has the same date all the same.
    day = to_local(first, zone).date()
    if period == "month":
        months = 12 if previous == "previous_year" else 1
        return step(midnight(day, zone), length_of(period), -months, zone)
    if period == "week" and previous == "previous_year":
        year, week, _ = day.isocalendar()
        try:
            return midnight(date.fromisocalendar(year - 1, week, 1), zone)
        except ValueError:
            return None
    return midnight(day - timedelta(days=days or 0), zone)


def steps_before(
    start: datetime, period: str, count: int, zone: ZoneInfo
) -> list[datetime]:
    """Return the starts of the last *count* periods up to the one of an instant.

    Args:
        start: An instant of the last period.
        period: day, week or month.
        count: How many periods.
        zone: The time zone of the calendar.
    """
    length = length_of(period)
    first = floor_to_bucket(start, length, zone)
    return [step(first, length, -back, zone) for back in reversed(range(count))]
