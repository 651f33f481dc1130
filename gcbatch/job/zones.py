"""Names of time zones, and what someone may have meant who wrote another name.

A country, a city, an abbreviation or an offset is no name of a zone, and several zones
can be meant by it: `IST` is a time in Ireland, India and Israel.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from gcbatch.suggest import nearest

__all__ = ["is_zone", "unknown_zone", "zone_warning"]

NO_ZONES: Final = frozenset({"localtime", "Factory"})
"""Names that the machine defines."""

HINT: Final = "use an IANA name, such as Europe/Dublin or UTC"

PREFERRED: Final = (
    "America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles",
    "Europe/London", "Europe/Dublin", "Europe/Berlin", "Europe/Athens",
    "Asia/Kolkata", "Asia/Tokyo", "Australia/Sydney", "America/Sao_Paulo",
    "Africa/Lagos", "Africa/Johannesburg",
)  # fmt: skip
"""Named first where many zones have the same time."""

ALIASES: Final = {
    "uk": "gb", "england": "gb", "scotland": "gb", "wales": "gb",
    "united kingdom": "gb", "great britain": "gb", "northern ireland": "gb",
    "usa": "us", "america": "us", "uae": "ae", "holland": "nl", "czechia": "cz",
    "korea": "kr", "south korea": "kr",
}  # fmt: skip
"""Names of countries that the table of codes does not have, with their codes."""

PARTS_OF_US: Final = {
    "eastern": "America/New_York",
    "central": "America/Chicago",
    "mountain": "America/Denver",
    "pacific": "America/Los_Angeles",
}

ALL_YEAR: Final = {
    "EST": "America/New_York",
    "MST": "America/Denver",
    "HST": "Pacific/Honolulu",
}
"""Names of zones without daylight saving, and the zone whose winter time they are."""

_OFFSET: Final = re.compile(r"(?:utc|gmt)?([+-])(\d{1,2})(?::?([0-5]\d))?", re.ASCII)
_FILLER: Final = re.compile(r"\b(?:standard|daylight|summer|local|time|zone)\b")
_SHORT: Final = re.compile(r"[A-Za-z]{1,5}")
"""An abbreviation. It resembles others too much to guess by letters."""

WINTER: Final = datetime(2026, 1, 15, 12, tzinfo=UTC)
SUMMER: Final = datetime(2026, 7, 15, 12, tzinfo=UTC)

ALIKE: Final = 0.8
"""How like a city must be, from 0 to 1: Mumbai is not Dubai."""

MAX_NAMED: Final = 6
HOURS_WITH_ZONES: Final = range(-12, 15)
"""Whole hours from UTC for which there is a zone such as Etc/GMT-1."""


@cache
def _packaged_zones() -> frozenset[str]:
    """Return the names of the time zones that the package tzdata has.

    A packaged application may lack it, and use those of the system.
    """
    return frozenset(_lines("zones")) - NO_ZONES


@cache  # it searches a folder
def _zones() -> frozenset[str]:
    """Return the names of all time zones."""
    return frozenset(available_timezones()) - NO_ZONES


def is_zone(name: str) -> bool:
    """Return whether *name* is the name of a time zone."""
    return name in _packaged_zones() or name in _zones()


def unknown_zone(name: str) -> str:
    """Return the message for a name that no zone has, with those that may be meant."""
    meant = list(dict.fromkeys(_meant(name)))[:MAX_NAMED]
    if not meant:
        return f"unknown time zone {name!r}: {HINT}"
    one_of = "one of " if len(meant) > 1 else ""
    return f"unknown time zone {name!r}: did you mean {one_of}{', '.join(meant)}?"


def zone_warning(name: str) -> str:
    """Return what a zone does that its name does not say; empty for most zones."""
    if other := ALL_YEAR.get(name):
        return (
            f"timezone {name} has no daylight saving: it is the same all year; "
            f"the clocks of people there are {other}"
        )
    return ""


def _meant(name: str) -> list[str]:
    """Return the zones that someone may mean by *name*, the likeliest first."""
    plain = " ".join(_FILLER.sub(" ", name.lower().replace("_", " ")).split())
    if match := _OFFSET.fullmatch(plain.replace(" ", "")):
        return list(_at_offset(*match.groups()))
    if plain in ("z", "zulu time"):
        return ["UTC"]
    for found in (
        [zone for zone in sorted(_zones()) if zone.lower() == name.lower()],
        _of_city(plain, _tabled()),
        _of_country(plain),
        [PARTS_OF_US[plain]] if plain in PARTS_OF_US else [],
        _of_city(plain, sorted(_zones())),  # with former names, such as Kiev
        _abbreviated(plain.upper()),
    ):
        if found:
            return found
    if _SHORT.fullmatch(name) or plain != " ".join(name.lower().split()):
        return []  # letters alone would suggest any zone
    # Zones of one continent have too many letters in common.
    by_city = {zone.rpartition("/")[2]: zone for zone in sorted(_zones())}
    cities = nearest(name.rpartition("/")[2], by_city, limit=1, cutoff=ALIKE)
    return [by_city[city] for city in cities]


def _of_city(plain: str, zones: Iterable[str]) -> list[str]:
    """Return those of *zones* whose last part is *plain*, such as `new york`."""
    city = plain.rpartition("/")[2].replace(" ", "_")
    return [zone for zone in zones if zone.rpartition("/")[2].lower() == city]


def _of_country(plain: str) -> list[str]:
    """Return the zones of a country, by its name or code; one for each time."""
    codes = {ALIASES.get(plain, plain)}
    if plain not in ALIASES:
        for line in _lines("zoneinfo", "iso3166.tab"):
            code, _, country = line.partition("\t")
            if plain in (part.strip(" )").lower() for part in country.split("(")):
                codes.add(code.lower())
    return _one_for_each_time(z for z, code in _tabled().items() if code in codes)


def _abbreviated(short: str) -> list[str]:
    """Return the zones whose clocks show *short* in winter or summer."""
    return _one_for_each_time(
        zone
        for zone in _tabled()
        if short in {at.astimezone(ZoneInfo(zone)).tzname() for at in (WINTER, SUMMER)}
    )


def _at_offset(sign: str, hours: str, minutes: str | None) -> Iterator[str]:
    """Yield the zones whose standard time is so far from UTC, then the fixed one."""
    offset = timedelta(hours=int(hours), minutes=int(minutes or 0))
    offset = -offset if sign == "-" else offset
    yield from _one_for_each_time(z for z in _tabled() if min(_times(z)) == offset)[:3]
    whole, rest = divmod(offset, timedelta(hours=1))
    if not whole and not rest:
        yield "UTC"
    elif not rest and whole in HOURS_WITH_ZONES:
        yield f"Etc/GMT{-whole:+d}"  # its sign is the other way round


def _one_for_each_time(zones: Iterable[str]) -> list[str]:
    """Return of zones with the same clocks only one: the best known, or the first."""
    rank = {zone: number for number, zone in enumerate(PREFERRED)}
    found: dict[tuple[timedelta, ...], str] = {}
    for zone in sorted(zones, key=lambda zone: rank.get(zone, len(rank))):
        found.setdefault(_times(zone), zone)
    return list(found.values())


def _times(zone: str) -> tuple[timedelta, ...]:
    """Return how far a zone is from UTC in January and in July."""
    offsets = (at.astimezone(ZoneInfo(zone)).utcoffset() for at in (WINTER, SUMMER))
    return tuple(offset or timedelta() for offset in offsets)


def _tabled() -> dict[str, str]:
    """Return the zones in use, each with the code of its country in lower case."""
    rows = (line.split("\t") for line in _lines("zoneinfo", "zone.tab"))
    return {row[2]: row[0].lower() for row in rows if row[2] in _zones()}


@cache
def _lines(*path: str) -> tuple[str, ...]:
    """Return the lines of a file of tzdata; none where it is not installed."""
    try:
        text = files("tzdata").joinpath(*path).read_text("utf-8")
    except (ImportError, OSError):
        return ()
    return tuple(line for line in text.splitlines() if line and line[0] != "#")
