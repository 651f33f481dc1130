"""`toy`: how loud it is in each queue, a figure for each hour and queue."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec
import orjson
import pyarrow as pa

from gcbatch.endpoints.fixed_endpoint import KEY_FIELDS
from gcbatch.endpoints.splitting import SplittableEndpoint
from gcbatch.genesys.client.client import Client
from gcbatch.job.query import QuerySection
from gcbatch.query import Query, canonical
from gcbatch.store.part_file import Part
from gcbatch.store.part_metadata import PartMetadata
from gcbatch.windows import iso

__all__ = ["ENDPOINT"]


class _Bucket(msgspec.Struct):
    start: datetime
    end: datetime
    queue: str
    decibels: int


@dataclass(frozen=True)
class Toy(SplittableEndpoint):
    """The endpoint `toy`."""

    name: str = "toy"
    queues_at_once: int | None = None
    cuts_by_clock: bool = True
    in_utc_days: bool = False

    def template(self, query: QuerySection, queue_ids: Sequence[str] | None) -> bytes:
        """Return the body of a request without its span."""
        del query
        return canonical({"queues": list(queue_ids or ())})

    def queues_of(self, template: bytes) -> tuple[str, ...]:
        """Return the ids of the queues that a template names."""
        return tuple(orjson.loads(template)["queues"])

    def schema(self, query: QuerySection) -> pa.Schema:
        """Return the columns of a part."""
        del query
        return pa.schema([*KEY_FIELDS, pa.field("decibels", pa.int64())])

    def groups(self, query: QuerySection) -> tuple[str, ...]:
        """Return the columns that with interval_start make the key of a row."""
        del query
        return ("queue_id",)

    def sla_inputs(self, rows: pa.Table) -> pa.Table:
        """Return nothing that the table `sla` could add up."""
        return rows.slice(0, 0)

    async def fetch(
        self,
        client: Client,
        query: Query,
        asked: QuerySection,
        *,
        can_split: bool = False,
    ) -> Part:
        """Ask one query; see Endpoint."""
        del can_split
        body = orjson.loads(query.template)
        body["from"], body["to"] = iso(query.window.start), iso(query.window.end)
        decode = msgspec.json.Decoder(list[_Bucket]).decode
        answer = await client.post("/api/v2/toy", decode, canonical(body))
        rows = [
            {
                "interval_start": bucket.start,
                "interval_end": bucket.end,
                "queue_id": bucket.queue,
                "decibels": bucket.decibels,
            }
            for bucket in answer.value
        ]
        table = pa.Table.from_pylist(rows, schema=self.schema(asked))
        return Part(table, PartMetadata.from_answers(query.window, len(rows), [answer]))


ENDPOINT: Final = Toy()
