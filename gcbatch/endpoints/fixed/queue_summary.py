"""`queue-summary`: the second shape in tutorials, a summary of queues.

    POST /api/v2/analytics/queues/summary
    {"dateFrom": "…Z", "dateTo": "…Z", "interval": "PT1H",
     "metrics": ["serviceLevel", …],
     "groupings": [{"name": "queue", "type": "queue", "values": ["…"]}],
     "filter": {"type": "conversation", "or": [{"type": "conversation", "path": "type",
                "operator": "in", "value": ["voice"]}]},
     "nextPageToken": "…"}

    {"data": [{"queue": {"id": "…", "name": "Support", "deleted": false},
               "interval": "…Z", "totalHandled": 3, "totalAbandoned": 1,
               "serviceLevel": 66.7, "avgHandleTime": 214.3}],
     "nextPageToken": "…"}

The real service does not know this shape; gateways and simulators may. The next page's
token goes into the body beside the unchanged query. The filter is there where a job
names media types. A bucket is named by its start; without one it is the whole window.
Times are in seconds; the service level is in percent of the bucket's handled
calls.
"""

from collections.abc import Collection, Sequence
from typing import Any, Final

import msgspec
import orjson
import pyarrow as pa

from gcbatch.endpoints.base import halves
from gcbatch.endpoints.fixed_endpoint import (
    FixedColumn,
    FixedEndpoint,
    read_buckets,
)
from gcbatch.endpoints.number_columns import Number
from gcbatch.endpoints.paging import RowPage, RowReader, fetch_all_pages
from gcbatch.endpoints.unknown_fields import without_unknown_fields
from gcbatch.errors import DataError
from gcbatch.genesys.client import Answer, Client
from gcbatch.job import QuerySection
from gcbatch.lazy import lazy_import
from gcbatch.query import Query, canonical
from gcbatch.store import Part
from gcbatch.text import one_line
from gcbatch.windows import iso

__all__ = ["ENDPOINT", "QueueSummary"]

pc = lazy_import("pyarrow.compute")

PATH: Final = "/api/v2/analytics/queues/summary"
WRONG_QUEUE_HINT: Final = "the service does not keep to the queues that were requested"


class _Queue(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    id: str
    name: str | None = None
    deleted: bool | None = None


class _Row(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    queue: _Queue
    interval: str | None = None
    totalHandled: Number | None = None  # noqa: N815 - the wire's word
    totalAbandoned: Number | None = None  # noqa: N815 - the wire's word
    serviceLevel: Number | None = None  # noqa: N815 - the wire's word
    avgHandleTime: Number | None = None  # noqa: N815 - the wire's word


_COLUMNS: Final = (
    FixedColumn("totalHandled", "total_handled", pa.int64(), "calls"),
    FixedColumn("totalAbandoned", "total_abandoned", pa.int64(), "calls"),
    FixedColumn("serviceLevel", "service_level", pa.float64(), "%"),
    FixedColumn("avgHandleTime", "avg_handle_time_s", pa.float64(), "s"),
)


def _clean(row: Any, unknown_fields: set[str]) -> Any:
    def queue(one: Any) -> Any:
        return without_unknown_fields(one, _Queue, unknown_fields, "data.queue.")

    return without_unknown_fields(row, _Row, unknown_fields, "data.", queue=queue)


_PAGES: Final = RowReader(_Row, rows="data", next_page="nextPageToken", clean=_clean)


class QueueSummary(FixedEndpoint):
    """The endpoint `queue-summary`."""

    name: str = "queue-summary"
    part_format: int = 2  # before, rows of queues that were not requested got in
    columns: tuple[FixedColumn, ...] = _COLUMNS
    handled: str = "total_handled"
    abandoned: str = "total_abandoned"
    level: str = "service_level"
    last_fields: tuple[pa.Field, ...] = (pa.field("deleted", pa.bool_()),)

    def template(self, query: QuerySection, queue_ids: Sequence[str] | None) -> bytes:
        """Return the body of a request without its dates and page."""
        grouping: dict[str, Any] = {"name": "queue", "type": "queue"}
        if queue_ids is not None:
            grouping["values"] = list(queue_ids)
        body: dict[str, Any] = {
            "metrics": [column.source for column in _COLUMNS],
            "groupings": [grouping],
        }
        if query.granularity and query.granularity.is_clock:
            body["interval"] = query.granularity.text
        if query.media_types:
            body["filter"] = _media_filter(query.media_types)
        return canonical(body)

    def queues_of(self, template: bytes) -> tuple[str, ...]:
        """Return the ids of the queues that a template names; empty means all."""
        return tuple(orjson.loads(template)["groupings"][0].get("values", ()))

    def halve_queues(self, template: bytes, section: QuerySection) -> list[bytes]:  # noqa: ARG002 - an Endpoint
        """Return two templates with half of the queues each, if there are two."""
        body = orjson.loads(template)
        (grouping,) = body["groupings"]
        templates = []
        for half in halves(grouping.get("values", [])):
            grouping["values"] = half
            templates.append(canonical(body))
        return templates

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
        body = self.request_body(
            query, dateFrom=iso(window.start), dateTo=iso(window.end)
        )

        async def fetch_page(token: str | None) -> Answer[RowPage[_Row]]:
            page = {"nextPageToken": token} if token else {}
            return await client.post(
                PATH, _PAGES.decode, canonical(body | page), can_split=can_split
            )

        pages = await fetch_all_pages(fetch_page, about=str(query))
        rows = [row for page in pages for row in page.value.rows]
        _refuse_other_queues(rows, query, self.queues_of(query.template))
        spans = read_buckets(
            query, section.granularity, [row.interval for row in rows], "row"
        )
        values: dict[str, Sequence[Any]] = {
            "queue_id": [row.queue.id for row in rows],
            "queue_name": [row.queue.name or row.queue.id for row in rows],
            "deleted": [bool(row.queue.deleted) for row in rows],
        }
        values |= {c.name: [getattr(r, c.source) for r in rows] for c in _COLUMNS}
        return self.build_part(query, section, pages, spans=spans, values=values)

    def sla_inputs(self, rows: pa.Table) -> pa.Table:
        """Return what the table `sla` adds up; see AggregateEndpoint.

        An average handle time stands for all handled calls of its bucket, and is
        weighted by them.
        """
        average_ms = pc.multiply(rows["avg_handle_time_s"], 1000.0)
        handled = pc.cast(rows["total_handled"], pa.float64())
        return self.sla_table(
            rows,
            offered=pa.nulls(rows.num_rows, pa.int64()),
            handle_sum_ms=pc.multiply(handled, average_ms),
        )


def _media_filter(media_types: Sequence[str]) -> dict[str, Any]:
    """Return the filter that matches conversations of some media types."""
    of_type = {"path": "type", "operator": "in", "value": list(media_types)}
    return {"type": "conversation", "or": [{"type": "conversation", **of_type}]}


def _refuse_other_queues(
    rows: Sequence[_Row], query: Query, queues: Collection[str]
) -> None:
    """Refuse rows of queues that were not requested; empty *queues* means all.

    Raises:
        DataError: If there is one; names its queue.
    """
    requested = {queue.lower() for queue in queues}
    for number, row in enumerate(rows, 1):
        if requested and row.queue.id.lower() not in requested:
            other = one_line(row.queue.id)
            msg = f"{query}: row {number} is of queue {other}, which was not requested"
            raise DataError(msg, hint=WRONG_QUEUE_HINT)


ENDPOINT: Final = QueueSummary()
