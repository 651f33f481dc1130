"""Queries spread over the workers of a Dask cluster.

The process that runs the job is the coordinator: it grants every request, holds the one
token, and says who may write which part. Workers fetch and write; nothing else moves.
"""

import asyncio
import logging
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Final
from urllib.parse import urlsplit

from distributed.security import Security
from distributed.utils import get_ip

from gcbatch.cluster.coordinator import Coordinator
from gcbatch.cluster.local_workers import own_certificates, start_local_workers
from gcbatch.cluster.protocol import error_from_json
from gcbatch.cluster.rpc_server import serve_rpc
from gcbatch.cluster.worker_pool import TaskLostError, WorkerPool
from gcbatch.cluster.worker_task import RELEASE, Assignment, fetch_query
from gcbatch.concurrency import for_each
from gcbatch.errors import JobError, OutOfReachError, OutputError
from gcbatch.fetching import FetchWork
from gcbatch.genesys import is_loopback
from gcbatch.job import EngineSection as Settings
from gcbatch.job import Fetch
from gcbatch.query import Query
from gcbatch.store import Store

__all__ = ["DaskEngine", "dask_engine"]

log = logging.getLogger("gcbatch.cluster")

MOST_LOSSES: Final = 5
"""So often a query is asked again, because its worker or the scheduler was lost."""

PAUSE_S: Final = 1.0

SEEN_S: Final = 90.0
"""So long a part that a worker wrote may take to be seen here: a network's file system
remembers for up to a minute what was not there."""


@asynccontextmanager
async def dask_engine(
    settings: Settings, fetch: Fetch, secrets: Collection[str] = ()
) -> AsyncIterator["DaskEngine"]:
    """Open an engine: on a standing cluster, or on processes of its own.

    Args:
        settings: Of the job.
        fetch: Of the job: how many queries are in flight.
        secrets: What workers must not learn.

    Raises:
        JobError: If the scheduler's address would carry a token in the clear.
        OutOfReachError: If nobody answers there.
    """
    async with AsyncExitStack() as stack:
        if settings.scheduler is None:
            security = own_certificates()
            opening = start_local_workers(settings, fetch, security, secrets)
            address = await stack.enter_async_context(opening)
        else:
            address = settings.scheduler
            _refuse_clear(address)
            security = _security_of(address)
        coordinator = Coordinator(clock=asyncio.get_running_loop().time)
        line = await stack.enter_async_context(
            serve_rpc(coordinator, _own_host(address), security)
        )
        crew = WorkerPool(address, security, coordinator.gone)
        await stack.enter_async_context(crew.opened())
        yield DaskEngine(coordinator, line, crew)


def _refuse_clear(address: str) -> None:
    """Refuse a channel that a token must not travel over."""
    parts = urlsplit(address)
    if parts.scheme != "tls" and not is_loopback(f"http://{parts.netloc}"):
        msg = f"{address}: would carry the token in the clear"
        hint = (
            "run the scheduler with TLS (tls://…) and set DASK_DISTRIBUTED__COMM__TLS__"
        )
        raise JobError(msg, hint=f"{hint}… on all sides; see docs/several-machines.md")


def _security_of(address: str) -> Security:
    """Return what this machine's settings of Dask say of encryption.

    Raises:
        JobError: If that does not do for a scheduler's address.
    """
    hint = (
        "set DASK_DISTRIBUTED__COMM__TLS__… on all sides; see docs/several-machines.md"
    )
    try:
        security = Security()
        context = security.get_listen_args("scheduler").get("ssl_context")
    except (OSError, ValueError) as exc:  # files that are not there, or no certificates
        msg = f"{address}: the certificates of this machine are not usable: {exc}"
        raise JobError(msg, hint=hint) from exc
    if context is None and urlsplit(address).scheme == "tls":
        msg = f"{address}: this machine has no certificates to speak TLS with"
        raise JobError(msg, hint=hint)
    return security


def _own_host(address: str) -> str:
    """Return where workers of a scheduler reach this process, with the protocol."""
    parts = urlsplit(address)
    if is_loopback(f"http://{parts.netloc}"):
        return f"{parts.scheme}://127.0.0.1"
    try:
        return f"{parts.scheme}://{get_ip(parts.hostname, parts.port)}"
    except OSError as exc:
        msg = f"{address}: cannot be reached: {exc.strerror or exc}"
        raise OutOfReachError(msg, hint="check engine.scheduler") from exc


@dataclass
class DaskEngine:
    """Fetches queries on workers.

    Args:
        coordinator: Grants what they need.
        line: Its address.
        crew: The workers.
    """

    coordinator: Coordinator
    line: str
    crew: WorkerPool
    _run: str = field(default_factory=lambda: secrets.token_hex(4), init=False)
    _works: int = field(default=0, init=False)

    async def fetch(self, work: FetchWork) -> Counter[str]:
        """Fetch queries; see Engine.fetch.

        Raises:
            OutOfReachError: If no worker brings a query to its end.
            OutputError: If what they write is not seen here.
        """
        given = self._assignment(work)
        remarks = Counter[str]()

        async def one(query: Query) -> None:
            outcome = await self._outcome(given, query, work.desk.store)
            if "traffic" in outcome:
                work.desk.client.traffic.add(outcome["traffic"])
            remarks.update(outcome.get("remarks"))
            if "error" in outcome:
                problem = error_from_json(outcome["error"])
                if not work.tolerate(query, problem):
                    raise problem
                return
            work.observer.fetched(query, outcome["rows"])
            done.append(query)

        done: list[Query] = []
        timeout_s = work.connection.timeout_s
        self.coordinator.serve(work.org, work.access, timeout_s=timeout_s)
        try:
            await for_each(work.queries, one, at_once=work.desk.fetch.concurrency)
        finally:
            self.coordinator.end(work.org)
        await _seen(work.desk.store, done)
        return remarks

    def _assignment(self, work: FetchWork) -> Assignment:
        desk = work.desk
        self._works += 1
        own = desk.fetch.limits
        # Each worker counts its own jobs of the service.
        share = max(1, own.jobs_in_flight // max(1, len(self.crew.present)))
        fetch = desk.fetch.model_copy(
            update={
                "store": desk.store.root.resolve(),
                "limits": own.model_copy(update={"jobs_in_flight": share}),
            }
        )
        return Assignment(
            name=f"{self._run}-{self._works}",
            release=RELEASE,
            org=work.org,
            coordinator=self.line,
            connection=replace(work.connection, client_secret=""),
            asked=desk.asked,
            fetch=fetch,
            store=desk.store.name,
        )

    async def _outcome(
        self, given: Assignment, query: Query, store: Store
    ) -> dict[str, Any]:
        """Return what became of a query, on whichever worker it came to an end."""
        before, why = store.checksum(query.digest), ""
        for number in range(MOST_LOSSES):
            key = f"gcbatch-{given.name}-{query.digest}-{number}"
            try:
                outcome: dict[str, Any] = await self.crew.call(
                    fetch_query, key, given, query, before, key=key
                )
                if "cut_off" not in outcome:
                    return outcome
                why = outcome["cut_off"]
            except TaskLostError as exc:
                why = str(exc)
            log.info("%s: asked again: %s", query, why)
            await asyncio.sleep(PAUSE_S)
        msg = f"{query}: {MOST_LOSSES} workers in turn came to nothing: {why}"
        hint = "look at the scheduler's and the workers' logs; run it again to go on"
        raise OutOfReachError(msg, hint=hint)


async def _seen(store: Store, queries: Sequence[Query]) -> None:
    """Wait until parts that were written elsewhere are seen here.

    Raises:
        OutputError: If they are not.
    """
    clock = asyncio.get_running_loop().time
    until = clock() + SEEN_S
    while unseen := [q for q in queries if store.checksum(q.digest) is None]:
        if clock() >= until:
            msg = f"{store.folder}: workers wrote {len(unseen):,} parts elsewhere"
            hint = "fetch.store has to be one folder that all workers see by this path"
            raise OutputError(msg, hint=hint)
        await asyncio.sleep(PAUSE_S)
        queries = unseen
