"""The official SDK hands in jobs, asks after them, reads them and drops them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gcbatch.simulator import sample_tenant

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.slow]
"""The SDK has warnings of its own, at import and in use."""

WEEK = "1999-07-31T21:00:00.000Z/1999-08-07T21:00:00.000Z"


def test_it_runs_a_job_for_conversations(sdk: Any, api: Any) -> None:
    """It finds every call that was going on in an hour, and afterwards no job."""
    start = datetime(1999, 8, 2, 8, tzinfo=UTC)
    end = start + timedelta(hours=1)
    calls = [
        call
        for call in sample_tenant().calls
        if min(call.offered, call.answered or end) < end
        and (call.ended or call.abandoned or end) > start
    ]
    conversations = sdk.ConversationsApi(api)
    body = sdk.AsyncConversationQuery()
    body.interval = f"{start.isoformat()}/{end.isoformat()}"
    body.start_of_day_interval_matching = False

    job_id = conversations.post_analytics_conversations_details_jobs(body).job_id
    states = [
        conversations.get_analytics_conversations_details_job(job_id).state
        for _ in range(2)
    ]
    pages = read(
        conversations.get_analytics_conversations_details_job_results,
        job_id,
        page_size=40,
    )
    conversations.delete_analytics_conversations_details_job(job_id)
    with pytest.raises(sdk.rest.ApiException) as refused:
        conversations.get_analytics_conversations_details_job(job_id)
    reported = conversations.get_analytics_conversations_details_jobs_availability()

    assert states == ["QUEUED", "FULFILLED"]
    rows = [row for page in pages for row in page.conversations]
    assert len(pages) > 1
    assert len(rows) == len(calls)
    assert len({row.conversation_id for row in rows}) == len(rows)
    assert any(row.participants[0].attributes for row in rows)
    assert all(
        page.data_availability_date <= reported.data_availability_date for page in pages
    )
    assert refused.value.status == 404


def test_it_runs_a_job_for_aggregates(sdk: Any, api: Any) -> None:
    """Page by page it gets what it gets at once."""
    conversations = sdk.ConversationsApi(api)
    at_once = sdk.ConversationAggregationQuery()
    body = sdk.ConversationAsyncAggregationQuery()
    for query in (at_once, body):
        query.interval = WEEK
        query.granularity = "P1D"
        query.group_by = ["queueId"]
        query.metrics = ["nOffered", "tHandle"]
    body.page_size = 10

    job_id = conversations.post_analytics_conversations_aggregates_jobs(body).job_id
    while (
        conversations.get_analytics_conversations_aggregates_job(job_id).state
        != "FULFILLED"
    ):
        pass
    pages = read(
        conversations.get_analytics_conversations_aggregates_job_results, job_id
    )
    answer = conversations.post_analytics_conversations_aggregates_query(at_once)
    conversations.delete_analytics_conversations_aggregates_job(job_id)

    assert len(pages) > 2
    assert figures(*pages) == figures(answer)


def read(results: Callable[..., Any], job_id: str, **more: Any) -> list[Any]:
    """Return all pages of a job."""
    pages = [results(job_id, **more)]
    while pages[-1].cursor:
        pages.append(results(job_id, cursor=pages[-1].cursor, **more))
    return pages


def figures(*answers: Any) -> list[tuple[Any, ...]]:
    """Return every figure with its group and bucket, sorted."""
    return sorted(
        (
            result.group["queueId"],
            bucket.interval,
            metric.metric,
            metric.stats.count,
            metric.stats.sum or 0,
        )
        for answer in answers
        for result in answer.results
        for bucket in result.data
        for metric in bucket.metrics
    )
