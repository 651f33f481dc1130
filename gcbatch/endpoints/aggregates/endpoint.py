"""`POST /api/v2/analytics/X/aggregates/query`: one code path for all 19 families.

An answer has groups, a group has buckets, a bucket has metrics with statistics:

    {"results": [{"group": {...}, "data": [{"interval": "a/b", "metrics": [
        {"metric": "tHandle", "qualifier"?: "...", "stats": {"count": 1, ...}}],
        "views": [{"name": "...", "stats": {...}}]}]}]}

At every level, what has no data is missing. There are no pages; an answer that
announces some is refused. Source: models ConversationAggregationQuery and
ConversationAggregateQueryResponse of PureCloudPlatformClientV2 269.0.0, read
2026-11-21.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
import pyarrow as pa

from gcbatch.endpoints.aggregates.part_schema import schema_of
from gcbatch.endpoints.base import (
    MIN_JOB_REQUESTS,
    FetchContext,
    QueryFetcher,
    RequestCost,
    halves,
)
from gcbatch.endpoints.splitting import SplittableEndpoint, Splitter
from gcbatch.genesys import Family, FetchMode, snake
from gcbatch.job import Fetch, QuerySection, all_of, any_of
from gcbatch.query import Query, canonical
from gcbatch.store import Part, PartMetadata

if TYPE_CHECKING:
    from gcbatch.genesys.client import Client

__all__ = ["Aggregates"]


@dataclass(frozen=True)
class Aggregates(SplittableEndpoint):
    """One family of aggregates.

    Args:
        family: The family.
        by_jobs: Whether queries always go by async job, whatever the job file says.
    """

    family: Family
    by_jobs: bool = False

    @property
    def name(self) -> str:
        """What job files call it."""
        return self.family.jobs_endpoint if self.by_jobs else self.family.endpoint

    @property
    def path(self) -> str:
        """The address of requests, without its last part."""
        return f"/api/v2/analytics/{self.family.path}/aggregates"

    def template(self, query: QuerySection, queue_ids: Sequence[str] | None) -> bytes:
        """Return the body of a request without its interval.

        Args:
            query: The job's section `query`.
            queue_ids: The queues of this request; None means all.
        """
        clauses = [any_of("queueId", queue_ids)] if queue_ids else []
        clauses += query.media_clauses
        wanted = all_of(clauses, query.aggregate_filter)
        body: dict[str, Any] = {
            "timeZone": query.timezone,
            "groupBy": list(query.group_by),
            "metrics": list(query.metrics),
        }
        if query.granularity:
            body["granularity"] = query.granularity.text
        if wanted:
            body["filter"] = wanted.wire()
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
        """Return the columns that form the key of a row with interval_start."""
        groups = tuple(snake(dimension) for dimension in query.group_by)
        return (*groups, "qualifier") if self.family.qualified else groups

    def queues_of(self, template: bytes) -> tuple[str, ...]:
        """Return the ids of the queues that a template names; empty means all."""
        predicates = _queue_clause(orjson.loads(template)).get("predicates", ())
        return tuple(predicate["value"] for predicate in predicates)

    def halve_queues(self, template: bytes, section: QuerySection) -> list[bytes]:
        """Return two templates with half of the queues each, if there are two."""
        body = orjson.loads(template)
        clause = _queue_clause(body)
        if "queueId" not in section.group_by:
            return []
        templates = []
        for half in halves(clause.get("predicates", [])):
            clause["predicates"] = half
            templates.append(canonical(body))
        return templates

    def request_cost(self, fetch: Fetch) -> RequestCost:
        """Return how many requests a query takes."""
        by_jobs = self._mode(fetch) is FetchMode.JOBS
        return (
            RequestCost(MIN_JOB_REQUESTS, is_exact=False) if by_jobs else RequestCost()
        )

    def _mode(self, fetch: Fetch) -> FetchMode:
        return FetchMode.JOBS if self.by_jobs else fetch.mode

    def make_fetcher(self, context: FetchContext) -> QueryFetcher:
        """Return what fetches the queries of one run: by query, by job, or both."""
        mode = self._mode(context.fetch)
        if mode is FetchMode.QUERY or not self.family.has_jobs:
            return Splitter(self, context)
        from gcbatch.endpoints.aggregates.async_jobs import fetch_by_job
        from gcbatch.endpoints.async_jobs import AsyncJobClient

        jobs = AsyncJobClient(context, self.path, page_size=None)

        async def by_job(query: Query) -> Part:
            queues = self.queues_of(query.template)
            return await fetch_by_job(jobs, context, self.family, query, queues)

        return Splitter(self, context, by_job=by_job, always=mode is FetchMode.JOBS)

    async def fetch(
        self,
        client: "Client",
        query: Query,
        section: QuerySection,
        *,
        can_split: bool = False,
    ) -> Part:
        """Fetch one query; see AggregateEndpoint.

        Returns:
            The part: a row per bucket and group (and qualifier), in the order of both.
        """
        from gcbatch.endpoints.aggregates.columnar_reader import read_columns
        from gcbatch.endpoints.aggregates.response_models import decode_page, left_out
        from gcbatch.endpoints.aggregates.row_reader import naming_query, rows_of

        queues, schema = self.queues_of(query.template), self.schema(section)

        def decode(body: bytes) -> tuple[pa.Table, frozenset[str]]:
            columns = read_columns(
                body,
                section=section,
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
                    section=section,
                    family=self.family,
                    window=query.window,
                    queues=queues,
                )
            return rows, left_out(page, section)

        answer = await client.post(
            f"{self.path}/query", decode, self.body(query), can_split=can_split
        )
        table, names = answer.value
        metadata = PartMetadata.from_answers(
            query.window, table.num_rows, [answer], left_out=names
        )
        return Part(table, metadata)

    def sla_inputs(self, rows: pa.Table) -> pa.Table:
        """Return what the table `sla` adds up: whole numbers only."""
        columns = {
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
        nulls = pa.nulls(rows.num_rows, pa.string())
        keys = {name: rows[name] for name in ("interval_start", "interval_end")}
        for name in ("queue_id", "media_type"):
            keys[name] = rows[name] if name in rows.column_names else nulls
        return pa.table(keys | {to: rows[name] for to, name in columns.items()})


def _queue_clause(body: dict[str, Any]) -> dict[str, Any]:
    """Return the clause that names the queues of a request; empty if there is none.

    It is the first clause, and all others must hold too.
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
