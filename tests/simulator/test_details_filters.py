"""Filters of the simulator's conversation details."""

from typing import Any

import pytest

from gcbatch.simulator import Call, Queue, Tenant, generate_conversations
from tests.support.details_client import after, all_rows, details, tenant_of
from tests.support.job_client import connected

CALLS = {
    "sold": Call(
        call_id="sold",
        queue_id="sales",
        offered=after(0),
        answered=after(1),
        ended=after(6),
        user_id="ann",
        wrap_up_code="done",
    ),
    "lost": Call(
        call_id="lost",
        queue_id="help",
        offered=after(1),
        abandoned=after(3),
        media_type="chat",
        division_id="north",
    ),
    "open": Call(
        call_id="open",
        queue_id="help",
        offered=after(2),
        answered=after(4),
        user_id="bob",
        direction="outbound",
    ),
}
TENANT = tenant_of(*CALLS.values(), queues=(Queue(id="sales", name="Sales"),))
NAMES = tuple(CALLS)


def predicate(text: str, **more: Any) -> dict[str, Any]:
    """Return the predicate that a text such as `queueId=help` stands for."""
    name, equals, value = text.partition("=")
    dimension = {} if "metric" in more else {"dimension": name}
    return {**dimension, **more, **({"value": value} if equals else {})}


def both(*texts: str) -> dict[str, Any]:
    return {"type": "and", "predicates": [predicate(text) for text in texts]}


def either(*texts: str) -> dict[str, Any]:
    return {**both(*texts), "type": "or"}


def only(text: str = "", **more: Any) -> dict[str, Any]:
    return {"type": "and", "predicates": [predicate(text, **more)]}


async def found(**filters: Any) -> list[str]:
    """Return the names of the calls that pass, in the order of their start."""
    async with connected(tenant=TENANT) as client:
        answer = await details(client, **filters)
    assert answer.status == 200, answer.json
    rows = answer.json.get("conversations", [])
    assert answer.json["totalHits"] == len(rows)
    return [NAMES[int(row["conversationStart"][14:16])] for row in rows]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (only("queueId=sales"), ["sold"]),
        (only("mediaType=chat"), ["lost"]),
        (only("direction=outbound"), ["open"]),
        (only("userId=bob"), ["open"]),
        (only("wrapUpCode=done"), ["sold"]),
        (only("purpose=Agent"), ["sold", "open"]),
        (only("queueId=nowhere"), []),
        (only("wrapUpCode", operator="exists"), ["sold"]),
        (only("userId", operator="exists"), ["sold", "open"]),
        (only("queueId", operator="notExists"), ["sold", "lost", "open"]),
        (only("provider", operator="notExists"), []),
        (only("conference=false"), ["sold", "lost", "open"]),
        (either("queueId=sales", "mediaType=chat"), ["sold", "lost"]),
        (both("queueId=help", "purpose=agent"), ["open"]),
        (both("userId=ann", "purpose=customer"), []),
    ],
)
async def test_a_segment_must_pass(wanted: dict[str, Any], expected: list[str]) -> None:
    """One segment must meet a filter, with what its session and participant have."""
    assert await found(segmentFilters=[wanted]) == expected


async def test_each_filter_may_take_another_segment() -> None:
    """Filters of a list must all accept, but not all of them the same segment."""
    filters = [only("userId=ann"), only("purpose=customer")]

    assert await found(segmentFilters=filters) == ["sold"]


async def test_clauses_are_joined() -> None:
    """Clauses and predicates of a filter are joined by its own type."""
    clause = either("queueId=sales", "mediaType=chat")
    both_of = {"type": "and", "clauses": [clause], "predicates": []}
    with_more = {**both_of, "predicates": [predicate("purpose=agent")]}

    assert await found(segmentFilters=[both_of]) == ["sold", "lost"]
    assert await found(segmentFilters=[with_more]) == ["sold"]


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ({"gte": 300_000}, ["sold"]),
        ({"gt": 300_000}, ["sold"]),  # the customer's interaction: 6 minutes
        ({"gt": 360_000}, []),
        ({"lte": 0}, ["sold", "lost", "open"]),
        ({"gt": 0, "lt": 120_001}, ["sold", "lost", "open"]),
        ({"gte": 60_001, "lt": 120_001}, ["lost", "open"]),
    ],
)
async def test_a_segment_has_its_length(
    bounds: dict[str, int], expected: list[str]
) -> None:
    """Its only metric is its duration in milliseconds, within bounds."""
    wanted = only(type="metric", metric="tSegmentDuration", range=bounds)

    assert await found(segmentFilters=[wanted]) == expected


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (only("originatingDirection=outbound"), ["open"]),
        (only("divisionId=north"), ["lost"]),
        (only("conversationEnd", operator="notExists"), ["open"]),
        (only("conversationStart=2026-01-01T12:01:00.000Z"), ["lost"]),
        (only(type="metric", metric="tAbandon", operator="exists"), ["lost"]),
        (only(type="metric", metric="tHandle", range={"gte": 300_000}), ["sold"]),
        (only(type="metric", metric="tHandle", range={"lt": 300_000}), []),
        (
            only(
                type="property", propertyType="string", property="p", operator="exists"
            ),
            [],
        ),
    ],
)
async def test_a_conversation_must_pass(
    wanted: dict[str, Any], expected: list[str]
) -> None:
    """Its own fields count, and the metrics of all its sessions."""
    assert await found(conversationFilters=[wanted]) == expected


@pytest.mark.parametrize("level", ["evaluation", "survey", "resolution"])
async def test_nothing_is_known_of_quality(level: str) -> None:
    """No conversation passes a filter on what this service holds nothing of."""
    wanted = (
        only(type="metric", metric="nNextContactAvoided", operator="notExists")
        if level == "resolution"
        else only("userId", operator="notExists")
    )

    assert await found(**{f"{level}Filters": []}) == list(NAMES)
    assert await found(**{f"{level}Filters": [wanted]}) == []


@pytest.mark.parametrize(
    ("level", "predicate", "message"),
    [
        ("segment", {"dimension": "divisionId", "value": "x"}, "queueId"),
        ("conversation", {"dimension": "queueId", "value": "x"}, "divisionId"),
        ("segment", {"dimension": "queueId"}, "needs a value or a range"),
        ("segment", {"dimension": "queueId", "value": 5}, "[String]"),
        ("segment", {"dimension": "queueId", "operator": "is"}, "notExists"),
        ("segment", {"dimension": "queueId", "range": {"from": 5}}, "[NumericRange]"),
        ("segment", {"dimension": "queueId", "range": {"gt": "5"}}, "[NumericRange]"),
        ("segment", {"type": "metric", "metric": "tTalk"}, "tSegmentDuration"),
        ("conversation", {"type": "metric", "metric": "tWait"}, "tTalk"),
        ("segment", {"type": "property", "propertyType": "text"}, "uuid"),
        ("survey", {"type": "property"}, "dimension, metric"),
        ("survey", {"property": "x"}, "[SurveyDetailQueryPredicate]"),
        ("resolution", {"dimension": "userId"}, "[ResolutionDetailQueryPredicate]"),
    ],
)
async def test_a_predicate_must_be_one(
    level: str, predicate: dict[str, Any], message: str
) -> None:
    """What its level does not know is refused, with what it knows instead."""
    filters: dict[str, Any] = {
        f"{level}Filters": [{"type": "and", "predicates": [predicate]}]
    }
    async with connected(tenant=TENANT) as client:
        answer = await details(client, **filters)

    assert answer.status == 400
    assert message in answer.json["message"]


async def test_documents_are_filtered_too() -> None:
    """What came as JSON passes or not by what is in it."""
    documents = generate_conversations(
        1, 60, after(0), after(60), queue_ids=("a", "b", "c")
    )
    tenant = Tenant(name="T", version="1", documents=documents)
    async with connected(tenant=tenant) as client:
        rows = await all_rows(client, segmentFilters=[only("queueId=b")])

    wanted = [document.id for document in documents if b'"b"' in document.json]
    assert [row["conversationId"] for row in rows] == wanted
    assert len(rows) == 20
