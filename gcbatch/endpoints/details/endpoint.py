"""`POST /api/v2/analytics/X/details/query` and its jobs: conversations, user details.

    {"interval": "a/b", "order": "asc", "orderBy": "conversationStart",
     "segmentFilters": [...], "paging": {"pageSize": 100, "pageNumber": 1}}

    {"conversations": [{"conversationId": ..., "participants": [...]}], "totalHits": 3}

Past the last page the rows' key is missing. Source: models ConversationQuery and
AnalyticsConversationQueryResponse of PureCloudPlatformClientV2 269.0.0, read
2026-11-21.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import orjson

from gcbatch.endpoints.base import (
    MIN_JOB_REQUESTS,
    FetchContext,
    QueryFetcher,
    RequestCost,
)
from gcbatch.genesys import Details, FetchMode
from gcbatch.job import Fetch, QuerySection, all_of, any_of
from gcbatch.query import PART_FORMAT, Query, canonical
from gcbatch.windows import whole_utc_days

if TYPE_CHECKING:
    from gcbatch.endpoints.details.page_reader import RecordKind

__all__ = ["DetailsEndpoint"]


@dataclass(frozen=True)
class DetailsEndpoint:
    """One kind of details, in one fetch mode.

    Args:
        details: The kind.
        mode: Query, jobs or auto.
    """

    details: Details
    mode: FetchMode
    part_format: int = PART_FORMAT
    queues_at_once: int | None = None
    cuts_by_clock: bool = False
    in_utc_days: bool = True

    @property
    def name(self) -> str:
        """What job files call it."""
        return self.details.in_mode(self.mode)

    @property
    def known_by_id(self) -> bool:
        """Whether records of one id are the same record, whatever their window."""
        return not self._records.in_pieces

    @property
    def _records(self) -> "RecordKind":
        from gcbatch.endpoints.details.page_reader import CONVERSATIONS, USERS

        return {"conversations": CONVERSATIONS, "users": USERS}[self.details.path]

    def template(self, query: QuerySection, queue_ids: Sequence[str] | None) -> bytes:
        """Return the body of a request without its interval and page.

        Queues and media types filter one segment: a conversation matches if it was in
        one of the queues by one of the media.
        """
        filters = {
            kind: [one.wire() for one in given]
            for kind, given in query.detail_filters.by_kind().items()
        }
        clauses = [any_of("queueId", queue_ids)] if queue_ids else []
        own = all_of([*clauses, *query.media_clauses], None)
        if own:
            given = filters.get("segmentFilters", [])
            filters["segmentFilters"] = [own.wire(), *given]
        order = {"order": "asc"}
        if self._records.at is not None:
            order["orderBy"] = self._records.at
        return canonical({**order, **filters})

    def queues_of(self, template: bytes) -> tuple[str, ...]:
        """Return the ids of the queues that a template names; empty means all."""
        filters: list[dict[str, Any]] = orjson.loads(template).get("segmentFilters", [])
        clauses = [clause for one in filters[:1] for clause in one.get("clauses", [])]
        predicates = [p for clause in clauses[:1] for p in clause["predicates"]]
        named = [p["value"] for p in predicates if p.get("dimension") == "queueId"]
        return tuple(named) if len(named) == len(predicates) else ()

    def request_cost(self, fetch: Fetch) -> RequestCost:  # noqa: ARG002 - an Endpoint
        """Return how many requests a query takes; only answers say how many pages."""
        minimum = MIN_JOB_REQUESTS + 1 if self.mode is FetchMode.JOBS else 1
        return RequestCost(minimum, is_exact=False)

    def make_fetcher(self, context: FetchContext) -> QueryFetcher:
        """Return what fetches the queries of one run."""
        from gcbatch.endpoints.details.fetcher import DetailFetcher

        return DetailFetcher(self.details, self._records, self.mode, context)

    async def probe(self, context: FetchContext, query: Query) -> None:
        """Request one row; see Endpoint."""
        from gcbatch.endpoints.details.page_reader import read_page

        day = whole_utc_days(query.window)
        paging = {"pageSize": 1, "pageNumber": 1}
        template = orjson.loads(query.template)
        body = canonical({**template, "interval": str(day), "paging": paging})
        decode = partial(read_page, records=self._records)
        await context.client.post(f"{self.details.address}/query", decode, body)
