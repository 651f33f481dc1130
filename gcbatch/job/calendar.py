"""The section `calendar:` of a job file: opening hours and holidays."""

import re
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from gcbatch.atomic_files import read_bounded_text
from gcbatch.job.query import QuerySection
from gcbatch.job.section import InvalidValueError, Section
from gcbatch.job.time_types import TimeZone
from gcbatch.opening_hours import OpeningHours, Span
from gcbatch.suggest import unknown
from gcbatch.windows import Period

__all__ = ["CalendarSection", "OpenTimes", "check_calendar"]

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
FULL_NAMES: Final = (
    *("monday", "tuesday", "wednesday", "thursday"),
    *("friday", "saturday", "sunday"),
)
CLOSED: Final = "closed"
MINUTES: Final = 1440
MAX_FILE_BYTES: Final = 1 << 20

A_YEAR: Final = 2026
"""A year whose days are looked at, as the range of a job may depend on its run."""

FINER: Final = ("PT1H", "PT30M", "PT15M", "PT10M", "PT5M", "PT1M")
"""Granularities that a message proposes."""

_SPAN: Final = re.compile(r"(\d{1,2}):(\d\d)\s*-\s*(\d{1,2}):(\d\d)", re.ASCII)
_YEARLY: Final = re.compile(r"\d\d-\d\d", re.ASCII)

Spans = tuple[Span, ...]


def _span_of(text: object) -> Span:
    match = _SPAN.fullmatch(text.strip()) if isinstance(text, str) else None
    hour, minute, last_hour, last_minute = (
        map(int, match.groups()) if match else (99,) * 4
    )
    start, end = 60 * hour + minute, 60 * last_hour + last_minute
    if start >= MINUTES or end > MINUTES or max(minute, last_minute) > 59:  # noqa: PLR2004 - minutes of an hour
        msg = f"{text!r} is not a span such as 09:00-17:30, 22:00-06:00 or 00:00-24:00"
        raise ValueError(msg)
    if start == end:
        msg = f"{text!r} ends when it begins; a whole day is 00:00-24:00"
        raise ValueError(msg)
    return (start, end) if end > start else (start, end + MINUTES)


def _spans_of(value: object) -> Spans:
    """Return the spans that a value means: one, a list of them, or `closed`."""
    if value == CLOSED:
        return ()
    several = value if isinstance(value, (list, tuple)) else [value]
    return tuple(_span_of(one) for one in several)


def _days_of(key: str) -> list[int]:
    """Return the weekdays that a key means, such as `mon-fri` or `tue, thu`."""
    found: list[int] = []
    for part in key.lower().split(","):
        ends = [_day_of(name.strip()) for name in part.split("-", 1)]
        first, last = ends[0], ends[-1]
        found += [(first + n) % 7 for n in range((last - first) % 7 + 1)]
    return found


def _day_of(name: str) -> int:
    for names in (DAYS, FULL_NAMES):
        if name in names:
            return names.index(name)
    raise ValueError(unknown("weekday", name, DAYS))


def _read_week(value: object) -> tuple[Spans, ...]:
    if isinstance(value, tuple):
        return value
    if not isinstance(value, dict) or not value:
        msg = "must be a mapping such as {mon-fri: 09:00-17:30}"
        raise ValueError(msg)
    week: dict[int, Spans] = {}
    for key, spans in value.items():
        try:
            days, read = _days_of(str(key)), _spans_of(spans)
            if twice := [DAYS[day] for day in days if day in week]:
                msg = f"{twice[0]} is there twice"
                raise ValueError(msg)  # noqa: TRY301 - the place is added below
        except ValueError as exc:
            raise InvalidValueError((key,), str(exc)) from exc
        week |= dict.fromkeys(days, read)
    return tuple(week.get(day, ()) for day in range(7))


def _check_day(text: object, where: str = "") -> str:
    """Return a date, or the day of every year that `12-25` means."""
    found = str(text).strip()
    try:
        date.fromisoformat(f"2024-{found}" if _YEARLY.fullmatch(found) else found)
        if len(found) not in (len("12-25"), len("2026-12-25")):
            raise ValueError(found)  # noqa: TRY301 - such as 20261225
    except ValueError:
        msg = (
            f"{where}{found!r} is not a date such as 2026-12-25, or 12-25 of each year"
        )
        raise ValueError(msg) from None
    return found


def _read_holidays(value: object) -> tuple[str, ...]:
    if not isinstance(value, (list, tuple)):
        msg = "must be a list"
        raise ValueError(msg)  # noqa: TRY004 - pydantic reports only ValueErrors
    found: set[str] = set()
    for number, entry in enumerate(value):
        try:
            if isinstance(entry, dict):
                found.update(_days_of_file(entry))
            else:
                found.add(_check_day(entry))
        except ValueError as exc:
            raise InvalidValueError((number,), str(exc)) from exc
    return tuple(sorted(found))


def _days_of_file(entry: dict[str, Any]) -> list[str]:
    """Return the days in a file, one a line; what follows a day is its name."""
    path = entry.get("file")
    if list(entry) != ["file"] or not isinstance(path, str):
        msg = "must be a date or {file: holidays.txt}"
        raise ValueError(msg)
    try:
        lines = read_bounded_text(Path(path), MAX_FILE_BYTES).splitlines()
    except OSError as exc:
        msg = f"{path} cannot be read: {exc.strerror}"
        raise ValueError(msg) from exc
    return [
        _check_day(line.split()[0], f"{path} line {number}: ")
        for number, line in enumerate(lines, 1)
        if line.strip() and not line.strip().startswith("#")
    ]


def _read_special_days(value: object) -> dict[str, Spans]:
    if not isinstance(value, dict):
        msg = "must be a mapping such as {2026-12-24: 09:00-13:00}"
        raise ValueError(msg)  # noqa: TRY004 - pydantic reports only ValueErrors
    found: dict[str, Spans] = {}
    for key, spans in value.items():
        try:
            found[_check_day(key)] = _spans_of(spans)
        except ValueError as exc:
            raise InvalidValueError((key,), str(exc)) from exc
    return found


_SPAN_SCHEMA: Final = {"type": "string", "examples": ["09:00-17:30", "closed"]}
_SPANS_SCHEMA: Final = {
    "anyOf": [_SPAN_SCHEMA, {"type": "array", "items": _SPAN_SCHEMA}]
}
_FILE_SCHEMA: Final = {
    "type": "object",
    "properties": {"file": {"type": "string"}},
    "required": ["file"],
    "additionalProperties": False,
}


def _describe_spans(schema: dict[str, Any]) -> None:
    """Describe hours by day as a job file has them."""
    kept = {key: schema[key] for key in ("default", "description") if key in schema}
    schema.clear()
    schema.update(type="object", additionalProperties=_SPANS_SCHEMA, **kept)


def _describe_holidays(schema: dict[str, Any]) -> None:
    kept = {key: schema[key] for key in ("default", "description") if key in schema}
    schema.clear()
    items = {"anyOf": [{"type": "string"}, _FILE_SCHEMA]}
    schema.update(type="array", items=items, **kept)


class OpenTimes(Section):
    """The opening hours of queues.

    Args:
        hours: Spans by weekday: `{mon-fri: "09:00-17:30", sat: "10:00-14:00"}`, several
            as a list. A span that ends before it begins ends on the next day. Days that
            are not named are closed.
        holidays: Days on which no span begins: `2026-12-25`, `12-25` for each year, or
            `{file: holidays.txt}` with one a line. Default: none.
        special_days: Other spans for some days: `{2026-12-24: "09:00-13:00"}`. Default:
            none.
        timezone: IANA name of the zone of these hours. Default: `query.timezone`.
    """

    hours: Annotated[
        tuple[Spans, ...],
        BeforeValidator(_read_week),
        Field(json_schema_extra=_describe_spans),
    ]
    holidays: Annotated[
        tuple[str, ...],
        BeforeValidator(_read_holidays),
        Field(json_schema_extra=_describe_holidays),
    ] = ()
    special_days: Annotated[
        dict[str, Spans],
        BeforeValidator(_read_special_days),
        Field(json_schema_extra=_describe_spans),
    ] = Field(default_factory=dict)
    timezone: TimeZone | None = None

    @model_validator(mode="after")
    def _check_days(self) -> Self:
        for day in self.special_days:
            if day in self.holidays:
                msg = f"{day} is a holiday too"
                raise InvalidValueError(("special_days", day), msg)
        return self

    def opening_hours(self, zone: ZoneInfo) -> OpeningHours:
        """Return the hours in a zone, unless they name their own."""
        own = ZoneInfo(self.timezone) if self.timezone else zone
        return OpeningHours(
            own, self.hours, frozenset(self.holidays), self.special_days
        )


def _always_or_times(value: object) -> str:
    return "always" if isinstance(value, str) else "times"


Open = Annotated[
    Annotated[Literal["24/7"], Tag("always")] | Annotated[OpenTimes, Tag("times")],
    Discriminator(_always_or_times),
]


class CalendarSection(Section):
    """The `calendar:` section: opening hours, to which the table `sla` is limited.

    Args:
        default: The hours of all other queues, or `24/7`.
        queues: The hours of single queues, by name or id, or `24/7`. A name that no
            queue of the run has causes a warning.
    """

    default: Open = "24/7"
    queues: dict[str, Open] = Field(default_factory=dict)

    def opening_hours(self, zone: ZoneInfo) -> dict[str | None, OpeningHours]:
        """Return the hours by queue; those under None are of all other queues."""
        hours: dict[str | None, OpeningHours] = {None: _hours_of(self.default, zone)}
        for queue, times in self.queues.items():
            hours[queue] = _hours_of(times, zone)
        return hours


def _hours_of(times: OpenTimes | Literal["24/7"], zone: ZoneInfo) -> OpeningHours:
    if isinstance(times, OpenTimes):
        return times.opening_hours(zone)
    return OpeningHours(zone)


def check_calendar(calendar: CalendarSection, query: QuerySection) -> None:
    """Refuse hours that begin or end within a bucket of a query.

    Raises:
        InvalidValueError: Names the hour, and the granularity to use.
    """
    if calendar.queues and "queueId" not in query.group_by and query.family:
        msg = (
            "hours of single queues need rows per queue; add queueId to query.group_by"
        )
        raise InvalidValueError(("calendar", "queues"), msg)
    length = query.granularity
    if length is None:
        return  # queue-summary and the like: their buckets are checked as they come
    for queue, hours in calendar.opening_hours(query.zone).items():
        wall = hours.edge_within_bucket(length, query.zone, A_YEAR)
        if wall is None:
            continue
        place = ("default",) if queue is None else ("queues", queue)
        finer = [Period.parse(text) for text in FINER]
        fits = [p for p in finer if not hours.edge_within_bucket(p, query.zone, A_YEAR)]
        way_out = f"; set query.granularity to {fits[0]}" if fits else ""
        # The first day that is looked at is usual; others are those of a change.
        is_usual = wall.date() <= date(A_YEAR, 1, 2)
        when = "" if is_usual else f" on {wall:%Y-%m-%d}, when the clocks change"
        msg = (
            f"{wall:%H:%M} is within a bucket of {length}{when}, which would be open "
            f"in part{way_out}"
        )
        raise InvalidValueError(("calendar", *place), msg)
