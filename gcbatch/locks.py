"""Locks that the system holds for a process, and lets go of when it ends."""

import errno
import os
import sys
import time
from pathlib import Path
from threading import Event
from typing import Final

__all__ = ["LockedError", "hold_folder", "is_free"]

LONGEST_WAIT_S: Final = 600.0
"""For another run to publish; that takes seconds, on a slow disk with thousands of
partitions some minutes."""

_PAUSE_S: Final = 0.05


class LockedError(OSError):
    """Another process holds a lock for longer than anybody waits."""


def is_free(handle: int) -> bool:
    """Lock an open file or folder, if nobody else holds it.

    Args:
        handle: Of the file; the lock is gone once it is closed, however that happens.

    Returns:
        Whether it is ours now; false while another has it.

    Raises:
        OSError: If the system or the disk knows no such locks.
    """
    if sys.platform == "win32":
        raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))
    import fcntl  # noqa: PLC0415 - not on Windows

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def hold_folder(
    folder: Path, *, longest_wait_s: float = LONGEST_WAIT_S, stop: Event | None = None
) -> int | None:
    """Lock a folder, waiting for whoever has it.

    Args:
        folder: It gets no file for this.
        longest_wait_s: Seconds after which to give up.
        stop: Once set, nobody waits any more.

    Returns:
        What to close to let go of it; None where the system or the disk knows no such
        locks.

    Raises:
        LockedError: If somebody has it for longer, or when *stop* is set.
        FileNotFoundError: If it is not there, or was removed while it was waited for.
    """
    try:
        handle = os.open(folder, os.O_RDONLY)
    except FileNotFoundError:
        raise
    except OSError:  # Windows opens no folders
        return None
    try:
        _wait_for(handle, folder, longest_wait_s, stop or Event())
    except BaseException as exc:
        os.close(handle)
        if isinstance(exc, OSError) and not isinstance(exc, LockedError):
            return None
        raise
    if _is_at(handle, folder):
        return handle
    os.close(handle)
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(folder))


def _is_at(handle: int, folder: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), folder.stat())
    except OSError:
        return False


def _wait_for(handle: int, folder: Path, longest_wait_s: float, stop: Event) -> None:
    until = time.monotonic() + longest_wait_s
    while not is_free(handle):
        if stop.wait(_PAUSE_S) or time.monotonic() > until:
            msg = "another run is writing into it"
            raise LockedError(errno.EWOULDBLOCK, msg, str(folder))
