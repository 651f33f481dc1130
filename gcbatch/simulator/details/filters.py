"""The filters of details queries: reads them strictly, and tests records with them.

A query has a list of filters for each level. All filters of a list must accept; a
filter on segments accepts a conversation if one segment of it passes.

Source: models `<Level>DetailQueryFilter`, `Clause` and `Predicate` of
PureCloudPlatformClientV2 269.0.0, read 2026-11-21. Case does not matter in
texts, because the service's own example has the purpose `Customer`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from gcbatch.simulator.filter_tree import (
    KINDS,
    OPERATORS,
    FilterModels,
    FilterTree,
    read_filter_tree,
)
from gcbatch.simulator.problems import bad_request, invalid_value
from gcbatch.simulator.request_reading import (
    NUMERIC_RANGE,
    read_choice,
    read_list,
    read_object,
    read_range,
    read_text,
)

__all__ = ["Filter", "Level", "Predicate", "Values", "accepted", "read_filters"]

Values = Callable[[str], tuple[object, ...]]
"""Returns the values that a record has for a dimension or metric; empty if none."""

PROPERTY_TYPES: Final = ("bool", "integer", "real", "date", "string", "uuid")


@dataclass(frozen=True, slots=True)
class Level:
    """The names that filters of one level may use.

    Args:
        model: The name of the level in the API's models.
        dimensions: Values of `dimension`.
        metrics: Values of `metric`.
        has_properties: Whether predicates may be on properties.
    """

    model: str
    dimensions: frozenset[str] = frozenset()
    metrics: frozenset[str] = frozenset()
    has_properties: bool = False


@dataclass(frozen=True, slots=True)
class Predicate:
    """One test of one dimension or metric.

    Args:
        name: The name of the dimension or metric; None tests a property, which no
            record here has.
        operator: `matches`, `exists` or `notExists`.
        value: The expected value; None with a range.
        bounds: The bounds of a range, such as `("gte", 5.0)`.
    """

    name: str | None
    operator: str
    value: str | None
    bounds: tuple[tuple[str, float], ...]

    def accepts(self, values: Values, /) -> bool:
        """Return whether a record passes."""
        found = () if self.name is None else values(self.name)
        if self.operator == "exists":
            return bool(found)
        if self.operator == "notExists":
            return not found
        return any(self._matches(value) for value in found)

    def _matches(self, actual: object) -> bool:
        if self.value is not None:
            return _text(actual) == self.value.casefold()
        if isinstance(actual, bool) or not isinstance(actual, int | float):
            return False
        return all(_is_within(actual, *bound) for bound in self.bounds)


Filter = FilterTree[Values]


def accepted(filters: tuple[Filter, ...], records: Iterator[Values]) -> bool:
    """Return whether each filter accepts at least one of the records."""
    if not filters:
        return True
    known = list(records)
    return all(any(f.accepts(values) for values in known) for f in filters)


def read_filters(value: object, level: Level) -> tuple[Filter, ...]:
    """Read a list of filters; None is an empty one.

    Raises:
        Problem: If a shape, a type, an operator, a dimension or a metric is not one
            that the level has.
    """
    filter_model, clause_model = (
        f"{level.model}DetailQuery{kind}" for kind in ("Filter", "Clause")
    )
    models = FilterModels(
        filter_model, f"{filter_model}Type", clause_model, f"{clause_model}Type"
    )
    read_predicate = partial(_read_predicate, level)
    return tuple(
        read_filter_tree(item, models, read_predicate)
        for item in read_list(value, models.filter)
    )


def _read_predicate(level: Level, value: object) -> Predicate:
    model = f"{level.model}DetailQueryPredicate"
    given = read_object(value, model, _predicate_keys(level))
    kind = read_choice(given.get("type", "dimension"), f"{model}Type", KINDS)
    name = _read_name(given, kind, level, model)
    operator = read_choice(
        given.get("operator", "matches"), f"{model}Operator", OPERATORS
    )
    wanted = given.get("value")
    if wanted is not None:
        wanted = read_text(wanted)
    bounds = _read_bounds(given.get("range"))
    if operator == "matches" and wanted is None and not bounds:
        msg = f"A predicate on {name or kind} that matches needs a value or a range."
        raise bad_request(msg)
    return Predicate(name, operator, wanted, bounds)


def _predicate_keys(level: Level) -> frozenset[str]:
    keys = {"type", "operator", "value", "range"}
    if level.dimensions:
        keys.add("dimension")
    if level.metrics:
        keys.add("metric")
    if level.has_properties:
        keys |= {"property", "propertyType"}
    return frozenset(keys)


def _read_name(
    given: Mapping[str, Any], kind: str, level: Level, model: str
) -> str | None:
    if kind == "dimension":
        return read_choice(
            given.get("dimension"), f"{model}Dimension", sorted(level.dimensions)
        )
    if kind == "metric":
        return read_choice(given.get("metric"), f"{model}Metric", sorted(level.metrics))
    if not level.has_properties:
        raise invalid_value(kind, f"{model}Type", ("dimension", "metric"))
    read_choice(given.get("propertyType"), f"{model}PropertyType", PROPERTY_TYPES)
    read_text(given.get("property"))
    return None


def _read_bounds(value: object) -> tuple[tuple[str, float], ...]:
    if value is None:
        return ()
    return tuple(sorted(read_range(value, *NUMERIC_RANGE).items()))


def _is_within(actual: float, bound: str, limit: float) -> bool:
    match bound:
        case "gt":
            return actual > limit
        case "gte":
            return actual >= limit
        case "lt":
            return actual < limit
        case _:
            return actual <= limit


def _text(value: object) -> str:
    """Return a value as filters write it: `true`, `7`, `voice`."""
    return str(value).casefold()
