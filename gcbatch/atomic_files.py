"""Files that are there whole or not at all; and reading none that never ends."""

import errno
import os
import secrets
import stat
from collections.abc import Callable
from contextlib import suppress
from io import BufferedReader
from pathlib import Path

__all__ = [
    "Sync",
    "create_temp_beside",
    "hidden_beside",
    "open_regular",
    "read_bounded",
    "sync_folder",
    "to_disk",
    "write_atomically",
]

Sync = Callable[[int], None]
"""Forces what an open file or folder holds to disk, such as os.fsync."""


def open_regular(path: Path) -> BufferedReader:
    """Open a regular file for reading; a link is followed.

    A pipe would be waited for, and a device may never end.

    Raises:
        OSError: If it cannot be opened, or is no regular file.
    """
    kind = path.stat().st_mode
    if stat.S_ISDIR(kind):
        raise IsADirectoryError(errno.EISDIR, "a folder", str(path))
    if not stat.S_ISREG(kind):
        raise OSError(errno.EINVAL, "no regular file", str(path))
    # Not opened first: that alone would wait for a pipe, or wake a device.
    return path.open("rb")


def read_bounded(path: Path, most: int) -> bytes:
    """Return what a regular file holds.

    Args:
        path: Of the file.
        most: Bytes that it may have.

    Raises:
        OSError: If it cannot be read, is no regular file, or is longer.
    """
    with open_regular(path) as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise OSError(errno.EFBIG, f"longer than {most:,} bytes", str(path))
    return content


def hidden_beside(path: Path) -> Path:
    """Return a name in the folder of *path* that nothing else has.

    It begins with a dot and ends with `.part`.
    """
    # A name has at most 255 bytes, of which a letter may take four.
    return path.with_name(f".{path.name[:40]}.{secrets.token_hex(6)}.part")


def create_temp_beside(path: Path) -> Path:
    """Create an empty, hidden file in the folder of *path*, and return its path.

    It has the rights that the user's umask gives; folders on the way are made.

    Raises:
        OSError: If it cannot be made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = hidden_beside(path)
    os.close(os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    return beside


def write_atomically(path: Path, fill: Callable[[Path], object], *, sync: Sync) -> None:
    """Make *path* the file that *fill* writes, replacing what was there by one rename.

    Args:
        path: Of the file.
        fill: Writes into an empty file beside it.
        sync: Forces it to disk before it takes its place.

    Raises:
        OSError: If it cannot be written; what was there stays.
    """
    beside = create_temp_beside(path)
    try:
        fill(beside)
        with beside.open("rb+") as file:
            sync(file.fileno())
        beside.replace(path)
    except BaseException:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
        raise
    sync_folder(path.parent, sync=sync)


def to_disk(handle: int) -> None:
    """Force what an open file or folder holds to disk."""
    os.fsync(handle)


def sync_folder(folder: Path, *, sync: Sync) -> None:
    """Force a folder's renames to disk, where the system can open a folder."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            sync(handle)
        finally:
            os.close(handle)
