"""What someone may have meant who wrote a date or a duration in another form."""

import re
from datetime import date
from typing import Final

__all__ = ["meant_date", "meant_duration"]

_YEAR_FIRST: Final = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})", re.ASCII)
_YEAR_LAST: Final = re.compile(r"\d{1,2}[-/.]\d{1,2}[-/.]\d{4}", re.ASCII)
_SPACED: Final = re.compile(
    r"(today|yesterday|now) *([+-]) *([0-9]{1,4}) *(min|h|d|w|mo)"
)
_BARE: Final = re.compile(r"-([0-9]{1,4})(min|h|d|w|mo)")
_SHORT: Final = re.compile(r"([0-9]{1,4}) *(m|min|h|d|w|mo)")
_UNITS: Final = {
    "m": "PT{}M",
    "min": "PT{}M",
    "h": "PT{}H",
    "d": "P{}D",
    "w": "P{}W",
    "mo": "P{}M",
}
_WORDS: Final = {
    "hourly": "PT1H",
    "hour": "PT1H",
    "daily": "P1D",
    "day": "P1D",
    "weekly": "P1W",
    "week": "P1W",
    "monthly": "P1M",
    "month": "P1M",
}


def meant_date(text: str) -> str:
    """Return how to write a date that is meant by *text*; empty if that is not clear.

    Days and months are not guessed: 01/10/2026 is in January or in October.
    """
    if match := _YEAR_FIRST.fullmatch(text):
        try:
            return date(*map(int, match.groups())).isoformat()
        except ValueError:
            return ""  # no such day
    if _YEAR_LAST.fullmatch(text):
        return "the year first, such as 2026-10-01"
    if match := _SPACED.fullmatch(text.lower()):
        return "".join(match.groups())
    if match := _BARE.fullmatch(text):
        return f"{'now' if match[2] in ('min', 'h') else 'today'}{text}"
    return ""


def meant_duration(text: str) -> str:
    """Return the duration that is meant by *text*; empty if that is not clear."""
    plain = text.strip().lower()
    if match := _SHORT.fullmatch(plain):
        return _UNITS[match[2]].format(match[1])
    return _WORDS.get(plain, "")
