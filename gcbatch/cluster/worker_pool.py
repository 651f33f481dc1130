"""The workers of a cluster, called through its scheduler while there is hope.

What a worker or the scheduler takes with it when it goes, is told as lost: it can be
asked for again.
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
"""So long a run goes on while there is no scheduler, or no worker."""

PAUSE_S: Final = 1.0
WATCH_S: Final = 2.0
CONNECT_S: Final = 10.0
CLOSE_S: Final = 5.0

LOSSES: Final = (
    KilledWorker,
    ClosedClientError,
    concurrent.futures.CancelledError,  # of all that the scheduler took with it
    OSError,
    TimeoutError,
)


class TaskLostError(Exception):
    """What was to be done went with whoever did it; nobody knows how far it got."""


class WorkerPool:
    """Workers that do what they are called for.

    Args:
        address: Of the scheduler.
        security: Of its channel.
        departed: Is told the address of every worker that is gone.
        give_up_s: So long there may be no scheduler, or no worker.
    """

    def __init__(
        self,
        address: str,
        security: Security,
        departed: Callable[[str], None],
        *,
        give_up_s: float = GIVE_UP_S,
    ) -> None:
        self._address = address
        self._security = security
        self._departed = departed
        self._give_up_s = give_up_s
        self._dask: Any = None
        self._connecting = asyncio.Lock()
        self._hopeless: asyncio.Future[None] = asyncio.Future()
        self.present: frozenset[str] = frozenset()
        """Addresses of the workers, as of late."""

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Be connected.

        Raises:
            OutOfReachError: If nobody answers.
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
            watching.add_done_callback(self._watched)
            try:
                yield
            finally:
                watching.cancel()
                with suppress(asyncio.CancelledError):
                    await watching

    async def call(self, function: Callable[..., Any], *given: Any, key: str) -> Any:
        """Have a worker call a function, and return what it returns.

        Args:
            function: A coroutine function of a module that workers can import.
            given: Its arguments, plain data.
            key: Of the task; another one each time.

        Raises:
            LostWorkError: If it came to nothing.
            OutOfReachError: If there is no scheduler or no worker, and none comes.
        """
        await self._connected()
        future = None
        try:
            future = self._dask.submit(function, *given, key=key, pure=False)
            return await self._hoped_for(future)
        except OutOfReachError:
            raise
        except LOSSES as exc:
            raise TaskLostError(type(exc).__name__) from exc
        finally:
            if future is not None:
                with suppress(*LOSSES):
                    future.release()

    async def _hoped_for(self, future: Any) -> Any:
        """Return the result of a task, if it may come at all.

        A scheduler without workers keeps a task for ever.
        """
        result = asyncio.ensure_future(future)
        try:
            await asyncio.wait(
                {result, self._hopeless}, return_when=asyncio.FIRST_COMPLETED
            )
            if result.done():
                return result.result()
        finally:
            result.cancel()
        raise self._despair()

    def _despair(self) -> OutOfReachError:
        self._hopeless.result()  # raises, where it is a bug that ended the watch
        msg = f"{self._address}: no scheduler or no worker for {self._give_up_s:.0f} s"
        hint = "look at the scheduler and its workers; run it again to go on"
        return OutOfReachError(msg, hint=hint)

    async def _connected(self) -> None:
        """Wait until there is a connection; make a new one where it was lost."""
        async with self._connecting:
            while self._dask.status != "running":
                if self._hopeless.done():
                    raise self._despair()
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
        """Tell of workers that are gone; give up hope when all are."""
        clock = asyncio.get_running_loop().time
        seen_at = clock()
        while not self._hopeless.done():
            await asyncio.sleep(WATCH_S)
            if await self._look():
                seen_at = clock()
            elif clock() - seen_at > self._give_up_s:
                self._hopeless.set_result(None)

    def _watched(self, watching: asyncio.Task[None]) -> None:
        """Let nobody wait for what is not watched any more."""
        if not watching.cancelled() and (bug := watching.exception()) is not None:
            self._hopeless.set_exception(bug)

    async def _look(self) -> bool:
        """See who is there, and say whether anybody is."""
        if self._dask.status != "running":
            return False
        try:
            async with asyncio.timeout(CONNECT_S):
                info = await self._dask.scheduler.identity()
        except (*LOSSES, AttributeError, RuntimeError):
            # The client is closed meanwhile, and another takes its place.
            return False
        now = frozenset(info["workers"])
        for worker in self.present - now:
            log.info("worker %s is gone", worker)
            self._departed(worker)
        self.present = now
        return bool(now)
