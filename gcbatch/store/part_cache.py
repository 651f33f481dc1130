"""Copies of objects on this machine's disk, bounded; the least recently used go first.

Jobs and processes may share the folder. A copy is put in place by a rename, and one
that is open stays readable when another process removes it. Its name has hashes of the
object's address and ETag, so that it is never taken for another content.
"""

import os
import secrets
import sys
import time
from collections.abc import Collection, Iterator
from contextlib import suppress
from hashlib import sha256
from io import BufferedReader
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from threading import Lock
from typing import Final
from weakref import finalize

from gcbatch.store.cache_settings import CacheSettings

__all__ = ["PartCache"]

TOUCH_S: Final = 600.0
"""A copy that is used counts as used now if it was not for ten minutes. Any change of a
file's times makes its bytes count as unverified, so not at each use."""

DRAFT_S: Final = 86_400.0
"""No download takes a day: an older draft is what a killed process left."""

KEPT: Final = 0.9
"""Part of the bound that stays when copies are removed: not each new one lists all."""

_SUFFIX: Final = ".copy"
_DRAFT: Final = ".draft"


class PartCache:
    """Copies of objects; several threads may use it.

    Args:
        settings: Where and how many.
    """

    def __init__(self, settings: CacheSettings | None = None) -> None:
        self._settings = settings or CacheSettings()
        self._lock = Lock()
        self._folder: Path | None = None
        self._size = 0

    @property
    def folder(self) -> Path:
        """The folder, which only the user may read: parts hold personal data.

        Raises:
            OSError: If it cannot be created.
        """
        with self._lock:
            if self._folder is None:
                self._folder = self._create()
                self._size = sum(size for _, size, _ in _copies(self._folder))
            return self._folder

    @property
    def max_bytes(self) -> int:
        """The most that the copies take."""
        return self._settings.max_bytes

    def _create(self) -> Path:
        if self._settings.folder is None:
            folder = mkdtemp(prefix="gcbatch-")
            finalize(self, rmtree, folder, ignore_errors=True)
            return Path(folder)
        self._settings.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self._settings.folder

    @staticmethod
    def name_of(address: str, etag: str) -> str:
        """Return the name of the copy of an object."""
        return f"{_hash(address)}-{_hash(etag)}{_SUFFIX}"

    def draft(self) -> Path:
        """Return a new, empty file, which only the user may read.

        Raises:
            OSError: If it cannot be created.
        """
        path = self.folder / f"{secrets.token_hex(12)}{_DRAFT}"
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        return path

    def has(self, name: str) -> bool:
        """Return whether there is a copy."""
        return (self.folder / name).exists()

    def open(self, name: str, size: int) -> BufferedReader | None:
        """Open a copy; None if there is none of this size.

        Copies are not forced to disk: after a power failure one may be cut off.
        """
        path = self.folder / name
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > TOUCH_S:
                os.utime(path)
        try:
            file = path.open("rb")
        except FileNotFoundError:
            return None
        if os.fstat(file.fileno()).st_size == size:
            return file
        file.close()
        self.drop(name)
        return None

    def keep(self, draft: Path, name: str) -> BufferedReader:
        """Make a draft the copy of an object, and remove what is too much.

        Returns:
            The open copy, which other processes may have removed by now.

        Raises:
            OSError: If it cannot be renamed or opened.
        """
        size = draft.stat().st_size
        folder, is_windows = self.folder, sys.platform == "win32"
        # Windows renames no file that is open, nor does it remove one.
        file = None if is_windows else draft.open("rb")
        try:
            with self._lock:
                self._make_room(folder, size)
                draft.replace(folder / name)
                self._size += size
            return file or (folder / name).open("rb")
        except BaseException:
            if file is not None:
                file.close()
            raise

    def _make_room(self, folder: Path, size: int) -> None:
        """Remove copies until another of this size fits; it need not fit alone."""
        if self._size + size > self._settings.max_bytes:
            self._size = self._trim(folder, self._settings.max_bytes * KEPT - size)

    def drop(self, name: str) -> None:
        """Remove a copy, if there is one."""
        with suppress(OSError):
            (self.folder / name).unlink()

    def drop_all(self, addresses: Collection[str]) -> None:
        """Remove the copies of objects, also those of what they were earlier.

        Raises:
            OSError: If the folder cannot be read.
        """
        begins = {_hash(address) for address in addresses}
        for _, _, path in _copies(self.folder):
            if path.name.partition("-")[0] in begins:
                with suppress(OSError):  # Windows removes none that is open
                    path.unlink()

    def _trim(self, folder: Path, kept: float) -> int:
        """Remove the least recently used copies; return the bytes of the others."""
        for path in folder.glob(f"*{_DRAFT}"):
            with suppress(OSError):
                if time.time() - path.stat().st_mtime > DRAFT_S:
                    path.unlink()
        found = sorted(_copies(folder))
        size = sum(size for _, size, _ in found)
        for _, bytes_, path in found:
            if size <= kept:
                break
            with suppress(OSError):  # Windows removes none that is open
                path.unlink()
                size -= bytes_
        return size


def _hash(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:32]


def _copies(folder: Path) -> Iterator[tuple[float, int, Path]]:
    """Yield when each copy was last used, its bytes and its path."""
    for path in folder.glob(f"*{_SUFFIX}"):
        with suppress(OSError):
            found = path.stat()
            yield found.st_mtime, found.st_size, path
