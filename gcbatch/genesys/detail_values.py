"""Values of detail fields, checked against their kinds."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from math import inf, isinf
from typing import Any, Final, NoReturn

import orjson

from gcbatch.genesys.detail_models import FieldKind
from gcbatch.text import one_line

__all__ = ["MisfitError", "fits", "loaded", "value_of"]

_MAX: Final = 2**63
_SHOWN: Final = 40
"""Characters of a value that an error shows."""

_DIGITS: Final = 4_000
"""Digits of the longest whole number. Python reads 4,300, a double holds 309."""


class MisfitError(Exception):
    """A value is not what its field should hold; says what is wrong."""


def loaded(document: str | bytes) -> Any:
    """Read JSON whose numbers may be of any size.

    Raises:
        ValueError: If it is no JSON; NaN and infinities are none.
        RecursionError: If it is nested too deeply.
    """
    try:
        return orjson.loads(document)
    except orjson.JSONDecodeError:  # also for numbers that no double holds
        return json.loads(document, parse_int=_int, parse_constant=_refuse_constant)


def value_of(value: Any, holds: FieldKind) -> Any:
    """Return a field's value as its column holds it; None for null.

    Args:
        value: Read from JSON.
        holds: What the field should hold; not JSON, ONE or MANY.

    Raises:
        MisfitError: If it is something else.
    """
    return None if value is None else _VALUES[holds](value)


def fits(value: Any, holds: FieldKind) -> bool:
    """Say whether a value is what its field should hold; see value_of."""
    try:
        value_of(value, holds)
    except MisfitError:
        return False
    return True


def _int(digits: str) -> int | float:
    return int(digits) if len(digits) <= _DIGITS else inf


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _refuse(what: str, value: Any = None) -> NoReturn:
    msg = what if value is None else f"{what} ({one_line(value, _SHOWN)})"
    raise MisfitError(msg)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else _refuse("is not a text")


def _flag(value: Any) -> bool:
    return value if isinstance(value, bool) else _refuse("is not true or false")


def _instant(value: Any) -> datetime:
    try:
        found = datetime.fromisoformat(value)
        # Arrow cuts off fractions of a millisecond, as parts do.
        return found.replace(tzinfo=found.tzinfo or UTC).astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        _refuse("is not an instant", value)


def _whole(value: Any) -> int:
    is_whole = isinstance(value, int) or (
        isinstance(value, float) and (value.is_integer() or isinf(value))
    )
    if isinstance(value, bool) or not is_whole:
        _refuse("is not a whole number", value)
    if not -_MAX <= value < _MAX:
        _refuse("is larger than 64 bits", value)
    return int(value)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        _refuse("is not a number", value)
    try:
        found = float(value)
    except OverflowError:
        found = inf
    if isinf(found):
        _refuse("is larger than a double holds")
    return found


def _each(value_in: Callable[[Any], Any]) -> Callable[[Any], list[Any]]:
    def values(value: Any) -> list[Any]:
        if not isinstance(value, list):
            _refuse("is not a list")
        return [value_in(item) for item in value]

    return values


_VALUES: Final[dict[FieldKind, Callable[[Any], Any]]] = {
    FieldKind.TEXT: _text,
    FieldKind.TIME: _instant,
    FieldKind.FLAG: _flag,
    FieldKind.WHOLE: _whole,
    FieldKind.NUMBER: _number,
    FieldKind.TEXTS: _each(_text),
    FieldKind.WHOLES: _each(_whole),
}
