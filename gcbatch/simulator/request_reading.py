"""Reads the JSON of a request as strictly as the service does."""

import re
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from gcbatch.simulator.instants import milliseconds
from gcbatch.simulator.problems import bad_request, invalid_date, invalid_value

__all__ = [
    "AGGREGATION_RANGE",
    "NUMERIC_RANGE",
    "read_choice",
    "read_flag",
    "read_instant",
    "read_interval",
    "read_json",
    "read_list",
    "read_metrics",
    "read_names",
    "read_object",
    "read_range",
    "read_span",
    "read_text",
    "read_whole",
]

_INSTANT: Final = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?"
)

NUMERIC_RANGE: Final = ("NumericRange", frozenset({"gt", "gte", "lt", "lte"}))
AGGREGATION_RANGE: Final = ("AggregationRange", frozenset({"gte", "lt"}))
"""The models of ranges, with their bounds."""


def read_json(body: bytes, model: str) -> object:
    """Return the JSON of a body.

    Raises:
        Problem: If it is not JSON; names the model.
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        raise invalid_value([], model) from None


def read_object(value: object, model: str, keys: frozenset[str]) -> dict[str, Any]:
    """Return a JSON object that has no unknown keys.

    Raises:
        Problem: If it is not an object or has another key; names the model.
    """
    if not isinstance(value, dict) or not set(value) <= keys:
        raise invalid_value([], model)
    return value


def read_range(value: object, model: str, bounds: frozenset[str]) -> dict[str, float]:
    """Return the bounds of a range.

    Raises:
        Problem: If it is not an object of such bounds, or one is not a number.
    """
    given = read_object(value, model, bounds)
    for bound in given.values():
        if isinstance(bound, bool) or not isinstance(bound, int | float):
            raise invalid_value(bound, model)
    return given


def read_list(value: object, model: str) -> list[object]:
    """Return a JSON list; None is an empty one.

    Raises:
        Problem: If it is anything else; names the model of its items.
    """
    if value is None:
        return []
    if not isinstance(value, list):
        raise invalid_value(value, model)
    return value


def read_text(value: object) -> str:
    """Return a text.

    Raises:
        Problem: If it is anything else.
    """
    if not isinstance(value, str):
        raise invalid_value(value, "String")
    return value


def read_flag(value: object) -> bool:
    """Return true or false; None is false.

    Raises:
        Problem: If it is anything else.
    """
    if value is None:
        return False
    if not isinstance(value, bool):
        raise invalid_value(value, "Boolean")
    return value


def read_whole(value: object, name: str, maximum: int | None = None) -> int:
    """Return a whole number of at least 1.

    Args:
        value: As sent.
        name: The name of its field.
        maximum: None is without limit.

    Raises:
        Problem: If it is not a whole number, or is too small or too large.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise invalid_value(value, "Integer")
    if value < 1 or (maximum is not None and value > maximum):
        limit = "" if maximum is None else f" and at most {maximum}"
        msg = f"{name} must be at least 1{limit} [{value}]."
        raise bad_request(msg)
    return value


def read_choice(value: object, field_type: str, allowed: Collection[str]) -> str:
    """Return one of the allowed words.

    Raises:
        Problem: If it is another value; lists the allowed ones.
    """
    if not isinstance(value, str) or value not in allowed:
        raise invalid_value(value, field_type, allowed)
    return value


def read_names(
    value: object, field_type: str, allowed: Collection[str]
) -> tuple[str, ...]:
    """Return a list of allowed words without repetition.

    Raises:
        Problem: If it is not a list, or one of them is not allowed.
    """
    names = (
        read_choice(name, field_type, allowed) for name in read_list(value, field_type)
    )
    return tuple(dict.fromkeys(names))


def read_metrics(
    value: object, field_type: str, allowed: Collection[str]
) -> tuple[str, ...]:
    """Return the metrics of a query, at least one.

    Raises:
        Problem: If there is none, or one is unknown.
    """
    names = read_names(value, field_type, allowed)
    if not names:
        msg = "At least one metric is required."
        raise bad_request(msg)
    return names


def read_instant(value: object) -> int:
    """Return an instant in milliseconds; without an offset it is in UTC.

    Raises:
        Problem: If it is not an instant.
    """
    if not isinstance(value, str) or not _INSTANT.fullmatch(value):
        raise invalid_date()
    try:
        instant = datetime.fromisoformat(value)
    except ValueError:  # the 30th of February
        raise invalid_date() from None
    return milliseconds(instant if instant.tzinfo else instant.replace(tzinfo=UTC))


def read_span(start: object, end: object) -> tuple[int, int]:
    """Return both ends of a span of time in milliseconds.

    Raises:
        Problem: If one is not an instant, or the end is not after the start.
    """
    span = read_instant(start), read_instant(end)
    if span[0] >= span[1]:
        msg = "The interval of the query must end after it starts."
        raise bad_request(msg)
    return span


def read_interval(value: object) -> tuple[int, int]:
    """Return both ends of an ISO-8601 interval in milliseconds.

    Raises:
        Problem: If it is missing, or is not an interval of two instants.
    """
    if value is None:
        msg = "The interval of the query is required."
        raise bad_request(msg)
    start, slash, end = str(value).partition("/")
    if not slash:
        raise invalid_date()
    return read_span(start, end)
