"""Fetches queries on the workers of a Dask cluster.

The process that runs the job is the coordinator: it grants every request, has the one
token, and says which worker may write a part. Workers fetch and write.
"""

import asyncio
import logging
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from distributed.security import Security
from distributed.utils import get_ip

from gcbatch.cluster.coordinator import Coordinator
from gcbatch.cluster.local_workers import own_certificates, start_local_workers
from gcbatch.cluster.protocol import STORE_HINT, error_from_json
from gcbatch.cluster.rpc_server import serve_rpc
from gcbatch.cluster.worker_pool import TaskLostError, WorkerPool
from gcbatch.cluster.worker_task import RELEASE, Assignment, fetch_query
from gcbatch.concurrency import for_each
from gcbatch.errors import JobError, OutOfReachError, OutputError
from gcbatch.fetching import FetchWork
from gcbatch.genesys import is_loopback
from gcbatch.job import EngineSection, Fetch
from gcbatch.objects import StorageSettings, path_of
from gcbatch.query import Query
from gcbatch.store import Store

__all__ = ["DaskEngine", "dask_engine"]

log = logging.getLogger("gcbatch.cluster")

MAX_ATTEMPTS: Final = 5
"""How often a query is submitted if workers or the scheduler are lost."""

PAUSE_S: Final = 1.0

TLS_HINT: Final = (
    "set DASK_DISTRIBUTED__COMM__TLS__… on all sides; see docs/several-machines.md"
)

VISIBLE_S: Final = 90.0
"""Longest time until a part that a worker wrote is visible here: network file systems
remember missing files for up to a minute."""


@asynccontextmanager
async def dask_engine(
    settings: EngineSection,
    fetch: Fetch,
    secrets: Collection[str] = (),
    storage: StorageSettings | None = None,
) -> AsyncIterator["DaskEngine"]:
    """Open an engine on a standing cluster, or on workers of its own.

    Args:
        settings: The section `engine` of the job.
        fetch: Its section `fetch`.
        secrets: What workers that it starts must not find.
        storage: What the job says of its object stores.

    Raises:
        JobError: If the token would go to the scheduler without encryption.
        OutOfReachError: If the scheduler does not answer.
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
        clock = asyncio.get_running_loop().time
        coordinator = Coordinator(clock=clock, settings=storage)
        own_address = await stack.enter_async_context(
            serve_rpc(coordinator, _own_host(address), security)
        )
        workers = WorkerPool(address, security, coordinator.worker_gone)
        await stack.enter_async_context(workers.opened())
        yield DaskEngine(coordinator, own_address, workers)


def _refuse_clear(address: str) -> None:
    """Refuse a channel without encryption to another machine."""
    parts = urlsplit(address)
    if parts.scheme != "tls" and not is_loopback(f"http://{parts.netloc}"):
        msg = f"{address}: would send the token without encryption"
        hint = f"run the scheduler with TLS (tls://…) and {TLS_HINT}"
        raise JobError(msg, hint=hint)


def _security_of(address: str) -> Security:
    """Return the encryption of this machine's Dask settings.

    Raises:
        JobError: If it does not suffice for the scheduler's address.
    """
    try:
        security = Security()
        context = security.get_listen_args("scheduler").get("ssl_context")
    except (OSError, ValueError) as exc:  # missing files, or not certificates
        msg = f"{address}: the certificates of this machine are not usable: {exc}"
        raise JobError(msg, hint=TLS_HINT) from exc
    if context is None and urlsplit(address).scheme == "tls":
        msg = f"{address}: this machine has no certificates for TLS"
        raise JobError(msg, hint=TLS_HINT)
    return security


def _own_host(address: str) -> str:
    """Return the address of this process for workers, with the protocol."""
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
    """Fetches queries on workers."""

    coordinator: Coordinator
    address: str
    workers: WorkerPool
    _run: str = field(default_factory=lambda: secrets.token_hex(4), init=False)
    _works: int = field(default=0, init=False)

    async def fetch(self, work: FetchWork) -> Counter[str]:
        """Fetch queries; see Engine.fetch.

        Raises:
            OutOfReachError: If no worker finishes a query.
            OutputError: If the parts of workers are not visible here.
        """
        assignment = self._assignment(work)
        remarks = Counter[str]()

        async def one(query: Query) -> None:
            outcome = await self._outcome(assignment, query, work.context.store)
            if "traffic" in outcome:
                work.context.client.traffic.add(outcome["traffic"])
            remarks.update(outcome.get("remarks"))
            if "error" in outcome:
                problem = error_from_json(outcome["error"])
                if not work.tolerate(query, problem):
                    raise problem
                return
            work.observer.fetched(query, outcome["rows"])
            done.append(query)

        done: list[Query] = []
        timeout_s = work.client_config.timeout_s
        self.coordinator.serve(work.org, work.org_client, timeout_s=timeout_s)
        try:
            await for_each(work.queries, one, at_once=work.context.fetch.concurrency)
        finally:
            self.coordinator.end(work.org)
        await _wait_until_visible(work.context.store, done)
        return remarks

    def _assignment(self, work: FetchWork) -> Assignment:
        context = work.context
        self._works += 1
        own, path = context.fetch.limits, path_of(context.store.root.place)
        # Each worker counts its own async jobs.
        share = max(1, own.jobs_in_flight // max(1, len(self.workers.present)))
        fetch = context.fetch.model_copy(
            update={
                "cache": None,  # a worker has a folder of its own
                "store": path.resolve() if isinstance(path, Path) else path,
                "limits": own.model_copy(update={"jobs_in_flight": share}),
            }
        )
        return Assignment(
            name=f"{self._run}-{self._works}",
            release=RELEASE,
            org=work.org,
            coordinator=self.address,
            client_config=replace(work.client_config, client_secret=""),
            query_section=context.query_section,
            fetch=fetch,
            store=context.store.name,
            run=context.store.run,
        )

    async def _outcome(
        self, assignment: Assignment, query: Query, store: Store
    ) -> dict[str, Any]:
        """Return the outcome of a query, from the worker that finished it."""
        before, why = store.checksum(query.digest), ""
        for number in range(MAX_ATTEMPTS):
            key = f"gcbatch-{assignment.name}-{query.digest}-{number}"
            try:
                outcome: dict[str, Any] = await self.workers.call(
                    fetch_query, key, assignment, query, before, key=key
                )
                if "retry" not in outcome:
                    return outcome
                why = outcome["retry"]
            except TaskLostError as exc:
                why = str(exc)
            log.info("%s: submitted again: %s", query, why)
            await asyncio.sleep(PAUSE_S)
        msg = f"{query}: failed on {MAX_ATTEMPTS} workers in turn: {why}"
        hint = (
            "look at the logs of the scheduler and the workers; `gcbatch run JOB` "
            "continues"
        )
        raise OutOfReachError(msg, hint=hint)


async def _wait_until_visible(store: Store, queries: Sequence[Query]) -> None:
    """Wait until the parts of workers are visible here.

    Raises:
        OutputError: If they do not become visible.
    """
    clock = asyncio.get_running_loop().time
    until = clock() + VISIBLE_S
    while unseen := await asyncio.to_thread(_unseen, store, queries):
        if clock() >= until:
            msg = f"{store.place}: workers wrote {len(unseen):,} parts elsewhere"
            raise OutputError(msg, hint=STORE_HINT)
        await asyncio.sleep(PAUSE_S)
        queries = unseen


def _unseen(store: Store, queries: Sequence[Query]) -> list[Query]:
    """Return the queries whose parts cannot be seen here."""
    store.look_again([query.digest for query in queries])
    return [query for query in queries if store.checksum(query.digest) is None]
