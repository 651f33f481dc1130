"""`POST /api/v2/analytics/X/aggregates/query`: one code path for all 19 families.

An answer has groups, a group has buckets, a bucket has metrics with statistics:

    {"results": [{"group": {...}, "data": [{"interval": "a/b", "metrics": [
        {"metric": "tHandle", "qualifier"?: "...", "stats": {"count": 1, ...}}],
        "views": [{"name": "...", "stats": {...}}]}]}]}

What has no data is left out at every level. There are no pages; an answer that
announces more of them is refused. Source: models
ConversationAggregationQuery and ConversationAggregateQueryResponse of
PureCloudPlatformClientV2 269.0.0, read 2026-11-21.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import pyarrow as pa

from gcbatch.endpoints.aggregates.async_jobs import AggregateJobs
from gcbatch.endpoints.aggregates.columnar_reader import read_columns
from gcbatch.endpoints.aggregates.response_models import decode_page, left_out
from gcbatch.endpoints.aggregates.row_reader import naming_query, rows_of, schema_of
from gcbatch.endpoints.async_jobs import LEAST_OF_A_JOB
from gcbatch.endpoints.base import FetchContext, QueryFetcher, RequestCost, halves
from gcbatch.endpoints.splitting import SplittableEndpoint, Splitter
from gcbatch.genesys import Family, FetchMode, snake
from gcbatch.genesys.client import Client
from gcbatch.job import Fetch, QuerySection, all_of, any_of
from gcbatch.query import Query, canonical
from gcbatch.store import Part, PartMetadata

__all__ = ["Aggregates"]


@dataclass(frozen=True)
class Aggregates(SplittableEndpoint):
    """One family of aggregates.

    Args:
        family: Which.
        by_jobs: Whether it is asked by jobs of the service, whatever a job says.
    """

    family: Family
    by_jobs: bool = False

    @property
    def name(self) -> str:
        """What job files call it."""
        return self.family.jobs_endpoint if self.by_jobs else self.family.endpoint

    @property
    def queues_at_once(self) -> int | None:
        """As many as the body holds."""
        return None

    @property
    def cuts_by_clock(self) -> bool:
        """By the calendar of the job's zone."""
        return False

    @property
    def in_utc_days(self) -> bool:
        """By the calendar of the job's zone."""
        return False

    @property
    def path(self) -> str:
        """Where it is asked, but for the last part."""
        return f"/api/v2/analytics/{self.family.path}/aggregates"

    def template(self, query: QuerySection, queue_ids: Sequence[str] | None) -> bytes:
        """Return the body of a request but for its interval.

        Args:
            query: What the job asks.
            queue_ids: The queues of this request; None is all.
        """
        clauses = [any_of("queueId", queue_ids)] if queue_ids else []
        clauses += query.media_clauses
        asked = all_of(clauses, query.aggregate_filter)
        body: dict[str, Any] = {
            "timeZone": query.timezone,
            "groupBy": list(query.group_by),
            "metrics": list(query.metrics),
        }
        if query.granularity:
            body["granularity"] = query.granularity.text
        if asked:
            body["filter"] = asked.wire()
        if query.views:
            body["views"] = [view.wire() for view in query.views]
        return canonical(body)

    def body(self, query: Query) -> bytes:
        """Return the whole body of a request."""
        return b'{"interval":"%b",%b' % (str(query.window).encode(), query.template[1:])

    def schema(self, query: QuerySection) -> pa.Schema:
        """Return the columns of a part: interval, groups, qualifier, statistics."""
        return schema_of(query, self.family)

    def groups(self, query: QuerySection) -> tuple[str, ...]:
        """Return the columns that with interval_start make the key of a row."""
        groups = tuple(snake(dimension) for dimension in query.group_by)
        return (*groups, "qualifier") if self.family.qualified else groups

    def queues_of(self, template: bytes) -> tuple[str, ...]:
        """Return the ids of the queues that a template names; none is all."""
        predicates = _queue_clause(orjson.loads(template)).get("predicates", ())
        return tuple(predicate["value"] for predicate in predicates)

    def halved(self, template: bytes, asked: QuerySection) -> list[bytes]:
        """Return two templates with half of the queues each, if there are two."""
        body = orjson.loads(template)
        clause = _queue_clause(body)
        if "queueId" not in asked.group_by:
            return []
        templates = []
        for half in halves(clause.get("predicates", [])):
            clause["predicates"] = half
            templates.append(canonical(body))
        return templates

    def price(self, fetch: Fetch) -> RequestCost:
        """Return what a query costs."""
        by_jobs = self._road(fetch) is FetchMode.JOBS
        return RequestCost(LEAST_OF_A_JOB, is_exact=False) if by_jobs else RequestCost()

    def _road(self, fetch: Fetch) -> FetchMode:
        return FetchMode.JOBS if self.by_jobs else fetch.mode

    def asker(self, desk: FetchContext) -> QueryFetcher:
        """Return who asks the queries of one run: at once, by job, or as it pays."""
        road = self._road(desk.fetch)
        if road is FetchMode.QUERY or not self.family.has_jobs:
            return Splitter(self, desk)
        by_jobs = AggregateJobs(self.family, self.path, desk)

        async def by_job(query: Query) -> Part:
            return await by_jobs.ask(query, self.queues_of(query.template))

        return Splitter(self, desk, by_job=by_job, always=road is FetchMode.JOBS)

    async def fetch(
        self,
        client: Client,
        query: Query,
        asked: QuerySection,
        *,
        divisible: bool = False,
    ) -> Part:
        """Ask one query.

        Args:
            client: Whom to ask through.
            query: What to ask.
            asked: The job's query section, which gives the columns.
            divisible: Whether less could be asked at once.

        Returns:
            The part: a row per bucket and group (and qualifier), by interval and
            group; with its account.

        Raises:
            TooLargeError: If *divisible*, and the service will not answer so much.
            AcrossMidnightError: If a bucket reaches over a local midnight.
            DataError: If the answer contradicts itself or the question; names the
                query, and the group and bucket.
            GcbatchError: As Client.call does.
        """
        queues, schema = self.queues_of(query.template), self.schema(asked)

        def decode(body: bytes) -> tuple[pa.Table, frozenset[str]]:
            columns = read_columns(
                body,
                asked=asked,
                family=self.family,
                window=query.window,
                queues=queues,
                schema=schema,
            )
            if columns is not None:
                return columns, frozenset()
            page = decode_page(body, is_whole=True)
            with naming_query(query):
                rows = rows_of(
                    page,
                    asked=asked,
                    family=self.family,
                    window=query.window,
                    queues=queues,
                )
            return rows, left_out(page, asked)

        answer = await client.post(
            f"{self.path}/query", decode, self.body(query), divisible=divisible
        )
        table, more = answer.value
        account = PartMetadata.from_answers(
            query.window, table.num_rows, [answer], left_out=more
        )
        return Part(table, account)

    def facts(self, rows: pa.Table) -> pa.Table:
        """Return what the table `sla` adds up, whole numbers all of it."""
        named = {
            "offered": "n_offered",
            "answered": "t_answered_count",
            "abandoned": "t_abandon_count",
            "level_part": "o_service_level_numerator",
            "level_whole": "o_service_level_denominator",
            "wait_sum_ms": "t_answered_sum_ms",
            "wait_count": "t_answered_count",
            "handle_sum_ms": "t_handle_sum_ms",
            "handle_count": "t_handle_count",
        }
        none = pa.nulls(rows.num_rows, pa.string())
        columns = {name: rows[name] for name in ("interval_start", "interval_end")}
        for name in ("queue_id", "media_type"):
            columns[name] = rows[name] if name in rows.column_names else none
        return pa.table(columns | {to: rows[by] for to, by in named.items()})


def _queue_clause(body: dict[str, Any]) -> dict[str, Any]:
    """Return the clause that alone says which queues a request is about.

    It is the first, and all others must hold too; empty where there is none.
    """
    given = body.get("filter", {})
    clauses: list[dict[str, Any]] = given.get("clauses", [])
    if not clauses or given["type"] != "and":
        return {}
    first = clauses[0]
    names_queues = first["type"] == "or" and all(
        set(p) == {"dimension", "value"} and p["dimension"] == "queueId"
        for p in first["predicates"]
    )
    return first if names_queues else {}
