"""Bounded concurrency: many items at once in tasks, one item ahead in a thread."""

import asyncio
from collections.abc import Awaitable, Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from gcbatch.errors import GcbatchError

__all__ = ["for_each", "read_ahead"]

T = TypeVar("T")


async def for_each(
    items: Iterable[T], work: Callable[[T], Awaitable[None]], *, at_once: int
) -> None:
    """Start *work* for every item in order, at most *at_once* at a time.

    The first failure cancels the rest.

    Raises:
        GcbatchError: The first problem, not the group that TaskGroup wraps it in.
    """
    waiting = iter(items)

    async def worker() -> None:
        for item in waiting:
            await work(item)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(at_once):
                group.create_task(worker())
    except ExceptionGroup as failed:
        for problem in failed.exceptions:
            if isinstance(problem, GcbatchError):
                raise problem from failed
        raise


def read_ahead(items: Iterable[T]) -> Generator[T, None, None]:
    """Yield items; while one is used, the next is made in a thread.

    This pays where making an item releases the interpreter.

    Args:
        items: Only one thread at a time uses them.
    """
    making = iter(items)
    end = object()
    with ThreadPoolExecutor(1, "gcbatch-read") as thread:
        coming = thread.submit(next, making, end)
        while (item := coming.result()) is not end:
            coming = thread.submit(next, making, end)
            yield item  # type: ignore[misc] # it is not the end
            del item  # or it would stay in memory while the next is made
