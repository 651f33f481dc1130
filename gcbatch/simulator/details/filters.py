"""The filters of details queries: read strictly, then evaluated on JSON.

A query has lists of filters by level. All filters of a list must accept; one on
segments accepts a conversation if a single segment of it passes.

Source: models `<Level>DetailQueryFilter`, `Clause` and `Predicate` of
PureCloudPlatformClientV2 269.0.0, read 2026-11-21. Texts are compared without
regard to case, as the service's own example asks for the purpose `Customer`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from gcbatch.simulator.problems import bad_request, invalid_value
from gcbatch.simulator.request_reading import (
    read_choice,
    read_list,
    read_object,
    read_text,
)

__all__ = ["Filter", "Level", "Predicate", "Values", "accepted", "read_filters"]

Values = Callable[[str], tuple[object, ...]]
"""Tells what a record has for a dimension or metric; nothing if it has neither."""

JOINS: Final = ("and", "or")
KINDS: Final = ("dimension", "property", "metric")
OPERATORS: Final = ("matches", "exists", "notExists")
PROPERTY_TYPES: Final = ("bool", "integer", "real", "date", "string", "uuid")
BOUNDS: Final = frozenset({"gt", "gte", "lt", "lte"})


@dataclass(frozen=True, slots=True)
class Level:
    """What filters of one level may name.

    Args:
        model: The name of the level in the API's models.
        dimensions: Words for `dimension`.
        metrics: Words for `metric`.
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
        name: Of the dimension or metric; None tests a property, of which no record
            here has any.
        operator: `matches`, `exists` or `notExists`.
        value: What it must be; None with a range.
        bounds: Of a range, such as `("gte", 5.0)`.
    """

    name: str | None
    operator: str
    value: str | None
    bounds: tuple[tuple[str, float], ...]

    def accepts(self, values: Values) -> bool:
        """Tell whether a record passes."""
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


@dataclass(frozen=True, slots=True)
class Filter:
    """Clauses and predicates joined by `and` or `or`; an empty one takes all."""

    join: str
    parts: tuple["Filter | Predicate", ...]

    def accepts(self, values: Values) -> bool:
        """Tell whether a record passes."""
        verdicts = [part.accepts(values) for part in self.parts]
        if not verdicts:
            return True
        return all(verdicts) if self.join == "and" else any(verdicts)


def accepted(filters: tuple[Filter, ...], records: Iterator[Values]) -> bool:
    """Tell whether each filter accepts at least one of the records."""
    if not filters:
        return True
    known = list(records)
    return all(any(f.accepts(values) for values in known) for f in filters)


def read_filters(value: object, level: Level) -> tuple[Filter, ...]:
    """Read a list of filters; None is an empty one.

    Raises:
        Problem: If a shape, a type, an operator, a dimension or a metric is not one
            that the level takes.
    """
    model = f"{level.model}DetailQueryFilter"
    return tuple(_read_filter(item, level, model) for item in read_list(value, model))


def _read_filter(value: object, level: Level, model: str) -> Filter:
    given = read_object(value, model, frozenset({"type", "clauses", "predicates"}))
    join = read_choice(given.get("type"), f"{model}Type", JOINS)
    clauses = read_list(given.get("clauses"), model)
    predicates = read_list(given.get("predicates"), model)
    return Filter(
        join,
        (
            *(_read_clause(clause, level) for clause in clauses),
            *(_read_predicate(predicate, level) for predicate in predicates),
        ),
    )


def _read_clause(value: object, level: Level) -> Filter:
    model = f"{level.model}DetailQueryClause"
    given = read_object(value, model, frozenset({"type", "predicates"}))
    predicates = read_list(given.get("predicates"), model)
    if not predicates:
        msg = "A clause of a filter needs at least one predicate."
        raise bad_request(msg)
    join = read_choice(given.get("type"), f"{model}Type", JOINS)
    return Filter(join, tuple(_read_predicate(item, level) for item in predicates))


def _read_predicate(value: object, level: Level) -> Predicate:
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
    bounds = read_object(value, "NumericRange", BOUNDS)
    for bound in bounds.values():
        if isinstance(bound, bool) or not isinstance(bound, int | float):
            raise invalid_value(bound, "NumericRange")
    return tuple(sorted(bounds.items()))


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
