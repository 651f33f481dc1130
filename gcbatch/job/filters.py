"""Filters and views of a query, in the API's shape and words.

A filter has exactly two levels: predicates, and clauses of predicates. A predicate
has one value. Source: models ConversationAggregateQueryFilter and
ConversationAggregationView of PureCloudPlatformClientV2 269.0.0, read 2026-11-21.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from gcbatch.suggest import unknown

__all__ = [
    "Clause",
    "DetailFilters",
    "Filter",
    "Predicate",
    "View",
    "all_of",
    "any_of",
]


class _Shape(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    def wire(self) -> dict[str, Any]:
        """Return the JSON that the API takes."""
        return self.model_dump(
            mode="json", by_alias=True, exclude_none=True, exclude_defaults=True
        )


class NumericRange(_Shape):
    """Bounds of a number; those left out are open.

    Args:
        gt: More than this.
        gte: This or more.
        lt: Less than this.
        lte: This or less.
    """

    gt: float | None = None
    gte: float | None = None
    lt: float | None = None
    lte: float | None = None


class Predicate(_Shape):
    """One condition on one dimension.

    Args:
        type: Kind of what is compared. Default: a dimension.
        dimension: Its name: one of the family, or of the kind of filter.
        operator: The comparison. Default: `matches`.
        value: The value to be equal to.
        range: Instead of a value, the range to lie in.
    """

    type: Literal["dimension", "property", "metric"] | None = None
    dimension: str | None = None
    operator: Literal["matches", "exists", "notExists"] | None = None
    value: str | None = None
    range: NumericRange | None = None


class DetailPredicate(Predicate):
    """One condition on one dimension, metric or property of details.

    Args:
        metric: Instead of a dimension, the name of a metric.
        property_name: Instead of a dimension, the name of a property.
        property_type: Type of the property's value.
    """

    metric: str | None = None
    property_name: Annotated[str | None, Field(alias="property")] = None
    property_type: Annotated[
        Literal["bool", "integer", "real", "date", "string", "uuid"] | None,
        Field(alias="propertyType"),
    ] = None


class Clause(_Shape):
    """Predicates of which all or any must hold.

    Args:
        type: `and`: all of them; `or`: any.
        predicates: The conditions.
    """

    type: Literal["and", "or"]
    predicates: Annotated[tuple[Predicate, ...], Field(min_length=1)]


class Filter(_Shape):
    """Clauses and predicates of which all or any must hold.

    Args:
        type: `and`: all of them must hold; `or`: any.
        clauses: Groups of conditions.
        predicates: Single conditions.
    """

    type: Literal["and", "or"]
    clauses: tuple[Clause, ...] = ()
    predicates: tuple[Predicate, ...] = ()

    @model_validator(mode="after")
    def _holds_something(self) -> Self:
        if not (self.clauses or self.predicates):
            msg = "a filter needs clauses or predicates; leave it out to filter nothing"
            raise ValueError(msg)
        return self

    def unknown_dimensions(self, known: Collection[str]) -> Iterator[str]:
        """Yield a message for each dimension that is not *known*, with its place."""
        places = [("", self.predicates)]
        places += [(f"clauses[{n}].", c.predicates) for n, c in enumerate(self.clauses)]
        for where, predicates in places:
            for number, predicate in enumerate(predicates):
                name = predicate.dimension
                if name is not None and name not in known:
                    problem = unknown("dimension", name, known)
                    yield f"{where}predicates[{number}].dimension: {problem}"


class DetailClause(Clause):
    """Predicates on details of which all or any must hold."""

    predicates: Annotated[tuple[DetailPredicate, ...], Field(min_length=1)]


class DetailFilter(Filter):
    """Clauses and predicates on one kind of record."""

    clauses: tuple[DetailClause, ...] = ()
    predicates: tuple[DetailPredicate, ...] = ()


_DetailFilterList = tuple[DetailFilter, ...]


class DetailFilters(_Shape):
    """Filters of details: a list for each kind; all must hold.

    Args:
        conversation: Filters on conversations.
        segment: Filters on their segments.
        evaluation: Filters on their evaluations.
        survey: Filters on their surveys.
        resolution: Filters on their resolutions.
        user: Filters on users.
        presence: Filters on users' presences.
        routing_status: Filters on users' routing statuses.
    """

    conversation: _DetailFilterList = Field((), alias="conversationFilters")
    segment: _DetailFilterList = Field((), alias="segmentFilters")
    evaluation: _DetailFilterList = Field((), alias="evaluationFilters")
    survey: _DetailFilterList = Field((), alias="surveyFilters")
    resolution: _DetailFilterList = Field((), alias="resolutionFilters")
    user: _DetailFilterList = Field((), alias="userFilters")
    presence: _DetailFilterList = Field((), alias="presenceFilters")
    routing_status: _DetailFilterList = Field((), alias="routingStatusFilters")

    def by_kind(self) -> dict[str, tuple[DetailFilter, ...]]:
        """Return the filters of the job, by the API's key for their kind."""
        fields = type(self).model_fields.items()
        given = {str(about.alias): getattr(self, name) for name, about in fields}
        return {kind: filters for kind, filters in given.items() if filters}


class ViewRange(_Shape):
    """Bounds of a view, in the target metric's unit (milliseconds).

    Args:
        gte: This or more.
        lt: Less than this.
    """

    gte: float | None = None
    lt: float | None = None

    @model_validator(mode="after")
    def _is_bounded(self) -> Self:
        if self.gte is None and self.lt is None:
            msg = "a range needs gte, lt or both"
            raise ValueError(msg)
        return self


class View(_Shape):
    """A metric that the job defines: the values of a time metric within a range.

    Args:
        target: The time metric, such as `tAbandon`.
        name: Name of the view and its columns.
        function: The only one.
        range: The range of values, in milliseconds.
    """

    target: Annotated[str, Field(pattern=r"^t[A-Z]")]
    name: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9]{0,62}$")]
    function: Literal["rangeBound"] = "rangeBound"
    range: ViewRange

    def wire(self) -> dict[str, Any]:
        """Return the JSON that the API takes."""
        return self.model_dump(mode="json", exclude_none=True)


def any_of(dimension: str, values: Sequence[str]) -> Clause:
    """Return the clause that *dimension* has one of *values*."""
    return Clause(
        type="or",
        predicates=tuple(Predicate(dimension=dimension, value=v) for v in values),
    )


def all_of(clauses: Sequence[Clause], given: Filter | None) -> Filter | None:
    """Return the job's clauses and its filter as one filter of two levels.

    Args:
        clauses: Those of the job's queues and media types.
        given: The job's `filter`, or None.

    Returns:
        A filter that requires both; None without clauses and filter.

    Raises:
        ValueError: If *given* is an `or` of clauses, which leaves no level for `and`.
    """
    if given is None:
        return Filter(type="and", clauses=tuple(clauses)) if clauses else None
    if not clauses:
        return given
    if given.type == "and":
        return Filter(
            type="and",
            clauses=(*clauses, *given.clauses),
            predicates=given.predicates,
        )
    if not given.clauses:
        own = Clause(type="or", predicates=given.predicates)
    elif len(given.clauses) == 1 and not given.predicates:
        own = given.clauses[0]
    else:
        msg = (
            "an `or` over clauses cannot be combined with queues or media_types in the "
            "API's two levels; put everything into filter, or make it an `and`"
        )
        raise ValueError(msg)
    return Filter(type="and", clauses=(*clauses, own))
