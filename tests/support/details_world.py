"""Jobs of details against a simulator, in compressed time, and their expected rows."""

import asyncio
import csv
import json
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from gcbatch import RunReport, load_job
from gcbatch.running.pipeline import arun
from gcbatch.simulator import (
    Entry,
    Fault,
    Faults,
    Simulator,
    Tenant,
    generate_conversations,
)
from gcbatch.simulator.documents import Document
from gcbatch.simulator.tenant.conversations import conversations_of
from tests.chaos.compressed import CompressedLoop, compressed

T = TypeVar("T")

DAY0 = datetime(2026, 3, 2, tzinfo=UTC)
"""A Monday, long settled."""

UNSETTLED = {"settle": "P10Y"}
"""Nothing settles; for `fetch`."""

QUERY = "/conversations/details/query"
JOBS = "/details/jobs"
RESULTS = r"/jobs/[^/]+/results$"
BY_JOB: dict[str, Any] = {"endpoint": "conversation-details-jobs"}
SPAN = "2026-03-02T00:00:00.000Z/2026-03-03T00:00:00.000Z"
"""The first day, as requests and errors name it."""

ROWS = 2_300
"""Of a day: three pages of a job's results."""

CONCURRENCY = 8


def after(days: float) -> datetime:
    """Return an instant so many days after the first."""
    return DAY0 + timedelta(days=days)


def day(number: int) -> str:
    """Return a day as job files write it; the first is 0."""
    return str(after(number).date())


def tenant_of(*documents: Document, **more: Any) -> Tenant:
    return Tenant(name="T", version="1", documents=documents, **more)


RECORDS: dict[str, dict[str, Any]] = {
    "evaluations": {
        "evaluationId": "e",
        "eventTime": "2026-04-09T08:00:00.000Z",
        "oTotalScore": 70,
        "deleted": False,
    },
    "surveys": {"surveyId": "s", "surveyStatus": "Expired"},
    "resolutions": {"nNextContactAvoided": 1},
    "outcomes": {"flowOutcomeId": "o", "flowOutcomeValue": "SUCCESS"},
    "mediaEndpointStats": {"codecs": ["audio/opus"], "maxLatencyMs": 20, "minMos": 4.5},
    "proposedAgents": {"agentRank": 1, "proposedAgentId": "u"},
}
"""A record of each kind."""


def with_records(document: Document) -> Document:
    """Return a conversation with a record of each kind, each of them twice."""
    twice = {name: [record, record] for name, record in RECORDS.items()}
    sent = json.loads(document.json)
    sent |= {name: twice[name] for name in ("evaluations", "surveys", "resolutions")}
    for person in sent["participants"]:
        for session in person["sessions"]:
            for name in ("mediaEndpointStats", "proposedAgents"):
                session[name] = twice[name]
            session["flow"] = {"outcomes": twice["outcomes"]}
    return replace(document, json=json.dumps(sent, separators=(",", ":")).encode())


@cache
def conversations(
    count: int, days: float = 1, *, first: float = 0, seed: int = 1
) -> tuple[Document, ...]:
    """Return small conversations, evenly spread over some days."""
    begin, end = after(first), after(first + days)
    return generate_conversations(seed, count, begin, end, size_bytes=850)


def tenant_with_conversations(count: int, days: float = 1) -> Tenant:
    """Return a tenant of conversations over some days from the first on."""
    return tenant_of(*conversations(count, days))


def ids_begun_between(tenant: Tenant, start: datetime, end: datetime) -> list[str]:
    """Return the ids of the conversations that began in [start, end), sorted."""
    first, last = start.timestamp() * 1000, end.timestamp() * 1000
    reported = (*tenant.documents, *conversations_of(tenant))
    return sorted(one.id for one in reported if first <= one.start_ms < last)


class World:
    """A simulator and a folder; its runs share the clock of one loop each.

    Args:
        folder: For job files, stores and outputs.
        tenant: What the simulator knows.
        options: The options of the simulator.
    """

    def __init__(self, folder: Path, tenant: Tenant, **options: Any) -> None:
        self.folder = folder
        self.tenant = tenant
        self._loop: CompressedLoop | None = None
        self._until = 0.0
        usual: dict[str, Any] = {"clock": self._time, "requests_allowed": 1_000_000}
        self.simulator = Simulator(tenant, **(usual | options))

    def _time(self) -> float:
        return self._until if self._loop is None else self._until + self._loop.time()

    def in_time(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run *work* while the simulator runs."""

        async def beside(loop: CompressedLoop) -> T:
            self._loop = loop
            try:
                async with self.simulator:
                    return await work()
            finally:
                self._until = self._time()
                self._loop = None

        return compressed(beside, real_s=60)

    def write(
        self,
        name: str = "job",
        *,
        endpoint: str = "conversation-details",
        days: float = 1,
        query: dict[str, Any] | None = None,
        fetch: dict[str, Any] | None = None,
        tables: tuple[str, ...] = ("conversations",),
        kind: str = "csv",
        **sections: Any,
    ) -> Path:
        """Write a job file about the first days; url and secret are the simulator's."""
        job = {
            "name": name,
            "org": {
                "name": "org",
                "api_url": self.simulator.url,
                "login_url": self.simulator.url,
                "client_id": self.simulator.client_id,
                "client_secret": "${SECRET}",
            },
            "query": {
                "endpoint": endpoint,
                "from": day(0),
                "to": after(days).strftime("%Y-%m-%dT%H:%M"),
                **(query or {}),
            },
            "fetch": {
                "concurrency": CONCURRENCY,
                "requests_per_minute": 1_000_000,
                "store": str(self.folder / "store"),
                **(fetch or {}),
            },
            "exports": [
                {
                    "exporter": kind,
                    "table": table,
                    "path": str(self.folder / f"{name}.{table}.{kind}"),
                }
                for table in tables
            ],
            **sections,
        }
        path = self.folder / f"{name}.yaml"
        path.write_text(json.dumps(job, indent=1), "utf-8")  # JSON is YAML
        return path

    def run(
        self,
        name: str = "job",
        *,
        allow_partial: bool = False,
        meanwhile: Callable[[], Coroutine[Any, Any, None]] | None = None,
        **job: Any,
    ) -> RunReport:
        """Run a job.

        Args:
            name: Its name.
            allow_partial: As for the run.
            meanwhile: What happens beside it.
            job: See write.
        """

        async def work() -> RunReport:
            path = self.write(name, **job)
            loaded = load_job(path, environ={"SECRET": self.simulator.client_secret})
            run = asyncio.create_task(arun(loaded, allow_partial=allow_partial))
            if meanwhile is not None:
                await meanwhile()
            return await run

        return self.in_time(work)

    def output(self, name: str = "job", table: str = "conversations") -> Path:
        """Return where a table is exported to as CSV."""
        return self.folder / f"{name}.{table}.csv"

    def rows(
        self, name: str = "job", table: str = "conversations"
    ) -> list[dict[str, str]]:
        """Return what was exported as CSV."""
        with self.output(name, table).open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    def ids(self, name: str = "job") -> list[str]:
        """Return the ids that were exported, sorted, doubles and all."""
        return sorted(row["conversation_id"] for row in self.rows(name))

    def asked(self, path: str = QUERY, method: str = "") -> list[Entry]:
        """Return the requests to some path, however they were answered."""
        entries = self.simulator.requests(path)
        return [entry for entry in entries if method in ("", entry.method)]

    async def until_requested(self, times: int, path: str = QUERY) -> None:
        """Wait until so many requests were sent to a path."""
        while len(self.asked(path)) < times:  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0)


def day_with(folder: Path, *faults: Fault, rows: int = ROWS, **options: Any) -> World:
    """Return a world of one day of conversations, in which something goes wrong."""
    return World(
        folder, tenant_with_conversations(rows), faults=Faults(*faults), **options
    )


def all_ids(world: World, days: float = 1) -> list[str]:
    """Return the ids of all conversations of the first days, sorted."""
    return ids_begun_between(world.tenant, after(0), after(days))


def submitted(world: World) -> int:
    """Return how many jobs were submitted."""
    return len([e for e in world.asked(JOBS, "POST") if e.path.endswith("/jobs")])


def span_of(entry: Entry) -> tuple[datetime, datetime]:
    """Return the span of a request."""
    start, end = entry.request["interval"].split("/")
    return datetime.fromisoformat(start), datetime.fromisoformat(end)


def days_of(entry: Entry) -> float:
    """Return the number of days of a request."""
    start, end = span_of(entry)
    return (end - start) / timedelta(days=1)


def instant_of(ms: float) -> datetime:
    """Return an instant from milliseconds since 1970."""
    return datetime.fromtimestamp(ms / 1000, UTC)


def leftovers(folder: Path) -> list[Path]:
    """Return what was put aside and is still there."""
    return [*folder.rglob("*.part"), *folder.rglob("*.pending")]
