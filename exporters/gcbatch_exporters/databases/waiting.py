"""Waits a while for another process that has the database, and ends a wait."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread
from typing import Final

from gcbatch.errors import OutputError

__all__ = ["MAX_WAIT_S", "attempts", "cancelling"]

MAX_WAIT_S: Final = 30.0
"""How long a load waits for others that read or write a database file."""

PAUSE_S: Final = 0.2


def attempts(is_stopped: Callable[[], bool], *, may_wait: bool) -> Iterator[bool]:
    """Yield for each try whether it is the last.

    Args:
        is_stopped: Says whether the run should end.
        may_wait: Whether there is more than one try.

    Raises:
        OutputError: If the run ends meanwhile.
    """
    end = time.monotonic() + (MAX_WAIT_S if may_wait else 0)
    while time.monotonic() < end:
        yield False
        if is_stopped():
            msg = "the run was ended while it waited for a database"
            raise OutputError(msg)
        time.sleep(PAUSE_S)
    yield True


@contextmanager
def cancelling(
    cancel: Callable[[], None], is_stopped: Callable[[], bool]
) -> Iterator[None]:
    """Cancel what a driver waits for within the block, once the run should end.

    Args:
        cancel: Ends what the driver does at this moment, from another thread. It is
            called again and again: a statement may have begun just after it.
        is_stopped: Says whether the run should end.
    """
    is_over = Event()

    def watch() -> None:
        while not is_over.wait(PAUSE_S):
            if is_stopped():
                with suppress(Exception):  # the wait ends later then, as without it
                    cancel()

    watcher = Thread(target=watch, name="gcbatch-cancel", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        is_over.set()
        watcher.join()
