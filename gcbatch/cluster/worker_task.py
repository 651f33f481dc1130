"""What a worker does: fetch one query, write its part, tell how it went.

Everything that travels is plain data. A worker has no credentials: it sends with the
token that the coordinator hands it, over the cluster's own channel.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Final, cast

from distributed import Worker, WorkerPlugin, get_worker

from gcbatch.cluster.protocol import error_to_json
from gcbatch.cluster.rpc_client import Call, CoordinatorClient, RpcError
from gcbatch.cluster.worker_fetcher import WorkerFetcher, opened
from gcbatch.errors import GcbatchError, JobError
from gcbatch.genesys.client import ClientConfig
from gcbatch.job import Fetch
from gcbatch.job import QuerySection as Asked
from gcbatch.query import Query

__all__ = ["RELEASE", "Assignment", "WorkerSession", "fetch_query"]

RELEASE: Final = version("gcbatch")

IDLE_S: Final = 30.0
"""So long a worker keeps open what nothing is done with. The process that runs the job
may be gone without a word."""

CALL_S: Final = 30.0
"""Longest time for an answer of the coordinator."""

WANTED_S: Final = 1.0
"""So often it is looked whether anybody still waits for a query."""


@dataclass(frozen=True)
class Assignment:
    """What all queries of one org in one run have in common, as plain data.

    Args:
        name: Tells it from all others on the cluster.
        release: Of gcbatch, that the process that runs the job has.
        org: What the coordinator calls the org.
        coordinator: Its address.
        connection: How to reach the org; without a secret.
        asked: The job's query section.
        fetch: The job's section on how to pull; its store as an absolute path.
        store: Name of the parts' folder in the store.
    """

    name: str
    release: str
    org: str
    coordinator: str
    connection: ClientConfig
    asked: Asked
    fetch: Fetch
    store: str


class WorkerSession(WorkerPlugin):
    """What a worker keeps open for one assignment, while it is worked on.

    It is a plug-in for its teardown only: a worker that ends closes it.

    Args:
        worker: Whose it is.
        given: What to work on.
    """

    def __init__(self, worker: Worker, given: Assignment) -> None:
        self.name = f"gcbatch-{given.name}"
        self._worker = worker
        self._given = given
        self._opening = asyncio.Lock()
        self._open: Any = None
        self._bench: WorkerFetcher | None = None
        self._busy = 0
        self._leaving: asyncio.TimerHandle | None = None
        self._closing: asyncio.Task[Any] | None = None

    @asynccontextmanager
    async def use(self) -> AsyncIterator[WorkerFetcher]:
        """Have it open for a while.

        Raises:
            OutputError: If the worker does not see the store.
        """
        self._busy += 1
        if self._leaving is not None:
            self._leaving.cancel()
        try:
            async with self._opening:
                if self._bench is None:
                    line = CoordinatorClient(
                        _caller(self._worker, self._given.coordinator),
                        self._given.org,
                        self._worker.address,
                        asyncio.get_running_loop().time,
                    )
                    given = self._given
                    self._open = opened(
                        given.connection, given.asked, given.fetch, given.store, line
                    )
                    self._bench = await self._open.__aenter__()
            yield self._bench
        finally:
            self._busy -= 1
            if not self._busy:
                loop = asyncio.get_running_loop()
                self._leaving = loop.call_later(IDLE_S, self._leave)

    def _leave(self) -> None:
        # Out of reach at once: a task that comes now opens another.
        self._worker.plugins.pop(self.name, None)
        closing = self.teardown(self._worker)
        self._closing = asyncio.get_running_loop().create_task(closing)

    async def teardown(self, worker: Worker) -> None:  # noqa: ARG002 - a plug-in's
        """Close it."""
        if self._leaving is not None:
            self._leaving.cancel()
        if self._bench is not None:
            self._bench = None
            await self._open.__aexit__(None, None, None)


def _caller(worker: Worker, address: str) -> Call:
    async def call(method: str, **arguments: Any) -> Any:
        try:
            async with asyncio.timeout(CALL_S):
                return await getattr(worker.rpc(address), method)(**arguments)
        except (OSError, TimeoutError, RuntimeError) as exc:
            # A RuntimeError is what a worker's pool says that ends.
            raise RpcError from exc

    return call


async def fetch_query(
    key: str, given: Assignment, query: Query, before: str | None
) -> dict[str, Any]:
    """Fetch one query on a worker; a task of the cluster.

    Args:
        key: Of the task.
        given: What it is a part of.
        query: What to ask.
        before: Seal of the part that was there when the run began; None if none was.

    Returns:
        `rows` of the part; or `error`. With `traffic` and `remarks`, as Bench.fetch.
    """
    worker = get_worker()
    if given.release != RELEASE:
        msg = f"worker {worker.address} has gcbatch {RELEASE}, not {given.release}"
        hint = "install the same release on all workers"
        return {"error": error_to_json(JobError(msg, hint=hint))}
    name = f"gcbatch-{given.name}"
    if name not in worker.plugins:
        # Nothing is awaited in between: the second of two tasks finds what the first
        # one put there.
        worker.plugins[name] = WorkerSession(worker, given)
    workbench = cast("WorkerSession", worker.plugins[name])
    try:
        async with workbench.use() as bench:
            return await _while_wanted(worker, key, bench.fetch(query, before))
    except GcbatchError as exc:
        return {"error": error_to_json(exc)}


async def _while_wanted(
    worker: Worker, key: str, work: Coroutine[Any, Any, dict[str, Any]]
) -> dict[str, Any]:
    """Return the outcome of some work, or leave it when nobody waits for it any more.

    Dask goes on with what it has begun. Where the job's process is gone, that would
    keep all hands busy that its next run needs, until they give up.
    """
    task = asyncio.create_task(work)
    try:
        while not task.done():
            await asyncio.wait({task}, timeout=WANTED_S)
            state = worker.state.tasks.get(key)
            if not task.done() and (state is None or state.state == "cancelled"):
                return {"cut_off": "nobody waited for it"}
        return task.result()
    finally:
        task.cancel()
