"""The task of a worker: fetch one query, write its part, return the outcome.

Only plain data goes over the network. A worker has no credentials: it sends with the
token of the coordinator, which comes over the cluster's own channel.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Final, cast

from distributed import Worker, WorkerPlugin, get_worker

from gcbatch.cluster.protocol import error_to_json
from gcbatch.cluster.rpc_client import Call, CoordinatorClient, RpcError
from gcbatch.cluster.worker_fetcher import WorkerFetcher, open_fetcher
from gcbatch.errors import GcbatchError, JobError
from gcbatch.genesys.client import ClientConfig
from gcbatch.job import Fetch, QuerySection
from gcbatch.query import Query
from gcbatch.store import RunMark

__all__ = ["RELEASE", "Assignment", "WorkerSession", "fetch_query"]

RELEASE: Final = version("gcbatch")

IDLE_S: Final = 30.0
"""How long a worker keeps an unused session open. The job's process may have died."""

CALL_S: Final = 30.0
"""Longest time for a reply of the coordinator."""

CHECK_S: Final = 1.0
"""How often a worker checks that its task is still wanted."""


@dataclass(frozen=True)
class Assignment:
    """The inputs that all queries of one org in one run share, as plain data.

    Args:
        name: Its name, unique on the cluster.
        release: The gcbatch release of the process that runs the job.
        org: The coordinator's name for the org.
        coordinator: The coordinator's address.
        client_config: The configuration of the org's client, without its secret.
        query_section: The job's section `query`.
        fetch: The job's section `fetch`, with an absolute path of the store.
        store: The job's folder in the store.
        run: The run, for the change log; None: there is none.
    """

    name: str
    release: str
    org: str
    coordinator: str
    client_config: ClientConfig
    query_section: QuerySection
    fetch: Fetch
    store: str
    run: RunMark | None = None


class WorkerSession(WorkerPlugin):
    """The fetcher that a worker keeps open for one assignment.

    It is a plug-in only for its teardown: a worker that ends closes it.
    """

    def __init__(self, worker: Worker, assignment: Assignment) -> None:
        self.name = f"gcbatch-{assignment.name}"
        self._worker = worker
        self._assignment = assignment
        self._opening = asyncio.Lock()
        self._stack = AsyncExitStack()
        self._fetcher: WorkerFetcher | None = None
        self._users = 0
        self._leaving: asyncio.TimerHandle | None = None
        self._closing: asyncio.Task[Any] | None = None

    @asynccontextmanager
    async def use(self) -> AsyncIterator[WorkerFetcher]:
        """Yield the fetcher; it stays open for a while after the last use.

        Raises:
            OutputError: If the worker does not have the store.
        """
        assignment, loop = self._assignment, asyncio.get_running_loop()
        self._users += 1
        if self._leaving is not None:
            self._leaving.cancel()
        try:
            async with self._opening:
                if self._fetcher is None:
                    coordinator = CoordinatorClient(
                        _caller(self._worker, assignment.coordinator),
                        assignment.org,
                        self._worker.address,
                        loop.time,
                    )
                    opening = open_fetcher(
                        assignment.client_config,
                        assignment.query_section,
                        assignment.fetch,
                        assignment.store,
                        coordinator,
                        run=assignment.run,
                    )
                    self._fetcher = await self._stack.enter_async_context(opening)
            yield self._fetcher
        finally:
            self._users -= 1
            if not self._users:
                self._leaving = loop.call_later(IDLE_S, self._leave)

    def _leave(self) -> None:
        # Removed at once: a task that comes now opens another session.
        self._worker.plugins.pop(self.name, None)
        closing = self.teardown(self._worker)
        self._closing = asyncio.get_running_loop().create_task(closing)

    async def teardown(self, worker: Worker) -> None:  # noqa: ARG002 - a plug-in's
        """Close the fetcher."""
        if self._leaving is not None:
            self._leaving.cancel()
        self._fetcher = None
        await self._stack.aclose()


def _caller(worker: Worker, address: str) -> Call:
    async def call(method: str, **arguments: Any) -> Any:
        try:
            async with asyncio.timeout(CALL_S):
                return await getattr(worker.rpc(address), method)(**arguments)
        except (OSError, TimeoutError, RuntimeError) as exc:
            # The connection pool of a worker that ends raises RuntimeError.
            raise RpcError from exc

    return call


async def fetch_query(
    key: str, assignment: Assignment, query: Query, before: str | None
) -> dict[str, Any]:
    """Fetch one query on a worker, as a task of the cluster.

    Args:
        key: The key of the task.
        assignment: The assignment of the query.
        query: The query.
        before: Checksum of the part when the run began; None if there was none.

    Returns:
        See WorkerFetcher.fetch; only `error` if the worker cannot begin.
    """
    worker = get_worker()
    if assignment.release != RELEASE:
        msg = f"worker {worker.address} has gcbatch {RELEASE}, not {assignment.release}"
        hint = "install the same release on all workers"
        return {"error": error_to_json(JobError(msg, hint=hint))}
    name = f"gcbatch-{assignment.name}"
    if name not in worker.plugins:
        # Nothing is awaited before this: a second task finds the session of the first.
        worker.plugins[name] = WorkerSession(worker, assignment)
    session = cast("WorkerSession", worker.plugins[name])
    try:
        async with session.use() as fetcher:
            return await _while_wanted(worker, key, fetcher.fetch(query, before))
    except GcbatchError as exc:
        return {"error": error_to_json(exc)}


async def _while_wanted(
    worker: Worker, key: str, work: Coroutine[Any, Any, dict[str, Any]]
) -> dict[str, Any]:
    """Return the outcome of *work*, or cancel it when no caller waits for it.

    Dask itself goes on with a task that has begun. After the job's process died, that
    would occupy the workers that its next run needs.
    """
    task = asyncio.create_task(work)
    try:
        while not task.done():
            await asyncio.wait({task}, timeout=CHECK_S)
            state = worker.state.tasks.get(key)
            if not task.done() and (state is None or state.state == "cancelled"):
                return {"retry": "no caller waited for it"}
        return task.result()
    finally:
        task.cancel()
