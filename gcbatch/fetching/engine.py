"""Who fetches: this process, or the workers of a cluster."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from gcbatch.concurrency import for_each
from gcbatch.endpoints import Endpoint, FetchContext
from gcbatch.errors import GcbatchError
from gcbatch.fetching.observer import Observer
from gcbatch.genesys.client import ClientConfig, OrgClient
from gcbatch.query import Query
from gcbatch.store import PartSource, Store

__all__ = ["Engine", "FetchWork", "LocalEngine", "fetch_parts"]


@dataclass(frozen=True)
class FetchWork:
    """Queries of one org that are to be fetched.

    Args:
        org: Tells it from other orgs of the run.
        endpoint: Whom to ask.
        desk: What there is to ask with.
        access: The way to the org.
        connection: How that was opened.
        queries: In the order to ask them.
        observer: Is told of every part.
        tolerate: Says of a query that failed whether to go on with the others.
    """

    org: str
    endpoint: Endpoint
    desk: FetchContext
    access: OrgClient
    connection: ClientConfig
    queries: Sequence[Query]
    observer: Observer
    tolerate: Callable[[Query, GcbatchError], bool]


class Engine(Protocol):
    """Fetches queries and stores their parts."""

    async def fetch(self, work: FetchWork) -> Counter[str]:
        """Fetch queries; the first failure that is not tolerated stops the rest.

        Returns:
            What the reader of the run should know, how often it was so.

        Raises:
            GcbatchError: The first problem.
        """
        ...


class LocalEngine:
    """Fetches in this process."""

    async def fetch(self, work: FetchWork) -> Counter[str]:
        """Fetch queries; see Engine."""
        asker = work.endpoint.asker(work.desk)
        await fetch_parts(
            work.queries,
            asker.ask,
            work.desk.store,
            concurrency=work.desk.fetch.concurrency,
            observer=work.observer,
            tolerate=work.tolerate,
        )
        return asker.remarks()


async def fetch_parts(
    queries: Iterable[Query],
    ask: Callable[[Query], Awaitable[PartSource]],
    store: Store,
    *,
    concurrency: int,
    observer: Observer,
    tolerate: Callable[[Query, GcbatchError], bool] = lambda _query, _problem: False,
) -> None:
    """Ask every query and store its part.

    The first failure that is not tolerated stops the rest: what has come by then is
    stored, and the next run asks only for what is missing.

    Args:
        queries: In the order to ask them.
        ask: Asks one.
        store: Where parts go.
        concurrency: Queries in flight; a slot is held until its part is stored.
        observer: Is told of every part.
        tolerate: Says of a query that failed whether to go on with the others.

    Raises:
        GcbatchError: The first problem, not the group that TaskGroup wraps it in.
    """

    async def one(query: Query) -> None:
        try:
            part = await ask(query)
        except GcbatchError as exc:
            if not tolerate(query, exc):
                raise
            return
        await _put(store, query, part)
        observer.fetched(query, part.metadata.rows)

    await for_each(queries, one, at_once=concurrency)


async def _put(store: Store, query: Query, part: PartSource) -> None:
    """Write a part to its end, also where that is called off meanwhile."""
    # Writing forces the disk, which may take long; the loop goes on meanwhile.
    writing = asyncio.create_task(asyncio.to_thread(store.write, query.digest, part))
    try:
        await asyncio.shield(writing)
    except asyncio.CancelledError:
        with suppress(GcbatchError):  # what ends the run is told already
            await writing
        raise
