"""The `filter` of an aggregates query: reads it strictly, and tests events with it."""

from dataclasses import dataclass
from functools import partial

from gcbatch.genesys import Family
from gcbatch.simulator.filter_tree import (
    KINDS,
    OPERATORS,
    FilterModels,
    FilterTree,
    read_filter_tree,
)
from gcbatch.simulator.problems import bad_request
from gcbatch.simulator.request_reading import (
    NUMERIC_RANGE,
    read_choice,
    read_object,
    read_range,
    read_text,
)
from gcbatch.simulator.tenant.events import Profile

__all__ = ["Filter", "Predicate", "read_filter"]


@dataclass(frozen=True, slots=True)
class Predicate:
    """One test of one dimension; *value* is None for a range."""

    dimension: str
    operator: str
    value: str | None
    kind: str

    def accepts(self, profile: Profile, /) -> bool:
        """Return whether an event passes; without the dimension it never matches."""
        if self.kind != "dimension":
            return False
        actual = profile.get(self.dimension)
        if self.operator == "exists":
            return actual is not None
        if self.operator == "notExists":
            return actual is None
        return actual is not None and actual == self.value


Filter = FilterTree[Profile]
"""A type only: on Python 3.11 a frozen class with slots cannot be made by its alias."""


def read_filter(value: object, family: Family) -> Filter:
    """Read the `filter` of a request.

    Raises:
        Problem: If its shape, a type, an operator or a dimension is not one that
            the family has.
    """
    prefix = f"{family.model}AggregateQuery"
    models = FilterModels(
        f"{prefix}Filter", "QueryFilterType", f"{prefix}Clause", "QueryClauseType"
    )
    return read_filter_tree(value, models, partial(_read_predicate, family))


def _read_predicate(family: Family, value: object) -> Predicate:
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
        read_range(given["range"], *NUMERIC_RANGE)
    elif operator == "matches" and wanted is None:
        msg = f"A predicate on {dimension} that matches needs a value or a range."
        raise bad_request(msg)
    return Predicate(dimension, operator, wanted, kind)
