"""Removes from an answer what this release does not know, and notes its names."""

from collections.abc import Callable, Iterable
from typing import Any, Final

import msgspec

from gcbatch.genesys.client import ForeignBodyError, errors_in
from gcbatch.text import one_line

__all__ = ["check_no_error", "of_each", "short_names", "without_unknown_fields"]

MAX_CHARS: Final = 100
"""Longest name of an unknown field that is stored."""


def short_names(names: Iterable[str]) -> frozenset[str]:
    """Return names from an answer as they are stored."""
    return frozenset(one_line(name, MAX_CHARS) for name in names)


def check_no_error(one: Any, shape: type[msgspec.Struct], noun: str) -> None:
    """Refuse an object with an error among the fields that its shape does not have.

    What is no object is left for its type to refuse.

    Raises:
        ForeignBodyError: If so; names the fields, and the object by *noun*.
    """
    if not isinstance(one, dict):
        return
    others = one.keys() - set(shape.__struct_encode_fields__)
    if wrong := errors_in({name: one[name] for name in sorted(others)}):
        msg = f"{noun} has an error beside the data: {wrong}"
        raise ForeignBodyError(msg)


def without_unknown_fields(
    one: Any,
    shape: type[msgspec.Struct],
    unknown_fields: set[str],
    above: str,
    **below: Callable[[Any], Any],
) -> Any:
    """Return an object with only the fields of its shape; clean some by *below*.

    The paths of all other fields are added to *unknown_fields*, each after *above*, the
    path to the object with its dot. What is no object stays as it is, to be refused
    later.
    """
    if not isinstance(one, dict):
        return one
    fields: Iterable[str] = shape.__struct_encode_fields__
    unknown_fields.update(f"{above}{name}" for name in one.keys() - set(fields))
    return {
        name: below[name](one[name]) if name in below else one[name]
        for name in fields
        if name in one
    }


def of_each(clean: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a function that cleans each item of a list."""
    return lambda many: list(map(clean, many)) if isinstance(many, list) else many
