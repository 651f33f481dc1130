"""Fixed answers of the service, and jobs that fetch them."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, TypeVar, cast
from uuid import UUID

import orjson

from gcbatch.endpoints import FetchContext, endpoint_named
from gcbatch.exporting import Exporter, export
from gcbatch.fetching import Observer, fetch_parts
from gcbatch.genesys import Names
from gcbatch.genesys.client import Answer, Client
from gcbatch.job import Job
from gcbatch.planning import Plan
from gcbatch.query import make_query
from gcbatch.simulator import generate_conversations
from gcbatch.store import Store
from gcbatch.table import Table
from gcbatch.tables import Catalog, TableSource
from gcbatch.windows import Window, iso

__all__ = ["Asked", "aggregates", "conversations", "ids", "job_of"]

T = TypeVar("T")

START: Final = datetime(2026, 3, 2, tzinfo=UTC)
DAY: Final = Window(START, START + timedelta(days=1))
HOUR: Final = timedelta(hours=1)
HOURS: Final = 2
QUEUES: Final = 200
CONVERSATIONS: Final = 100
SIZE_BYTES: Final = 4_096
"""Of a conversation: smaller than real ones, because the figures are recorded so."""


def ids(count: int) -> tuple[str, ...]:
    """Return so many ids of queues."""
    return tuple(str(UUID(int=number)) for number in range(1, count + 1))


def job_of(endpoint: str, **asked: Any) -> Job:
    """Return a job; by default, of the day."""
    usual = {"endpoint": endpoint, "from": "2026-03-02", "to": "2026-03-03"}
    org = {"simulator": True}
    return Job.model_validate({"name": "costs", "org": org, "query": usual | asked})


class Asked:
    """A job of one query, whose answer is known.

    Args:
        folder: The folder of its store.
        job: The job.
        body: The answer, JSON.

    Attributes:
        body: The answer, JSON.
        part: Path of the query's part.
    """

    def __init__(self, folder: Path, job: Job, body: bytes) -> None:
        self.body = body
        # No fsync: how often it is tried depends on the disk.
        self._store = Store(folder, job.name, sync=lambda _: None)
        self._store.prepare()
        self._job, self._endpoint = job, endpoint_named(job.query.endpoint)
        template = self._endpoint.template(job.query, None)
        query = make_query("org", self._endpoint.name, DAY, template)
        self._plan = Plan(DAY, (query,))
        self.part = Path(self._store.place_of(query.digest))

    def fetch(self) -> None:
        """Read the answer and store it as a part."""
        context = FetchContext(
            _client(self.body), self._job.query, self._job.fetch, self._store
        )
        fetcher = self._endpoint.make_fetcher(context)
        asyncio.run(
            fetch_parts(
                self._plan.queries,
                fetcher.fetch,
                self._store,
                concurrency=1,
                observer=Observer(),
            )
        )

    def _catalog(self) -> Catalog:
        return Catalog(
            TableSource(self._job, self._endpoint, self._plan, Names(), self._store)
        )

    def table(self) -> Table:
        """Return the first table of the job, from the stored part."""
        return self._catalog().table(self._job.tables[0])

    def read_all(self) -> None:
        """Read all tables of documents in one pass."""
        for _ in self._catalog().rows_of(self._job.tables, lambda _: True):
            pass

    def export(self, exporter: Exporter) -> None:
        """Read the part and write its table."""
        table = self.table()
        export(exporter, "one", {table.name: table})


def _client(body: bytes) -> Client:
    """Return a client that always gives the same answer."""

    class Known:
        async def post(
            self, _path: str, decode: Callable[[bytes], T], *_: Any, **__: Any
        ) -> Answer[T]:
            return Answer(decode(body), DAY.end, 1, len(body), "an-id")

    return cast("Client", Known())


def aggregates(folder: Path) -> Asked:
    """Return a job whose answer has 200 queues in two hours, with five metrics."""
    times = {"count": 61, "max": 403_112, "min": 1_204, "sum": 9_040_117}
    level = {"denominator": 64, "numerator": 51, "ratio": 0.796875, "target": 0.8}
    stats = {
        "nOffered": {"count": 64},
        "tAnswered": times,
        "tAbandon": {"count": 3, "max": 61_005, "min": 5_113, "sum": 88_203},
        "tHandle": times,
        "oServiceLevel": level,
    }
    metrics = [{"metric": name, "stats": values} for name, values in stats.items()]
    starts = [START + hour * HOUR for hour in range(HOURS)]
    buckets = [
        {"interval": f"{iso(start)}/{iso(start + HOUR)}", "metrics": metrics}
        for start in starts
    ]
    groups = [{"group": {"queueId": i}, "data": buckets} for i in ids(QUEUES)]
    job = job_of("conversation-aggregates", granularity="PT1H", metrics=list(stats))
    return Asked(folder, job, orjson.dumps({"results": groups}))


def conversations(folder: Path) -> Asked:
    """Return a job whose answer is a page of 100 conversations of 4 KB."""
    documents = generate_conversations(
        1, CONVERSATIONS, DAY.start, DAY.end, size_bytes=SIZE_BYTES
    )
    rows = b",".join(document.json for document in documents)
    body = b'{"conversations":[%b],"totalHits":%d}' % (rows, CONVERSATIONS)
    return Asked(folder, job_of("conversation-details"), body)
