"""`POST /api/v2/analytics/X/aggregates/jobs`: aggregates by jobs of the service.

The body is the query's with a `pageSize`; the results come in pages. A group may go on
on the next page, and so may a bucket: pages are put together before they are read.
Source: model ConversationAsyncAggregationQuery of PureCloudPlatformClientV2 269.0.0,
read 2026-11-21.
"""

from dataclasses import dataclass, field
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

__all__ = ["AggregateJobs"]

PAGE_SIZE: Final = 1_000
"""Results of a page. Uncertain: what counts as one, and how many may be asked."""


@dataclass
class AggregateJobs:
    """Asks queries of one family by jobs.

    Args:
        family: Whose.
        path: Of its aggregates, without `/jobs`.
        desk: What there is to work with.
    """

    family: Family
    path: str
    desk: FetchContext
    _road: AsyncJobClient = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._road = AsyncJobClient.of(self.desk, self.path, page_size=None)

    async def ask(self, query: Query, queues: tuple[str, ...]) -> Part:
        """Ask a query.

        Args:
            query: What to ask.
            queues: The ids that it names; none is all.

        Raises:
            AcrossMidnightError: If a bucket reaches over a local midnight.
            DataError: If the results contradict themselves or the question.
            GcbatchError: As JobRoad.fetch does.
        """
        template = orjson.loads(query.template)
        body = {**template, "interval": str(query.window), "pageSize": PAGE_SIZE}
        pages: list[Answer[AggregatePage]] = []

        def take(page: Answer[AggregatePage]) -> None:
            pages.append(page)
            if page.value.cursor:
                check_end(len(pages), str(query))

        await self._road.fetch(
            AsyncJobRequest(
                str(query), canonical(body), self.desk.store.pending(query.digest)
            ),
            decode_page,
            take,
            begin=pages.clear,
        )
        with naming_query(query):
            whole = merge_pages([answer.value for answer in pages])
            table = rows_of(
                whole,
                asked=self.desk.asked,
                family=self.family,
                window=query.window,
                queues=queues,
            )
        more = left_out(whole, self.desk.asked)
        account = PartMetadata.from_answers(
            query.window, table.num_rows, pages, left_out=more
        )
        return Part(table, account)
