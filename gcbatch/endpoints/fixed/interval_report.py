"""`interval-report`: the first shape in tutorials, pages of entities.

    POST /api/v2/analytics/conversations/aggregates/query?pageSize=250&pageId=…
    {"dateRange": {"from": "…", "to": "…"}, "interval": "PT1H", "groupBys": ["queue"],
     "metrics": ["offerCount", …],
     "filter": {"type": "AND", "predicates": [
        {"type": "EQUALS", "field": "queue.id", "value": "…"}]}}

    {"entities": [{"date": "…", "groupByValues": ["Support"],
                   "metrics": {"offerCount": {"count": 1, "sum": 3}, …}}],
     "nextPageId": "…"}

The real service does not know this shape; gateways and simulators may. Every value is a
`sum`, the total; `count` is the number of intervals with data, and counts no calls.
Times are in seconds; the service level is in percent of the bucket's handled calls. A
bucket is named by its start.

An entity has the values of its groups in the order of `groupBys`: names, of which the
queue's is one. Each query names one queue, so the id of an entity's queue is known.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

import msgspec
import orjson
import pyarrow as pa

from gcbatch.endpoints.fixed_endpoint import (
    FixedColumn,
    FixedEndpoint,
    read_buckets,
)
from gcbatch.endpoints.number_columns import Number
from gcbatch.endpoints.paging import RowPage, RowReader, fetch_all_pages
from gcbatch.endpoints.unknown_fields import short_names, without_unknown_fields
from gcbatch.errors import SHAPE_HINT, DataError
from gcbatch.genesys import snake
from gcbatch.genesys.client import Answer, Client
from gcbatch.job import QuerySection
from gcbatch.lazy import lazy_import
from gcbatch.query import Query, canonical
from gcbatch.store import Part
from gcbatch.text import one_line
from gcbatch.windows import iso

__all__ = ["ENDPOINT", "IntervalReport"]

pc = lazy_import("pyarrow.compute")

PAGE_SIZE: Final = 250
"""The maximum that the tutorial allows."""

PATH: Final = "/api/v2/analytics/conversations/aggregates/query"


class _Figure(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    count: Number | None = None
    sum: Number | None = None


class _Entity(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    date: str
    groupByValues: list[str | None] | None = None  # noqa: N815 - the wire's word
    metrics: dict[str, _Figure | None] | None = None


_COLUMNS: Final = (
    FixedColumn("offerCount.sum", "offer_count", pa.int64(), "calls"),
    FixedColumn("handledCount.sum", "handled_count", pa.int64(), "calls"),
    FixedColumn("abandonedCount.sum", "abandoned_count", pa.int64(), "calls"),
    FixedColumn("serviceLevelPercent.sum", "service_level_percent", pa.float64(), "%"),
    FixedColumn("handleTime.sum", "handle_time_sum_s", pa.float64(), "s"),
    FixedColumn("handleTime.count", "handle_time_count", pa.int64(), "intervals"),
    FixedColumn("wrapUpTime.sum", "wrap_up_time_sum_s", pa.float64(), "s"),
)
_METRICS: Final = list(dict.fromkeys(c.source.partition(".")[0] for c in _COLUMNS))


def _clean(entity: Any, unknown_fields: set[str]) -> Any:
    def figures(metrics: Any) -> Any:
        if not isinstance(metrics, dict):
            return metrics
        return {
            name: without_unknown_fields(figure, _Figure, unknown_fields, f"{name}.")
            for name, figure in metrics.items()
        }

    return without_unknown_fields(
        entity, _Entity, unknown_fields, "entities.", metrics=figures
    )


_PAGES: Final = RowReader(
    _Entity, rows="entities", next_page="nextPageId", clean=_clean
)

_PER_OFFER: Final = pa.field(
    "avg_handle_time_s",
    pa.float64(),
    metadata={"unit": "s", "description": "handle time by offers, 0 without offers"},
)


class IntervalReport(FixedEndpoint):
    """The endpoint `interval-report`."""

    name: str = "interval-report"
    part_format: int = 2  # before, the columns of calls held counts of intervals
    queues_at_once: int | None = 1
    columns: tuple[FixedColumn, ...] = _COLUMNS
    handled: str = "handled_count"
    abandoned: str = "abandoned_count"
    level: str = "service_level_percent"

    def template(self, query: QuerySection, queue_ids: Sequence[str] | None) -> bytes:
        """Return the body of a request without its dateRange."""
        predicates = [
            {"type": "EQUALS", "field": "queue.id", "value": queue_id}
            for queue_id in queue_ids or ()
        ]
        body = {
            "groupBys": [query.shape.groups[group] for group in query.group_by],
            "metrics": _METRICS,
            "filter": {"type": "AND", "predicates": predicates},
        }
        if query.granularity and query.granularity.is_clock:
            body["interval"] = query.granularity.text
        return canonical(body)

    def groups(self, query: QuerySection) -> tuple[str, ...]:
        """Return the columns that form the key of a row with interval_start."""
        return ("queue_id", *map(snake, _groups_beside_queue(query)))

    def queues_of(self, template: bytes) -> tuple[str, ...]:
        """Return the id of the one queue that a template names."""
        predicates = orjson.loads(template)["filter"]["predicates"]
        return tuple(predicate["value"] for predicate in predicates)

    async def fetch(
        self,
        client: Client,
        query: Query,
        section: QuerySection,
        *,
        can_split: bool = False,
    ) -> Part:
        """Fetch one query, page by page; see AggregateEndpoint."""
        window = query.window
        dates = {"from": iso(window.start), "to": iso(window.end)}
        body = canonical(self.request_body(query, dateRange=dates))

        async def fetch_page(token: str | None) -> Answer[RowPage[_Entity]]:
            parameters: dict[str, str | int] = {"pageSize": PAGE_SIZE}
            if token:
                parameters["pageId"] = token
            return await client.call(
                "POST",
                PATH,
                _PAGES.decode,
                query=f"?{urlencode(parameters)}",
                body=body,
                can_split=can_split,
            )

        pages = await fetch_all_pages(fetch_page, about=str(query))
        entities = [e for page in pages for e in page.value.rows]
        spans = read_buckets(
            query, section.granularity, [e.date for e in entities], "entity"
        )
        groups = _group_values(entities, section.group_by, query)
        names = groups["queueId"]
        _check_one_queue([start for start, _ in spans], names, query)
        (queue_id,) = self.queues_of(query.template)
        values: dict[str, Sequence[Any]] = {
            "queue_id": [queue_id] * len(entities),
            "queue_name": [name or queue_id for name in names],
        }
        values |= {snake(g): groups[g] for g in _groups_beside_queue(section)}
        values |= {column.name: _figures(entities, column) for column in _COLUMNS}
        return self.build_part(
            query,
            section,
            pages,
            spans=spans,
            values=values,
            left_out=_metrics_not_requested(entities),
        )

    def derive_columns(self, rows: pa.Table) -> pa.Table:
        """Return the tutorial's average: handle time by offers, 0 where there are none.

        It differs from `aht_s` of the table `sla`, which is by handled calls.
        """
        offers = pc.fill_null(rows["offer_count"], 0)
        is_some = pc.greater(offers, 0)
        seconds = pc.fill_null(rows["handle_time_sum_s"], 0.0)
        average = pc.divide(seconds, pc.if_else(is_some, offers, 1))
        shown = pc.if_else(is_some, average, 0.0)
        return pa.Table.from_arrays([shown], schema=pa.schema([_PER_OFFER]))

    def sla_inputs(self, rows: pa.Table) -> pa.Table:
        """Return what the table `sla` adds up; see AggregateEndpoint."""
        handle_sum_ms = pc.multiply(rows["handle_time_sum_s"], 1000.0)
        return self.sla_table(
            rows, offered=rows["offer_count"], handle_sum_ms=handle_sum_ms
        )


def _groups_beside_queue(query: QuerySection) -> list[str]:
    """Return what rows are grouped by besides the queue, in the job's order."""
    return [group for group in query.group_by if group != "queueId"]


def _group_values(
    entities: Iterable[_Entity], groups: Sequence[str], query: Query
) -> dict[str, list[str | None]]:
    """Return the values of each group, one for each entity.

    An entity of the queue alone may have none: the tutorial calls its queue unknown.

    Raises:
        DataError: If an entity does not have one value for each group; names it.
    """
    by_group: dict[str, list[str | None]] = {group: [] for group in groups}
    for number, entity in enumerate(entities, 1):
        values = entity.groupByValues or ([None] if len(groups) == 1 else [])
        if len(values) != len(groups):
            msg = (
                f"{query}: entity {number} of {one_line(entity.date)}: its "
                f"groupByValues ({one_line(entity.groupByValues)}) are not one for "
                f"each of {', '.join(groups)}"
            )
            raise DataError(msg, hint=SHAPE_HINT)
        for group, value in zip(groups, values, strict=True):
            by_group[group].append(value)
    return by_group


def _metrics_not_requested(entities: Iterable[_Entity]) -> frozenset[str]:
    """Return the metrics of an answer that were not requested."""
    names = {name for entity in entities for name in entity.metrics or ()}
    return short_names(names.difference(_METRICS))


def _check_one_queue(
    starts: Iterable[datetime], names: Iterable[str | None], query: Query
) -> None:
    """Refuse a bucket with entities of two names: one queue was requested."""
    known: dict[datetime, str] = {}
    for start, name in zip(starts, names, strict=True):
        if name and (other := known.setdefault(start, name)) != name:
            both = f"{one_line(other)!r} and {one_line(name)!r}"
            msg = f"{query}: bucket {iso(start)} is of two queues, {both}"
            hint = "the service does not keep to the queue that was requested"
            raise DataError(msg, hint=hint)


def _figures(entities: Sequence[_Entity], column: FixedColumn) -> list[Number | None]:
    """Return one figure of all entities; None where there is nothing."""
    metric, _, key = column.source.partition(".")
    figures = ((entity.metrics or {}).get(metric) for entity in entities)
    return [None if figure is None else getattr(figure, key) for figure in figures]


ENDPOINT: Final = IntervalReport()
