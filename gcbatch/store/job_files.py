"""The files of a job, wherever they are: what the store needs of a disk or a bucket."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

from gcbatch.store.known_part import KnownPart

__all__ = [
    "CHANGES",
    "PARTS",
    "FileEntry",
    "FooterIndex",
    "JobFiles",
    "OpenedFile",
    "StoreRoot",
    "digest_of",
    "part_name",
]

CHANGES: Final = "changes/"
"""What the names of the files of the change log begin with."""

PARTS: Final = "parts/"
"""What the names of parts, and of notes about the service's jobs, begin with."""

_SUFFIX: Final = ".parquet"


def digest_of(name: str) -> str | None:
    """Return the digest in the name of a part; None if a file is none."""
    if not (name.startswith(PARTS) and name.endswith(_SUFFIX)):
        return None
    return name[len(PARTS) : -len(_SUFFIX)]


def part_name(digest: str) -> str:
    """Return the name of a part in its job."""
    return f"{PARTS}{digest}{_SUFFIX}"


class FileEntry(NamedTuple):
    """A file as a listing describes it.

    Args:
        name: Its name in the job, such as `parts/<digest>.parquet`.
        size: Bytes.
        written_s: When it was written, in seconds since 1970.
    """

    name: str
    size: int
    written_s: float


@dataclass(frozen=True, slots=True)
class OpenedFile:
    """A file that is open for reading.

    Args:
        file: Binary; can be read and sought. What is read of it stays the same, even
            if another file takes its name.
        stamp: What JobFiles.stamp returns for it.
        local: Identifies the bytes on this machine's disk in their present state.
        is_copy: Whether it is a copy of an object that was there before.
    """

    file: Any
    stamp: bytes
    local: bytes
    is_copy: bool = False


class FooterIndex(Protocol):
    """What the footers of a job's parts say, where reading each takes a request."""

    def known_parts(self) -> dict[str, KnownPart]:
        """Return what is known of parts that have not changed since, by digest."""
        ...

    def footers_beyond(
        self, known: Mapping[str, KnownPart]
    ) -> Iterator[tuple[str, bytes, Mapping[bytes, bytes]]]:
        """Yield digest, stamp and footer of the readable parts that *known* lacks."""
        ...

    def save(self, known: Mapping[str, KnownPart], *, is_changed: bool) -> None:
        """Store what is known for the next run, if that is something new."""
        ...


class JobFiles(Protocol):
    """The files of one job; several threads may use them.

    Names are relative to the job, with slashes. Objects in a bucket raise OutputError
    where a service refuses or fails; what is missing is a FileNotFoundError, and what
    this machine's disk refuses an OSError, for both forms.
    """

    @property
    def place(self) -> str:
        """Where they are, for messages."""
        ...

    @property
    def own_notes(self) -> tuple[str, ...]:
        """Names of notes that this form has besides those of the store."""
        ...

    @property
    def index(self) -> FooterIndex | None:
        """What footers say; None where reading one takes no request."""
        ...

    @property
    def work_folder(self) -> Path:
        """A folder of this machine for temporary files; prepare creates it."""
        ...

    def place_of(self, name: str) -> str:
        """Return where a file is, or will be, for messages."""
        ...

    def exists(self) -> bool:
        """Return whether the job can have files: on disk, whether its folder exists."""
        ...

    def stamp(self, name: str) -> bytes | None:
        """Return what identifies a file in its present state; None if it is missing."""
        ...

    def look_again(self, names: Sequence[str]) -> None:
        """Look again at files that another process may have written.

        On disk each is looked at whenever it is asked for.
        """
        ...

    def expect(self, digests: Iterable[str]) -> None:
        """Say which parts will be opened, in order; on disk that changes nothing."""
        ...

    def footer_file(self, name: str) -> AbstractContextManager[Any]:
        """Open a Parquet file for its footer alone.

        Raises:
            OSError: If it cannot be read.
        """
        ...

    def open(self, name: str) -> AbstractContextManager[OpenedFile]:
        """Open a file for reading.

        Raises:
            OSError: If it cannot be read, or is no regular file.
        """
        ...

    def drop_copy(self, name: str, opened: OpenedFile) -> bool:
        """Remove the copy of an object, whose bytes are damaged.

        Returns:
            Whether the object itself may be whole, and is worth opening again.
        """
        ...

    def write(self, name: str, fill: Callable[[Path], object]) -> None:
        """Write a file, which *fill* writes to a path, whole or not at all.

        Raises:
            OSError: If it cannot be written.
        """
        ...

    def write_if(
        self, name: str, fill: Callable[[Path], object], stamp: bytes | None
    ) -> bool:
        """Write a file if the present one still has this stamp; None: if it is missing.

        Returns:
            Whether it was written; no other write comes between the look and the write,
            except where a disk has no locks.

        Raises:
            OSError: If it cannot be written.
        """
        ...

    def read_note(self, name: str) -> bytes:
        """Return the content of a small file.

        Raises:
            OSError: If it cannot be read.
        """
        ...

    def write_note(self, name: str, content: bytes) -> None:
        """Write a small file; whoever writes last wins.

        Raises:
            OSError: If it cannot be written.
        """
        ...

    def discard(self, name: str) -> bool:
        """Remove a file; return whether there was one.

        Raises:
            OSError: If it cannot be removed.
        """
        ...

    def discard_all(self, names: Sequence[str]) -> list[str]:
        """Remove files, many by one request where that can be.

        Returns:
            Those that there were.

        Raises:
            OSError: If one cannot be removed; its `filename` says where it is. Others
                may have been removed.
        """
        ...

    def discard_if(self, name: str, stamp: bytes) -> bool:
        """Remove a file if it still has this stamp; return whether it had."""
        ...

    def names(self, prefix: str) -> Iterable[str]:
        """Return the names of the regular files in a folder of the job.

        A bucket is not asked again: files that others wrote meanwhile may be missing.

        Args:
            prefix: PARTS or CHANGES.

        Raises:
            OutputError: If they cannot be listed.
        """
        ...

    def entries(self, prefix: str = "") -> Iterator[FileEntry]:
        """Yield the regular files of the job; no link is followed.

        Args:
            prefix: Only those in a folder of it, PARTS or CHANGES. Default: all.

        Raises:
            OutputError: If they cannot be listed.
        """
        ...

    def prepare(self) -> None:
        """Make sure that files can be written.

        Raises:
            OSError: If they cannot.
        """
        ...


class StoreRoot(Protocol):
    """Where the jobs of a store are."""

    @property
    def place(self) -> str:
        """Where that is, for messages and as a job file would say it."""
        ...

    def files(self, job: str) -> JobFiles:
        """Return the files of a job, which may have none yet."""
        ...

    def job_names(self, notes: Sequence[str]) -> list[str]:
        """Return the names of the jobs that have parts, or one of *notes*; sorted.

        Raises:
            OutputError: If there is no store, or it cannot be read.
        """
        ...

    def remove_empty(self, job: str) -> None:
        """Remove the folders of a job that has no files."""
        ...
