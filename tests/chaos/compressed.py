"""A loop whose time is compressed, and exact about it.

Client and simulator share the loop and talk over a real socket. Its clock jumps to the
next appointment when nothing else can happen: no task is ready, no thread at work, no
byte on its way.
"""

import asyncio
import selectors
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any, TypeVar, TypeVarTuple

__all__ = ["CompressedLoop", "HangError", "compressed"]

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

GRACE_S = 0.002
"""How long a byte may take over loopback before the clock jumps."""

THREAD_S = 0.05
"""How long a thread at work is waited for at a time."""


class HangError(BaseException):
    """Something takes longer than it may; no handler of errors may swallow it."""


class _Selector(selectors.DefaultSelector):
    """Waits for real events alone, and reports how much it did not wait.

    Attributes:
        skipped_s: What was not waited.
        turns: How often the loop came round.
        at_work: Calls that threads of the loop are busy with.
        on_turn: Is called every time, with the number of the turn.
        deadline: When the real time is over, by time.monotonic.
    """

    def __init__(self) -> None:
        super().__init__()
        self.skipped_s = 0.0
        self.turns = 0
        self.at_work = 0
        self.on_turn: Callable[[int], None] = lambda _: None
        self.deadline = float("inf")

    def select(self, timeout: float | None = None) -> Any:
        self.turns += 1
        self.on_turn(self.turns)
        if time.monotonic() > self.deadline:
            raise HangError
        if timeout is not None and timeout <= 0:
            return super().select(timeout)
        if self.at_work:
            return super().select(min(timeout or THREAD_S, THREAD_S))
        events = super().select(GRACE_S)
        if not events and timeout is not None and not self.at_work:
            self.skipped_s += timeout
        return events


class CompressedLoop(asyncio.SelectorEventLoop):
    """See the module."""

    def __init__(self) -> None:
        self.selector = _Selector()
        self._guard = threading.Lock()
        super().__init__(self.selector)
        self._threads = ThreadPoolExecutor()
        self.set_default_executor(self._threads)

    def time(self) -> float:
        return super().time() + self.selector.skipped_s

    def run_in_executor(
        self, _: Executor | None, func: Callable[[*Ts], T], *args: *Ts
    ) -> asyncio.Future[T]:
        self._count(1)
        at_work = self._threads.submit(func, *args)
        # Of the call itself: it goes on when whoever waits for it is cancelled.
        at_work.add_done_callback(lambda _: self._count(-1))
        return asyncio.wrap_future(at_work, loop=self)

    async def shutdown_default_executor(self, *_: object) -> None:
        """Wait for threads without a limit: they do not follow this clock."""
        await super().shutdown_default_executor()

    async def idle(self) -> None:
        """Wait until no thread is at work; a cancelled task does not end its own."""
        while self.selector.at_work:  # noqa: ASYNC110 - threads report no end
            await asyncio.sleep(0)

    def _count(self, change: int) -> None:
        with self._guard:
            self.selector.at_work += change


def compressed(
    work: Callable[[CompressedLoop], Coroutine[Any, Any, T]], *, real_s: float
) -> T:
    """Run *work* in compressed time.

    Args:
        work: Is given its loop.
        real_s: How long that may take in real time.

    Raises:
        HangError: If it takes longer.
    """
    with asyncio.Runner(loop_factory=CompressedLoop) as runner:
        loop = runner.get_loop()
        assert isinstance(loop, CompressedLoop)
        loop.selector.deadline = time.monotonic() + real_s
        return runner.run(work(loop))
