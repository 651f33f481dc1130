"""What to say of a name that is not known: the nearest one, or all there are."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

__all__ = ["nearest", "unknown"]

MOST_LISTED: Final = 30


def nearest(name: str, choices: Iterable[str], *, most: int = 3) -> list[str]:
    """Return the choices most like *name*, best first, whatever their case."""
    by_lower: dict[str, str] = {}
    for choice in choices:
        by_lower.setdefault(choice.lower(), choice)
    found = get_close_matches(name.lower(), by_lower, n=most, cutoff=0.6)
    return [by_lower[lower] for lower in found]


def unknown(what: str, name: str, choices: Iterable[str]) -> str:
    """Return the message for a name that is none of *choices*.

    Args:
        what: What it should be, such as `metric`.
        name: What was written.
        choices: All that it could be.
    """
    known = list(choices)
    if close := nearest(name, known, most=1):
        return f"unknown {what} {name!r}: did you mean {close[0]}?"
    listed = ", ".join(known[:MOST_LISTED])
    more = f" and {len(known) - MOST_LISTED} more" if len(known) > MOST_LISTED else ""
    return f"unknown {what} {name!r}; there are {listed}{more}"
