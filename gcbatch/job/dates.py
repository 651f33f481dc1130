"""Reads `from` and `to` of a job file, and turns them into instants."""

import re
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from gcbatch.job.meant import meant_date
from gcbatch.windows import (
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

__all__ = [
    "FORMS",
    "check_date",
    "is_relative",
    "resolve_instant",
    "resolve_range",
]

FORMS: Final = (
    "a date (2026-10-01), an instant (2026-10-01T06:00:00Z), today, yesterday, "
    "today-7d, today-1mo or now-24h"
)
_RELATIVE: Final = re.compile(
    r"(today|yesterday|now)(?:([+-])([0-9]{1,4})(min|h|d|w|mo))?"
)
_YEARS: Final = range(1970, 2200)
"""A year outside is a typing error; Python's calendar ends at 9999."""

_UNITS: Final = {
    "min": Period.parse("PT1M"),
    "h": Period.parse("PT1H"),
    "d": Period.parse("P1D"),
    "w": Period.parse("P7D"),
    "mo": Period.parse("P1M"),
}


def is_relative(text: str) -> bool:
    """Return whether *text* is counted from the present, such as today-7d."""
    return _RELATIVE.fullmatch(text) is not None


def check_date(text: str) -> str:
    """Return *text* if it is valid for `from` and `to`.

    Raises:
        ValueError: If it is not; lists the valid forms.
    """
    relative = _RELATIVE.fullmatch(text)
    if relative:
        anchor, _, _, unit = relative.groups()
        if unit in ("min", "h") and anchor != "now":
            msg = f"{text!r} counts hours from a day; write now{text[len(anchor) :]}"
            raise ValueError(msg)
        return text
    try:
        datetime.fromisoformat(text)
    except ValueError as exc:
        meant = meant_date(text)
        msg = f"{text!r} is not a date; {f'write {meant}' if meant else f'use {FORMS}'}"
        raise ValueError(msg) from exc
    return text


def resolve_range(
    start: str,
    end: str,
    *,
    granularity: Period | None,
    zone: ZoneInfo,
    now: datetime,
) -> Window:
    """Return the span from *start* to *end* as instants, on bucket edges.

    Args:
        start: The value of `from`, as check_date returns it.
        end: The value of `to`; exclusive.
        granularity: Length of a bucket. Relative dates are moved back to an edge;
            others must lie on one.
        zone: The zone of dates and midnights.
        now: The instant from which relative dates count.

    Raises:
        ValueError: If an end lies between two bucket edges or in a year outside
            1970-2199, or the range is empty.
    """
    first = _instant("from", start, granularity, zone, now)
    last = _instant("to", end, granularity, zone, now)
    if first >= last:
        wall_first, wall_last = (to_local(t, zone) for t in (first, last))
        msg = (
            f"from ({start}) must be before to ({end}): in {zone.key} that is "
            f"{wall_first:%Y-%m-%d %H:%M} and {wall_last:%Y-%m-%d %H:%M}; "
            "to is exclusive"
        )
        raise ValueError(msg)
    return Window(first, last)


def resolve_instant(text: str, *, zone: ZoneInfo, now: datetime) -> datetime:
    """Return the instant of a text that may have any form of `from`, UTC.

    Args:
        text: What a user wrote.
        zone: The zone of dates and midnights.
        now: The instant from which relative dates count.

    Raises:
        ValueError: If it has no such form, or its year is outside 1970-2199.
    """
    return _instant("it", check_date(text), Period.parse("PT1S"), zone, now)


def _instant(
    name: str, text: str, granularity: Period | None, zone: ZoneInfo, now: datetime
) -> datetime:
    relative = _RELATIVE.fullmatch(text)
    if relative:
        anchor, sign, count, unit = relative.groups()
        moved = _relative(anchor, int(f"{sign or ''}{count or 0}"), unit, zone, now)
        _check_year(name, text, moved)
        return floor_to_bucket(moved, granularity or Period.parse("PT1M"), zone)
    parsed = datetime.fromisoformat(text)
    _check_year(name, text, parsed)
    instant = from_local(parsed, zone) if parsed.tzinfo is None else parsed
    instant = instant.astimezone(UTC)
    bucket = granularity or Period.parse("PT1S")
    if (edge := floor_to_bucket(instant, bucket, zone)) != instant:
        after = ceil_to_bucket(instant, bucket, zone)
        nearest = " or ".join(
            f"{to_local(t, zone):%Y-%m-%dT%H:%M}" for t in (edge, after)
        )
        msg = (
            f"{name} ({text}) is not at the start of a {bucket} bucket "
            f"in {zone.key}; the nearest are {nearest}"
        )
        raise ValueError(msg)
    return instant


def _check_year(name: str, text: str, instant: datetime) -> None:
    if instant.year not in _YEARS:
        msg = f"{name} ({text}) is not between {_YEARS[0]} and {_YEARS[-1]}"
        raise ValueError(msg)


def _relative(
    anchor: str, count: int, unit: str | None, zone: ZoneInfo, now: datetime
) -> datetime:
    base = now
    if anchor != "now":
        base = midnight(to_local(now, zone).date(), zone)
    if anchor == "yesterday":
        base = step(base, ONE_DAY, -1, zone)
    return step(base, _UNITS[unit], count, zone) if unit else base
