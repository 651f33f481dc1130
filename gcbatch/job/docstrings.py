"""What the docstring of a class tells of it and of its fields."""

import inspect
import re
from typing import Final

__all__ = ["about_class", "about_fields"]

_ENTRY: Final = re.compile(r"    (\w+(?:, \w+)*): (.*)")


def about_class(described: type) -> str:
    """Return what a class is, without its arguments; empty if it does not say."""
    text = inspect.cleandoc(vars(described).get("__doc__") or "")
    return text.partition("\n\nArgs:\n")[0]


def about_fields(described: type) -> dict[str, str]:
    """Return what a class and those above it say of each field.

    Returns:
        A text on one line by the name of the field, from the sections `Args:`; the
        nearest class has the last word.
    """
    found: dict[str, str] = {}
    for one in reversed(described.__mro__):
        text = inspect.cleandoc(vars(one).get("__doc__") or "")
        names: list[str] = []
        for line in text.partition("\nArgs:\n")[2].splitlines():
            if not line.startswith("    "):
                break
            if entry := _ENTRY.fullmatch(line):
                names = entry[1].split(", ")
                found |= dict.fromkeys(names, entry[2])
            else:
                found |= {name: f"{found[name]} {line.strip()}" for name in names}
    return found
