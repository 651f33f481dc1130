"""Moments at which files are created and renamed, and what befalls them then.

Python's own audit events report them, in any thread, so that a disk can be full
without a patch of anything.
"""

import errno
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

__all__ = ["at_file", "full_disk", "read_only"]

_watching: list[Callable[[str, tuple[Any, ...]], None]] = []


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    for watcher in _watching:
        watcher(event, arguments)


@cache
def _listen() -> None:
    """Hear of every event; a hook cannot be taken out again."""
    sys.addaudithook(_hear)


@contextmanager
def at_file(
    folder: Path, event: str, nth: int, strike: Callable[[], None]
) -> Iterator[None]:
    """Call *strike* just before an unfinished file is created or put in its place.

    Args:
        folder: Where; what happens elsewhere is left alone.
        event: `open` when it is created, `os.rename` when it is put in its place.
        nth: Which of those moments is the first to be struck; the first is 1. All
            after it are struck too.
        strike: Raises what the system would.
    """
    seen = 0

    def watch(heard: str, arguments: tuple[Any, ...]) -> None:
        nonlocal seen
        if heard != event or not str(arguments[0]).startswith(str(folder)):
            return
        if not str(arguments[0]).endswith(".part"):
            return
        seen += 1
        if seen >= nth:
            strike()

    _listen()
    _watching.append(watch)
    try:
        yield
    finally:
        _watching.remove(watch)


def full_disk() -> None:
    """Fail as on a full disk."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def read_only() -> None:
    """Fail as on a disk that became read-only."""
    raise OSError(errno.EROFS, os.strerror(errno.EROFS))
