"""Starts workers for one run, as processes of this machine."""

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
from gcbatch.job import EngineSection, Fetch

__all__ = ["own_certificates", "start_local_workers"]

START_S: Final = 120.0
"""Longest time for all workers to start."""

NO_PAGES: Final[dict[str, list[str]]] = {
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
}
"""Also without a dashboard, Dask shows the run's tasks to everyone on this machine."""

PRELOAD: Final = "gcbatch.cluster.worker_preload"
"""Makes workers ignore Ctrl-C and the terminal."""


def own_certificates() -> Security:
    """Return certificates for this run only, so that no other process can call.

    Raises:
        JobError: If the package that makes them is not installed.
    """
    try:
        security: Security = Security.temporary()
    except ImportError as exc:
        msg = f"engine dask is not installed: {exc}"
        raise JobError(msg, hint="pip install 'gcbatch[dask]'") from exc
    return security


@asynccontextmanager
async def start_local_workers(
    settings: EngineSection,
    fetch: Fetch,
    security: Security,
    secrets: Collection[str] = (),
) -> AsyncIterator[str]:
    """Start workers; they end on leaving, or with this process.

    Args:
        settings: The number of workers.
        fetch: The number of queries in flight, on all workers together.
        security: The encryption of their channel.
        secrets: Values that must not be in their environment, nor in that of workers
            that replace them later.

    Yields:
        The address of their scheduler.

    Raises:
        OutOfReachError: If they do not start.
    """
    workers = settings.workers or os.cpu_count() or 1
    threads = max(1, -(-fetch.concurrency // workers))
    async with AsyncExitStack() as stack:
        stack.enter_context(dask.config.set(NO_PAGES))
        stack.enter_context(_hide_secrets(secrets))
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
            preload=PRELOAD,
        )
        try:
            with _block_ctrl_c():
                async with asyncio.timeout(START_S):
                    cluster = await stack.enter_async_context(starting)
        except TimeoutError as exc:
            msg = f"{workers} workers do not start within {START_S:.0f} s"
            raise OutOfReachError(msg, hint="set fewer engine.workers") from exc
        yield cluster.scheduler_address


@contextmanager
def _hide_secrets(secrets: Collection[str]) -> Iterator[None]:
    """Remove variables with secrets from the environment that workers inherit.

    A value may be a secret, or contain one that is too long to be there by chance.
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
def _block_ctrl_c() -> Iterator[None]:
    """Block Ctrl-C here and in processes that start meanwhile.

    Without this they would each react to it until they have loaded PRELOAD.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    # Starting it unblocks Ctrl-C (CPython 3.11 to 3.13), so it starts first.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
