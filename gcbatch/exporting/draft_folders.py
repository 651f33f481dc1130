"""Hidden folders in which outputs are written before they take their place.

A draft folder holds a file that its run keeps locked. The system releases the lock when
the run ends, even if it is killed. So the next run knows which folders are left over,
and removes them, but none of a run under way.
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
_SUFFIX: Final = ".part"
_DRAFT: Final = re.compile(r"[0-9]+\.part")
_MAX_TRIES: Final = 10
"""Another run may remove a folder as a leftover in the moment before it is locked."""

LEFTOVER_AGE: Final = timedelta(days=1)
"""No export takes so long. Counts only if the disk does not support locks."""


class DraftFolders:
    """A hidden folder for unfinished files, marked as in use until it is closed.

    Args:
        folder: Its path.
        lock: Handle of its locked file.
    """

    def __init__(self, folder: Path, lock: int) -> None:
        self._folder = folder
        self._lock = lock
        self._created = 0

    @classmethod
    def beside(cls, path: Path) -> Self:
        """Create one in the folder of *path*, which exists.

        Raises:
            OSError: If it cannot be created.
        """
        for _ in range(_MAX_TRIES):
            folder = hidden_beside(path)
            folder.mkdir()
            lock = folder / _LOCK
            try:
                handle = os.open(lock, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o666)
            except OSError:
                _remove(folder)  # without a lock it would stay for a day
                raise
            if _is_ours(handle, lock):
                return cls(folder, handle)
            os.close(handle)
        msg = f"{path}: another program takes the files that are created here"
        raise OSError(msg)

    def create(self) -> Path:
        """Return the path of a new, empty file in it.

        Raises:
            OSError: If it cannot be created.
        """
        path = self._folder / f"{self._created}.part"
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        self._created += 1
        return path

    def close(self) -> None:
        """Remove it, with what is still in it."""
        os.close(self._lock)  # first, because Windows removes no open file
        _remove(self._folder)


def _is_ours(handle: int, lock: Path) -> bool:
    try:
        # A run that took it for a leftover may have removed it, though it is open here.
        return is_free(handle) and os.path.samestat(os.fstat(handle), lock.stat())
    except FileNotFoundError:
        return False
    except OSError:
        return True  # no locks here: the age decides


def remove_leftovers(path: Path) -> None:
    """Remove what killed runs left beside *path* when they were writing it.

    Drafts of runs under way stay, and so do files that gcbatch did not name.
    """
    name = re.escape(path.name[:40])
    pattern = re.compile(rf"\.{name}\.[0-9a-f]{{12}}\.part")
    for found in _entries(path.parent):
        if not pattern.fullmatch(found.name) or found.is_symlink():
            continue
        if found.is_dir():
            if _is_left(found):
                _remove(found)
        elif found.is_file():  # older releases wrote files without a folder
            with suppress(OSError):
                found.unlink()


def _is_left(folder: Path) -> bool:
    """Return whether the run that created a draft folder is over."""
    try:
        handle = os.open(folder / _LOCK, os.O_RDWR)
    except OSError:
        return _is_old(folder)  # another run is creating or removing it
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
    with suppress(OSError):  # rmdir refuses a folder that is not empty
        folder.rmdir()


def _entries(folder: Path) -> Iterator[Path]:
    """Yield what is in a folder under a name that ends like a draft's."""
    with suppress(OSError):
        # There may be thousands of entries, for each output: few become a Path.
        names = [e.name for e in os.scandir(folder) if e.name.endswith(_SUFFIX)]
        yield from [folder / name for name in names]
