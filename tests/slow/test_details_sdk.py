"""Our requests for details and jobs are the official SDK's models."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gcbatch.simulator import sample_tenant
from tests.support.details_world import World, tenant_with_conversations

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.slow]
"""The SDK has warnings of its own, at import and in use."""

NESTED = "conversations_nested"
QUEUE = "9f1c0000-0000-4000-8000-000000000001"


def filters(**predicate: Any) -> list[dict[str, Any]]:
    clauses = [{"type": "or", "predicates": [predicate, predicate]}]
    return [{"type": "and", "clauses": clauses, "predicates": [predicate]}]


CONVERSATIONS: dict[str, Any] = {
    "queues": [QUEUE],
    "media_types": ["voice", "chat"],
    "filter": {
        "conversationFilters": filters(
            type="metric", metric="tHandle", range={"gte": 1_000.0, "lt": 5_000.0}
        ),
        "segmentFilters": filters(
            type="property",
            property="x",
            propertyType="string",
            operator="matches",
            value="y",
        ),
        "evaluationFilters": filters(
            type="dimension", dimension="formId", operator="exists"
        ),
        "surveyFilters": filters(
            type="dimension", dimension="surveyId", operator="notExists"
        ),
        "resolutionFilters": filters(
            type="metric", metric="nNextContactAvoided", range={"gt": 0.0}
        ),
    },
}
USERS: dict[str, Any] = {
    "filter": {
        "userFilters": filters(type="dimension", dimension="userId", value="u"),
        "presenceFilters": filters(
            type="dimension", dimension="systemPresence", value="BUSY"
        ),
        "routingStatusFilters": filters(
            type="dimension", dimension="routingStatus", value="IDLE"
        ),
    },
}
AGGREGATES: dict[str, Any] = {
    "queues": [QUEUE],
    "metrics": ["nOffered"],
    "granularity": "PT1H",
    "timezone": "Europe/Dublin",
}
MODELS = {
    "conversation-details": (CONVERSATIONS, "conversations", "ConversationQuery"),
    "conversation-details-jobs": (
        CONVERSATIONS,
        "conversations",
        "AsyncConversationQuery",
    ),
    "user-details": (USERS, "user_presence", "UserDetailsQuery"),
    "user-details-jobs": (USERS, "user_presence", "AsyncUserDetailsQuery"),
    "conversation-aggregates-jobs": (
        AGGREGATES,
        "intervals",
        "ConversationAsyncAggregationQuery",
    ),
    "flow-aggregates-jobs": (
        {"metrics": ["nFlow"], "group_by": ["flowId"]},
        "intervals",
        "FlowAsyncAggregationQuery",
    ),
}


@pytest.mark.parametrize("bare", [False, True], ids=["filters", "bare"])
@pytest.mark.parametrize("endpoint", MODELS)
def test_our_requests_are_its_models(
    sdk: Any, tmp_path: Path, endpoint: str, *, bare: bool
) -> None:
    """A body of ours, read into its model and written again, is the same body."""
    query, table, name = MODELS[endpoint]
    if bare and "details" in endpoint:
        query = {}
    world = World(tmp_path, tenant_with_conversations(3))
    world.run(endpoint=endpoint, query=query, tables=(table,))
    last = "/jobs" if endpoint.endswith("-jobs") else "/query"
    posted = [e for e in world.asked("/analytics/", "POST") if e.path.endswith(last)]
    body = posted[0].request

    client = sdk.api_client.ApiClient("http://127.0.0.1:9")
    answer = SimpleNamespace(
        data=json.dumps(body), getheader=lambda _: "application/json"
    )
    again = client.sanitize_for_serialization(client.deserialize(answer, name))

    assert again == body


@pytest.mark.parametrize("mode", ["", "-jobs"])
def test_what_it_reads_is_what_we_keep(sdk: Any, tmp_path: Path, mode: str) -> None:
    """Conversations of the nested table are its model's, field by field."""
    world = World(tmp_path, sample_tenant())
    world.run(
        endpoint=f"conversation-details{mode}",
        query={"from": "1999-08-03T08:00", "to": "1999-08-03T09:00"},
        tables=(NESTED,),
    )
    rows = [json.loads(row["conversation"]) for row in world.rows(table=NESTED)]

    client = sdk.api_client.ApiClient("http://127.0.0.1:9")
    answer = SimpleNamespace(
        data=json.dumps({"conversations": rows}),
        getheader=lambda _: "application/json",
    )
    page = client.deserialize(answer, "AnalyticsConversationAsyncQueryResponse")
    again = client.sanitize_for_serialization(page)["conversations"]

    assert len(rows) > 50
    assert [one["conversationId"] for one in again] == [
        row["conversationId"] for row in rows
    ]
    assert [sorted(one) for one in again] == [sorted(row) for row in rows]
