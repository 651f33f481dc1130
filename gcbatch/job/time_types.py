"""Types of times in a job file: the time zone, and the length of a bucket."""

import re
from functools import cache
from importlib.resources import files
from typing import Annotated, Final
from zoneinfo import available_timezones

from pydantic import AfterValidator, BeforeValidator

from gcbatch.job.section import Duration
from gcbatch.suggest import nearest
from gcbatch.windows import Period

__all__ = ["Granularity", "TimeZone"]

MINUTES_OF_A_DAY: Final = 1440
NO_ZONES: Final = frozenset({"localtime", "Factory"})
"""Names that the machine defines."""

ZONE_HINT: Final = "use an IANA name, such as Europe/Dublin or UTC"


@cache
def _packaged_zones() -> frozenset[str]:
    """Return the names of the time zones that the package tzdata has.

    A packaged application may lack it, and use those of the system.
    """
    try:
        zones = files("tzdata").joinpath("zones").read_text("ascii")
    except (ImportError, OSError):
        return frozenset()
    return frozenset(zones.split()) - NO_ZONES


@cache  # it searches a folder
def _zones() -> frozenset[str]:
    """Return the names of all time zones."""
    return frozenset(available_timezones()) - NO_ZONES


def _check_zone(name: str) -> str:
    if name not in _packaged_zones() and name not in _zones():
        msg = f"unknown time zone {name!r}: "
        near = nearest(name, sorted(_zones()), limit=1)
        msg += f"did you mean {near[0]}?" if near else ZONE_HINT
        raise ValueError(msg)
    return name


def _refuse_zero_length(value: object) -> object:
    if isinstance(value, str) and re.fullmatch(r"P(?:T?0[YMWDHS])+", value):
        msg = (
            f"{value} would merge the whole range into one bucket on the server; "
            "use a length such as PT1H, or leave it out for one bucket per window"
        )
        raise ValueError(msg)
    return value


def _check_granularity(period: Period) -> Period:
    if not period.is_clock:
        if period.seconds or (period.months and period.days):
            msg = f"{period} mixes units; use one, such as PT30M, P1D, P1W or P1M"
            raise ValueError(msg)
        return period
    minutes, rest = divmod(period.seconds, 60)
    if rest or MINUTES_OF_A_DAY % minutes:
        msg = f"{period} does not divide a day evenly; use PT15M, PT30M, PT1H …"
        raise ValueError(msg)
    return period


TimeZone = Annotated[str, AfterValidator(_check_zone)]
Granularity = Annotated[
    Duration, BeforeValidator(_refuse_zero_length), AfterValidator(_check_granularity)
]
