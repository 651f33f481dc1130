"""Where a Delta table is: a folder on a disk, or one in an object store."""

import re
from abc import ABC, abstractmethod
from pathlib import Path, PurePath
from typing import ClassVar, Final

from gcbatch.errors import JobError, OutputError
from gcbatch.exporting import Buckets, ObjectPath, lake_error
from gcbatch.lazy import lazy_import
from gcbatch_exporters.lakes.table import ConflictError

__all__ = ["DeltaFolder", "DeltaObjects", "DeltaPlace"]

deltalake = lazy_import("deltalake")

LOG: Final = "_delta_log"

_COMMIT: Final = re.compile(r"\d{20}(?:\.checkpoint.*\.parquet|\.json)")
"""A commit in the log, or the state after it, which outlives the commits before."""

_MISREAD: Final = re.compile(r"%[0-9A-Fa-f]{2}|[#?|^`\[\]\\]")
"""What Delta's library takes for parts of a URL, here or there: it then writes to one
folder and reads from another, finds no history, or aborts (deltalake 1.6)."""


class DeltaPlace(ABC):
    """The folder of a Delta table.

    Args:
        path: It, as the user named it.
        uri: It, as Delta's library takes it.
        options: Options of the library for it; None: its own.
    """

    other_folder: ClassVar[str]
    """The way out if files of others are in it."""

    def __init__(
        self, path: PurePath, uri: str, options: dict[str, str] | None = None
    ) -> None:
        self.path = path
        self.uri = uri
        self.options = options

    def __str__(self) -> str:
        return str(self.path)

    def refuse_misread(self) -> None:
        """Refuse a path that Delta's library takes for another.

        Raises:
            JobError: If it is one.
        """
        if found := _MISREAD.search(self._read_path):
            msg = f"{self}: Delta tables support no {found[0]} in the path of their "
            raise JobError(msg + "folder", hint="name a path without it")

    @property
    @abstractmethod
    def _read_path(self) -> str:
        """What the library reads as a URL."""

    @abstractmethod
    def has_table(self) -> bool:
        """Return whether there is a Delta table.

        Raises:
            JobError: If the path is that of a file.
            OSError: If the disk cannot be read.
            OutputError: If the object store cannot be read.
        """

    @abstractmethod
    def first_other(self) -> str | None:
        """Return the name of a file or folder there beside the log, if there is one.

        Raises:
            OSError: If the disk cannot be read.
            OutputError: If the object store cannot be read.
        """

    @abstractmethod
    def refuse_unsafe(self, version: int) -> None:
        """Make sure that no commit can replace another.

        Args:
            version: That of the Delta table there.

        Raises:
            OutputError: If one could, or the credentials may not write.
            ConflictError: If that version is no longer there.
        """

    @abstractmethod
    def problem_of(self, exc: BaseException) -> OutputError | None:
        """Return what an error of the library says of the place; None if nothing."""


class DeltaFolder(DeltaPlace):
    """A folder on a disk."""

    other_folder: ClassVar[str] = "name an empty folder, or one that is not there"

    def __init__(self, path: Path) -> None:
        super().__init__(path, path.absolute().as_uri())
        self._path = path

    @property
    def _read_path(self) -> str:
        return self._path.absolute().as_posix()

    def has_table(self) -> bool:
        """Return whether there is a Delta table."""
        if self._path.exists() and not self._path.is_dir():
            msg = f"{self}: is a file; a Delta table is a folder"
            raise JobError(msg, hint="name a folder")
        has_log = (self._path / LOG).is_dir()
        return has_log and bool(deltalake.DeltaTable.is_deltatable(self.uri))

    def first_other(self) -> str | None:
        """Return the name of a file or folder there beside the log, if there is one."""
        if not self._path.exists():
            return None
        names = {found.name for found in self._path.iterdir()}
        return min(names - {LOG}, default=None)

    def refuse_unsafe(self, version: int) -> None:
        """Do nothing: a disk creates a file once."""

    def problem_of(self, exc: BaseException) -> None:
        """Return None: the library's words are those of the disk."""


class DeltaObjects(DeltaPlace):
    """A folder in an object store.

    Args:
        path: It.
        buckets: Access to object stores.

    Raises:
        JobError: If the settings of the object store cannot be used.
    """

    other_folder: ClassVar[str] = "name another path"

    def __init__(self, path: ObjectPath, buckets: Buckets) -> None:
        self._url = path.url
        self._bucket = buckets.of(self._url)
        super().__init__(path, str(self._url), buckets.lake_options(self._url))

    @property
    def _read_path(self) -> str:
        return self._url.key

    def has_table(self) -> bool:
        """Return whether the log has a commit.

        The library would keep all threads waiting for the answer.
        """
        found = self._bucket.list(f"{self._url.key}/{LOG}")
        return any(_COMMIT.fullmatch(info.key.rpartition("/")[2]) for info in found)

    def first_other(self) -> str | None:
        """Return the first name of an object there beside the log, if there is one."""
        top = f"{self._url.key}/"
        found = self._bucket.list(self._url.key)
        names = (info.key.removeprefix(top).partition("/")[0] for info in found)
        return next((name for name in names if name not in ("", LOG)), None)

    def refuse_unsafe(self, version: int) -> None:
        """Make sure that the service refuses to create the last commit again.

        A service that ignores the condition writes the same bytes again.
        """
        if self._url.scheme != "s3":
            return  # the others always had conditional writes
        key = f"{self._url.key}/{LOG}/{version:020}.json"
        found = self._bucket.get(key)
        if found is None:
            raise ConflictError(key)
        if not self._bucket.is_kept(key, found[0]):
            msg = f"{self}: the service writes over a commit that exists"
            hint = "use a service with conditional writes, such as S3 itself"
            raise OutputError(msg, hint=hint)

    def problem_of(self, exc: BaseException) -> OutputError | None:
        """Return the error of a request to the object store; None if it is none."""
        return lake_error(self._url, exc)
