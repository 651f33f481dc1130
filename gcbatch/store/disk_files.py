"""The files of jobs on a disk: a folder for each job."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG
from typing import Any

from gcbatch.atomic_files import (
    Sync,
    create_temp_beside,
    open_regular,
    write_atomically,
)
from gcbatch.errors import OutputError
from gcbatch.locks import hold_folder
from gcbatch.store.job_files import (
    CHANGES,
    PARTS,
    FileEntry,
    OpenedFile,
    part_name,
)
from gcbatch.store.part_file import stamp_of

__all__ = ["DiskJobFiles", "DiskRoot"]


class DiskJobFiles:
    """The files of one job in its folder; see JobFiles.

    Args:
        folder: The folder of the job.
        sync: Forces a file or folder to disk.
    """

    own_notes = ()
    index = None

    def __init__(self, folder: Path, sync: Sync) -> None:
        self._folder = folder
        self._sync = sync
        self._prefix = f"{folder}{os.sep}"
        self.work_folder = folder / PARTS

    @property
    def place(self) -> str:
        """The folder."""
        return str(self._folder)

    def place_of(self, name: str) -> str:
        """Return the path of a file."""
        return str(self._folder / name)

    def exists(self) -> bool:
        """Return whether the folder exists."""
        return self._folder.is_dir()

    def stamp(self, name: str) -> bytes | None:
        """Return what identifies a file in its present state; None if it is missing."""
        try:
            return stamp_of(os.stat(self._prefix + name))  # noqa: PTH116 - asked of every part, five times
        except OSError:
            return None

    def look_again(self, names: Sequence[str]) -> None:
        """Do nothing: a file is looked at whenever it is asked for."""

    def expect(self, digests: Iterable[str]) -> None:
        """Do nothing: the system reads ahead."""

    @contextmanager
    def footer_file(self, name: str) -> Iterator[Any]:
        """Open a Parquet file for its footer."""
        with open_regular(self._folder / name) as file:
            yield file

    @contextmanager
    def open(self, name: str) -> Iterator[OpenedFile]:
        """Open a regular file for reading."""
        with open_regular(self._folder / name) as file:
            stamp = stamp_of(os.fstat(file.fileno()))
            yield OpenedFile(file, stamp, stamp)

    def drop_copy(self, name: str, opened: OpenedFile) -> bool:  # noqa: ARG002 - of JobFiles
        """Return False: what was opened is the file itself."""
        return False

    def write(self, name: str, fill: Callable[[Path], object]) -> None:
        """Write a file by *fill*, whole or not at all."""
        write_atomically(self._folder / name, fill, sync=self._sync)

    def write_if(
        self, name: str, fill: Callable[[Path], object], stamp: bytes | None
    ) -> bool:
        """Write a file if it still has this stamp, with a lock on the folder."""
        self._folder.mkdir(parents=True, exist_ok=True)
        lock = hold_folder(self._folder)
        try:
            if self.stamp(name) != stamp:
                return False
            self.write(name, fill)
        finally:
            if lock is not None:
                os.close(lock)
        return True

    def read_note(self, name: str) -> bytes:
        """Return the content of a regular file."""
        with open_regular(self._folder / name) as file:
            return file.read()

    def write_note(self, name: str, content: bytes) -> None:
        """Write a file, whole or not at all."""
        self.write(name, lambda path: path.write_bytes(content))

    def discard(self, name: str) -> bool:
        """Remove a file; return whether there was one."""
        try:
            (self._folder / name).unlink()
        except FileNotFoundError:
            return False
        return True

    def discard_all(self, names: Sequence[str]) -> list[str]:
        """Remove files, one after another; return those that there were."""
        return [name for name in names if self.discard(name)]

    def discard_if(self, name: str, stamp: bytes) -> bool:
        """Remove a file if it still has this stamp; return whether it had."""
        return self.stamp(name) == stamp and self.discard(name)

    def names(self, prefix: str) -> Iterable[str]:
        """Return the names of the regular files in a folder of the job."""
        return [entry.name for entry in self.entries(prefix)]

    def entries(self, prefix: str = "") -> Iterator[FileEntry]:
        """Yield the regular files of the job, or in a folder of it, by name."""
        for folder in (prefix,) if prefix else ("", CHANGES, PARTS):
            for path in _within(self._folder / folder):
                try:
                    found = path.lstat()
                except FileNotFoundError:  # another run has removed it
                    continue
                if S_ISREG(found.st_mode):
                    name = f"{folder}{path.name}"
                    yield FileEntry(name, found.st_size, found.st_mtime)

    def prepare(self) -> None:
        """Create the folders, and a file among the parts."""
        create_temp_beside(self._folder / part_name("probe")).unlink()


@dataclass(frozen=True)
class DiskRoot:
    """A store in a folder; see StoreRoot.

    Args:
        folder: The folder that a job file calls `fetch.store`.
        sync: Forces a file or folder to disk.
    """

    folder: Path
    sync: Sync

    @property
    def place(self) -> str:
        """The folder."""
        return str(self.folder)

    def files(self, job: str) -> DiskJobFiles:
        """Return the files of a job."""
        return DiskJobFiles(self.folder / job, self.sync)

    def job_names(self, notes: Sequence[str]) -> list[str]:
        """Return the names of the folders with parts, or one of *notes*; sorted."""
        if not self.folder.is_dir():
            msg = f"{self.folder}: holds no store"
            raise OutputError(
                msg, hint="a run makes it; or name the folder of `fetch.store`"
            )
        # The store itself may be a link, which is followed: the user named it.
        return [
            folder.name
            for folder in _within(self.folder.resolve())
            if _is_folder(folder)
            and (
                _is_folder(folder / PARTS)
                or any(_is_file(folder / name) for name in notes)
            )
        ]

    def remove_empty(self, job: str) -> None:
        """Remove the folders of a job that has no files."""
        for empty in (CHANGES, PARTS, ""):
            with suppress(OSError):  # rmdir refuses a folder that is not empty
                (self.folder / job / empty).rmdir()


def _within(folder: Path) -> Iterator[Path]:
    """Yield what is in a folder, by name; nothing if it is a link or missing.

    Raises:
        OutputError: If it cannot be read.
    """
    if not _is_folder(folder):
        return iter(())
    try:
        # A path takes five times the memory of its name.
        names = sorted(entry.name for entry in os.scandir(folder))
    except OSError as exc:
        msg = f"{folder}: cannot be read: {exc.strerror}"
        raise OutputError(msg, hint="check the permissions of the store") from exc
    return map(folder.joinpath, names)


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _is_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()
