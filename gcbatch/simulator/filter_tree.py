"""The shape of a `filter`: predicates, and clauses of predicates.

Aggregates and details queries share it; each has its own kind of predicate.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Generic, NamedTuple, Protocol, TypeVar

from gcbatch.simulator.problems import bad_request
from gcbatch.simulator.request_reading import read_choice, read_list, read_object

__all__ = ["KINDS", "OPERATORS", "FilterModels", "FilterTree", "read_filter_tree"]

JOINS: Final = ("and", "or")
KINDS: Final = ("dimension", "property", "metric")
OPERATORS: Final = ("matches", "exists", "notExists")

_S = TypeVar("_S")
_S_contra = TypeVar("_S_contra", contravariant=True)


class Test(Protocol[_S_contra]):
    """A predicate: accepts a record or does not."""

    def accepts(self, record: _S_contra, /) -> bool:
        """Return whether a record passes."""


@dataclass(frozen=True, slots=True)
class FilterTree(Generic[_S]):
    """Predicates and clauses joined by `and` or `or`; an empty one accepts all."""

    join: str
    parts: tuple["FilterTree[_S] | Test[_S]", ...]

    def accepts(self, record: _S, /) -> bool:
        """Return whether a record passes."""
        verdicts = [part.accepts(record) for part in self.parts]
        if not verdicts:
            return True
        return all(verdicts) if self.join == "and" else any(verdicts)

    @property
    def size(self) -> int:
        """Number of predicates on both levels."""
        return sum(
            part.size if isinstance(part, FilterTree) else 1 for part in self.parts
        )


class FilterModels(NamedTuple):
    """The names in error messages: of two models, and of the types of their `type`."""

    filter: str
    filter_type: str
    clause: str
    clause_type: str


def read_filter_tree(
    value: object, models: FilterModels, read_predicate: Callable[[object], Test[_S]]
) -> FilterTree[_S]:
    """Read a filter.

    Args:
        value: As sent.
        models: For error messages.
        read_predicate: Reads one predicate; raises Problem if it is invalid.

    Raises:
        Problem: If its shape or a type is invalid, or a clause is empty.
    """
    keys = frozenset({"type", "clauses", "predicates"})
    given = read_object(value, models.filter, keys)
    join = read_choice(given.get("type"), models.filter_type, JOINS)
    clauses = read_list(given.get("clauses"), models.filter)
    predicates = read_list(given.get("predicates"), models.filter)
    return FilterTree(
        join,
        (
            *(_read_clause(clause, models, read_predicate) for clause in clauses),
            *map(read_predicate, predicates),
        ),
    )


def _read_clause(
    value: object, models: FilterModels, read_predicate: Callable[[object], Test[_S]]
) -> FilterTree[_S]:
    given = read_object(value, models.clause, frozenset({"type", "predicates"}))
    predicates = read_list(given.get("predicates"), models.clause)
    if not predicates:
        msg = "A clause of a filter needs at least one predicate."
        raise bad_request(msg)
    join = read_choice(given.get("type"), models.clause_type, JOINS)
    return FilterTree(join, tuple(map(read_predicate, predicates)))
