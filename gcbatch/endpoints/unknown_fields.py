"""Removes from an answer what this release does not know, and notes its names."""

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from gcbatch.genesys.client import ForeignBodyError, errors_in

__all__ = ["check_no_error", "of_each", "without_unknown_fields"]


def check_no_error(one: Any, shape: type[msgspec.Struct], noun: str) -> None:
    """Refuse an object with an error among the fields that its shape does not have.

    Args:
        one: The object, as plain data; anything else is left for its type to refuse.
        shape: The type that has the known fields.
        noun: What to call it.

    Raises:
        ForeignBodyError: If so; names the fields.
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
    """Return an object with only the fields of its shape.

    A value of another type than expected stays as it is, to be refused later.

    Args:
        one: The object.
        shape: The type that has the known fields.
        unknown_fields: The paths of all other fields are added here.
        above: The path to the object, with its dot.
        below: What cleans the values of some fields.
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
