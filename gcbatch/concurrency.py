"""Bounded concurrency: works on many items at once, and raises one problem."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from gcbatch.errors import GcbatchError

__all__ = ["for_each"]

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
