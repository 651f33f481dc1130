"""The `filter` of a query: read strictly, then evaluated.

Two levels and no more: predicates, and clauses of predicates.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from gcbatch.genesys import Family
from gcbatch.simulator.problems import bad_request, invalid_value
from gcbatch.simulator.request_reading import (
    read_choice,
    read_list,
    read_object,
    read_text,
)
from gcbatch.simulator.tenant.events import Profile

__all__ = ["Clause", "Filter", "Predicate", "read_filter"]

JOINS: Final = ("and", "or")
KINDS: Final = ("dimension", "property", "metric")
OPERATORS: Final = ("matches", "exists", "notExists")
BOUNDS: Final = frozenset({"gt", "gte", "lt", "lte"})


@dataclass(frozen=True, slots=True)
class Predicate:
    """One test of one dimension; *value* is None for a range."""

    dimension: str
    operator: str
    value: str | None
    kind: str

    def accepts(self, profile: Profile) -> bool:
        """Tell whether an event passes; one without the dimension never matches."""
        if self.kind != "dimension":
            return False
        actual = profile.get(self.dimension)
        if self.operator == "exists":
            return actual is not None
        if self.operator == "notExists":
            return actual is None
        return actual is not None and actual == self.value


@dataclass(frozen=True, slots=True)
class Clause:
    """Predicates joined by `and` or `or`."""

    join: str
    predicates: tuple[Predicate, ...]

    def accepts(self, profile: Profile) -> bool:
        """Tell whether an event passes."""
        return _joined(self.join, [p.accepts(profile) for p in self.predicates])


@dataclass(frozen=True, slots=True)
class Filter:
    """Clauses and predicates joined by `and` or `or`; an empty one takes all."""

    join: str
    clauses: tuple[Clause, ...]
    predicates: tuple[Predicate, ...]

    def accepts(self, profile: Profile) -> bool:
        """Tell whether an event passes."""
        parts: tuple[Clause | Predicate, ...] = (*self.clauses, *self.predicates)
        return _joined(self.join, [part.accepts(profile) for part in parts])

    @property
    def size(self) -> int:
        """Number of predicates on both levels."""
        return len(self.predicates) + sum(len(c.predicates) for c in self.clauses)


def _joined(join: str, verdicts: list[bool]) -> bool:
    if not verdicts:
        return True
    return all(verdicts) if join == "and" else any(verdicts)


def read_filter(value: object, family: Family) -> Filter:
    """Read the `filter` of a request.

    Raises:
        Problem: If its shape, a type, an operator or a dimension is not one that
            the family takes.
    """
    model = f"{family.model}AggregateQueryFilter"
    given = read_object(value, model, frozenset({"type", "clauses", "predicates"}))
    return Filter(
        read_choice(given.get("type"), "QueryFilterType", JOINS),
        tuple(
            _read_clause(clause, family)
            for clause in read_list(given.get("clauses"), model)
        ),
        tuple(
            _read_predicate(predicate, family)
            for predicate in read_list(given.get("predicates"), model)
        ),
    )


def _read_clause(value: object, family: Family) -> Clause:
    model = f"{family.model}AggregateQueryClause"
    given = read_object(value, model, frozenset({"type", "predicates"}))
    predicates = read_list(given.get("predicates"), model)
    if not predicates:
        msg = "A clause of a filter needs at least one predicate."
        raise bad_request(msg)
    return Clause(
        read_choice(given.get("type"), "QueryClauseType", JOINS),
        tuple(_read_predicate(predicate, family) for predicate in predicates),
    )


def _read_predicate(value: object, family: Family) -> Predicate:
    model = f"{family.model}AggregateQueryPredicate"
    given = read_object(
        value, model, frozenset({"type", "dimension", "operator", "value", "range"})
    )
    kind = read_choice(given.get("type", "dimension"), "QueryPredicateType", KINDS)
    dimension = read_choice(
        given.get("dimension"), f"{family.model}AggregateDimension", family.dimensions
    )
    operator = read_choice(
        given.get("operator", "matches"), "QueryPredicateOperator", OPERATORS
    )
    wanted = given.get("value")
    if wanted is not None:
        wanted = read_text(wanted)
    if "range" in given:
        _check_range(given["range"])
    elif operator == "matches" and wanted is None:
        msg = f"A predicate on {dimension} that matches needs a value or a range."
        raise bad_request(msg)
    return Predicate(dimension, operator, wanted, kind)


def _check_range(value: object) -> None:
    bounds: Mapping[str, Any] = read_object(value, "NumericRange", BOUNDS)
    for bound in bounds.values():
        if isinstance(bound, bool) or not isinstance(bound, int | float):
            raise invalid_value(bound, "NumericRange")
