"""Filters in the API's two levels, and how a job's own are added to them."""

from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gcbatch.job.filters import Clause, Filter, Predicate, all_of, any_of

Row = dict[str, str]
VALUES = {"queueId": "ab", "mediaType": "ab", "userId": "ab"}
ROWS = [dict(zip(VALUES, row, strict=True)) for row in product(*VALUES.values())]

predicates = st.builds(
    lambda d, v: Predicate(dimension=d, value=v),
    st.sampled_from(sorted(VALUES)),
    st.sampled_from("ab"),
)
some = st.lists(predicates, min_size=1, max_size=2).map(tuple)
clauses = st.builds(Clause, type=st.sampled_from(["and", "or"]), predicates=some)
filters = st.builds(
    Filter,
    type=st.sampled_from(["and", "or"]),
    clauses=st.lists(clauses, max_size=2).map(tuple),
    predicates=some,
) | st.builds(
    Filter,
    type=st.sampled_from(["and", "or"]),
    clauses=st.lists(clauses, min_size=1, max_size=2).map(tuple),
)


def holds(condition: Filter | Clause | Predicate | None, row: Row) -> bool:
    """Say whether a row passes, as the service would."""
    if condition is None:
        return True
    if isinstance(condition, Predicate):
        return row[condition.dimension or ""] == condition.value
    inner: list[Clause | Predicate] = [*condition.predicates]
    if isinstance(condition, Filter):
        inner += condition.clauses
    reported = [holds(c, row) for c in inner]
    return all(reported) if condition.type == "and" else any(reported)


@given(own=st.lists(clauses, max_size=2), given_=st.none() | filters)
def test_all_of_asks_for_both(own: list[Clause], given_: Filter | None) -> None:
    """A row passes the whole if and only if it passes every part of it."""
    try:
        whole = all_of(own, given_)
    except ValueError:
        assert own
        assert given_ is not None
        assert given_.type == "or"
        assert given_.clauses
        return

    for row in ROWS:
        own_hold = all(holds(clause, row) for clause in own)
        assert holds(whole, row) == (own_hold and holds(given_, row))


@pytest.mark.parametrize(("clauses", "predicates"), [(1, 1), (2, 0)])
def test_an_or_over_clauses_leaves_no_level(clauses: int, predicates: int) -> None:
    """What two levels cannot say is refused, with the way out."""
    clause = any_of("userId", ["u"])
    either = Filter(
        type="or",
        clauses=(clause,) * clauses,
        predicates=clause.predicates * predicates,
    )

    with pytest.raises(ValueError, match="put everything into filter"):
        all_of([any_of("queueId", ["q"])], either)


def test_an_or_of_one_clause_is_that_clause() -> None:
    """An `or` over a single clause adds nothing, and is dropped."""
    mine, theirs = any_of("queueId", ["q"]), any_of("userId", ["u"])

    whole = all_of([mine], Filter(type="or", clauses=(theirs,)))

    assert whole == Filter(type="and", clauses=(mine, theirs))


def test_nothing_is_no_filter() -> None:
    """Without clauses or a filter there is nothing to send."""
    assert all_of([], None) is None


def test_what_is_sent_is_the_apis_own() -> None:
    """Only keys that were given are sent: defaults are the service's."""
    given_ = Filter.model_validate(
        {
            "type": "and",
            "clauses": [
                {"type": "or", "predicates": [{"dimension": "queueId", "value": "1"}]}
            ],
            "predicates": [
                {"type": "dimension", "dimension": "mediaType", "operator": "exists"},
                {"dimension": "direction", "range": {"gte": 1}},
            ],
        }
    )

    assert given_.wire() == {
        "type": "and",
        "clauses": [
            {"type": "or", "predicates": [{"dimension": "queueId", "value": "1"}]}
        ],
        "predicates": [
            {"type": "dimension", "dimension": "mediaType", "operator": "exists"},
            {"dimension": "direction", "range": {"gte": 1.0}},
        ],
    }


@pytest.mark.parametrize(
    "raw",
    [
        {},
        {"type": "and"},
        {"type": "not", "predicates": [{"dimension": "queueId"}]},
        {"type": "and", "clauses": [{"type": "or", "predicates": []}]},
        {"type": "and", "predicates": [{"dimension": "queueId", "values": ["a"]}]},
        {"type": "and", "predicates": [{"dimension": "x", "range": {"gt": "nan"}}]},
        {"type": "and", "clauses": [{"type": "or", "clauses": []}]},
    ],
)
def test_other_shapes_are_refused(raw: dict[str, Any]) -> None:
    """Two levels, known keys, at least one predicate, numbers that are numbers."""
    with pytest.raises(ValidationError):
        Filter.model_validate(raw)
