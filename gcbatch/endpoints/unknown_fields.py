"""Answers without what this release does not know, which is noted."""

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from gcbatch.genesys.client import ForeignBodyError, errors_in

__all__ = ["check_no_error", "of_each", "without_unknown_fields"]


def check_no_error(one: Any, shape: type[msgspec.Struct], noun: str) -> None:
    """Refuse an object with an error among the fields that its shape does not have.

    Args:
        one: The object, as plain data; what is none is left to be refused by its type.
        shape: Whose fields are known.
        noun: What to call it.

    Raises:
        ForeignBodyError: If so; names the fields.
    """
    if not isinstance(one, dict):
        return
    others = one.keys() - set(shape.__struct_encode_fields__)
    if wrong := errors_in({name: one[name] for name in sorted(others)}):
        msg = f"{noun} has an error beside what was asked: {wrong}"
        raise ForeignBodyError(msg)


def without_unknown_fields(
    one: Any,
    shape: type[msgspec.Struct],
    newer: set[str],
    above: str,
    **below: Callable[[Any], Any],
) -> Any:
    """Return an object with the fields of its shape alone.

    What is of another type than it should be is left as it is, to be refused.

    Args:
        one: The object.
        shape: Whose fields are known.
        newer: Takes the paths of all others.
        above: The path to the object, with its dot.
        below: What cleans the values of some fields.
    """
    if not isinstance(one, dict):
        return one
    fields: Iterable[str] = shape.__struct_encode_fields__
    newer.update(f"{above}{name}" for name in one.keys() - set(fields))
    return {
        name: below[name](one[name]) if name in below else one[name]
        for name in fields
        if name in one
    }


def of_each(clean: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return what cleans each item of a list."""
    return lambda many: list(map(clean, many)) if isinstance(many, list) else many
