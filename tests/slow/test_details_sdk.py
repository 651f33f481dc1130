"""Our requests for details and jobs are the official SDK's models."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gcbatch.genesys.detail_models import FieldKind
from gcbatch.genesys.detail_records import FLOW_OUTCOME, MEDIA_ENDPOINT_STAT
from gcbatch.simulator import sample_tenant
from tests.support.detail_tables import RECORDS_IN, rows_of
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


KINDS = {
    "str": FieldKind.TEXT,
    "datetime": FieldKind.TIME,
    "bool": FieldKind.FLAG,
    "int": FieldKind.WHOLE,
    "float": FieldKind.NUMBER,
    "list[str]": FieldKind.TEXTS,
}
VALUES: dict[str, Any] = {
    "str": "text",
    "datetime": "2026-10-09T08:00:00.000Z",
    "bool": True,
    "int": 70,
    "float": 4.5,
    "list[str]": ["audio/opus"],
}
"""A value of each of its types."""


def fields_of(sdk: Any, name: str) -> dict[str, str]:
    """Return the fields of a model of the SDK, with their types."""
    model = getattr(sdk, name)()
    return {model.attribute_map[own]: kind for own, kind in model.swagger_types.items()}


@pytest.mark.parametrize("field", RECORDS_IN)
def test_records_are_its_models(sdk: Any, field: str) -> None:
    """Every field of the model, with the type that the SDK says."""
    model = RECORDS_IN[field]
    found = fields_of(sdk, model.name)

    assert {f.name: f.holds for f in model.fields} == {
        name: KINDS[kind] for name, kind in found.items()
    }


@pytest.mark.parametrize("field", RECORDS_IN)
def test_a_page_of_its_models_is_read(sdk: Any, field: str) -> None:
    """A record with all fields, one of nulls, and one with a field that is newer."""
    types = fields_of(sdk, RECORDS_IN[field].name)
    full = {name: VALUES[kind] for name, kind in types.items()}
    sent = [full, dict.fromkeys(types), {**full, "newer": 1}]
    session: dict[str, Any] = {"sessionId": "s", field: sent}
    if RECORDS_IN[field] is FLOW_OUTCOME:
        session = {"sessionId": "s", "flow": {"outcomes": sent}}
    whole = {
        "conversationId": "c",
        "conversationStart": "2026-10-01T08:00:00.000Z",
        "participants": [{"sessions": [session]}],
        field: sent,
    }
    table = {
        "outcomes": "flow_outcomes",
        "mediaEndpointStats": "media_endpoint_stats",
        "proposedAgents": "proposed_agents",
    }.get(field, field)

    first, empty, newer = rows_of(table, json.dumps(whole).encode())

    own = list(first)[-len(types) - 1 :]
    assert (first["extra"], empty["extra"]) == (None, None)
    assert newer["extra"] == '{"newer":1}'
    assert all(first[name] is not None for name in own if name != "extra")
    assert all(empty[name] is None for name in own)
    if RECORDS_IN[field] is MEDIA_ENDPOINT_STAT:
        assert first["codecs"] == '["audio/opus"]'
