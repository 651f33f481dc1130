"""Queries to parts: a bounded number in flight, each stored before the next."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import Protocol

from gcbatch.concurrency import for_each
from gcbatch.errors import GcbatchError
from gcbatch.query import Query
from gcbatch.store import PartSource, Store

__all__ = ["Observer", "Quiet", "fetch_parts"]


class Observer(Protocol):
    """Is told what a run does, while it does it."""

    def planned(self, job: str, total: int, stored: int, per_minute: int) -> None:
        """Learn that *stored* of *total* queries have their part already.

        Args:
            job: The job's name.
            total: Queries of the plan.
            stored: Those of them that need not be asked.
            per_minute: The quota, in requests.
        """
        ...

    def fetched(self, query: Query, rows: int) -> None:
        """Learn that the part of a query is stored."""
        ...

    def paged(self, done: int, due: int) -> None:
        """Learn how many pages of long answers came, and how many are known of."""
        ...

    def waiting(self, seconds: float, cause: str) -> None:
        """Learn that a request waits before it is repeated, and why (`429`)."""
        ...

    def finished(self) -> None:
        """Learn that all parts are there, or that no more will come."""
        ...


class Quiet:
    """An observer that says nothing."""

    def planned(self, job: str, total: int, stored: int, per_minute: int) -> None:
        """Say nothing."""

    def fetched(self, query: Query, rows: int) -> None:
        """Say nothing."""

    def paged(self, done: int, due: int) -> None:
        """Say nothing."""

    def waiting(self, seconds: float, cause: str) -> None:
        """Say nothing."""

    def finished(self) -> None:
        """Say nothing."""


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
        observer.fetched(query, part.account.rows)

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
