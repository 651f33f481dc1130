"""Staging and publication of outputs: all written aside, then renamed together."""

import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from gcbatch.digests import Output, output_at
from gcbatch.errors import OutputError
from gcbatch.files import Sync, create_beside, sync_folder

__all__ = ["Target"]


class Target:
    """Lends staging paths, publishes them together, drops them on failure.

    Used as a context manager round one call of `export`: leaving it normally puts
    every staged file in its place by one rename each, leaving it with an error
    removes them and leaves what was there before.

    Args:
        sync: Forces a file's or folder's content to disk; the default is os.fsync.
    """

    def __init__(self, sync: Sync = os.fsync) -> None:
        self._sync = sync
        self._staged: dict[Path, Path] = {}
        self._asked: dict[Path, Path] = {}
        self._outputs: tuple[Output, ...] = ()
        self._obsolete: list[tuple[Path, Path | None]] = []
        self._made: list[Path] = []

    @property
    def published(self) -> tuple[Output, ...]:
        """The files that were put in place: where they were asked for, as written."""
        return self._outputs

    def stage(self, path: Path) -> Path:
        """Return a path to write to, whose file becomes *path* when all is written.

        Args:
            path: Where the file is to be. Folders on the way are made.

        Raises:
            OutputError: If there is a folder at *path*, or none can be made.
        """
        asked = path
        if path.is_symlink():
            path = path.resolve()  # what it points to is written, the link stays
        if path in self._staged:
            return self._staged[path]
        if path.exists() and not (path.is_file() or path.is_dir()):
            msg = f"{path}: is no regular file"
            raise OutputError(msg, hint="name a file, such as out/intervals.csv")
        if path.is_dir():
            msg = f"{path}: is a folder, a file is to be written there"
            raise OutputError(msg, hint="name a file, such as out/intervals.csv")
        try:
            self._make(path.parent)
            staged = create_beside(path)
        except OSError as exc:
            msg = f"{path}: cannot be written: {exc.strerror}"
            raise OutputError(msg, hint="check the folder and its permissions") from exc
        self._staged[path] = staged
        self._asked[path] = asked
        return staged

    def _make(self, folder: Path) -> None:
        if not folder.is_dir():
            self._make(folder.parent)
            folder.mkdir(exist_ok=True)
            self._made.append(folder)

    def discard(self, path: Path, *, root: Path | None = None) -> None:
        """Remove *path*, a file of an earlier export, when all is written.

        Args:
            path: The file.
            root: Folders below it go too, where nothing else is in them.
        """
        self._obsolete.append((path, root))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self._publish()
        finally:
            for staged in self._staged.values():
                with suppress(OSError):
                    staged.unlink(missing_ok=True)
            _remove_empty(reversed(self._made))

    def _publish(self) -> None:
        path = Path()
        try:
            for path, staged in self._staged.items():  # noqa: B007 - for the error
                with staged.open("rb+") as file:
                    self._sync(file.fileno())
            # What is in its place may be another's as soon as it is there.
            outputs = tuple(
                replace(output_at(staged), path=str(self._asked[path]))
                for path, staged in self._staged.items()
            )
            for path, staged in self._staged.items():
                with suppress(FileNotFoundError):  # who could read it still can
                    staged.chmod(stat.S_IMODE(path.stat().st_mode))
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
        self._outputs = outputs


def _remove_empty(folders: Iterable[Path]) -> None:
    for folder in folders:
        with suppress(OSError):  # rmdir refuses one that has something in it
            folder.rmdir()
