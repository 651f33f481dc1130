"""Atomic writes of files, and reads that always end."""

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
    "read_bounded_text",
    "sync_folder",
    "to_disk",
    "write_atomically",
]

Sync = Callable[[int], None]
"""Forces the content of an open file or folder to disk, such as os.fsync."""


def open_regular(path: Path) -> BufferedReader:
    """Open a regular file for reading; a link is followed.

    Opening a pipe would wait, and reading a device may never end.

    Raises:
        OSError: If it cannot be opened, or is no regular file.
    """
    kind = path.stat().st_mode
    if stat.S_ISDIR(kind):
        raise IsADirectoryError(errno.EISDIR, "a folder", str(path))
    if not stat.S_ISREG(kind):
        raise OSError(errno.EINVAL, "no regular file", str(path))
    # The check comes first: opening alone would wait for a pipe, or wake a device.
    return path.open("rb")


def read_bounded(path: Path, max_bytes: int) -> bytes:
    """Return the content of a regular file of at most *max_bytes*.

    Raises:
        OSError: If it cannot be read, is no regular file, or is longer.
    """
    with open_regular(path) as file:
        content = file.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise OSError(errno.EFBIG, f"longer than {max_bytes:,} bytes", str(path))
    return content


def read_bounded_text(path: Path, max_bytes: int) -> str:
    """Return the text of a regular file of at most *max_bytes*.

    Raises:
        OSError: If it cannot be read, is no regular file, is longer, or is not UTF-8.
    """
    with suppress(UnicodeDecodeError):
        return read_bounded(path, max_bytes).decode("utf-8-sig")
    # Raised out here, because the error of decoding holds what was read.
    raise OSError(errno.EILSEQ, "not UTF-8", str(path))


def hidden_beside(path: Path) -> Path:
    """Return an unused, hidden path beside *path* that ends with `.part`."""
    # A name may have 255 bytes, and a letter may take four of them.
    return path.with_name(f".{path.name[:40]}.{secrets.token_hex(6)}.part")


def create_temp_beside(path: Path) -> Path:
    """Create an empty, hidden file in the folder of *path*, and return its path.

    It has the rights that the user's umask gives; missing folders are created.

    Raises:
        OSError: If it cannot be created.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = hidden_beside(path)
    os.close(os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    return beside


def write_atomically(path: Path, fill: Callable[[Path], object], *, sync: Sync) -> None:
    """Let *fill* write a file beside *path*, sync it, then rename it to *path*.

    Raises:
        OSError: If it cannot be written; the previous file stays.
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
    """Force the content of an open file or folder to disk."""
    os.fsync(handle)


def sync_folder(folder: Path, *, sync: Sync) -> None:
    """Force the renames in a folder to disk, if the system can open folders."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            sync(handle)
        finally:
            os.close(handle)
