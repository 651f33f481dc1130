"""Files that are there whole or not at all: written aside, then put in place."""

import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

__all__ = ["Sync", "create_beside", "replace_whole", "sync_folder"]

Sync = Callable[[int], None]
"""Forces what an open file or folder holds to disk, such as os.fsync."""


def create_beside(path: Path) -> Path:
    """Create an empty, hidden file in the folder of *path*, and return its path.

    It has the rights that the user's umask gives; folders on the way are made.

    Raises:
        OSError: If it cannot be made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # A name has at most 255 bytes, of which a letter may take four.
    beside = path.with_name(f".{path.name[:40]}.{secrets.token_hex(6)}.part")
    os.close(os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    return beside


def replace_whole(path: Path, fill: Callable[[Path], object], *, sync: Sync) -> None:
    """Make *path* the file that *fill* writes, replacing what was there by one rename.

    Args:
        path: Of the file.
        fill: Writes into an empty file beside it.
        sync: Forces it to disk before it takes its place.

    Raises:
        OSError: If it cannot be written; what was there stays.
    """
    beside = create_beside(path)
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


def sync_folder(folder: Path, *, sync: Sync) -> None:
    """Force a folder's renames to disk, where the system can open a folder."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            sync(handle)
        finally:
            os.close(handle)
