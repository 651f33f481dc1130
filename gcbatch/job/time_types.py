"""Types of times in a job file: the time zone, and the length of a bucket."""

import re
from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator

from gcbatch.job.section import Duration
from gcbatch.job.zones import is_zone, unknown_zone
from gcbatch.windows import Period

__all__ = ["Granularity", "TimeZone"]

MINUTES_OF_A_DAY: Final = 1440


def _check_zone(name: str) -> str:
    if not is_zone(name):
        raise ValueError(unknown_zone(name))
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
