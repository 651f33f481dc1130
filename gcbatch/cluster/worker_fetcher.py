"""Fetches one org's queries on one worker."""

import asyncio
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from gcbatch.cluster.protocol import CLAIM_S, STORE_HINT, error_to_json
from gcbatch.cluster.rpc_client import (
    CoordinatorClient,
    CoordinatorLostError,
    RemoteLimiter,
    RemoteTokens,
)
from gcbatch.endpoints import FetchContext, QueryFetcher, endpoint_named
from gcbatch.errors import GcbatchError, OutputError
from gcbatch.genesys import Traffic
from gcbatch.genesys.client import (
    Client,
    ClientConfig,
    RetrySettings,
    open_transport,
)
from gcbatch.job import Fetch, QuerySection
from gcbatch.objects import Buckets, StorageSettings, is_object_url
from gcbatch.query import Query
from gcbatch.store import PartSource, RunMark, Store

__all__ = ["WorkerFetcher", "open_fetcher"]

SAFE_S: Final = CLAIM_S / 2
"""Latest age of a claim that is used: a part must not be written after it ends."""

PAUSE_S: Final = 1.0


@asynccontextmanager
async def open_fetcher(
    client_config: ClientConfig,
    query_section: QuerySection,
    fetch: Fetch,
    name: str,
    coordinator: CoordinatorClient,
    *,
    run: RunMark | None = None,
) -> AsyncIterator["WorkerFetcher"]:
    """Open a fetcher for one org.

    Raises:
        OutputError: If this worker does not have the store.
    """
    buckets = Buckets()
    if is_object_url(fetch.store):
        reply = await coordinator.request("storage")
        buckets = Buckets(StorageSettings.from_json(reply["storage"]))
    root = fetch.open_store(buckets, lists=False)
    store = await asyncio.to_thread(Store, root, name)
    store.run = run
    if not store.files.exists():
        msg = f"{store.place}: does not exist on worker {coordinator.worker}"
        raise OutputError(msg, hint=STORE_HINT)
    async with open_transport(
        timeout_s=client_config.timeout_s,
        connections=client_config.concurrency + 1,
        max_response_bytes=client_config.max_response_bytes,
    ) as transport:
        tokens = RemoteTokens(coordinator)
        limiter = RemoteLimiter(coordinator, tokens)
        settings = RetrySettings(
            client_config.give_up_s, limiter.pause_all, coordinator.clock
        )
        client = Client(
            transport,
            client_config,
            limiter=limiter,
            tokens=tokens,
            retry_settings=settings,
        )
        fetcher = endpoint_named(query_section.endpoint).make_fetcher(
            FetchContext(client, query_section, fetch, store)
        )
        yield WorkerFetcher(coordinator, client, store, fetcher)


class _AlreadyWrittenError(Exception):
    """Another worker has written the part."""

    def __init__(self, rows: int) -> None:
        super().__init__(rows)
        self.rows = rows


@dataclass
class WorkerFetcher:
    """Fetches queries and writes their parts."""

    coordinator: CoordinatorClient
    client: Client
    store: Store
    fetcher: QueryFetcher
    _reported: Traffic = field(default_factory=Traffic)
    _remarked: Counter[str] = field(default_factory=Counter)
    _writing: set[asyncio.Task[int]] = field(default_factory=set)

    async def fetch(self, query: Query, before: str | None) -> dict[str, Any]:
        """Fetch one query and write its part, unless this run has it already.

        Args:
            query: The query.
            before: Checksum of the part when the run began; None if there was none.

        Returns:
            `rows`, or `error`, or `retry` if another worker must try; with `traffic`
            and `remarks` since the last call.
        """
        try:
            outcome: dict[str, Any] = {"rows": await self._rows(query, before)}
        except CoordinatorLostError as exc:
            outcome = {"retry": exc.problem}
        except GcbatchError as exc:
            outcome = {"error": error_to_json(exc)}
        await self.coordinator.flush()
        return outcome | {"traffic": self._traffic(), "remarks": self._remarks()}

    async def _rows(self, query: Query, before: str | None) -> int:
        digest = query.digest
        if (rows := await self._written(digest, before)) is not None:
            return rows
        part = await self.fetcher.fetch(query)
        # A thread that writes cannot be cancelled: the claim is released only when it
        # is done, even if no caller waits any more.
        writing = asyncio.create_task(self._write(digest, part, before))
        self._writing.add(writing)
        writing.add_done_callback(self._writing.discard)
        return await asyncio.shield(writing)

    async def _write(self, digest: str, part: PartSource, before: str | None) -> int:
        """Write a part unless another worker has; return its rows."""
        attempt = secrets.token_hex(8)
        may = self._claiming(digest, before, attempt)
        rows = None
        try:
            await asyncio.to_thread(self.store.write, digest, part, may=may)
            rows = part.metadata.rows
        except _AlreadyWrittenError as other:
            return other.rows
        finally:
            if rows is None:
                self.coordinator.notify(
                    "release", digest=digest, attempt=attempt, rows=None
                )
        await self.coordinator.request(
            "release", digest=digest, attempt=attempt, rows=rows
        )
        return rows

    async def _written(self, digest: str, before: str | None) -> int | None:
        """Return the rows of a part that was written since the run began.

        The checksum decides, not the time: workers' clocks differ.
        """

        def look() -> int | None:
            self.store.look_again([digest])
            checksum = self.store.checksum(digest)
            if checksum is None or checksum == before:
                return None
            metadata = self.store.metadata(digest)
            return None if metadata is None else metadata.rows

        # A store in a bucket waits for the network.
        return await asyncio.to_thread(look)

    def _claiming(
        self, digest: str, before: str | None, attempt: str
    ) -> Callable[[], bool]:
        """Return a function for another thread that waits for the claim on a part."""
        loop = asyncio.get_running_loop()

        async def claim() -> bool:
            while True:
                asked_at = self.coordinator.clock()
                answer = await self.coordinator.request(
                    "claim", digest=digest, attempt=attempt
                )
                rows = answer.get("rows")
                if rows is None:
                    rows = await self._written(digest, before)
                if rows is not None:
                    raise _AlreadyWrittenError(rows)
                in_time = self.coordinator.clock() - asked_at < SAFE_S
                if "seconds" in answer and in_time:
                    return True
                await self.coordinator.sleep(PAUSE_S)

        return lambda: asyncio.run_coroutine_threadsafe(claim(), loop).result()

    def _remarks(self) -> dict[str, int]:
        """Return the remarks since the last call."""
        now = self.fetcher.remarks()
        news = now - self._remarked
        self._remarked = now
        return dict(news)

    def _traffic(self) -> Traffic:
        """Return the traffic since the last call."""
        now = self.client.traffic.copy()
        news = now.since(self._reported)
        self._reported = now
        return news
