"""Where one org's queries are worked at, on one worker."""

import asyncio
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from gcbatch.cluster.protocol import CLAIM_S, error_to_json
from gcbatch.cluster.rpc_client import (
    CoordinatorClient,
    CoordinatorLostError,
    RemoteLimiter,
    RemoteTokens,
)
from gcbatch.endpoints import FetchContext, QueryFetcher, endpoint_named
from gcbatch.errors import GcbatchError, OutputError
from gcbatch.genesys.client import (
    Client,
    ClientConfig,
    RetrySettings,
    Traffic,
    open_transport,
)
from gcbatch.job import Fetch
from gcbatch.job import QuerySection as Asked
from gcbatch.query import Query
from gcbatch.store import PartSource, Store

__all__ = ["WorkerFetcher", "opened"]

SAFE_S: Final = CLAIM_S / 2
"""Of a claim that is used: whoever is late must not write after it ended."""

PAUSE_S: Final = 1.0


@asynccontextmanager
async def opened(
    connection: ClientConfig,
    asked: Asked,
    fetch: Fetch,
    name: str,
    line: CoordinatorClient,
) -> AsyncIterator["WorkerFetcher"]:
    """Open what queries of one org are asked with.

    Args:
        connection: How to reach the org.
        asked: The job's query section.
        fetch: The job's section on how to pull.
        name: Of the parts' folder in the store.
        line: To the coordinator.

    Raises:
        OutputError: If the store is not seen from here.
    """
    store = Store(fetch.store, name)
    if not store.folder.is_dir():
        msg = f"{store.folder}: is not there on worker {line.worker}"
        hint = "fetch.store has to be one folder that all workers see by this path"
        raise OutputError(msg, hint=hint)
    async with open_transport(
        timeout_s=connection.timeout_s,
        connections=connection.concurrency + 1,
        max_response_bytes=connection.max_response_bytes,
    ) as transport:
        tokens = RemoteTokens(line)
        limiter = RemoteLimiter(line, tokens)
        settings = RetrySettings(connection.give_up_s, limiter.pause_all, line.clock)
        client = Client(
            transport,
            connection,
            limiter=limiter,
            tokens=tokens,
            retry_settings=settings,
        )
        asker = endpoint_named(asked.endpoint).asker(
            FetchContext(client, asked, fetch, store)
        )
        yield WorkerFetcher(line, client, store, asker)


class _FasterError(Exception):
    """Another worker has put the part in its place.

    Args:
        rows: Of it.
    """

    def __init__(self, rows: int) -> None:
        super().__init__(rows)
        self.rows = rows


@dataclass
class WorkerFetcher:
    """Asks queries and writes their parts.

    Args:
        line: To the coordinator.
        client: Asks.
        store: Has the parts.
        asker: Puts the questions.
    """

    line: CoordinatorClient
    client: Client
    store: Store
    asker: QueryFetcher
    _told: Traffic = field(default_factory=Traffic)
    _remarked: Counter[str] = field(default_factory=Counter)
    _placing: set[asyncio.Task[int]] = field(default_factory=set)

    async def fetch(self, query: Query, before: str | None) -> dict[str, Any]:
        """Fetch one query and write its part, unless this run has it already.

        Args:
            query: What to ask.
            before: Seal of the part that was there when the run began; None if none.

        Returns:
            `rows`, or `error`, or `cut_off` where another worker should try; with
            `traffic` and `remarks` since the last call.
        """
        try:
            outcome: dict[str, Any] = {"rows": await self._rows(query, before)}
        except CoordinatorLostError as exc:
            outcome = {"cut_off": exc.problem}
        except GcbatchError as exc:
            outcome = {"error": error_to_json(exc)}
        await self.line.flush()
        return outcome | {"traffic": self._traffic(), "remarks": self._remarks()}

    async def _rows(self, query: Query, before: str | None) -> int:
        digest = query.digest
        if (rows := self._written(digest, before)) is not None:
            return rows
        part = await self.asker.ask(query)
        # A thread that writes cannot be called back: what it claimed is not given up
        # before it is done, even where nobody waits for it any more.
        placing = asyncio.create_task(self._place(digest, part, before))
        self._placing.add(placing)
        placing.add_done_callback(self._placing.discard)
        return await asyncio.shield(placing)

    async def _place(self, digest: str, part: PartSource, before: str | None) -> int:
        """Put a part in its place, or find another worker's there; return its rows."""
        attempt = secrets.token_hex(8)
        may = self._claiming(digest, before, attempt)
        rows = None
        try:
            await asyncio.to_thread(self.store.write, digest, part, may=may)
            rows = part.metadata.rows
        except _FasterError as other:
            return other.rows
        finally:
            if rows is None:
                self.line.tell("release", digest=digest, attempt=attempt, rows=None)
        await self.line.ask("release", digest=digest, attempt=attempt, rows=rows)
        return rows

    def _written(self, digest: str, before: str | None) -> int | None:
        """Return the rows of a part that was written since the run began.

        Told by its seal, not by the time: workers' clocks differ.
        """
        seal = self.store.checksum(digest)
        if seal is None or seal == before:
            return None
        account = self.store.metadata(digest)
        return None if account is None else account.rows

    def _claiming(
        self, digest: str, before: str | None, attempt: str
    ) -> Callable[[], bool]:
        """Return what asks, in another thread, whether to put a part in its place."""
        loop = asyncio.get_running_loop()

        async def claim() -> bool:
            while True:
                asked_at = self.line.clock()
                answer = await self.line.ask("claim", digest=digest, attempt=attempt)
                rows = answer.get("rows", self._written(digest, before))
                if rows is not None:
                    raise _FasterError(rows)
                in_time = self.line.clock() - asked_at < SAFE_S
                if "seconds" in answer and in_time:
                    return True
                await self.line.sleep(PAUSE_S)

        return lambda: asyncio.run_coroutine_threadsafe(claim(), loop).result()

    def _remarks(self) -> dict[str, int]:
        """Return what the reader of the run should know since the last time."""
        now = self.asker.remarks()
        news = now - self._remarked
        self._remarked = now
        return dict(news)

    def _traffic(self) -> Traffic:
        """Return what went over the line since the last time."""
        now = self.client.traffic.copy()
        news = now.since(self._told)
        self._told = now
        return news
