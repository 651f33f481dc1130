"""Workers of a run's own: processes of this machine, that come and go with it."""

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from multiprocessing import resource_tracker
from typing import Final

import dask
from distributed import LocalCluster
from distributed.security import Security

from gcbatch.errors import JobError, OutOfReachError
from gcbatch.genesys.client import SHORTEST_IN_DATA
from gcbatch.job import EngineSection as Settings
from gcbatch.job import Fetch

__all__ = ["own_certificates", "start_local_workers"]

START_S: Final = 120.0
"""Longest time for all of them to start."""

NO_PAGES: Final[dict[str, list[str]]] = {
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
}
"""Without a dashboard too, Dask shows everyone on this machine what goes on."""

DEAF_WORKERS: Final = "gcbatch.cluster.worker_preload"
"""Loaded by workers of our own: Ctrl-C and the terminal are for their parent."""


def own_certificates() -> Security:
    """Return certificates for this run alone: others on this machine shall not call.

    Raises:
        JobError: If what makes them is not installed.
    """
    try:
        security: Security = Security.temporary()
    except ImportError as exc:
        msg = f"engine dask is not installed: {exc}"
        raise JobError(msg, hint="pip install 'gcbatch[dask]'") from exc
    return security


@asynccontextmanager
async def start_local_workers(
    settings: Settings,
    fetch: Fetch,
    security: Security,
    secrets: Collection[str] = (),
) -> AsyncIterator[str]:
    """Start workers; they end on leaving, or with this process.

    Args:
        settings: How many.
        fetch: How many queries are in flight, on all of them together.
        security: Of their channel.
        secrets: What they must not find in their environment, nor those that are
            started later in place of some that died.

    Yields:
        The address of their scheduler.

    Raises:
        OutOfReachError: If they do not start.
    """
    workers = settings.workers or os.cpu_count() or 1
    threads = max(1, -(-fetch.concurrency // workers))
    async with AsyncExitStack() as stack:
        stack.enter_context(dask.config.set(NO_PAGES))
        stack.enter_context(_withheld(secrets))
        starting = LocalCluster(
            n_workers=workers,
            threads_per_worker=threads,
            processes=True,
            dashboard_address=None,
            scheduler_kwargs={"dashboard_address": "127.0.0.1:0"},
            asynchronous=True,
            security=security,
            protocol="tls://",
            silence_logs=logging.CRITICAL,
            preload=DEAF_WORKERS,
        )
        try:
            with _unheard():
                async with asyncio.timeout(START_S):
                    cluster = await stack.enter_async_context(starting)
        except TimeoutError as exc:
            msg = f"{workers} workers do not start within {START_S:.0f} s"
            raise OutOfReachError(msg, hint="set fewer engine.workers") from exc
        yield cluster.scheduler_address


@contextmanager
def _withheld(secrets: Collection[str]) -> Iterator[None]:
    """Take secrets out of the environment, which processes inherit that are started.

    Whole values, and secrets so long that they are in a value by no chance.
    """
    hidden = {
        name: value
        for name, value in os.environ.items()
        if value in secrets
        or any(len(s) >= SHORTEST_IN_DATA and s in value for s in secrets)
    }
    for name in hidden:
        del os.environ[name]
    try:
        yield
    finally:
        os.environ.update(hidden)


@contextmanager
def _unheard() -> Iterator[None]:
    """Keep Ctrl-C waiting; processes that are started meanwhile do not hear of it.

    They would, until they have loaded what makes them deaf, and each tell of it.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    # Whoever starts it first is made to hear again (CPython 3.11 to 3.13).
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
