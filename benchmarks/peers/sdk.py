"""The service's own SDK: a plain loop over its methods, and rows to CSV.

The SDK has no paging and no concurrency of its own, so this has neither. Conversations
become the columns that are checked, which costs less than writing its whole models.
"""

import csv
from collections.abc import Iterator
from typing import Any

import PureCloudPlatformClientV2 as sdk  # noqa: N813 - its name for itself is long

from benchmarks.peers.asked import METRICS, PAGE, Asked
from benchmarks.peers.flat import BUCKET, CONVERSATION, FIGURES, WAITS


def conversations(api: Any, asked: Asked) -> Iterator[tuple[Any, ...]]:
    """Yield a row for each conversation, page by page."""
    body = sdk.ConversationQuery()
    body.interval = asked.interval
    body.order = "asc"
    body.order_by = "conversationStart"
    body.paging = sdk.PagingSpec()
    body.paging.page_size = PAGE
    body.paging.page_number = 1
    while True:
        answer = api.post_analytics_conversations_details_query(body)
        yield from map(conversation, answer.conversations or ())
        if body.paging.page_number * PAGE >= answer.total_hits:
            return
        body.paging.page_number += 1


def conversation(found: Any) -> tuple[Any, ...]:
    """Return the columns of one conversation."""
    sessions = [s for p in found.participants for s in p.sessions]
    metrics = [m for session in sessions for m in session.metrics or ()]
    queues = [
        (segment.segment_start, segment.queue_id)
        for participant in found.participants
        if participant.purpose == "acd"
        for session in participant.sessions
        for segment in session.segments
        if segment.queue_id
    ]
    return (
        found.conversation_id,
        found.conversation_start.isoformat(),
        found.conversation_end and found.conversation_end.isoformat(),
        found.media_stats_min_conversation_mos,
        min(queues)[1],
        len(found.participants),
        total(metrics, "tHandle"),
        total(metrics, "tTalkComplete"),
        total(metrics, *WAITS),
    )


def total(metrics: list[Any], *names: str) -> int | None:
    """Return the sum of metrics; None without any."""
    values = [metric.value for metric in metrics if metric.name in names]
    return sum(values) if values else None


def buckets(api: Any, asked: Asked) -> Iterator[list[Any]]:
    """Yield a row for each bucket, day by day."""
    body = sdk.ConversationAggregationQuery()
    body.granularity = "PT15M"
    body.group_by = ["queueId", "mediaType"]
    body.metrics = list(METRICS)
    for interval in asked.days:
        body.interval = interval
        answer = api.post_analytics_conversations_aggregates_query(body)
        for result in answer.results:
            for found in result.data:
                yield bucket(result.group, found)


def bucket(group: Any, found: Any) -> list[Any]:
    """Return the columns of one bucket."""
    stats_of = {metric.metric: metric.stats for metric in found.metrics}
    row = [group["queueId"], group["mediaType"], found.interval.partition("/")[0]]
    for metric, columns in FIGURES.items():
        row += [getattr(stats_of.get(metric), key, None) for key in columns]
    return row


def main() -> None:
    """Fetch what the command line says."""
    asked = Asked.here()
    client = sdk.api_client.ApiClient(asked.url)
    client.get_client_credentials_token(asked.client_id, asked.secret)
    api = sdk.AnalyticsApi(client)
    columns, rows = (
        (CONVERSATION, conversations) if asked.work == "details" else (BUCKET, buckets)
    )
    with asked.path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(rows(api, asked))


if __name__ == "__main__":
    main()
