"""Waits a while for another process that has the database."""

import time
from collections.abc import Callable, Iterator
from typing import Final

from gcbatch.errors import OutputError

__all__ = ["MAX_WAIT_S", "attempts"]

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
