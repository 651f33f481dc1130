"""Publishes outputs together: all are written to drafts first, then put in place."""

import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path, PurePath
from threading import Event
from typing import Final, Self

from gcbatch.atomic_files import Sync, sync_folder, to_disk
from gcbatch.errors import OutputError
from gcbatch.exporting.draft_folders import DraftFolders, remove_leftovers
from gcbatch.exporting.object_drafts import ObjectDrafts
from gcbatch.exporting.published_file import PublishedFile, digest_file
from gcbatch.locks import hold_folder
from gcbatch.objects import Buckets, ObjectUrl, is_object_url

__all__ = ["Target"]

_HINT: Final = "check the folder and its permissions"


class Target:
    """Provides staging paths; publishes the files together, or drops them on failure.

    It is a context manager round one call of `export`. Leaving it normally renames
    every staged file into its place, or writes it to its object. Leaving it with an
    error removes the staged files; the previous output stays.

    Args:
        sync: Forces a file's or folder's content to disk; the default is os.fsync.
        stop: Once set, it does not wait for other runs.
        fingerprint: A hash over all that determines the export; empty if not known.
        buckets: Access to object stores. Default: as the environment says.
    """

    def __init__(
        self,
        sync: Sync = to_disk,
        *,
        stop: Event | None = None,
        fingerprint: str = "",
        buckets: Buckets | None = None,
    ) -> None:
        self._sync = sync
        self._stop = stop
        self.fingerprint = fingerprint
        self._staged: dict[Path, Path] = {}
        self._requested: dict[Path, Path] = {}
        self._outputs: tuple[PublishedFile, ...] = ()
        self._obsolete: list[tuple[Path, Path | None]] = []
        self._created: list[Path] = []
        self._drafts: dict[Path, DraftFolders] = {}
        self._locks: dict[Path, int | None] = {}
        self._objects = ObjectDrafts(buckets or Buckets())

    @property
    def is_stopped(self) -> bool:
        """Whether the run should end: an exporter then waits for nothing."""
        return self._stop is not None and self._stop.is_set()

    @property
    def published(self) -> tuple[PublishedFile, ...]:
        """The published files, each with the path that was passed to stage."""
        return self._outputs

    def stage(self, path: PurePath, *, within: Path | None = None) -> Path:
        """Return a path to write to; its file becomes *path* when all is written.

        Drafts of the same output that a killed run left are removed.

        Args:
            path: Where the file is to be: on a disk, where missing folders are created,
                or the address of an object.
            within: A folder above it all of whose files are read, so that it must hold
                no unfinished one: the file is written beside that folder.

        Raises:
            OutputError: If there is a folder at *path*, or a folder cannot be created.
        """
        if is_object_url(path):
            return self._objects.stage(ObjectUrl.parse(path))
        path = requested = Path(path)
        try:
            if path.is_symlink():
                path = path.resolve()  # the link stays, its file is written
            if path in self._staged:
                return self._staged[path]
            if path.exists() and not path.is_file():
                kind = "a folder" if path.is_dir() else "no regular file"
                msg = f"{path}: is {kind}"
                raise OutputError(msg, hint="name a file, such as out/intervals.csv")
            if within is None:
                self._create(path.parent)
            drafts = self._drafts_for(path) if within is None else self._aside(within)
            staged = drafts.create()
        except OSError as exc:
            msg = f"{path}: cannot be written: {exc.strerror or exc}"
            raise OutputError(msg, hint=_HINT) from exc
        self._staged[path] = staged
        self._requested[path] = requested
        return staged

    def _drafts_for(self, path: Path) -> DraftFolders:
        """Return the draft folder beside *path*; all files of a folder share one."""
        folder = path.parent
        if folder not in self._drafts:
            remove_leftovers(path)
            self._drafts[folder] = DraftFolders.beside(path)
        return self._drafts[folder]

    def _aside(self, folder: Path) -> DraftFolders:
        """Return a draft folder on the disk of *folder*, outside it if possible.

        Raises:
            OSError: If none can be created.
        """
        self._create(folder)
        place = folder.resolve()
        if place.name and place.parent.stat().st_dev == place.stat().st_dev:
            with suppress(OSError):  # the folder above it may be read-only
                return self._drafts_for(place)
        return self._drafts_for(place / "partitions")

    def make_folder(self, folder: Path) -> None:
        """Create a folder and those above it; a failed export removes empty ones.

        Raises:
            OutputError: If it cannot be created.
        """
        try:
            self._create(folder)
        except OSError as exc:
            msg = f"{folder}: cannot be created: {exc.strerror}"
            raise OutputError(msg, hint=_HINT) from exc

    def _create(self, folder: Path) -> None:
        if not folder.is_dir():
            self._create(folder.parent)
            folder.mkdir(exist_ok=True)
            self._created.append(folder)

    def unstage(self, path: PurePath) -> None:
        """Leave the file at *path* as it is; drop one that is staged for it."""
        if is_object_url(path):
            self._objects.unstage(ObjectUrl.parse(path))
            return
        path = Path(path)
        if path.is_symlink():
            path = path.resolve()
        self._requested.pop(path, None)
        if staged := self._staged.pop(path, None):
            with suppress(OSError):
                staged.unlink(missing_ok=True)

    def discard(self, path: PurePath, *, root: Path | None = None) -> None:
        """Remove *path*, a file of an earlier export, when all is written.

        Args:
            path: The file, or the address of an object.
            root: Folders below it are removed too if they are empty.
        """
        if is_object_url(path):
            self._objects.discard(ObjectUrl.parse(path))
            return
        path = Path(path)
        self._obsolete.append((path, root))

    def hold(self, folder: Path) -> None:
        """Lock *folder* until this target has published.

        From now on no other run changes what is in it. If the system or the disk does
        not support locks, nothing is locked.

        Args:
            folder: A folder that every run locks before it publishes into it.

        Raises:
            OutputError: If another run does not release it.
        """
        while folder not in self._locks:
            self.make_folder(folder)
            try:
                self._locks[folder] = hold_folder(folder, stop=self._stop)
            except FileNotFoundError:
                continue  # a run that created it failed, and removed it
            except OSError as exc:
                msg = f"{folder}: {exc.strerror}"
                hint = "wait for the other run, or end it"
                raise OutputError(msg, hint=hint) from exc

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        is_done = False
        try:
            if kind is None:
                self._publish()
                is_done = True
        finally:
            self._objects.close()
            for drafts in self._drafts.values():
                drafts.close()
            if not is_done:
                _remove_empty(reversed(self._created))
            for handle in self._locks.values():
                if handle is not None:
                    os.close(handle)

    def _publish(self) -> None:
        path = Path()
        try:
            for path, staged in self._staged.items():  # noqa: B007 - for the error
                with staged.open("rb+") as file:
                    self._sync(file.fileno())
            # Once a file is in its place, another run may replace it.
            outputs = tuple(
                replace(digest_file(staged), path=str(self._requested[path]))
                for path, staged in self._staged.items()
            )
            for path, staged in self._staged.items():
                with suppress(
                    FileNotFoundError
                ):  # the rights of the previous file stay
                    staged.chmod(stat.S_IMODE(path.stat().st_mode))
                self._create(path.parent)
                staged.replace(path)
            for path, root in self._obsolete:
                if path not in self._staged:
                    path.unlink(missing_ok=True)
                    up = list(path.parents)
                    _remove_empty(up[: up.index(root)] if root in up else [])
        except OSError as exc:
            msg = f"{path}: cannot be written: {exc.strerror}"
            raise OutputError(msg, hint="check the folder and its space") from exc
        for folder in {path.parent for path in self._staged}:
            sync_folder(folder, sync=self._sync)
        self._outputs = (*outputs, *self._objects.publish())


def _remove_empty(folders: Iterable[Path]) -> None:
    for folder in folders:
        with suppress(OSError):  # rmdir refuses a folder that is not empty
            folder.rmdir()
