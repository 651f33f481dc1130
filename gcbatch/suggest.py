"""Suggestions for an unknown name: the nearest known one, or all of them."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

__all__ = ["nearest", "unknown"]

MAX_LISTED: Final = 30


def nearest(
    name: str, choices: Iterable[str], *, limit: int = 3, cutoff: float = 0.6
) -> list[str]:
    """Return the choices most like *name*, best first; case does not matter.

    Args:
        name: The unknown name.
        choices: All valid names.
        limit: How many are returned at most.
        cutoff: How like they must be: 0 for any, 1 for the same letters.
    """
    by_lower: dict[str, str] = {}
    for choice in choices:
        by_lower.setdefault(choice.lower(), choice)
    found = get_close_matches(name.lower(), by_lower, n=limit, cutoff=cutoff)
    return [by_lower[lower] for lower in found]


def unknown(what: str, name: str, choices: Iterable[str]) -> str:
    """Return the message for a name that is none of *choices*.

    Args:
        what: The kind of name, such as `metric`.
        name: The unknown name.
        choices: All valid names.
    """
    known = list(choices)
    if close := nearest(name, known, limit=1):
        return f"unknown {what} {name!r}: did you mean {close[0]}?"
    first = ", ".join(known[:MAX_LISTED])
    more = f" and {len(known) - MAX_LISTED} more" if len(known) > MAX_LISTED else ""
    return f"unknown {what} {name!r}; there are {first}{more}"
