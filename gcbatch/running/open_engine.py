"""The engine of a job, opened when there is something to fetch."""

import asyncio
from collections import Counter
from collections.abc import Collection
from contextlib import AsyncExitStack
from importlib.util import find_spec
from typing import Final

from gcbatch.errors import GcbatchError, JobError
from gcbatch.fetching import Engine, FetchWork, LocalEngine
from gcbatch.job import Job

__all__ = ["LazyEngine", "require_engine"]

HINT: Final = "pip install 'gcbatch[dask]', or leave out `engine` and --workers"


def require_engine(job: Job) -> None:
    """Refuse a job whose engine is not installed, before anything is planned.

    Raises:
        JobError: If a module of it is missing; names it, and the extra that has it.
    """
    if job.engine.name == "dask" and find_spec("distributed") is None:
        msg = "engine dask is not installed: there is no module distributed"
        raise JobError(msg, hint=HINT)


class LazyEngine(AsyncExitStack):
    """Opens the engine of a job before its first fetch.

    Args:
        job: The job.
        secrets: What workers that the engine starts must not find.

    Attributes:
        failure: Why the engine could not be opened; None otherwise.
    """

    def __init__(self, job: Job, secrets: Collection[str] = ()) -> None:
        super().__init__()
        self._job = job
        self._secrets = secrets
        self._lock = asyncio.Lock()
        self._open: Engine | None = None
        self.failure: GcbatchError | None = None

    async def fetch(self, work: FetchWork) -> Counter[str]:
        """Fetch queries; see Engine.

        Raises:
            JobError: If the engine is not installed.
        """
        async with self._lock:
            if self.failure:
                raise self.failure  # not tried again for each org
            if self._open is None:
                try:
                    self._open = await self._open_engine()
                except GcbatchError as exc:
                    self.failure = exc
                    raise
        return await self._open.fetch(work)

    async def _open_engine(self) -> Engine:
        if self._job.engine.name == "local":
            return LocalEngine()
        try:
            from gcbatch.cluster.engine import dask_engine  # noqa: PLC0415 - an extra that local runs do without
        except ImportError as exc:
            msg = f"engine dask is not installed: {exc}"
            raise JobError(msg, hint=HINT) from exc
        # A query occupies a worker thread also while it waits for its org's quota.
        in_flight = self._job.fetch.concurrency * len(self._job.per_org())
        fetch = self._job.fetch.model_copy(update={"concurrency": in_flight})
        storage = self._job.storage.settings()
        opening = dask_engine(self._job.engine, fetch, self._secrets, storage)
        return await self.enter_async_context(opening)
