"""Instants and durations as the service writes them, in milliseconds."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

__all__ = [
    "DAY_MS",
    "EPOCH",
    "MS",
    "PERIOD",
    "duration_ms",
    "instant_of",
    "instant_text",
    "milliseconds",
]

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MS: Final = timedelta(milliseconds=1)
DAY_MS: Final = 86_400_000

_UNITS_MS: Final = {
    "weeks": 7 * DAY_MS,
    "days": DAY_MS,
    "hours": 3_600_000,
    "minutes": 60_000,
    "seconds": 1_000,
}

PERIOD: Final = re.compile(
    r"P(?:(?P<months>\d+)M)?(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?=\d)(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)S)?)?"
)


def milliseconds(instant: datetime) -> int:
    """Return an aware datetime as milliseconds since 1970, rounded down."""
    return (instant - EPOCH) // MS


def instant_of(ms: int) -> datetime:
    """Return milliseconds since 1970 as a datetime in UTC."""
    return EPOCH + timedelta(milliseconds=ms)


def instant_text(ms: int) -> str:
    """Return milliseconds since 1970 as the service writes an instant."""
    text = instant_of(ms).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def duration_ms(period: str) -> int | None:
    """Return the length of an ISO-8601 period in milliseconds.

    Returns:
        More than 0, a day being 24 hours; None if *period* is not a period, is
        empty, or has months, whose length varies.
    """
    match = PERIOD.fullmatch(period)
    if match is None or match["months"]:
        return None
    parts = match.groupdict(default="0")
    return sum(int(parts[unit]) * ms for unit, ms in _UNITS_MS.items()) or None
