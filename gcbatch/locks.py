"""Locks of files and folders, which the system releases when their process ends."""

import errno
import os
import sys
import time
from pathlib import Path
from threading import Event
from typing import Final

__all__ = ["LockedError", "hold_folder", "is_free"]

MAX_WAIT_S: Final = 600.0
"""For another run to publish, which takes seconds; on a slow disk with thousands of
partitions it takes some minutes."""

_PAUSE_S: Final = 0.05


class LockedError(OSError):
    """Another process still held a lock after the longest wait."""


def is_free(handle: int) -> bool:
    """Lock an open file or folder, unless another process holds the lock.

    Closing *handle*, in whatever way, releases the lock.

    Returns:
        Whether it is ours now; false while another process has it.

    Raises:
        OSError: If the system or the disk does not support such locks.
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
    folder: Path, *, max_wait_s: float = MAX_WAIT_S, stop: Event | None = None
) -> int | None:
    """Lock a folder, after waiting for another process that has it.

    Args:
        folder: The folder; no file is created in it.
        max_wait_s: Seconds after which to give up.
        stop: Once set, the wait ends.

    Returns:
        A handle, closing which releases the lock; None if the system or the disk does
        not support such locks.

    Raises:
        LockedError: If another process has it for longer, or *stop* is set.
        FileNotFoundError: If it is missing, or was removed during the wait.
    """
    try:
        handle = os.open(folder, os.O_RDONLY)
    except FileNotFoundError:
        raise
    except OSError:  # Windows opens no folders
        return None
    try:
        _wait_for(handle, folder, max_wait_s, stop or Event())
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


def _wait_for(handle: int, folder: Path, max_wait_s: float, stop: Event) -> None:
    until = time.monotonic() + max_wait_s
    while not is_free(handle):
        if stop.wait(_PAUSE_S) or time.monotonic() > until:
            msg = "another run is writing into it"
            raise LockedError(errno.EWOULDBLOCK, msg, str(folder))
