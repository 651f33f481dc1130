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

    def call(self, work: Callable[P, T], /, *args: P.args, **options: P.kwargs) -> T:
        """Return what *work* returns.

        Raises:
            KeyboardInterrupt: After Ctrl-C, once the work has ended.
        """
        self.stop.clear()
        with ThreadPoolExecutor(max_workers=1) as pool:
            future = pool.submit(work, *args, **options)
            try:
                return _result(future)
            except KeyboardInterrupt:
                self.stop.set()
                raise


def _result(future: "Future[T]") -> T:
    while True:
        try:
            return future.result(timeout=_WAIT_S)
        except TimeoutError:
            if future.done():
                raise
