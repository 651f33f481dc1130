"""`POST /api/v2/analytics/X/aggregates/query`: one code path for all 19 families.

An answer has groups, a group has buckets, a bucket has metrics with statistics:

    {"results": [{"group": {...}, "data": [{"interval": "a/b", "metrics": [
        {"metric": "tHandle", "qualifier"?: "...", "stats": {"count": 1, ...}}],
        "views": [{"name": "...", "stats": {...}}]}]}]}

What has no data is left out at every level. There are no pages. Source: models
ConversationAggregationQuery and ConversationAggregateQueryResponse of
PureCloudPlatformClientV2 269.0.0, read 2026-11-21.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import pyarrow as pa

from gcbatch import question
from gcbatch.errors import DataError
from gcbatch.filters import all_of, any_of
from gcbatch.genesys.client import Client
from gcbatch.genesys.endpoints.aggregate_pages import read_page
from gcbatch.genesys.endpoints.base import INSTANT, halves
from gcbatch.genesys.families import Family
from gcbatch.genesys.metrics import column_name, kind_of, snake
from gcbatch.query import Query, canonical
from gcbatch.store import Account, Part

__all__ = ["Aggregates"]


@dataclass(frozen=True)
class Aggregates:
    """One family of aggregates.

    Args:
        family: Which.
    """

    family: Family

    @property
    def name(self) -> str:
        """What job files call it."""
        return self.family.endpoint

    @property
    def queues_at_once(self) -> int | None:
        """As many as the body holds."""
        return None

    @property
    def cuts_by_clock(self) -> bool:
        """By the calendar of the job's zone."""
        return False

    @property
    def path(self) -> str:
        """Where it is asked."""
        return f"/api/v2/analytics/{self.family.path}/aggregates/query"

    def template(self, query: question.Query, queue_ids: Sequence[str] | None) -> bytes:
        """Return the body of a request but for its interval.

        Args:
            query: What the job asks.
            queue_ids: The queues of this request; None is all.
        """
        clauses = [any_of("queueId", queue_ids)] if queue_ids else []
        clauses += query.own_clauses
        asked = all_of(clauses, query.filter)
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

    def schema(self, query: question.Query) -> pa.Schema:
        """Return the columns of a part: interval, groups, qualifier, statistics.

        Fields carry their unit and the metric they come from as metadata.
        """
        key = [
            pa.field("interval_start", INSTANT, nullable=False),
            pa.field("interval_end", INSTANT, nullable=False),
        ]
        key += [
            pa.field(snake(d), pa.string(), metadata={"source": f"group.{d}"})
            for d in query.group_by
        ]
        if self.family.qualified:
            key.append(pa.field("qualifier", pa.string()))
        return pa.schema([*key, *_statistic_fields(query)])

    def groups(self, query: question.Query) -> tuple[str, ...]:
        """Return the columns that with interval_start make the key of a row."""
        groups = tuple(snake(dimension) for dimension in query.group_by)
        return (*groups, "qualifier") if self.family.qualified else groups

    def queues_of(self, template: bytes) -> tuple[str, ...]:
        """Return the ids of the queues that a template names; none is all."""
        predicates = _queue_clause(orjson.loads(template)).get("predicates", ())
        return tuple(predicate["value"] for predicate in predicates)

    def halved(self, template: bytes, asked: question.Query) -> list[bytes]:
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

    async def fetch(
        self,
        client: Client,
        query: Query,
        asked: question.Query,
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
            DataError: If the answer contradicts itself or the question; names the
                query, and the group and bucket.
            GcbatchError: As Client.call does.
        """
        schema = self.schema(asked)
        queues = self.queues_of(query.template)

        def decode(body: bytes) -> pa.Table:
            try:
                return read_page(
                    body,
                    asked=asked,
                    family=self.family,
                    window=query.window,
                    queues=queues,
                    schema=schema,
                )
            except DataError as exc:
                msg = f"{query}: {exc.problem}"
                raise DataError(msg, hint=exc.hint) from exc

        answer = await client.post(
            self.path, decode, self.body(query), divisible=divisible
        )
        return Part(
            answer.value,
            Account.of_pages(query.window, answer.value.num_rows, [answer]),
        )

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
    """Return the clause that names the job's queues; it is always the first."""
    clauses: list[dict[str, Any]] = body.get("filter", {}).get("clauses", [])
    for clause in clauses[:1]:
        predicates = clause["predicates"]
        if clause["type"] == "or" and all(
            set(p) == {"dimension", "value"} and p["dimension"] == "queueId"
            for p in predicates
        ):
            return clause
    return {}


def _statistic_fields(query: question.Query) -> Iterable[pa.Field]:
    named = [(m, kind_of(m), m) for m in query.metrics]
    named += [
        (v.name, kind_of(v.target), f"{v.target} from {v.range.gte} to {v.range.lt}")
        for v in query.views
    ]
    for name, kind, source in named:
        for statistic in kind.statistics:
            yield pa.field(
                column_name(name, statistic),
                pa.type_for_alias(statistic.type),
                metadata={
                    "source": f"{source}.{statistic.key}",
                    "unit": statistic.unit,
                },
            )
