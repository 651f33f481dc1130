"""`POST /api/v2/analytics/X/details/query` and its jobs: conversations, people's days.

    {"interval": "a/b", "order": "asc", "orderBy": "conversationStart",
     "segmentFilters": [...], "paging": {"pageSize": 100, "pageNumber": 1}}

    {"conversations": [{"conversationId": ..., "participants": [...]}], "totalHits": 3}

Past the last page the rows' key is missing. Source: models ConversationQuery and
AnalyticsConversationQueryResponse of PureCloudPlatformClientV2 269.0.0, read
2026-11-21.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import orjson

from gcbatch.endpoints.async_jobs import LEAST_OF_A_JOB
from gcbatch.endpoints.base import FetchContext, QueryFetcher, RequestCost
from gcbatch.endpoints.details.fetcher import DetailFetcher
from gcbatch.endpoints.details.page_reader import (
    CONVERSATIONS,
    USERS,
    RecordKind,
    read_page,
)
from gcbatch.genesys import Details, FetchMode
from gcbatch.job import Fetch, QuerySection, all_of, any_of
from gcbatch.query import PART_FORMAT, Query, canonical
from gcbatch.windows import whole_utc_days

__all__ = ["DetailsEndpoint"]


@dataclass(frozen=True)
class _Way:
    """What the two kinds of details differ in.

    Args:
        records: What answers consist of.
        order: How they are to be sorted.
        job_body: What the request of a job has besides.
    """

    records: RecordKind
    order: Mapping[str, str]
    job_body: Mapping[str, Any]


_WAYS: Final = {
    "conversations": _Way(
        CONVERSATIONS,
        {"order": "asc", "orderBy": "conversationStart"},
        # Else jobs bring whatever overlaps the interval, and pages what began in it.
        {"startOfDayIntervalMatching": True},
    ),
    "users": _Way(USERS, {"order": "asc"}, {}),
}


@dataclass(frozen=True)
class DetailsEndpoint:
    """One kind of details, by one road.

    Args:
        details: Which.
        road: How they are asked for.
    """

    details: Details
    road: FetchMode
    part_format: int = PART_FORMAT
    queues_at_once: int | None = None
    cuts_by_clock: bool = False
    in_utc_days: bool = True

    @property
    def name(self) -> str:
        """What job files call it."""
        return self.details.in_mode(self.road)

    @property
    def known_by_id(self) -> bool:
        """Whether a record is one for its id, whichever window it came with."""
        return not self._way.records.in_pieces

    @property
    def _way(self) -> _Way:
        return _WAYS[self.details.path]

    def template(self, query: QuerySection, queue_ids: Sequence[str] | None) -> bytes:
        """Return the body of a request but for its interval and page.

        Queues and media types are asked of one segment: a conversation counts if it
        was in one of the queues by one of the media.
        """
        filters = {
            kind: [one.wire() for one in given]
            for kind, given in query.detail_filters.by_kind().items()
        }
        clauses = [any_of("queueId", queue_ids)] if queue_ids else []
        own = all_of([*clauses, *query.media_clauses], None)
        if own:
            filters["segmentFilters"] = [
                own.wire(),
                *filters.get("segmentFilters", []),
            ]
        return canonical({**self._way.order, **filters})

    def queues_of(self, template: bytes) -> tuple[str, ...]:
        """Return the ids of the queues that a template names; none is all."""
        filters: list[dict[str, Any]] = orjson.loads(template).get("segmentFilters", [])
        clauses = [clause for one in filters[:1] for clause in one.get("clauses", [])]
        predicates = [p for clause in clauses[:1] for p in clause["predicates"]]
        named = [p["value"] for p in predicates if p.get("dimension") == "queueId"]
        return tuple(named) if len(named) == len(predicates) else ()

    def price(self, fetch: Fetch) -> RequestCost:  # noqa: ARG002 - an Endpoint
        """Return what a query costs; how many pages it has, only answers can tell."""
        least = LEAST_OF_A_JOB + 1 if self.road is FetchMode.JOBS else 1
        return RequestCost(least, is_exact=False)

    def asker(self, desk: FetchContext) -> QueryFetcher:
        """Return who asks the queries of one run."""
        return DetailFetcher(
            self.name,
            self.details.address,
            self._way.records,
            self.road,
            self._way.job_body,
            desk,
        )

    async def probe(self, desk: FetchContext, query: Query) -> None:
        """Ask for one row; see Endpoint."""
        day = whole_utc_days(query.window)
        paging = {"pageSize": 1, "pageNumber": 1}
        template = orjson.loads(query.template)
        body = canonical({**template, "interval": str(day), "paging": paging})
        decode = partial(read_page, records=self._way.records)
        await desk.client.post(f"{self.details.address}/query", decode, body)
