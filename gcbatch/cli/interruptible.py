"""Long work of another thread, which Ctrl-C ends."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event
from typing import Final, ParamSpec, TypeVar

__all__ = ["Interruptible"]

T = TypeVar("T")
P = ParamSpec("P")

_WAIT_S: Final = 0.2
"""Between two looks at the work; on Windows, Ctrl-C waits for the next."""


class Interruptible:
    """Calls functions that end soon after *stop* is set.

    Attributes:
        stop: Set by Ctrl-C; cleared before the next call.
    """

    def __init__(self) -> None:
        self.stop = Event()
        self._pool = ThreadPoolExecutor(max_workers=1)
        self._end_of_work()  # its thread is there now

    def call(self, work: Callable[P, T], /, *args: P.args, **options: P.kwargs) -> T:
        """Return what *work* returns.

        Raises:
            KeyboardInterrupt: After Ctrl-C, once the work has ended.
        """
        self.stop.clear()
        try:
            return _result(self._pool.submit(work, *args, **options))
        except KeyboardInterrupt:
            self.stop.set()
            self._end_of_work()
            raise

    def _end_of_work(self) -> None:
        """Wait until the one thread has done all that it was given."""
        self._pool.submit(int).result()


def _result(future: "Future[T]") -> T:
    while True:
        try:
            return future.result(timeout=_WAIT_S)
        except TimeoutError:
            if future.done():
                raise
