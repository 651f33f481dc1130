"""Hidden folders in which outputs are written before they take their place.

A draft folder holds a locked file for as long as its run goes on. The system lets go
of the lock when the run ends, be it by a kill: so the next run knows which folders are
left over, and removes them, and none of a run under way at the same time.
"""

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Self

from gcbatch.atomic_files import hidden_beside
from gcbatch.locks import is_free

__all__ = ["DraftFolders", "remove_leftovers"]

_LOCK: Final = "lock"
_ENDS: Final = ".part"
_DRAFT: Final = re.compile(r"[0-9]+\.part")
_MOST_TRIES: Final = 10
"""A folder may be taken for a leftover in the moment before it is locked."""

LEFTOVER_AGE: Final = timedelta(days=1)
"""No export takes so long. Counts only where the disk knows no locks."""


class DraftFolders:
    """A hidden folder for files on their way, known as one in use until it is closed.

    Args:
        folder: Where it is.
        lock: Handle of its locked file.
    """

    def __init__(self, folder: Path, lock: int) -> None:
        self._folder = folder
        self._lock = lock
        self._made = 0

    @classmethod
    def beside(cls, path: Path) -> Self:
        """Make one in the folder of *path*, which is there.

        Raises:
            OSError: If it cannot be made.
        """
        for _ in range(_MOST_TRIES):
            folder = hidden_beside(path)
            folder.mkdir()
            lock = folder / _LOCK
            try:
                handle = os.open(lock, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o666)
            except OSError:
                _remove(folder)  # without a lock nobody would for a day
                raise
            if _is_ours(handle, lock):
                return cls(folder, handle)
            os.close(handle)
        msg = f"{path}: another program takes the files that are made here"
        raise OSError(msg)

    def create(self) -> Path:
        """Return the path of a new, empty file in it.

        Raises:
            OSError: If it cannot be made.
        """
        path = self._folder / f"{self._made}.part"
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        self._made += 1
        return path

    def close(self) -> None:
        """Remove it, with what is still in it."""
        os.close(self._lock)  # first, for Windows removes no open file
        _remove(self._folder)


def _is_ours(handle: int, lock: Path) -> bool:
    try:
        # Whoever took it for a leftover removed it, though we have it open.
        return is_free(handle) and os.path.samestat(os.fstat(handle), lock.stat())
    except FileNotFoundError:
        return False
    except OSError:
        return True  # no locks here: age tells then


def remove_leftovers(path: Path) -> None:
    """Remove what killed runs left beside *path* of an output that was to be there.

    Nothing of a run under way is touched, and nothing that gcbatch did not name.
    """
    name = re.escape(path.name[:40])
    pattern = re.compile(rf"\.{name}\.[0-9a-f]{{12}}\.part")
    for found in _entries(path.parent):
        if not pattern.fullmatch(found.name) or found.is_symlink():
            continue
        if found.is_dir():
            if _is_left(found):
                _remove(found)
        elif found.is_file():  # older releases wrote it; they had no folder
            with suppress(OSError):
                found.unlink()


def _is_left(folder: Path) -> bool:
    """Say whether the run that made a folder of drafts is over."""
    try:
        handle = os.open(folder / _LOCK, os.O_RDWR)
    except OSError:
        return _is_old(folder)  # in this moment it is made, or removed
    try:
        return is_free(handle)
    except OSError:
        return _is_old(folder)
    finally:
        os.close(handle)


def _is_old(path: Path) -> bool:
    try:
        written = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except OSError:
        return False
    return datetime.now(UTC) - written > LEFTOVER_AGE


def _remove(folder: Path) -> None:
    drafts = [path for path in _entries(folder) if _DRAFT.fullmatch(path.name)]
    for path in (*drafts, folder / _LOCK):
        with suppress(OSError):
            path.unlink(missing_ok=True)
    with suppress(OSError):  # rmdir refuses one that has something in it
        folder.rmdir()


def _entries(folder: Path) -> Iterator[Path]:
    """Yield what in a folder has a name as gcbatch gives it on the way."""
    with suppress(OSError):
        # It may have thousands, and is looked into for each: few become a Path.
        names = [e.name for e in os.scandir(folder) if e.name.endswith(_ENDS)]
        yield from [folder / name for name in names]
