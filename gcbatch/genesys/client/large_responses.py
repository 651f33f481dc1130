"""Room in memory for large answers: one is decoded while the next is received.

An answer of nine megabytes takes 45 while it is decoded, and eight of them in as many
threads made a run peak at 400 MB. As the interpreter decodes one at a time anyway,
nothing is lost where the others wait in their sockets: the same run took a fifth less
CPU. One thread does it all, because what each thread once used stays with it.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Final, TypeVar

__all__ = ["DecodeGate", "DecodeSlot"]

T = TypeVar("T")

LARGE: Final = 1 << 20
"""Bytes of an answer from which on it needs the place. Pages of details stay below:
threads would cost them a tenth more, and memory of their own."""


AT_ONCE: Final = 2
"""Large answers that are there at once: one that is decoded, and one that comes. An
answer that stops in the middle holds up those behind it only together with another."""


class DecodeSlot:
    """What one exchange takes of the room.

    Args:
        large: Is held while the answer is a large one.
        desk: Decodes it.
    """

    def __init__(self, large: asyncio.Semaphore, desk: ThreadPoolExecutor) -> None:
        self._large = large
        self._desk = desk
        self._is_taken = False

    def grow(self, size: int) -> Awaitable[None] | None:
        """Return what is to be waited for before an answer may be larger.

        Args:
            size: Bytes that came so far.

        Returns:
            None where there is nothing to wait for.
        """
        return self._take() if size > LARGE and not self._is_taken else None

    async def _take(self) -> None:
        await self._large.acquire()
        self._is_taken = True

    async def decoded(self, decode: Callable[[bytes], T], body: bytes) -> T:
        """Decode an answer; a large one in a thread, so that the loop keeps its pace.

        Raises:
            Exception: What *decode* raises.
        """
        if not self._is_taken:
            return decode(body)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._desk, decode, body)

    def leave(self) -> None:
        """Let the next large answer in."""
        if self._is_taken:
            self._is_taken = False
            self._large.release()


class DecodeGate:
    """Room for the answers of all orgs that a process asks."""

    def __init__(self) -> None:
        self._large = asyncio.Semaphore(AT_ONCE)
        self._desk = ThreadPoolExecutor(max_workers=1)

    @asynccontextmanager
    async def place(self) -> AsyncIterator[DecodeSlot]:
        """Yield what one exchange needs; the answer is to be let go of inside."""
        place = DecodeSlot(self._large, self._desk)
        try:
            yield place
        finally:
            place.leave()
