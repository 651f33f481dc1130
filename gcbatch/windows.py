"""Spans of time: calendar periods, half-open windows, local days.

All functions are pure. Instants are aware datetimes in UTC. A span is [start, end), so
no end is 23:59:59.
"""

import re
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Self
from zoneinfo import ZoneInfo

__all__ = [
    "EPOCH",
    "ONE_DAY",
    "UTC_ZONE",
    "Period",
    "Window",
    "bucket_count",
    "bucket_edges",
    "ceil_to_bucket",
    "elapsed_edges",
    "floor_to_bucket",
    "from_local",
    "iso",
    "midnight",
    "midnights",
    "milliseconds",
    "parse_instant",
    "parse_period",
    "parse_period_or_zero",
    "step",
    "tile",
    "to_local",
    "whole_utc_days",
]

DAY_S: Final = 86_400
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
UTC_ZONE: Final = ZoneInfo("UTC")
MILLISECOND: Final = timedelta(milliseconds=1)
_DURATION: Final = re.compile(
    r"P(?:(?P<years>#)Y)?(?:(?P<months>#)M)?(?:(?P<weeks>#)W)?(?:(?P<days>#)D)?"
    r"(?:T(?=\d)(?:(?P<hours>#)H)?(?:(?P<minutes>#)M)?(?:(?P<seconds>#)S)?)?".replace(
        "#", r"\d{1,9}"
    ),
    re.ASCII,
)


def iso(instant: datetime) -> str:
    """Return *instant* as the API writes it: `2026-10-01T00:00:00.000Z`."""
    text = instant.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def parse_instant(text: str) -> datetime:
    """Return the instant of an ISO 8601 text, in UTC.

    Raises:
        ValueError, OverflowError: If it is none, or has no offset: it would be taken
            for this machine's time.
    """
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError(text)
    return instant.astimezone(UTC)


def milliseconds(instant: datetime) -> int:
    """Return *instant* in whole milliseconds since 1970, rounded down."""
    return (instant - EPOCH) // MILLISECOND


@dataclass(frozen=True, slots=True)
class Period:
    """An ISO 8601 duration: months and days of a calendar, or seconds of a clock.

    Args:
        months: Calendar months; a year is 12.
        days: Calendar days, of 23, 24 or 25 hours; a week is 7.
        seconds: Elapsed seconds.
        text: The duration as written: P1W is a week from Monday, P7D seven days from
            any start.
    """

    months: int
    days: int
    seconds: int
    text: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a duration such as PT15M, P1D, P1W or P1M.

        Raises:
            ValueError: If *text* is not an ISO 8601 duration, or is of zero length.
        """
        match = _DURATION.fullmatch(text)
        parts = {k: int(v) for k, v in match.groupdict().items() if v} if match else {}
        if not any(parts.values()):
            msg = f"{text} is not an ISO 8601 duration such as PT15M, PT1H, P1D or P1M"
            raise ValueError(msg)
        return cls(
            months=12 * parts.get("years", 0) + parts.get("months", 0),
            days=7 * parts.get("weeks", 0) + parts.get("days", 0),
            seconds=3600 * parts.get("hours", 0)
            + 60 * parts.get("minutes", 0)
            + parts.get("seconds", 0),
            text=text,
        )

    @property
    def is_clock(self) -> bool:
        """Whether it has only seconds, no calendar days or months."""
        return not self.months and not self.days

    @property
    def elapsed(self) -> timedelta:
        """Its seconds as a timedelta, without calendar days and months."""
        return timedelta(seconds=self.seconds)

    @property
    def is_weeks(self) -> bool:
        """Whether it is one week from Monday (P1W, not P7D)."""
        return self.text == "P1W"

    @property
    def typical_s(self) -> float:
        """Its length in seconds, with 24-hour days and months of 30.44 days."""
        return self.months * 30.436875 * DAY_S + self.days * DAY_S + self.seconds

    def times(self, count: int) -> "Period":
        """Return the period *count* times as long."""
        months, days = count * self.months, count * self.days
        seconds = count * self.seconds
        parts = ((months, f"{months}M"), (days, f"{days}D"), (seconds, f"T{seconds}S"))
        text = "P" + "".join(part for number, part in parts if number)
        return Period(months, days, seconds, text)

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """A half-open span of time, [start, end), in UTC."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if {self.start.utcoffset(), self.end.utcoffset()} != {timedelta(0)}:
            msg = f"window must be in UTC, got {self.start!r} to {self.end!r}"
            raise ValueError(msg)
        if self.start >= self.end:
            msg = f"window must end after it starts, got {self}"
            raise ValueError(msg)

    @property
    def span(self) -> timedelta:
        """Elapsed time between its ends."""
        return self.end - self.start

    def __contains__(self, other: "Window") -> bool:
        return self.start <= other.start and other.end <= self.end

    def overlaps(self, other: "Window") -> bool:
        """Return whether it has an instant in common with *other*."""
        return self.start < other.end and other.start < self.end

    def intersection(self, other: "Window") -> "Window | None":
        """Return the span that it has in common with *other*; None if there is none."""
        if not self.overlaps(other):
            return None
        return Window(max(self.start, other.start), min(self.end, other.end))

    def __str__(self) -> str:
        return f"{iso(self.start)}/{iso(self.end)}"


ONE_DAY: Final = Period.parse("P1D")


def to_local(instant: datetime, zone: ZoneInfo) -> datetime:
    """Return *instant* as an aware datetime of *zone*."""
    return instant.astimezone(zone)


def from_local(wall: datetime, zone: ZoneInfo) -> datetime:
    """Return the UTC instant at which the clocks of *zone* show *wall*.

    Args:
        wall: A naive datetime. One that a clock change skips means the instant as far
            after the gap; one that occurs twice means the first.
        zone: The time zone.
    """
    return wall.replace(tzinfo=zone).astimezone(UTC)


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """Return the instant at which *day* begins in *zone*."""
    return from_local(datetime.combine(day, time()), zone)


def _day_of(instant: datetime, zone: ZoneInfo) -> date:
    """Return the day of *zone* that contains *instant*; each day begins once.

    If the clocks go back over midnight, the repeated hour belongs to the new day.
    """
    day = to_local(instant, zone).date()
    tomorrow = day + timedelta(days=1)
    return tomorrow if instant >= midnight(tomorrow, zone) else day


def step(start: datetime, period: Period, count: int, zone: ZoneInfo) -> datetime:
    """Return the instant *count* periods after *start*, by the calendar of *zone*.

    A day that the new month lacks becomes its last day.
    """
    if not (period.months or period.days):
        return start + timedelta(seconds=count * period.seconds)
    wall = to_local(start, zone).replace(tzinfo=None)
    if start == midnight(wall.date(), zone):
        # If the clocks skip midnight, this day begins at 01:00, but the next does not.
        wall = datetime.combine(wall, time())
    if period.months:
        month0 = wall.year * 12 + wall.month - 1 + count * period.months
        year, month = divmod(month0, 12)
        last = monthrange(year, month + 1)[1]
        wall = wall.replace(year=year, month=month + 1, day=min(wall.day, last))
    moved = from_local(wall + count * timedelta(days=period.days), zone)
    return moved + timedelta(seconds=count * period.seconds)


def floor_to_bucket(instant: datetime, granularity: Period, zone: ZoneInfo) -> datetime:
    """Return the latest bucket edge at or before *instant*.

    Args:
        instant: Any instant, UTC.
        granularity: Clock periods count from each local midnight, P1W from Monday,
            months and years from January; other numbers of days begin at any local
            midnight.
        zone: The time zone.
    """
    day = _day_of(instant, zone)
    if granularity.is_clock:
        start, pace = midnight(day, zone), granularity.elapsed
        return start + (instant - start) // pace * pace
    if granularity.months:
        month0 = day.year * 12 + day.month - 1
        year, month = divmod(month0 - month0 % granularity.months, 12)
        day = date(year, month + 1, 1)
    elif granularity.is_weeks:
        day -= timedelta(days=day.weekday())
    return midnight(day, zone)


def ceil_to_bucket(instant: datetime, granularity: Period, zone: ZoneInfo) -> datetime:
    """Return the first bucket edge at or after *instant*."""
    floor = floor_to_bucket(instant, granularity, zone)
    if floor == instant:
        return instant
    if granularity.is_clock:
        next_midnight = midnight(_day_of(instant, zone) + timedelta(days=1), zone)
        return min(floor + granularity.elapsed, next_midnight)
    one = granularity if granularity.months or granularity.is_weeks else ONE_DAY
    return step(floor, one, 1, zone)


def midnights(window: Window, zone: ZoneInfo) -> Iterator[datetime]:
    """Yield the midnights of *zone* within *window*, without its ends."""
    day = ceil_to_bucket(window.start + MILLISECOND, ONE_DAY, zone)
    while day < window.end:
        yield day
        day = ceil_to_bucket(day + MILLISECOND, ONE_DAY, zone)


def whole_utc_days(window: Window) -> Window:
    """Return the whole days in UTC that a window touches."""
    return Window(
        floor_to_bucket(window.start, ONE_DAY, UTC_ZONE),
        ceil_to_bucket(window.end, ONE_DAY, UTC_ZONE),
    )


def _clock_edges(day: date, granularity: Period, zone: ZoneInfo) -> list[datetime]:
    """Return the bucket edges of one local day, with both midnights."""
    start, end = midnight(day, zone), midnight(day + timedelta(days=1), zone)
    pace = granularity.elapsed
    count = -((start - end) // pace)
    return [start + n * pace for n in range(count)] + [end]


def bucket_edges(
    window: Window, granularity: Period | None, zone: ZoneInfo
) -> list[datetime]:
    """Return the edges of all buckets of *window*, with its ends.

    Args:
        window: The span to cut.
        granularity: Length of a bucket; None is one bucket.
        zone: The zone of its days, weeks and months.

    Returns:
        n + 1 instants for n buckets, in order.
    """
    if granularity is None:
        return [window.start, window.end]
    edges = [window.start]
    if granularity.is_clock:
        day = _day_of(window.start, zone)
        while edges[-1] < window.end:
            today = _clock_edges(day, granularity, zone)
            edges += [edge for edge in today if edges[-1] < edge < window.end]
            if today[-1] >= window.end:
                edges.append(window.end)
            day += timedelta(days=1)
        return edges
    anchor = window.start
    if granularity.months or granularity.is_weeks:
        anchor = floor_to_bucket(window.start, granularity, zone)
    count = 1
    while (edge := step(anchor, granularity, count, zone)) < window.end:
        if edge > edges[-1]:  # else a day that the calendar skips
            edges.append(edge)
        count += 1
    return [*edges, window.end]


def elapsed_edges(window: Window, granularity: Period) -> list[datetime]:
    """Return the edges of buckets that count elapsed time from the start of *window*.

    The window's end may cut the last bucket short.
    """
    count = -(-window.span // granularity.elapsed)
    starts = [window.start + n * granularity.elapsed for n in range(count)]
    return [*starts, window.end]


def bucket_count(window: Window, granularity: Period | None, zone: ZoneInfo) -> int:
    """Return the number of buckets of *window*; for clock periods without listing them.

    It may be one too low for a day that a clock change ends within a bucket.
    """
    if granularity is not None and granularity.is_clock:
        return -(-window.span // granularity.elapsed)
    return len(bucket_edges(window, granularity, zone)) - 1


def tile(whole: Window, length: Period, zone: ZoneInfo) -> Iterator[Window]:
    """Yield consecutive windows that tile *whole*.

    They count from the start of *whole* by the calendar of *zone*: P1D from local
    midnight follows local midnights, 23, 24 or 25 hours apart. Lengths that divide a
    day start again with each of those days.

    Args:
        whole: The span to cover.
        length: Length of a window.
        zone: The zone of the calendar.

    Yields:
        Windows in time order. Each starts at the end of the one before, so every
        instant of *whole* is in exactly one. Only the last may be shorter; if *length*
        divides a day, the last of each day.
    """
    if length.is_clock and length.seconds < DAY_S and DAY_S % length.seconds == 0:
        for day in _tile(whole, ONE_DAY, zone):
            yield from _tile(day, length, zone)
    else:
        yield from _tile(whole, length, zone)


def _tile(whole: Window, length: Period, zone: ZoneInfo) -> Iterator[Window]:
    start, count = whole.start, 1
    while start < whole.end:
        end = min(step(whole.start, length, count, zone), whole.end)
        count += 1
        if end > start:
            yield Window(start, end)
            start = end


MAX_PERIOD: Final = Period.parse("P10Y")
"""Longest span in a job file. Longer ones could leave Python's calendar."""


def parse_period(value: object) -> Period:
    """Return the period that an ISO 8601 duration means.

    Raises:
        ValueError: If *value* is no duration, or one longer than ten years.
    """
    if isinstance(value, Period):
        return value
    period = Period.parse(value if isinstance(value, str) else repr(value))
    if period.typical_s > MAX_PERIOD.typical_s:
        msg = f"{period} is longer than {MAX_PERIOD}"
        raise ValueError(msg)
    return period


def parse_period_or_zero(value: object) -> Period:
    """Return the period that an ISO 8601 duration means, also that of `PT0S`.

    Raises:
        ValueError: As parse_period.
    """
    if value in ("PT0S", "P0D"):
        return Period(0, 0, 0, "PT0S")
    return parse_period(value)
