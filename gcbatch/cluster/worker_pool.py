"""The workers of a cluster, called through its scheduler.

A task that is lost with a worker or the scheduler raises TaskLostError, and can be
submitted again.
"""

import asyncio
import concurrent.futures
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any, Final

from distributed import Client as DaskClient
from distributed.client import ClosedClientError
from distributed.scheduler import KilledWorker
from distributed.security import Security

from gcbatch.errors import OutOfReachError

__all__ = ["TaskLostError", "WorkerPool"]

log = logging.getLogger("gcbatch.cluster")

GIVE_UP_S: Final = 120.0
"""How long a run continues without a scheduler or a worker."""

PAUSE_S: Final = 1.0
WATCH_S: Final = 2.0
CONNECT_S: Final = 10.0
CLOSE_S: Final = 5.0

LOSSES: Final = (
    KilledWorker,
    ClosedClientError,
    concurrent.futures.CancelledError,  # tasks that were lost with the scheduler
    OSError,
    TimeoutError,
)


class TaskLostError(Exception):
    """A task was lost with its worker; how far it got is not known."""


class WorkerPool:
    """Runs tasks on the workers of a cluster.

    Args:
        address: The address of the scheduler.
        security: The encryption of its channel.
        on_departed: Receives the address of every worker that is gone.
        give_up_s: How long there may be no scheduler or no worker.
    """

    def __init__(
        self,
        address: str,
        security: Security,
        on_departed: Callable[[str], None],
        *,
        give_up_s: float = GIVE_UP_S,
    ) -> None:
        self._address = address
        self._security = security
        self._on_departed = on_departed
        self._give_up_s = give_up_s
        self._dask: Any = None
        self._connecting = asyncio.Lock()
        self._given_up: asyncio.Future[None] = asyncio.Future()
        self.present: frozenset[str] = frozenset()
        """Addresses of the workers when last seen."""

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Connect to the scheduler.

        Raises:
            OutOfReachError: If it does not answer.
        """
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._disconnect)
            try:
                await self._connect()
            except (OSError, TimeoutError) as exc:
                msg = f"{self._address}: no scheduler answers"
                hint = "check engine.scheduler, and that it runs"
                raise OutOfReachError(msg, hint=hint) from exc
            await self._look()
            watching = asyncio.create_task(self._watch())
            watching.add_done_callback(self._watch_ended)
            try:
                yield
            finally:
                watching.cancel()
                with suppress(asyncio.CancelledError):
                    await watching

    async def call(
        self, function: Callable[..., Any], *arguments: Any, key: str
    ) -> Any:
        """Return what a function returns on a worker.

        Workers import the function by name, so its arguments are plain data. Each call
        needs a key of its own.

        Raises:
            TaskLostError: If the task is lost.
            OutOfReachError: If there is no scheduler or no worker, and none comes.
        """
        await self._connected()
        future = None
        try:
            future = self._dask.submit(function, *arguments, key=key, pure=False)
            return await self._result_of(future)
        except OutOfReachError:
            raise
        except LOSSES as exc:
            raise TaskLostError(type(exc).__name__) from exc
        finally:
            if future is not None:
                with suppress(*LOSSES):
                    future.release()

    async def _result_of(self, future: Any) -> Any:
        """Return the result of a task, or give up.

        A scheduler without workers keeps a task for ever.
        """
        result = asyncio.ensure_future(future)
        try:
            await asyncio.wait(
                {result, self._given_up}, return_when=asyncio.FIRST_COMPLETED
            )
            if result.done():
                return result.result()
        finally:
            result.cancel()
        raise self._no_worker_error()

    def _no_worker_error(self) -> OutOfReachError:
        self._given_up.result()  # raises if a bug ended the watch
        msg = f"{self._address}: no scheduler or no worker for {self._give_up_s:.0f} s"
        hint = "look at the scheduler and its workers; `gcbatch run JOB` continues"
        return OutOfReachError(msg, hint=hint)

    async def _connected(self) -> None:
        """Wait for a connection; make a new one if it was lost."""
        async with self._connecting:
            while self._dask.status != "running":
                if self._given_up.done():
                    raise self._no_worker_error()
                await self._disconnect()
                try:
                    await self._connect()
                except (OSError, TimeoutError):
                    log.info("%s: no scheduler answers", self._address)
                    await asyncio.sleep(PAUSE_S)

    async def _connect(self) -> None:
        self._dask = DaskClient(
            self._address,
            asynchronous=True,
            security=self._security,
            timeout=CONNECT_S,
            set_as_default=False,
        )
        await self._dask

    async def _disconnect(self) -> None:
        if self._dask is not None:
            with suppress(*LOSSES):
                await self._dask.close(timeout=CLOSE_S)

    async def _watch(self) -> None:
        """Report workers that are gone; give up when all are gone for too long."""
        clock = asyncio.get_running_loop().time
        seen_at = clock()
        while not self._given_up.done():
            await asyncio.sleep(WATCH_S)
            if await self._look():
                seen_at = clock()
            elif clock() - seen_at > self._give_up_s:
                self._given_up.set_result(None)

    def _watch_ended(self, watching: asyncio.Task[None]) -> None:
        """End the waiting calls if a bug ends the watch."""
        if not watching.cancelled() and (bug := watching.exception()) is not None:
            self._given_up.set_exception(bug)

    async def _look(self) -> bool:
        """Update the present workers, and say whether there are any."""
        if self._dask.status != "running":
            return False
        try:
            async with asyncio.timeout(CONNECT_S):
                info = await self._dask.scheduler.identity()
        except (*LOSSES, AttributeError, RuntimeError):
            # The client was closed meanwhile and is being replaced.
            return False
        now = frozenset(info["workers"])
        for worker in self.present - now:
            log.info("worker %s is gone", worker)
            self._on_departed(worker)
        self.present = now
        return bool(now)
