"""What the simulator refuses in an aggregates query."""

from datetime import timedelta
from typing import Any

import orjson
import pytest

from gcbatch.genesys.families import FAMILIES
from gcbatch.simulator.aggregates.query import Limits, Query, View, read_query
from gcbatch.simulator.problems import Problem

FAMILY = {family.model: family for family in FAMILIES}
INTERVAL = "2026-01-01T00:00:00Z/2026-01-02T00:00:00Z"
QUEUE_IS_A = {"dimension": "queueId", "value": "a"}
VIEW = {
    "target": "tAbandon",
    "name": "short",
    "function": "rangeBound",
    "range": {"lt": 10},
}
SORT = {"name": "nOffered", "function": "count"}


def read(
    model: str = "Conversation", limits: Limits | None = None, **more: Any
) -> Query:
    """Read a good query with some keys changed; one given as None is left out."""
    first = FAMILY[model].metrics[0]
    body = {"interval": INTERVAL, "metrics": [first], **more}
    kept = {name: value for name, value in body.items() if value is not None}
    return read_query(orjson.dumps(kept), FAMILY[model], limits or Limits())


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"text"', b"null"])
def test_the_body_is_a_json_object(body: bytes) -> None:
    """Anything else is refused by the model's name."""
    with pytest.raises(Problem, match=r"\[ConversationAggregationQuery\]") as refused:
        read_query(body, FAMILY["Conversation"], Limits())

    assert (refused.value.status, refused.value.code) == (400, "invalid.value")


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        pytest.param(
            {"dateRange": {}},
            "invalid.value",
            "[ConversationAggregationQuery]",
            id="unknown key",
        ),
        pytest.param({"interval": None}, "bad.request", "interval", id="no interval"),
        pytest.param(
            {"interval": INTERVAL[:20]}, "invalid.date", "ISO-8601", id="half interval"
        ),
        pytest.param(
            {"interval": "2026-01-01/2026-01-02"},
            "invalid.date",
            "ISO-8601",
            id="dates only",
        ),
        pytest.param(
            {"interval": "2026-02-30T00:00:00Z/2026-03-01T00:00:00Z"},
            "invalid.date",
            "ISO-8601",
            id="no such day",
        ),
        pytest.param({"interval": 7}, "invalid.date", "ISO-8601", id="number"),
        pytest.param(
            {"interval": "2026-01-02T00:00:00Z/2026-01-01T00:00:00Z"},
            "bad.request",
            "end after",
            id="backwards",
        ),
        pytest.param(
            {"interval": "2026-01-01T00:00:00Z/2026-01-01T00:00:00Z"},
            "bad.request",
            "end after",
            id="empty",
        ),
        pytest.param({"granularity": "hour"}, "invalid.value", "[Period]", id="word"),
        pytest.param({"granularity": 60}, "invalid.value", "[Period]", id="seconds"),
        pytest.param({"timeZone": "Mars"}, "invalid.value", "Value [Mars]", id="zone"),
        pytest.param({"timeZone": "../x"}, "invalid.value", "Zone", id="path"),
        pytest.param({"timeZone": 1}, "invalid.value", "Zone", id="zone number"),
        pytest.param({"metrics": None}, "bad.request", "metric", id="no metrics"),
        pytest.param({"metrics": []}, "bad.request", "metric", id="empty metrics"),
        pytest.param(
            {"metrics": "nOffered"},
            "invalid.value",
            "AggregateMetric",
            id="metrics text",
        ),
        pytest.param(
            {"metrics": ["offered"]},
            "invalid.value",
            "Allowable values are: nAgentDeclined, ",
            id="unknown metric",
        ),
        pytest.param(
            {"metrics": [{}]}, "invalid.value", "Allowable", id="metric object"
        ),
        pytest.param(
            {"groupBy": ["queue"]},
            "invalid.value",
            "Value [queue] is not valid for field type "
            "[ConversationAggregateDimension]. Allowable values are: activeRouting",
            id="unknown dimension",
        ),
        pytest.param(
            {"flattenMultivaluedDimensions": "yes"},
            "invalid.value",
            "flattenMultivaluedDimensions",
            id="flatten",
        ),
        pytest.param(
            {"alternateTimeDimension": "wrapUpDate"},
            "invalid.value",
            "Allowable values are: eventTime",
            id="time dimension",
        ),
        pytest.param(
            {"queryType": "best"}, "invalid.value", "topN", id="unknown query type"
        ),
        pytest.param(
            {"queryType": "topN", "limit": 3},
            "invalid.value",
            "[ConversationAggregationSort]",
            id="no sort metric",
        ),
        pytest.param(
            {"queryType": "topN", "sortMetric": SORT},
            "invalid.value",
            "[Integer]",
            id="no limit",
        ),
        pytest.param(
            {
                "queryType": "topN",
                "limit": 3,
                "sortMetric": {"name": "nOffered", "function": "median"},
            },
            "invalid.value",
            "average, count, max, min, sum",
            id="sort function",
        ),
        pytest.param(
            {
                "queryType": "topN",
                "limit": 3,
                "sortMetric": {"name": "tWait", "function": "sum"},
            },
            "invalid.value",
            "Value [tWait]",
            id="sort by what cannot rank",
        ),
    ],
)
def test_a_query_is_refused(change: dict[str, Any], code: str, words: str) -> None:
    """The answer is a 400 whose text says what is wrong."""
    with pytest.raises(Problem) as refused:
        read(**change)

    assert (refused.value.status, refused.value.code) == (400, code)
    assert words in refused.value.message


@pytest.mark.parametrize(
    ("given", "words"),
    [
        pytest.param({}, "[QueryFilterType]. Allowable values are: and, or", id="{}"),
        pytest.param([], "[ConversationAggregateQueryFilter]", id="list"),
        pytest.param({"type": "not"}, "Value [not]", id="type"),
        pytest.param(
            {"type": "and", "clauses": {}}, "QueryFilter]", id="clauses object"
        ),
        pytest.param(
            {"type": "and", "clauses": [{"type": "or"}]},
            "at least one predicate",
            id="empty clause",
        ),
        pytest.param(
            {"type": "and", "clauses": [{"predicates": [QUEUE_IS_A]}]},
            "[QueryClauseType]",
            id="clause type",
        ),
        pytest.param(
            {
                "type": "and",
                "clauses": [{"type": "or", "clauses": [], "predicates": [QUEUE_IS_A]}],
            },
            "[ConversationAggregateQueryClause]",
            id="third level",
        ),
        pytest.param(
            {"type": "and", "predicates": [{"dimension": "queue", "value": "a"}]},
            "Value [queue]",
            id="dimension",
        ),
        pytest.param(
            {"type": "and", "predicates": [{"dimension": "queueId", "values": []}]},
            "[ConversationAggregateQueryPredicate]",
            id="unknown key",
        ),
        pytest.param(
            {"type": "and", "predicates": [{"dimension": "queueId"}]},
            "needs a value",
            id="no value",
        ),
        pytest.param(
            {"type": "and", "predicates": [{"dimension": "queueId", "value": ["a"]}]},
            "[String]",
            id="several values",
        ),
        pytest.param(
            {"type": "and", "predicates": [{**QUEUE_IS_A, "operator": "in"}]},
            "matches, exists, notExists",
            id="operator",
        ),
        pytest.param(
            {"type": "and", "predicates": [{**QUEUE_IS_A, "type": "queue"}]},
            "[QueryPredicateType]",
            id="predicate type",
        ),
        pytest.param(
            {
                "type": "and",
                "predicates": [{"dimension": "agentScore", "range": {"gt": "1"}}],
            },
            "[NumericRange]",
            id="range of texts",
        ),
    ],
)
def test_a_filter_is_refused(given: object, words: str) -> None:
    """Two levels, known words, one value a predicate."""
    with pytest.raises(Problem) as refused:
        read(filter=given)

    assert refused.value.status == 400
    assert words in refused.value.message


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param({"target": "nOffered"}, "Allowable values are: tAb", id="count"),
        pytest.param({"name": "tWait"}, "no metric's [tWait]", id="metric's name"),
        pytest.param({"name": ""}, "needs a name", id="no name"),
        pytest.param({"function": "sum"}, "rangeBound", id="function"),
        pytest.param({"range": {}}, "at least one bound", id="no bound"),
        pytest.param({"range": {"gt": 1}}, "[AggregationRange]", id="other bound"),
        pytest.param({"range": {"lt": "1"}}, "[AggregationRange]", id="text bound"),
        pytest.param({"size": 1}, "[ConversationAggregationView]", id="unknown key"),
    ],
)
def test_a_view_is_refused(change: dict[str, Any], words: str) -> None:
    """Only ranges of timers, under a name of their own."""
    with pytest.raises(Problem) as refused:
        read(views=[{**VIEW, **change}])

    assert words in refused.value.message


def test_views_are_ten_at_most() -> None:
    """Ten pass, eleven do not, and no two may share a name."""
    views = [{**VIEW, "name": f"view{number}"} for number in range(11)]

    assert len(read(views=views[:10]).views) == 10
    with pytest.raises(Problem, match="at most 10 views"):
        read(views=views)
    with pytest.raises(Problem, match="must differ"):
        read(views=[VIEW, VIEW])


def test_a_good_query_is_read() -> None:
    """Repeated names count once and a view keeps its bounds."""
    query = read(
        metrics=["nOffered", "nOffered", "tWait"],
        groupBy=["queueId"],
        views=[VIEW],
        flattenMultivaluedDimensions=True,
        alternateTimeDimension="eventTime",
        filter={
            "type": "and",
            "predicates": [{"dimension": "agentScore", "range": {"gte": 1}}],
        },
    )

    assert query.metrics == ("nOffered", "tWait")
    assert query.group_by == ("queueId",)
    assert query.views == (View("short", "tAbandon", None, 10),)
    assert query.ranking is None


@pytest.mark.parametrize(
    "interval",
    [
        "2026-01-01T00:00:00Z/2026-01-02T00:00:00Z",
        "2026-01-01T00:00:00.000Z/2026-01-02T00:00:00.000Z",
        "2026-01-01T00:00/2026-01-02T00:00",
        "2026-01-01T02:00:00+02:00/2026-01-01T19:00:00-0500",
    ],
)
def test_an_interval_is_read_in_utc(interval: str) -> None:
    """Offsets count, and an instant without one is in UTC."""
    query = read(interval=interval)

    assert (query.start_ms, query.end_ms) == (1767225600000, 1767312000000)


def test_only_some_families_rank() -> None:
    """To the others the three keys are unknown."""
    ranked: dict[str, Any] = {"queryType": "topN", "limit": 1}

    sort = {**SORT, "name": FAMILY["Bot"].metrics[0]}

    assert read("Bot", **ranked, sortMetric=sort).ranking is not None
    with pytest.raises(Problem, match=r"\[FlowAggregationQuery\]"):
        read("Flow", **ranked)


def test_users_take_a_hundred_predicates() -> None:
    """One more is refused, and only userId can be asked for."""
    predicates = [{"dimension": "userId", "value": str(n)} for n in range(101)]

    taken = read("User", filter={"type": "or", "predicates": predicates[:100]})

    assert taken.filter is not None
    assert taken.filter.size == 100
    with pytest.raises(Problem, match="at most 100"):
        read("User", filter={"type": "or", "predicates": predicates})
    with pytest.raises(Problem, match=r"Allowable values are: userId$"):
        read("User", groupBy=["queueId"])


def test_a_longest_interval_goes_by_granularity() -> None:
    """The limit counts for its granularity only, and to the exact length."""
    limits = Limits(max_intervals={"PT1H": timedelta(days=1), None: timedelta(days=2)})
    longer = "2026-01-01T00:00:00Z/2026-01-02T00:00:01Z"

    read(limits=limits, granularity="PT1H")
    read(limits=limits, granularity="P1D", interval=longer)
    read(limits=limits, interval=longer)

    with pytest.raises(Problem, match="larger than the limit of 24 hours"):
        read(limits=limits, granularity="PT1H", interval=longer)
