"""`interval-report`: the first shape that tutorials tell of, pages of entities.

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
bucket is told by its start.

An entity has the values of its groups in the order of `groupBys`: names, of which the
queue's is one. Each query asks one queue, so that the id of an entity's queue is known.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

import msgspec
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from gcbatch.endpoints.bucket_grid import (
    KEY_FIELDS,
    BucketGrid,
    levels_missing,
    window_duration,
)
from gcbatch.endpoints.number_columns import MOST, Number, check_range, number_array
from gcbatch.endpoints.paging import fetch_all_pages
from gcbatch.endpoints.row_pages import MOST_CHARS, RowPage, RowReader, left_out
from gcbatch.endpoints.splitting import SplittableEndpoint
from gcbatch.endpoints.unknown_fields import without_unknown_fields
from gcbatch.errors import SHAPE_HINT, DataError
from gcbatch.genesys import snake
from gcbatch.genesys.client import Answer, Client
from gcbatch.job import QuerySection
from gcbatch.query import Query, canonical
from gcbatch.store import Part, PartMetadata
from gcbatch.table import INSTANT
from gcbatch.text import one_line
from gcbatch.windows import iso

__all__ = ["ENDPOINT", "IntervalReport"]

PAGE_SIZE: Final = 250
"""The most that the tutorial allows."""

PATH: Final = "/api/v2/analytics/conversations/aggregates/query"


class _Figure(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    count: Number | None = None
    sum: Number | None = None


class _Entity(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    date: str
    groupByValues: list[str | None] | None = None  # noqa: N815 - the wire's word
    metrics: dict[str, _Figure | None] | None = None


@dataclass(frozen=True, slots=True)
class _Column:
    """A figure of the answer and its column."""

    metric: str
    key: str
    name: str
    type: pa.DataType
    unit: str


_COLUMNS: Final = (
    _Column("offerCount", "sum", "offer_count", pa.int64(), "calls"),
    _Column("handledCount", "sum", "handled_count", pa.int64(), "calls"),
    _Column("abandonedCount", "sum", "abandoned_count", pa.int64(), "calls"),
    _Column("serviceLevelPercent", "sum", "service_level_percent", pa.float64(), "%"),
    _Column("handleTime", "sum", "handle_time_sum_s", pa.float64(), "s"),
    _Column("handleTime", "count", "handle_time_count", pa.int64(), "intervals"),
    _Column("wrapUpTime", "sum", "wrap_up_time_sum_s", pa.float64(), "s"),
)
_METRICS: Final = list(dict.fromkeys(column.metric for column in _COLUMNS))


def _clean(entity: Any, newer: set[str]) -> Any:
    def figures(metrics: Any) -> Any:
        if not isinstance(metrics, dict):
            return metrics
        return {
            name: without_unknown_fields(figure, _Figure, newer, f"{name}.")
            for name, figure in metrics.items()
        }

    return without_unknown_fields(entity, _Entity, newer, "entities.", metrics=figures)


_PAGES: Final = RowReader(
    _Entity, rows="entities", next_page="nextPageId", clean=_clean
)

_PER_OFFER: Final = pa.field(
    "avg_handle_time_s",
    pa.float64(),
    metadata={"unit": "s", "description": "handle time by offers, 0 without offers"},
)


@dataclass(frozen=True)
class IntervalReport(SplittableEndpoint):
    """The endpoint `interval-report`."""

    name: str = "interval-report"
    part_format: int = 2  # before, the columns of calls held counts of intervals
    queues_at_once: int | None = 1
    cuts_by_clock: bool = True
    in_utc_days: bool = False

    def template(self, query: QuerySection, queue_ids: Sequence[str] | None) -> bytes:
        """Return the body of a request but for its dateRange."""
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

    def schema(self, query: QuerySection) -> pa.Schema:
        """Return the columns of a part."""
        return pa.schema(
            [
                *KEY_FIELDS,
                *(pa.field(group, pa.string()) for group in self.groups(query)[1:]),
                *(
                    pa.field(
                        c.name,
                        c.type,
                        metadata={"source": f"{c.metric}.{c.key}", "unit": c.unit},
                    )
                    for c in _COLUMNS
                ),
            ]
        )

    def groups(self, query: QuerySection) -> tuple[str, ...]:
        """Return the columns that with interval_start make the key of a row."""
        return ("queue_id", *map(snake, _beside_queue(query)))

    def queues_of(self, template: bytes) -> tuple[str, ...]:
        """Return the id of the one queue that a template names."""
        predicates = orjson.loads(template)["filter"]["predicates"]
        return tuple(predicate["value"] for predicate in predicates)

    def halved(self, template: bytes, asked: QuerySection) -> list[bytes]:  # noqa: ARG002 - an Endpoint
        """Return nothing: one queue cannot be halved."""
        return []

    async def fetch(
        self,
        client: Client,
        query: Query,
        asked: QuerySection,
        *,
        divisible: bool = False,
    ) -> Part:
        """Ask one query, page by page; see Endpoint."""
        body = orjson.loads(query.template)
        window = query.window
        body["dateRange"] = {"from": iso(window.start), "to": iso(window.end)}
        body.setdefault("interval", window_duration(window))

        async def ask(token: str | None) -> Answer[RowPage[_Entity]]:
            parameters: dict[str, str | int] = {"pageSize": PAGE_SIZE}
            if token:
                parameters["pageId"] = token
            return await client.call(
                "POST",
                PATH,
                _PAGES.decode,
                query=f"?{urlencode(parameters)}",
                body=canonical(body),
                divisible=divisible,
            )

        pages = await fetch_all_pages(ask, about=str(query))
        entities = [e for page in pages for e in page.value.rows]
        (queue_id,) = self.queues_of(query.template)
        grid = BucketGrid(query, asked.granularity)
        spans = [grid.bucket(e.date, f"entity {n}") for n, e in enumerate(entities, 1)]
        starts = [start for start, _ in spans]
        told = _values(entities, asked.group_by, query)
        names, beside = told["queueId"], [told[g] for g in _beside_queue(asked)]
        _check_once(starts, beside, query)
        _check_one_queue(starts, names, query)
        columns = [
            pa.array(starts, INSTANT),
            pa.array([end for _, end in spans], INSTANT),
            pa.array([queue_id] * len(spans), pa.string()),
            pa.array([name or queue_id for name in names], pa.string()),
            *(pa.array(values, pa.string()) for values in beside),
        ]
        columns += [_figures(entities, column, query) for column in _COLUMNS]
        table = pa.Table.from_arrays(columns, schema=self.schema(asked))
        order = ("interval_start", *self.groups(asked))
        table = table.sort_by([(name, "ascending") for name in order])
        remarks = levels_missing(table["handled_count"], table["service_level_percent"])
        account = PartMetadata.from_answers(
            query.window,
            table.num_rows,
            pages,
            remarks,
            left_out(pages) | _not_asked(entities),
        )
        return Part(table, account)

    def derived(self, rows: pa.Table) -> pa.Table:
        """Return the tutorial's average: handle time by offers, 0 where there are none.

        It is another than `aht_s` of the table `sla`, which is by handled calls.
        """
        offers = pc.fill_null(rows["offer_count"], 0)
        is_some = pc.greater(offers, 0)
        seconds = pc.fill_null(rows["handle_time_sum_s"], 0.0)
        average = pc.divide(seconds, pc.if_else(is_some, offers, 1))
        shown = pc.if_else(is_some, average, 0.0)
        return pa.Table.from_arrays([shown], schema=pa.schema([_PER_OFFER]))

    def facts(self, rows: pa.Table) -> pa.Table:
        """Return what the table `sla` adds up; a null level counts as 0."""
        handled = pc.cast(rows["handled_count"], pa.float64())
        level = pc.divide(pc.fill_null(rows["service_level_percent"], 0.0), 100.0)
        none = pa.nulls(rows.num_rows)
        return pa.table(
            {
                "interval_start": rows["interval_start"],
                "interval_end": rows["interval_end"],
                "queue_id": rows["queue_id"],
                "queue_name": rows["queue_name"],
                "media_type": none.cast(pa.string()),
                "offered": pc.coalesce(
                    rows["offer_count"],
                    pc.add(
                        pc.fill_null(rows["handled_count"], 0),
                        pc.fill_null(rows["abandoned_count"], 0),
                    ),
                ),
                "answered": rows["handled_count"],
                "abandoned": rows["abandoned_count"],
                "level_part": pc.multiply(handled, level),
                "level_whole": handled,
                "wait_sum_ms": none.cast(pa.float64()),
                "wait_count": none.cast(pa.int64()),
                "handle_sum_ms": pc.multiply(rows["handle_time_sum_s"], 1000.0),
                "handle_count": rows["handled_count"],
            }
        )


def _beside_queue(query: QuerySection) -> list[str]:
    """Return what rows are grouped by besides the queue, in the job's order."""
    return [group for group in query.group_by if group != "queueId"]


def _values(
    entities: Iterable[_Entity], groups: Sequence[str], query: Query
) -> dict[str, list[str | None]]:
    """Return the values of each group, one for each entity.

    An entity of the queue alone may have none: the tutorial calls its queue unknown.

    Raises:
        DataError: If one has not as many values as there are groups; names it.
    """
    told: dict[str, list[str | None]] = {group: [] for group in groups}
    for number, entity in enumerate(entities, 1):
        values = entity.groupByValues or ([None] if len(groups) == 1 else [])
        if len(values) != len(groups):
            msg = (
                f"{query}: entity {number} of {one_line(entity.date)}: its "
                "groupByValues "
                f"({one_line(entity.groupByValues)}) are not one for each of "
                f"{', '.join(groups)}"
            )
            raise DataError(msg, hint=SHAPE_HINT)
        for group, value in zip(groups, values, strict=True):
            told[group].append(value)
    return told


def _not_asked(entities: Iterable[_Entity]) -> frozenset[str]:
    """Return the metrics of an answer that were not asked for."""
    told = {name for entity in entities for name in entity.metrics or ()}
    return frozenset(one_line(name, MOST_CHARS) for name in told.difference(_METRICS))


def _check_once(
    starts: Sequence[datetime], beside: Sequence[Sequence[str | None]], query: Query
) -> None:
    """Refuse an answer with two entities of one bucket and group."""
    counts = Counter(zip(starts, *beside, strict=True))
    if twice := [key for key, count in counts.items() if count > 1]:
        start, *group = min(twice, key=lambda key: key[0])
        of_group = f" of {one_line(group)}" if group else ""
        msg = f"{query}: bucket {iso(start)}{of_group} is answered twice"
        raise DataError(msg)


def _check_one_queue(
    starts: Iterable[datetime], names: Iterable[str | None], query: Query
) -> None:
    """Refuse a bucket with entities of two names: one queue was asked for."""
    known: dict[datetime, str] = {}
    for start, name in zip(starts, names, strict=True):
        if name and (other := known.setdefault(start, name)) != name:
            both = f"{one_line(other)!r} and {one_line(name)!r}"
            msg = f"{query}: bucket {iso(start)} is of two queues, {both}"
            raise DataError(
                msg, hint="the service does not keep to the queue asked for"
            )


def _figures(entities: Sequence[_Entity], column: _Column, query: Query) -> pa.Array:
    """Return one column of all entities; null where there is nothing."""
    values: list[Number | None] = []
    for entity in entities:
        figure = (entity.metrics or {}).get(column.metric)
        values.append(None if figure is None else getattr(figure, column.key))
    name = f"{query}: {column.metric}.{column.key}"
    most = 100 if column.unit == "%" else MOST
    return check_range(number_array(values, column.type, name), most, name)


ENDPOINT: Final = IntervalReport()
