"""The engine that a job names, opened when there is something to fetch."""

import asyncio
from collections import Counter
from collections.abc import Collection
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

from gcbatch.errors import GcbatchError, JobError
from gcbatch.fetching import Engine, FetchWork, LocalEngine
from gcbatch.job import Job

__all__ = ["LazyEngine"]


class LazyEngine:
    """Opens the engine that a job names when something is to be fetched, not before.

    Args:
        job: Whose.
        secrets: What processes that it starts must not learn.

    Attributes:
        failure: Why there is none; None while nothing is known against it.
    """

    def __init__(self, job: Job, secrets: Collection[str] = ()) -> None:
        self._job = job
        self._secrets = secrets
        self._stack = AsyncExitStack()
        self._lock = asyncio.Lock()
        self._open: Engine | None = None
        self.failure: GcbatchError | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    async def fetch(self, work: FetchWork) -> Counter[str]:
        """Fetch queries; see Engine.

        Raises:
            JobError: If the engine is not installed.
        """
        async with self._lock:
            if self.failure:
                raise self.failure  # many orgs shall not try one after the other
            if self._open is None:
                try:
                    self._open = await self._opened()
                except GcbatchError as exc:
                    self.failure = exc
                    raise
        return await self._open.fetch(work)

    async def _opened(self) -> Engine:
        if self._job.engine.name == "local":
            return LocalEngine()
        try:
            from gcbatch.cluster.engine import dask_engine  # noqa: PLC0415 - an extra that local runs do without
        except ImportError as exc:
            msg = f"engine dask is not installed: {exc}"
            raise JobError(msg, hint="pip install 'gcbatch[dask]'") from exc
        # A query holds its place on a worker also while it waits for its org's quota.
        in_flight = self._job.fetch.concurrency * len(self._job.per_org())
        fetch = self._job.fetch.model_copy(update={"concurrency": in_flight})
        opening = dask_engine(self._job.engine, fetch, self._secrets)
        return await self._stack.enter_async_context(opening)
