"""`interval-report`: the first shape that tutorials tell of, pages of entities.

    POST /api/v2/analytics/conversations/aggregates/query?pageSize=250&pageId=…
    {"dateRange": {"from": "…", "to": "…"}, "interval": "PT1H", "groupBys": ["queue"],
     "metrics": ["offerCount", …],
     "filter": {"type": "AND", "predicates": [
        {"type": "EQUALS", "field": "queue.id", "value": "…"}]}}

    {"entities": [{"date": "…", "groupByValues": ["Support"],
                   "metrics": {"offerCount": {"count": 3, "sum": 3}, …}}],
     "nextPageId": "…"}

The real service does not know this shape; gateways and simulators may. One queue a
query, so that the id of an entity's queue is known. A bucket is told by its start;
times are in seconds; the service level is in percent of the bucket's handled calls.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

import msgspec
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from gcbatch import question
from gcbatch.account import Account
from gcbatch.errors import DataError
from gcbatch.genesys.bodies import Reader
from gcbatch.genesys.client import Answer, Client
from gcbatch.genesys.endpoints.clocked import HEAD, Grid, levels_missing, whole_window
from gcbatch.genesys.endpoints.columns import MOST, Number, numbers, within
from gcbatch.genesys.endpoints.paging import all_pages
from gcbatch.genesys.endpoints.splitting import AskedInPieces
from gcbatch.partfile import INSTANT, Part
from gcbatch.query import Query, canonical
from gcbatch.windows import iso

__all__ = ["ENDPOINT", "IntervalReport"]

PAGE_SIZE: Final = 250
"""The most that the tutorial allows."""

PATH: Final = "/api/v2/analytics/conversations/aggregates/query"


class _Figure(msgspec.Struct, gc=False):
    count: Number | None = None
    sum: Number | None = None


class _Entity(msgspec.Struct, gc=False):
    date: str
    groupByValues: list[str | None] | None = None  # noqa: N815 - the wire's word
    metrics: dict[str, _Figure | None] | None = None


class _Page(msgspec.Struct, gc=False):
    entities: list[_Entity] | None = None
    nextPageId: str | None = None  # noqa: N815 - the wire's word
    pageCount: Number | None = None  # noqa: N815 - the wire's word

    @property
    def next_token(self) -> str | None:
        return self.nextPageId

    @property
    def page_count(self) -> Number | None:
        return self.pageCount


_PAGES: Final = Reader(_Page, "entities", "nextPageId", next_page="nextPageId")


@dataclass(frozen=True, slots=True)
class _Column:
    """A figure of the answer and its column."""

    metric: str
    key: str
    name: str
    type: pa.DataType
    unit: str


_COLUMNS: Final = (
    _Column("offerCount", "count", "offer_count", pa.int64(), "calls"),
    _Column("handledCount", "count", "handled_count", pa.int64(), "calls"),
    _Column("abandonedCount", "count", "abandoned_count", pa.int64(), "calls"),
    _Column("serviceLevelPercent", "sum", "service_level_percent", pa.float64(), "%"),
    _Column("handleTime", "sum", "handle_time_sum_s", pa.float64(), "s"),
    _Column("handleTime", "count", "handle_time_count", pa.int64(), "calls"),
    _Column("wrapUpTime", "sum", "wrap_up_time_sum_s", pa.float64(), "s"),
)
_METRICS: Final = list(dict.fromkeys(column.metric for column in _COLUMNS))


@dataclass(frozen=True)
class IntervalReport(AskedInPieces):
    """The endpoint `interval-report`."""

    name: str = "interval-report"
    queues_at_once: int | None = 1
    cuts_by_clock: bool = True
    in_utc_days: bool = False

    def template(self, query: question.Query, queue_ids: Sequence[str] | None) -> bytes:
        """Return the body of a request but for its dateRange."""
        predicates = [
            {"type": "EQUALS", "field": "queue.id", "value": queue_id}
            for queue_id in queue_ids or ()
        ]
        body = {
            "groupBys": ["queue"],
            "metrics": _METRICS,
            "filter": {"type": "AND", "predicates": predicates},
        }
        if query.granularity and query.granularity.is_clock:
            body["interval"] = query.granularity.text
        return canonical(body)

    def schema(self, query: question.Query) -> pa.Schema:  # noqa: ARG002 - an Endpoint
        """Return the columns of a part."""
        return pa.schema(
            [
                *HEAD,
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

    def groups(self, query: question.Query) -> tuple[str, ...]:  # noqa: ARG002 - an Endpoint
        """Return the columns that with interval_start make the key of a row."""
        return ("queue_id",)

    def queues_of(self, template: bytes) -> tuple[str, ...]:
        """Return the id of the one queue that a template names."""
        predicates = orjson.loads(template)["filter"]["predicates"]
        return tuple(predicate["value"] for predicate in predicates)

    def halved(self, template: bytes, asked: question.Query) -> list[bytes]:  # noqa: ARG002 - an Endpoint
        """Return nothing: one queue cannot be halved."""
        return []

    async def fetch(
        self,
        client: Client,
        query: Query,
        asked: question.Query,
        *,
        divisible: bool = False,
    ) -> Part:
        """Ask one query, page by page; see Endpoint."""
        body = orjson.loads(query.template)
        window = query.window
        body["dateRange"] = {"from": iso(window.start), "to": iso(window.end)}
        body.setdefault("interval", whole_window(window))

        async def ask(token: str | None) -> Answer[_Page]:
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

        pages = await all_pages(ask, about=str(query))
        entities = [e for page in pages for e in page.value.entities or ()]
        (queue_id,) = self.queues_of(query.template)
        grid = Grid(query, asked.granularity)
        spans = [grid.bucket(e.date, f"entity {n}") for n, e in enumerate(entities, 1)]
        _check_once(query, [start.isoformat() for start, _ in spans])
        columns = [
            pa.array([start for start, _ in spans], INSTANT),
            pa.array([end for _, end in spans], INSTANT),
            pa.array([queue_id] * len(spans), pa.string()),
            pa.array([_name(e) or queue_id for e in entities], pa.string()),
        ]
        columns += [_figures(entities, column, query) for column in _COLUMNS]
        table = pa.Table.from_arrays(columns, schema=self.schema(asked))
        table = table.sort_by("interval_start")
        remarks = levels_missing(table["handled_count"], table["service_level_percent"])
        return Part(
            table, Account.of_pages(query.window, table.num_rows, pages, remarks)
        )

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
                "handle_count": rows["handle_time_count"],
            }
        )


def _name(entity: _Entity) -> str | None:
    return next(iter(entity.groupByValues or ()), None)


def _check_once(query: Query, starts: list[str]) -> None:
    if twice := [start for start, count in Counter(starts).items() if count > 1]:
        msg = f"{query}: bucket {min(twice)} is answered twice"
        raise DataError(msg)


def _figures(entities: Sequence[_Entity], column: _Column, query: Query) -> pa.Array:
    """Return one column of all entities; null where there is nothing."""
    values: list[Number | None] = []
    for entity in entities:
        figure = (entity.metrics or {}).get(column.metric)
        values.append(None if figure is None else getattr(figure, column.key))
    name = f"{query}: {column.metric}.{column.key}"
    most = 100 if column.unit == "%" else MOST
    return within(numbers(values, column.type, name), most, name)


ENDPOINT: Final = IntervalReport()
