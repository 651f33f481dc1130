"""The official SDK, pointed at the simulator, and our requests in its models."""

import json
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from gcbatch.endpoints.aggregates.endpoint import Aggregates
from gcbatch.genesys.families import family_named
from gcbatch.genesys.regions import REGIONS, hosts_of_domain
from gcbatch.planning.plan import make_plan
from gcbatch.planning.scope import ResolvedScope
from gcbatch.simulator import sample_tenant
from gcbatch.windows import Window

if TYPE_CHECKING:
    from tests.conftest import Workspace

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.slow]
"""The SDK has warnings of its own, at import and in use."""

WEEK = "1999-07-31T21:00:00.000Z/1999-08-07T21:00:00.000Z"


def test_it_takes_a_token(api: Any, workspace: "Workspace") -> None:
    """Its login is understood, and gets a bearer token."""
    assert api.access_token
    assert workspace.simulator.tokens_granted == 1


def test_it_reads_conversation_aggregates(sdk: Any, api: Any) -> None:
    """Its models read the answer: groups, buckets, metrics and statistics."""
    body = sdk.ConversationAggregationQuery()
    body.interval = WEEK
    body.granularity = "PT1H"
    body.time_zone = "Asia/Jerusalem"
    body.group_by = ["queueId"]
    body.metrics = ["nOffered", "tAnswered", "tHandle", "oServiceLevel"]

    answer = sdk.ConversationsApi(api).post_analytics_conversations_aggregates_query(
        body
    )

    calls = sample_tenant().calls
    metrics = [
        metric
        for result in answer.results
        for bucket in result.data
        for metric in bucket.metrics
    ]
    offered = sum(m.stats.count for m in metrics if m.metric == "nOffered")
    handled = [m.stats for m in metrics if m.metric == "tHandle"]
    levels = [m.stats for m in metrics if m.metric == "oServiceLevel"]
    assert offered == len(calls)
    assert sum(s.count for s in handled) == sum(c.ended is not None for c in calls)
    assert all(s.min <= s.sum / s.count <= s.max for s in handled)
    assert all(s.ratio == s.numerator / s.denominator for s in levels)
    assert {result.group["queueId"] for result in answer.results} == {
        queue.id for queue in sample_tenant().queues
    }


def test_it_reads_user_aggregates(sdk: Any, api: Any) -> None:
    """Its user query is understood too; the sample has no presences."""
    body = sdk.UserAggregationQuery()
    body.interval = WEEK
    body.metrics = ["tSystemPresence"]
    body.group_by = ["userId"]

    answer = sdk.UsersApi(api).post_analytics_users_aggregates_query(body)

    assert not answer.results


def test_it_pages_through_queues_and_users(sdk: Any, api: Any) -> None:
    """Its models read listings page by page."""

    def names(listing: Any, **options: Any) -> list[str]:
        found: list[str] = []
        number = pages = 1
        while number <= pages:
            page = listing(page_size=4, page_number=number, **options)
            found += [entity.name for entity in page.entities]
            number, pages = number + 1, page.page_count
        return found

    queues = names(sdk.RoutingApi(api).get_routing_queues)
    users = names(sdk.UsersApi(api).get_users, state="any")

    assert sorted(queues) == sorted(queue.name for queue in sample_tenant().queues)
    assert sorted(users) == sorted(user.name for user in sample_tenant().users)


def test_it_understands_a_refusal(sdk: Any, api: Any) -> None:
    """Errors have the shape that it takes apart."""
    body = sdk.ConversationAggregationQuery()
    body.interval = "yesterday"
    body.metrics = ["nOffered"]

    with pytest.raises(sdk.rest.ApiException) as refused:
        sdk.ConversationsApi(api).post_analytics_conversations_aggregates_query(body)

    assert refused.value.status == 400
    assert json.loads(refused.value.body)["contextId"]


QUERIES: dict[str, dict[str, Any]] = {
    "conversation-aggregates": {
        "metrics": ["nOffered", "tHandle", "oServiceLevel"],
        "group_by": ["queueId", "mediaType"],
        "granularity": "PT30M",
        "timezone": "Europe/Dublin",
        "queues": ["9f1c0000-0000-4000-8000-000000000001"],
        "media_types": ["voice", "chat"],
        "filter": {
            "type": "and",
            "predicates": [
                {"dimension": "direction", "value": "inbound"},
                {"dimension": "userId", "operator": "exists"},
            ],
        },
        "views": [
            {
                "target": "tAbandon",
                "name": "quick",
                "function": "rangeBound",
                "range": {"gte": 0, "lt": 5000},
            }
        ],
    },
    "user-aggregates": {"metrics": ["tAgentRoutingStatus"], "granularity": "P1D"},
    "flow-aggregates": {"metrics": ["nFlow"], "group_by": ["flowId"]},
    "survey-aggregates": {"metrics": ["oSurveyTotalScore"], "group_by": ["queueId"]},
    "evaluation-aggregates": {"metrics": ["nEvaluations"], "group_by": ["queueId"]},
    "task-management-aggregates": {"metrics": ["nWorkitemsCreated"], "group_by": []},
}
MODELS = {
    "conversation-aggregates": "ConversationAggregationQuery",
    "user-aggregates": "UserAggregationQuery",
    "flow-aggregates": "FlowAggregationQuery",
    "survey-aggregates": "SurveyAggregationQuery",
    "evaluation-aggregates": "EvaluationAggregationQuery",
    "task-management-aggregates": "TaskManagementAggregationQuery",
}


@pytest.mark.parametrize("endpoint", QUERIES)
def test_our_requests_are_its_models(
    sdk: Any, workspace: "Workspace", endpoint: str
) -> None:
    """A body of ours, read into its model and written again, is the same body."""
    query = {"endpoint": endpoint, "granularity": None, **QUERIES[endpoint]}
    job = workspace.job(query=query, exports=[])
    window = Window(
        datetime(1999, 7, 31, 21, tzinfo=UTC), datetime(1999, 8, 1, 21, tzinfo=UTC)
    )
    family = family_named(endpoint)
    assert family is not None
    asked = Aggregates(family)
    scope = ResolvedScope(
        "org", window, tuple(QUERIES[endpoint].get("queues", ())) or None
    )
    (first, *_) = make_plan(job, scope, asked).queries
    body = asked.body(first)

    client = sdk.api_client.ApiClient("http://127.0.0.1:9")
    answer = SimpleNamespace(data=body.decode(), getheader=lambda _: "application/json")
    model = client.deserialize(answer, MODELS[endpoint])
    again = client.sanitize_for_serialization(model)

    assert again == json.loads(body)


def test_regions_are_its_regions(sdk: Any) -> None:
    """All 18 regions have the hosts that it has for them."""
    hosts = {
        region.name.replace("_", "-"): region.value
        for region in sdk.PureCloudRegionHosts
    }

    assert {r: hosts_of_domain(d).api for r, d in REGIONS.items()} == hosts
    assert len(REGIONS) == 18
