"""Bounds the memory of large answers: one is decoded while the next is received.

An answer of nine megabytes takes 45 MB while it is decoded, and eight of them in as
many threads made a run peak at 400 MB. The interpreter decodes one at a time anyway, so
nothing is lost if the others wait in their sockets: the same run took a fifth less CPU.
One thread decodes them all, because memory that a thread has used stays with it.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Final, TypeVar

__all__ = ["DecodeGate", "DecodeSlot"]

T = TypeVar("T")

LARGE: Final = 1 << 20
"""Bytes from which on an answer counts as large. Pages of details stay below: threads
would take a tenth more time for them, and memory of their own."""

AT_ONCE: Final = 2
"""Large answers in memory: one that is decoded, and one that comes. An answer that
stops in the middle blocks the next ones only together with another such answer."""


class DecodeSlot:
    """The place of one exchange at the gate.

    Args:
        large: Held while a large answer is received and decoded.
        thread: Decodes large answers.
    """

    def __init__(self, large: asyncio.Semaphore, thread: ThreadPoolExecutor) -> None:
        self._large = large
        self._thread = thread
        self._is_held = False

    def grow(self, size: int) -> Awaitable[None] | None:
        """Return a wait before more of an answer may come; None if it need not wait."""
        return self._hold() if size > LARGE and not self._is_held else None

    async def _hold(self) -> None:
        await self._large.acquire()
        self._is_held = True

    async def decode(self, decode: Callable[[bytes], T], body: bytes) -> T:
        """Decode an answer; a large one in a thread, so that the loop goes on.

        Raises:
            Exception: What *decode* raises.
        """
        if not self._is_held:
            return decode(body)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, decode, body)

    def release(self) -> None:
        """Let the next large answer begin."""
        if self._is_held:
            self._is_held = False
            self._large.release()


class DecodeGate:
    """Bounds the large answers in memory, for all orgs of a process."""

    def __init__(self) -> None:
        self._large = asyncio.Semaphore(AT_ONCE)
        self._thread = ThreadPoolExecutor(max_workers=1)

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[DecodeSlot]:
        """Yield the slot of one exchange; its answer must be dropped afterwards."""
        slot = DecodeSlot(self._large, self._thread)
        try:
            yield slot
        finally:
            slot.release()
