"""`queue-summary`: the second shape that tutorials tell of, a summary of queues.

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
names media types. A bucket is told by its start, and is the whole window where none is
told; times are in seconds; the service level is in percent of the bucket's handled
calls.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from gcbatch.endpoints.base import halves
from gcbatch.endpoints.bucket_grid import (
    KEY_FIELDS,
    BucketGrid,
    levels_missing,
    window_duration,
)
from gcbatch.endpoints.number_columns import MOST, Number, check_range, number_array
from gcbatch.endpoints.paging import fetch_all_pages
from gcbatch.endpoints.row_pages import RowPage, RowReader, left_out
from gcbatch.endpoints.splitting import SplittableEndpoint
from gcbatch.endpoints.unknown_fields import without_unknown_fields
from gcbatch.errors import DataError
from gcbatch.genesys.client import Answer, Client
from gcbatch.job import QuerySection
from gcbatch.query import Query, canonical
from gcbatch.store import Part, PartMetadata
from gcbatch.table import INSTANT
from gcbatch.text import one_line
from gcbatch.windows import iso

__all__ = ["ENDPOINT", "QueueSummary"]

PATH: Final = "/api/v2/analytics/queues/summary"
KEPT_HINT: Final = "the service does not keep to the queues it was asked"


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


_FIGURES: Final = (
    ("totalHandled", "total_handled", pa.int64(), "calls"),
    ("totalAbandoned", "total_abandoned", pa.int64(), "calls"),
    ("serviceLevel", "service_level", pa.float64(), "%"),
    ("avgHandleTime", "avg_handle_time_s", pa.float64(), "s"),
)
"""Name on the wire, column, type, unit."""


def _clean(row: Any, newer: set[str]) -> Any:
    def queue(one: Any) -> Any:
        return without_unknown_fields(one, _Queue, newer, "data.queue.")

    return without_unknown_fields(row, _Row, newer, "data.", queue=queue)


_PAGES: Final = RowReader(_Row, rows="data", next_page="nextPageToken", clean=_clean)


@dataclass(frozen=True)
class QueueSummary(SplittableEndpoint):
    """The endpoint `queue-summary`."""

    name: str = "queue-summary"
    part_format: int = 2  # before, rows of queues that were not asked for got in
    queues_at_once: int | None = None
    cuts_by_clock: bool = True
    in_utc_days: bool = False

    def template(self, query: QuerySection, queue_ids: Sequence[str] | None) -> bytes:
        """Return the body of a request but for its dates and page."""
        grouping: dict[str, Any] = {"name": "queue", "type": "queue"}
        if queue_ids is not None:
            grouping["values"] = list(queue_ids)
        body: dict[str, Any] = {
            "metrics": [wire for wire, *_ in _FIGURES],
            "groupings": [grouping],
        }
        if query.granularity and query.granularity.is_clock:
            body["interval"] = query.granularity.text
        if query.media_types:
            body["filter"] = _of_media(query.media_types)
        return canonical(body)

    def schema(self, query: QuerySection) -> pa.Schema:  # noqa: ARG002 - an Endpoint
        """Return the columns of a part; `deleted` is of the queue."""
        return pa.schema(
            [
                *KEY_FIELDS,
                *(
                    pa.field(name, kind, metadata={"source": wire, "unit": unit})
                    for wire, name, kind, unit in _FIGURES
                ),
                pa.field("deleted", pa.bool_()),
            ]
        )

    def groups(self, query: QuerySection) -> tuple[str, ...]:  # noqa: ARG002 - an Endpoint
        """Return the columns that with interval_start make the key of a row."""
        return ("queue_id",)

    def queues_of(self, template: bytes) -> tuple[str, ...]:
        """Return the ids of the queues that a template names; none is all."""
        return tuple(orjson.loads(template)["groupings"][0].get("values", ()))

    def halved(self, template: bytes, asked: QuerySection) -> list[bytes]:  # noqa: ARG002 - an Endpoint
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
        asked: QuerySection,
        *,
        divisible: bool = False,
    ) -> Part:
        """Ask one query, page by page; see Endpoint."""
        body = orjson.loads(query.template)
        window = query.window
        body |= {"dateFrom": iso(window.start), "dateTo": iso(window.end)}
        body.setdefault("interval", window_duration(window))

        async def ask(token: str | None) -> Answer[RowPage[_Row]]:
            page = {"nextPageToken": token} if token else {}
            return await client.post(
                PATH, _PAGES.decode, canonical(body | page), divisible=divisible
            )

        pages = await fetch_all_pages(ask, about=str(query))
        rows = [row for page in pages for row in page.value.rows]
        _refuse_strangers(rows, query, self.queues_of(query.template))
        grid = BucketGrid(query, asked.granularity)
        spans = [grid.bucket(r.interval, f"row {n}") for n, r in enumerate(rows, 1)]
        seen: set[tuple[str, object]] = set()
        for row, span in zip(rows, spans, strict=True):
            if (row.queue.id, span) in seen:
                queue, bucket = one_line(row.queue.id), iso(span[0])
                msg = f"{query}: queue {queue} has bucket {bucket} twice"
                raise DataError(msg)
            seen.add((row.queue.id, span))
        columns = [
            pa.array([start for start, _ in spans], INSTANT),
            pa.array([end for _, end in spans], INSTANT),
            pa.array([row.queue.id for row in rows], pa.string()),
            pa.array([row.queue.name or row.queue.id for row in rows], pa.string()),
            *(
                check_range(
                    number_array(
                        [getattr(r, wire) for r in rows], kind, f"{query}: {wire}"
                    ),
                    100 if unit == "%" else MOST,
                    f"{query}: {wire}",
                )
                for wire, _, kind, unit in _FIGURES
            ),
            pa.array([bool(row.queue.deleted) for row in rows], pa.bool_()),
        ]
        table = pa.Table.from_arrays(columns, schema=self.schema(asked))
        order = [("interval_start", "ascending"), ("queue_id", "ascending")]
        table = table.sort_by(order)
        remarks = levels_missing(table["total_handled"], table["service_level"])
        account = PartMetadata.from_answers(
            query.window, table.num_rows, pages, remarks, left_out(pages)
        )
        return Part(table, account)

    def facts(self, rows: pa.Table) -> pa.Table:
        """Return what the table `sla` adds up.

        A null level counts as 0; an average handle time stands for all handled calls
        of its bucket, and is weighted by them.
        """
        handled = pc.cast(rows["total_handled"], pa.float64())
        level = pc.divide(pc.fill_null(rows["service_level"], 0.0), 100.0)
        none = pa.nulls(rows.num_rows)
        average_ms = pc.multiply(rows["avg_handle_time_s"], 1000.0)
        return pa.table(
            {
                "interval_start": rows["interval_start"],
                "interval_end": rows["interval_end"],
                "queue_id": rows["queue_id"],
                "queue_name": rows["queue_name"],
                "deleted": rows["deleted"],
                "media_type": none.cast(pa.string()),
                "offered": pc.add(
                    pc.fill_null(rows["total_handled"], 0),
                    pc.fill_null(rows["total_abandoned"], 0),
                ),
                "answered": rows["total_handled"],
                "abandoned": rows["total_abandoned"],
                "level_part": pc.multiply(handled, level),
                "level_whole": handled,
                "wait_sum_ms": none.cast(pa.float64()),
                "wait_count": none.cast(pa.int64()),
                "handle_sum_ms": pc.multiply(handled, average_ms),
                "handle_count": rows["total_handled"],
            }
        )


def _of_media(media_types: Sequence[str]) -> dict[str, Any]:
    """Return the filter that keeps conversations of some media."""
    of_type = {"path": "type", "operator": "in", "value": list(media_types)}
    return {"type": "conversation", "or": [{"type": "conversation", **of_type}]}


def _refuse_strangers(
    rows: Sequence[_Row], query: Query, queues: Collection[str]
) -> None:
    """Refuse rows of other queues than those that were asked for; none is all.

    Raises:
        DataError: If there is one; names its queue.
    """
    asked = {queue.lower() for queue in queues}
    for number, row in enumerate(rows, 1):
        if asked and row.queue.id.lower() not in asked:
            stranger = one_line(row.queue.id)
            msg = f"{query}: row {number} is of queue {stranger}, which was not asked"
            raise DataError(msg, hint=KEPT_HINT)


ENDPOINT: Final = QueueSummary()
