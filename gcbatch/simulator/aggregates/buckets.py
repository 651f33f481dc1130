"""Finds the bucket of an instant by rounding it down.

The instant alone decides; nothing steps from one edge to the next. So a mistake in the
steps of a client is not repeated here.

The rules (our own if the service's public pages say nothing):

- `P1D`, `P1W` (from Monday) and `P1M` begin at local midnights of the zone;
- less than 24 hours: elapsed time since the day's local midnight, until the next, so a
  day of 23 or 25 hours has fewer or more; `hours_from` can select the day's midnight in
  UTC or the interval's start instead;
- several days or weeks: calendar days from the interval's start;
- anything else (`P1DT12H`, `PT36H`): elapsed time from the interval's start;
- none: one bucket.

The interval limits the first and the last bucket. Instants are milliseconds
since 1970 in UTC.
"""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import partial
from typing import Literal
from zoneinfo import ZoneInfo

from gcbatch.simulator.instants import DAY_MS, MS, PERIOD, instant_of, milliseconds

__all__ = ["Bucket", "BucketOf", "HoursFrom", "bucket_finder"]

Bucket = tuple[int, int]
"""First millisecond of a bucket, and the first one after it."""

BucketOf = Callable[[int], Bucket]

HoursFrom = Literal["midnight", "utc", "start"]
"""The origin of buckets of less than a day."""


def bucket_finder(
    granularity: str | None,
    zone: ZoneInfo,
    start_ms: int,
    end_ms: int,
    hours_from: HoursFrom = "midnight",
) -> BucketOf | None:
    """Return the function that finds the bucket of an instant.

    Args:
        granularity: An ISO-8601 period, or None for one bucket.
        zone: Its midnights count.
        start_ms: The interval's first millisecond.
        end_ms: The interval's end, exclusive.
        hours_from: The origin of buckets of less than a day.

    Returns:
        A function for instants within the interval; None if *granularity* is not a
        period that the service accepts.
    """
    floor = _floor(granularity, zone, start_ms, end_ms, hours_from)
    if floor is None:
        return None

    def bucket_of(ms: int) -> Bucket:
        first, after = floor(ms)
        return max(first, start_ms), min(after, end_ms)

    return bucket_of


def _floor(
    granularity: str | None,
    zone: ZoneInfo,
    start_ms: int,
    end_ms: int,
    hours_from: HoursFrom,
) -> BucketOf | None:
    if granularity is None:
        return lambda _: (start_ms, end_ms)
    match = PERIOD.fullmatch(granularity)
    if match is None:
        return None
    parts = {name: int(text) for name, text in match.groupdict().items() if text}
    if not any(parts.values()):
        return None
    months = parts.pop("months", 0)
    if months:
        lone_month = months == 1 and not any(parts.values())
        return partial(_month, zone) if lone_month else None
    return _floor_of_span(timedelta(**parts), parts, zone, start_ms, hours_from)


def _floor_of_span(
    span: timedelta,
    parts: dict[str, int],
    zone: ZoneInfo,
    start_ms: int,
    hours_from: HoursFrom,
) -> BucketOf:
    span_ms = span // MS
    if set(parts) <= {"days", "weeks"}:
        if parts == {"weeks": 1}:
            return partial(_week, zone)
        if span.days == 1:
            return _Days(zone).day
        return partial(_days_from, instant_of(start_ms).astimezone(zone), span.days)
    if span_ms < DAY_MS and hours_from != "start":
        days = _Days(ZoneInfo("UTC") if hours_from == "utc" else zone)
        return partial(_within_day, days, span_ms)
    return partial(_elapsed, start_ms, span_ms)


def _midnight(zone: ZoneInfo, day: date) -> int:
    """Return the first instant of a local day.

    If the clock jumps over midnight, that is the jump; if midnight comes twice, the
    first.
    """
    return milliseconds(datetime(day.year, day.month, day.day, tzinfo=zone))


class _Days:
    """Finds local days; stores the last, because events come in order of time."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._last = (0, 0)

    def day(self, ms: int) -> Bucket:
        """Return the local day of an instant."""
        if not self._last[0] <= ms < self._last[1]:
            today = instant_of(ms).astimezone(self._zone).date()
            self._last = self._span(today)
            if ms >= self._last[1]:  # clocks went back over midnight
                self._last = self._span(today + timedelta(days=1))
        return self._last

    def _span(self, day: date) -> Bucket:
        return (
            _midnight(self._zone, day),
            _midnight(self._zone, day + timedelta(days=1)),
        )


def _within_day(days: _Days, step_ms: int, ms: int) -> Bucket:
    midnight, next_midnight = days.day(ms)
    first = midnight + (ms - midnight) // step_ms * step_ms
    return first, min(first + step_ms, next_midnight)


def _elapsed(start_ms: int, step_ms: int, ms: int) -> Bucket:
    first = start_ms + (ms - start_ms) // step_ms * step_ms
    return first, first + step_ms


def _date(zone: ZoneInfo, ms: int) -> date:
    """Return the date of the local day that an instant belongs to.

    That is the date on the clock, unless clocks went back over midnight.
    """
    midnight, _ = _Days(zone).day(ms)
    return instant_of(midnight).astimezone(zone).date()


def _week(zone: ZoneInfo, ms: int) -> Bucket:
    today = _date(zone, ms)
    monday = today - timedelta(days=today.weekday())
    return _midnight(zone, monday), _midnight(zone, monday + timedelta(days=7))


def _month(zone: ZoneInfo, ms: int) -> Bucket:
    first = _date(zone, ms).replace(day=1)
    after = (first + timedelta(days=31)).replace(day=1)
    return _midnight(zone, first), _midnight(zone, after)


def _days_from(start: datetime, step: int, ms: int) -> Bucket:
    """Count *step* calendar days from *start*, at the same time of the day."""

    def edge(number: int) -> int:
        return milliseconds(start + timedelta(days=number * step))

    today = instant_of(ms).astimezone(start.tzinfo).date()
    number = (today - start.date()).days // step
    if ms < edge(number):
        number -= 1
    elif ms >= edge(number + 1):  # clocks went back over midnight
        number += 1
    return edge(number), edge(number + 1)
