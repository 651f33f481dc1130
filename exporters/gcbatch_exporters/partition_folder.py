"""A folder of partitions, on a disk or in an object store."""

import os
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path, PurePath
from typing import Any, BinaryIO, ClassVar

from gcbatch.errors import OutputError
from gcbatch.exporting import Target
from gcbatch_exporters.manifest import Manifest
from gcbatch_exporters.origin import Origin

__all__ = ["DiskFolder", "PartitionFolder", "renamed_by_disk"]


class PartitionFolder(ABC):
    """The folder of all partitions of a table; files are named by paths in it.

    Args:
        path: Where it is.
    """

    is_read_by_check: ClassVar[bool]
    """Whether files are cheap to open, so that those of the table's range are opened
    before the first request too."""

    def __init__(self, path: PurePath) -> None:
        self.path = path

    def __str__(self) -> str:
        return str(self.path)

    @abstractmethod
    def files(self) -> Iterator[str]:
        """Yield all files below it; nothing if it does not exist.

        Raises:
            OutputError: If it is a file, or cannot be read.
        """

    @abstractmethod
    def origins(self, files: Collection[str]) -> Mapping[str, Origin]:
        """Return the origins of those of some files that gcbatch wrote there.

        Raises:
            OutputError: If a file cannot be read, so that nothing is known of it.
        """

    @abstractmethod
    def manifest(self) -> Manifest | None:
        """Return the list of files that an older release left; None if there is none.

        Raises:
            OutputError: If it cannot be read, or cannot be trusted.
        """

    @abstractmethod
    def open(self, file: str) -> BinaryIO:
        """Open a file for reading.

        Raises:
            OSError: If it cannot be read.
            OutputError: The same, of an object store.
        """

    @abstractmethod
    def is_taken(self, file: str) -> bool:
        """Return whether something is where a file is to be."""

    @abstractmethod
    def spill(self) -> AbstractContextManager[Any]:
        """Return a file for rows that are sorted; no other run sees it."""

    @abstractmethod
    def prepare(self, target: Target) -> None:
        """Make sure that there can be files in it.

        Raises:
            OutputError: If it cannot be created.
        """

    @abstractmethod
    def hold(self, target: Target) -> None:
        """Keep other runs from changing it until the target has published.

        Raises:
            OutputError: If another run does not release it.
        """

    @abstractmethod
    def make_folders(self, folders: Iterable[str], target: Target) -> None:
        """Create folders below it, and make sure that all differ.

        Raises:
            OutputError: If one cannot be created, or is taken for another.
        """

    @abstractmethod
    def stage(self, file: str, target: Target) -> Path:
        """Return the path of a draft that becomes a file of it.

        Raises:
            OutputError: If there cannot be such a file.
        """

    @abstractmethod
    def discard(self, file: str, target: Target) -> None:
        """Remove a file of it when all is written."""

    def unstage(self, file: str, target: Target) -> None:
        """Leave a file as it is, and drop its draft."""
        target.unstage(self.path / file)


class DiskFolder(PartitionFolder):
    """A folder of partitions on a disk."""

    is_read_by_check: ClassVar[bool] = True

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._path = path

    def files(self) -> Iterator[str]:
        """Yield all files below it; links are not followed.

        Raises:
            OutputError: If it is a file, or a folder cannot be read: its files would
                stay beside those that replace them.
        """
        folder = self._path
        if not folder.exists():
            return
        if not folder.is_dir():
            msg = f"{folder}: is a file, partition_by writes a folder"
            raise OutputError(msg, hint="name a folder, or leave partition_by out")

        def refuse(exc: OSError) -> None:
            if not isinstance(exc, FileNotFoundError):  # a run removed it just now
                raise _unreadable(exc.filename, exc) from exc

        for place, _, names in os.walk(folder, onerror=refuse):
            for name in sorted(names):
                path = Path(place, name)
                if not path.is_symlink():
                    yield path.relative_to(folder).as_posix()

    def origins(self, files: Collection[str]) -> Mapping[str, Origin]:
        """Return the origins of those of some files that gcbatch wrote there."""
        found = {}
        for file in files:
            try:
                origin = Origin.of(self._path, file)
            except OSError as exc:
                raise _unreadable(self._path / file, exc) from exc
            if origin is not None:
                found[file] = origin
        return found

    def manifest(self) -> Manifest | None:
        """Return the list of files that an older release left, if there is one."""
        return Manifest.read(self._path)

    def open(self, file: str) -> BinaryIO:
        """Open a file for reading."""
        return (self._path / file).open("rb")

    def is_taken(self, file: str) -> bool:
        """Return whether something is where a file is to be, be it a broken link."""
        path = self._path / file
        return path.exists() or path.is_symlink()

    def spill(self) -> AbstractContextManager[Any]:
        """Return a temporary file without a name, on the disk of the folder."""
        return tempfile.TemporaryFile(prefix=".gcbatch.", dir=self._path)

    def prepare(self, target: Target) -> None:
        """Create it."""
        target.make_folder(self._path)

    def hold(self, target: Target) -> None:
        """Lock it until the target has published."""
        target.hold(self._path)

    def make_folders(self, folders: Iterable[str], target: Target) -> None:
        """Create folders below it, and make sure that the disk stores all as asked."""
        folders = sorted(folders)
        for folder in folders:
            target.make_folder(self._path / folder)
        for wrong in renamed_by_disk(folders, self._names_in):
            msg = f"{self._path / wrong}: is a link, or this disk gives it another name"
            raise OutputError(msg, hint="partition by ids, not by names")

    def _names_in(self, place: str) -> list[str]:
        found = os.scandir(self._path / place)
        return [entry.name for entry in found if not entry.is_symlink()]

    def stage(self, file: str, target: Target) -> Path:
        """Return the path of a draft beside the folder."""
        return target.stage(self._path / file, within=self._path)

    def discard(self, file: str, target: Target) -> None:
        """Remove a file, and folders that are empty then, when all is written."""
        target.discard(self._path / file, root=self._path)


def renamed_by_disk(
    folders: Iterable[str], names_in: Callable[[str], Collection[str]]
) -> Iterator[str]:
    """Yield the folders that a disk stores under another name.

    Disks that fold case, or compose letters, put `Support` into `support`: readers
    would mix the rows of both.

    Args:
        folders: Paths of created folders below one folder, with forward slashes.
        names_in: Returns the names in one of them; the empty path is the one above all.
    """
    known: dict[str, frozenset[str]] = {}
    for folder in folders:
        above = ""
        for name in folder.split("/"):
            if above not in known:
                known[above] = frozenset(names_in(above))
            if name not in known[above]:
                yield folder
                break
            above = f"{above}/{name}" if above else name


def _unreadable(path: object, exc: OSError) -> OutputError:
    msg = f"{path}: cannot be read: {exc.strerror}"
    return OutputError(msg, hint="check its permissions, and the disk")
