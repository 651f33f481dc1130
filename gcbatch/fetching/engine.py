"""Engines: this process, or the workers of a cluster, fetch queries."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from gcbatch.concurrency import for_each
from gcbatch.endpoints import Endpoint, FetchContext
from gcbatch.errors import GcbatchError
from gcbatch.fetching.observer import Observer
from gcbatch.query import Query
from gcbatch.store import PartSource, Store

if TYPE_CHECKING:
    from gcbatch.genesys.client import ClientConfig, OrgClient

__all__ = ["Engine", "FetchWork", "LocalEngine", "fetch_parts"]


@dataclass(frozen=True)
class FetchWork:
    """Queries of one org that are to be fetched.

    Args:
        org: Identifies the org within the run.
        endpoint: The job's endpoint.
        context: The inputs of a fetch: client, sections of the job, store.
        org_client: The org's client, quota and token.
        client_config: The configuration of that client.
        queries: In the order of fetching.
        observer: Receives every part.
        tolerate: Says whether to continue with the others when a query failed.
    """

    org: str
    endpoint: Endpoint
    context: FetchContext
    org_client: "OrgClient"
    client_config: "ClientConfig"
    queries: Sequence[Query]
    observer: Observer
    tolerate: Callable[[Query, GcbatchError], bool]


class Engine(Protocol):
    """Fetches queries and stores their parts."""

    async def fetch(self, work: FetchWork) -> Counter[str]:
        """Fetch queries; the first failure that is not tolerated stops the rest.

        Returns:
            Remarks for the run report, and how often each was made.

        Raises:
            GcbatchError: The first problem.
        """
        ...


class LocalEngine:
    """Fetches in this process."""

    async def fetch(self, work: FetchWork) -> Counter[str]:
        """Fetch queries; see Engine."""
        fetcher = work.endpoint.make_fetcher(work.context)
        await fetch_parts(
            work.queries,
            fetcher.fetch,
            work.context.store,
            concurrency=work.context.fetch.concurrency,
            observer=work.observer,
            tolerate=work.tolerate,
        )
        return fetcher.remarks()


async def fetch_parts(
    queries: Iterable[Query],
    fetch: Callable[[Query], Awaitable[PartSource]],
    store: Store,
    *,
    concurrency: int,
    observer: Observer,
    tolerate: Callable[[Query, GcbatchError], bool] = lambda _query, _problem: False,
) -> None:
    """Fetch every query and store its part.

    The first failure that is not tolerated stops the rest. Parts that came before it
    are stored, and the next run fetches only what is missing.

    Args:
        queries: In the order of fetching.
        fetch: Fetches one query.
        store: Receives the parts.
        concurrency: Queries in flight; a slot is held until its part is stored.
        observer: Receives every part.
        tolerate: Says whether to continue with the others when a query failed.

    Raises:
        GcbatchError: The first problem, not the group that TaskGroup wraps it in.
    """
    large = ThreadPoolExecutor(1, "gcbatch-write")

    async def fetch_one(query: Query) -> None:
        try:
            part = await fetch(query)
        except GcbatchError as exc:
            if not tolerate(query, exc):
                raise
            return
        await _write(store, query, part, large if part.is_large else None)
        observer.fetched(query, part.metadata.rows)

    try:
        await for_each(queries, fetch_one, at_once=concurrency)
    finally:
        large.shutdown()  # what came is written, however often a run is interrupted


async def _write(
    store: Store, query: Query, part: PartSource, threads: ThreadPoolExecutor | None
) -> None:
    """Write a part to its end, even if the task is cancelled.

    Args:
        store: Receives the part.
        query: Its query.
        part: The part.
        threads: Where it is written; None is the threads of the event loop.
    """
    # Writing forces the disk, which can take long; other tasks go on meanwhile.
    loop = asyncio.get_running_loop()
    writing = loop.run_in_executor(threads, store.write, query.digest, part)
    try:
        await asyncio.shield(writing)
    except asyncio.CancelledError:
        with suppress(GcbatchError):  # the error that ends the run is reported already
            await asyncio.shield(writing)
        raise
