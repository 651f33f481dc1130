"""The official SDK reads the simulator's details."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from gcbatch.simulator import generate_conversations
from gcbatch.simulator.tenant.conversations import conversations_of
from tests.support.details_client import DAY, after, every_hour
from tests.support.job_client import presence

if TYPE_CHECKING:
    from tests.conftest import Workspace, WorkspaceOf

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.slow]
"""The SDK has warnings of its own, at import and in use."""

DOCUMENTS = generate_conversations(1, 40, after(-60), after(60))
TENANT = every_hour(
    documents=DOCUMENTS,
    presences=(presence("u1", after(0), 1), presence("u2", after(5), 1)),
)


@pytest.fixture
def workspace(workspace_of: "WorkspaceOf") -> "Workspace":
    """Start a simulator of details."""
    return workspace_of(TENANT)


def paging(sdk: Any, number: int, size: int) -> Any:
    spec = sdk.PagingSpec()
    spec.page_size, spec.page_number = size, number
    return spec


def test_it_pages_through_conversations(sdk: Any, api: Any) -> None:
    """Its models read every page, down to segments and metrics."""
    body = sdk.ConversationQuery()
    body.interval = DAY
    body.order, body.order_by = "asc", "conversationStart"
    pages = []
    for number in (1, 2, 3):
        body.paging = paging(sdk, number, 30)
        pages.append(
            sdk.ConversationsApi(api).post_analytics_conversations_details_query(body)
        )
    rows = [row for page in pages for row in page.conversations or ()]
    sessions = [s for row in rows for p in row.participants for s in p.sessions]

    assert {page.total_hits for page in pages} == {64}
    assert {row.conversation_id for row in rows} == {
        row.id for row in (*DOCUMENTS, *conversations_of(TENANT))
    }
    assert [row.conversation_start for row in rows] == sorted(
        row.conversation_start for row in rows
    )
    assert all(isinstance(row.conversation_end, datetime) for row in rows)
    assert all(g.segment_start <= g.segment_end for s in sessions for g in s.segments)
    handled = [
        m.value for s in sessions for m in s.metrics or () if m.name == "tHandle"
    ]
    assert handled.count(59 * 60_000) == 24  # the calls of every hour


def test_past_the_last_page_it_reads_nothing(sdk: Any, api: Any) -> None:
    """Where the key is missing its list is None."""
    body = sdk.ConversationQuery()
    body.interval = DAY
    body.paging = paging(sdk, 4, 30)

    page = sdk.ConversationsApi(api).post_analytics_conversations_details_query(body)

    assert page.conversations is None
    assert page.total_hits == 64


def test_its_filters_are_understood(sdk: Any, api: Any) -> None:
    """What its models write chooses by segment."""
    predicate = sdk.SegmentDetailQueryPredicate()
    predicate.type, predicate.operator = "dimension", "matches"
    predicate.dimension, predicate.value = "queueId", "q1"
    wanted = sdk.SegmentDetailQueryFilter()
    wanted.type, wanted.predicates = "and", [predicate]
    body = sdk.ConversationQuery()
    body.interval, body.segment_filters = DAY, [wanted]

    page = sdk.ConversationsApi(api).post_analytics_conversations_details_query(body)

    assert page.total_hits == 24


def test_it_reads_users(sdk: Any, api: Any) -> None:
    """Its models read presences with their times."""
    body = sdk.UserDetailsQuery()
    body.interval = DAY
    body.paging = paging(sdk, 1, 25)

    page = sdk.UsersApi(api).post_analytics_users_details_query(body)

    assert page.total_hits == 2
    assert [row.user_id for row in page.user_details] == ["u1", "u2"]
    (record,) = page.user_details[0].primary_presence
    assert (record.start_time, record.system_presence) == (
        datetime(2026, 1, 1, 12, tzinfo=UTC),
        "AVAILABLE",
    )
