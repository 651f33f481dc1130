"""`POST /api/v2/analytics/X/aggregates/jobs`: aggregates by async job.

The body is the query's with a `pageSize`; the results come in pages. A group, and also
a bucket, may continue on the next page: pages are merged before they are read.
Source: model ConversationAsyncAggregationQuery of PureCloudPlatformClientV2 269.0.0,
read 2026-11-21.
"""

from typing import Final

import orjson

from gcbatch.endpoints.aggregates.response_models import (
    AggregatePage,
    decode_page,
    left_out,
)
from gcbatch.endpoints.aggregates.row_reader import merge_pages, naming_query, rows_of
from gcbatch.endpoints.async_jobs import AsyncJobClient, AsyncJobRequest
from gcbatch.endpoints.base import FetchContext
from gcbatch.endpoints.paging import check_end
from gcbatch.genesys import Family
from gcbatch.genesys.client import Answer
from gcbatch.query import Query, canonical
from gcbatch.store import Part, PartMetadata

__all__ = ["fetch_by_job"]

PAGE_SIZE: Final = 1_000
"""Results of a page. Not certain: what counts as one, and the maximum."""


async def fetch_by_job(
    jobs: AsyncJobClient,
    context: FetchContext,
    family: Family,
    query: Query,
    queues: tuple[str, ...],
) -> Part:
    """Fetch a query by job; see AggregateEndpoint.fetch.

    Raises:
        AcrossMidnightError: If a bucket reaches over a local midnight.
        DataError: If the results contradict themselves or do not fit the query.
        GcbatchError: As AsyncJobClient.fetch does.
    """
    section = context.query_section
    template = orjson.loads(query.template)
    body = {**template, "interval": str(query.window), "pageSize": PAGE_SIZE}
    pages: list[Answer[AggregatePage]] = []

    def take(page: Answer[AggregatePage]) -> None:
        pages.append(page)
        if page.value.cursor:
            check_end(len(pages), str(query))

    pending = context.store.pending(query.digest)
    request = AsyncJobRequest(str(query), canonical(body), pending)
    await jobs.fetch(request, decode_page, take, begin=pages.clear)
    with naming_query(query):
        whole = merge_pages([answer.value for answer in pages])
        table = rows_of(
            whole, section=section, family=family, window=query.window, queues=queues
        )
    names = left_out(whole, section)
    metadata = PartMetadata.from_answers(
        query.window, table.num_rows, pages, left_out=names
    )
    return Part(table, metadata)
