"""The files of jobs in a bucket: objects, and their copies on this machine's disk."""

import errno
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from io import BufferedReader, BytesIO
from pathlib import Path
from typing import Any, Final

from gcbatch.errors import OutputError
from gcbatch.objects import Bucket, ChangedObjectError, ObjectUrl
from gcbatch.store.job_files import FileEntry, OpenedFile, part_name
from gcbatch.store.object_index import ObjectIndex
from gcbatch.store.object_listing import ObjectListing
from gcbatch.store.part_cache import PartCache
from gcbatch.store.part_file import TAIL, stamp_of
from gcbatch.store.part_index import INDEX_NOTE
from gcbatch.store.pending_jobs import PENDING_SUFFIX
from gcbatch.store.read_ahead import ReadAhead

__all__ = ["ObjectJobFiles"]

PROBE: Final = "probe"
"""An empty object, by which a run finds out whether it may write."""

FOOTER_GUESS: Final = 8 << 10
"""Bytes from the end of a part that nearly always hold its footer."""

MAGIC: Final = b"PAR1"
"""What a Parquet file ends with."""

ATTEMPTS: Final = 5
"""Times that an object is read or written which other programs replace meanwhile."""

KEPT_NOTES: Final = ("plan.json",)
"""Notes that most runs read, and whose content the index has."""


class ObjectJobFiles:
    """The files of one job in a bucket; see JobFiles.

    Args:
        bucket: The bucket.
        url: The address of the job.
        cache: Copies of objects.
        lists: Whether all objects are listed at first; otherwise each is looked at when
            it is asked for, and there is no index.
    """

    own_notes = (INDEX_NOTE, PROBE)

    def __init__(
        self, bucket: Bucket, url: ObjectUrl, cache: PartCache, *, lists: bool = True
    ) -> None:
        self._bucket = bucket
        self._url = url
        self._cache = cache
        self._listing = ObjectListing(bucket, url.key, lists=lists)
        self.index = ObjectIndex(self, KEPT_NOTES) if lists else None
        self._ahead = ReadAhead(
            self._download_ahead, self._size_ahead, cache.max_bytes // 2
        )

    @property
    def place(self) -> str:
        """The address."""
        return str(self._url)

    @property
    def work_folder(self) -> Path:
        """The folder of copies.

        Raises:
            OutputError: If it cannot be created.
        """
        with self._on_disk():
            return self._cache.folder

    def place_of(self, name: str) -> str:
        """Return the address of an object."""
        return str(self._url / name)

    def exists(self) -> bool:
        """Return True: a bucket has no folders."""
        return True

    def stamp(self, name: str) -> bytes | None:
        """Return ETag and size of an object; None if it is missing or empty."""
        return self._listing.stamp(name)

    def listed_names(self) -> list[str]:
        """Return the names of all objects that are not empty."""
        return self._listing.names()

    def look_again(self, names: Sequence[str]) -> None:
        """Look again at objects that another process may have written."""
        self._listing.look_again(names)

    def expect(self, digests: Iterable[str]) -> None:
        """Say which parts will be opened, in order: they are downloaded ahead."""
        self._ahead.expect([part_name(digest) for digest in digests])

    @contextmanager
    def footer_file(self, name: str) -> Iterator[Any]:
        """Open the copy of a part, or only its end."""
        stamp = self._present(name)
        file = self._open_copy(name, stamp)
        if file is not None and not _has_end(file):
            file.close()
            self._cache_drop(name, stamp)
            file = None
        with BytesIO(self._end(name, stamp)) if file is None else file as opened:
            yield opened

    def _open_copy(self, name: str, stamp: bytes) -> BufferedReader | None:
        """Open the copy of an object; None if there is none."""
        info = self._listing.info(name, stamp)
        with self._on_disk():
            return self._cache.open(self._copy(name, stamp), info.size)

    def _end(self, name: str, stamp: bytes) -> bytes:
        """Return the last bytes of a part, its footer among them."""
        for _ in range(ATTEMPTS):
            info = self._listing.info(name, stamp)
            found = self._bucket.tail(info, FOOTER_GUESS)
            if found is not None:
                need = int.from_bytes(found[-TAIL:-4], "little") + TAIL
                if not len(found) < need <= info.size:
                    return found
                found = self._bucket.tail(info, need)
            if found is not None:
                return found
            self._listing.look_again([name])
            stamp = self._present(name)
        raise self._unsteady(name)

    @contextmanager
    def open(self, name: str) -> Iterator[OpenedFile]:
        """Open the copy of an object, which is downloaded if there is none."""
        if self._listing.stamp(name) is None:
            self._listing.look_again([name])  # another run may have written it
        is_copy = True
        for _ in range(ATTEMPTS):
            stamp = self._present(name)
            file = self._open_copy(name, stamp)
            if file is not None:
                break
            if not self._ahead.has_come(name):
                is_copy = False
                file = self._download(name, stamp)
            if file is not None:
                break
        else:
            raise self._unsteady(name)
        with file:
            self._ahead.go_on(name)
            local = stamp_of(os.fstat(file.fileno()))
            yield OpenedFile(file, stamp, local, is_copy)

    def drop_copy(self, name: str, opened: OpenedFile) -> bool:
        """Remove a copy; return whether it was there before, and may be at fault."""
        self._cache.drop(self._copy(name, opened.stamp))
        return opened.is_copy

    def _download_ahead(self, name: str) -> None:
        if (file := self._download(name, self._present(name))) is not None:
            file.close()

    def _download(self, name: str, stamp: bytes) -> BufferedReader | None:
        """Make a copy of an object, and open it; None if it was replaced meanwhile."""
        info = self._listing.info(name, stamp)
        with self._on_disk():
            draft = self._cache.draft()
            try:
                if self._bucket.download(info.key, draft, info=info):
                    return self._cache.keep(draft, self._copy(name, stamp))
            finally:
                draft.unlink(missing_ok=True)
        self._listing.look_again([name])
        return None

    def _size_ahead(self, name: str) -> int:
        """Return the bytes to download for a copy; 0 if there is one."""
        stamp = self._listing.stamp(name)
        if stamp is None or self._cache.has(self._copy(name, stamp)):
            return 0
        return self._listing.info(name, stamp).size

    def write(self, name: str, fill: Callable[[Path], object]) -> None:
        """Write an object from a file, which becomes its copy."""
        with self._on_disk():
            draft = self._cache.draft()
        try:
            with self._on_disk():
                fill(draft)
                info = self._bucket.put_file(self._listing.key(name), draft)
            self._listing.set(name, info)
            with suppress(OSError):
                copy = self._cache.name_of(self.place_of(name), info.etag)
                self._cache.keep(draft, copy).close()
        finally:
            with suppress(OSError):
                draft.unlink(missing_ok=True)

    def write_if(
        self, name: str, fill: Callable[[Path], object], stamp: bytes | None
    ) -> bool:
        """Write an object, by one request, if it still has this stamp."""
        with self._on_disk():
            draft = self._cache.draft()
        try:
            with self._on_disk():
                fill(draft)
                content = draft.read_bytes()
        finally:
            with suppress(OSError):
                draft.unlink(missing_ok=True)
        if self._listing.stamp(name) != stamp:
            return False
        replaces = self._listing.etag(name)
        try:
            info = self._bucket.put(self._listing.key(name), content, replaces=replaces)
        except ChangedObjectError:
            self._listing.look_again([name])
            return False
        self._listing.set(name, info)
        return True

    def read_note(self, name: str) -> bytes:
        """Return the content of an object."""
        stamp = self._present(name)
        if self.index and (known := self.index.note(name, stamp)) is not None:
            return known
        found = self._bucket.get(self._listing.key(name))
        self._listing.set(name, found and found[1])
        stamp = self._present(name)
        assert found is not None  # noqa: S101 - it has a stamp
        if self.index:
            self.index.keep_note(name, stamp, found[0])
        return found[0]

    def write_note(self, name: str, content: bytes) -> None:
        """Write an object over the one that is known, or over a newer one.

        Raises:
            OutputError: If it cannot be written.
        """
        key = self._listing.key(name)
        stamp = self._listing.stamp(name)
        if stamp and self.index and self.index.note(name, stamp) == content:
            return
        if name.endswith(PENDING_SUFFIX):
            self._listing.set(name, self._bucket.put(key, content))
            return
        for _ in range(ATTEMPTS):
            replaces = self._listing.etag(name)
            try:
                info = self._bucket.put(key, content, replaces=replaces)
            except ChangedObjectError:
                self._listing.look_again([name])
                continue
            self._listing.set(name, info)
            stamp = self._listing.stamp(name)
            if self.index and stamp:
                self.index.keep_note(name, stamp, content)
            return
        msg = f"{self.place_of(name)}: cannot be written: other programs write it"
        raise OutputError(msg, hint="run it again")

    def discard(self, name: str) -> bool:
        """Remove an object and its copy; return whether it was known."""
        if self._listing.etag(name) == "":
            return False
        if stamp := self._listing.stamp(name):
            self._cache_drop(name, stamp)
        self._bucket.delete([self._listing.key(name)])
        self._listing.set(name, None)
        return True

    def discard_all(self, names: Sequence[str]) -> list[str]:
        """Remove objects, and copies of all their versions; return those known.

        Copies go first: they are not known to be left if the service refuses.
        """
        there = [name for name in names if self._listing.etag(name) != ""]
        with suppress(OSError):
            self._cache.drop_all({self.place_of(name) for name in there})
        self._bucket.delete([self._listing.key(name) for name in there])
        for name in there:
            self._listing.set(name, None)
        return there

    def discard_if(self, name: str, stamp: bytes) -> bool:
        """Empty an object if it still has this stamp; return whether it had.

        A removal would take no condition, and might hit what another run wrote.
        """
        info = self._listing.info(name, stamp)
        try:
            done = self._bucket.put(info.key, b"", replaces=info.etag)
        except ChangedObjectError:
            self._listing.look_again([name])
            return False
        except OutputError:  # who may not write it reads on
            return False
        self._cache_drop(name, stamp)
        self._listing.set(name, done)
        return True

    def names(self, prefix: str) -> Iterable[str]:
        """Return the names of the known objects in a folder of the job."""
        return [name for name in self._listing.names() if name.startswith(prefix)]

    def entries(self, prefix: str = "") -> Iterator[FileEntry]:
        """List all objects of the job, or in a folder of it, by name."""
        return self._listing.entries(prefix)

    def prepare(self) -> None:
        """Write an empty object, and a file among the copies.

        Raises:
            OutputError: If either cannot be written.
        """
        self._listing.load()
        with self._on_disk():
            self._cache.draft().unlink()
        self._listing.set(PROBE, self._bucket.put(self._listing.key(PROBE), b""))

    def _present(self, name: str) -> bytes:
        """Return the stamp of an object.

        Raises:
            FileNotFoundError: If it is missing.
        """
        stamp = self._listing.stamp(name)
        if stamp is None:
            raise FileNotFoundError(
                errno.ENOENT, os.strerror(errno.ENOENT), self.place_of(name)
            )
        return stamp

    def _copy(self, name: str, stamp: bytes) -> str:
        etag = self._listing.info(name, stamp).etag
        return self._cache.name_of(self.place_of(name), etag)

    def _cache_drop(self, name: str, stamp: bytes) -> None:
        with suppress(OSError):
            self._cache.drop(self._copy(name, stamp))

    def _unsteady(self, name: str) -> OSError:
        reason = "other programs replace it again and again"
        return OSError(errno.EAGAIN, reason, self.place_of(name))

    @contextmanager
    def _on_disk(self) -> Iterator[None]:
        """Turn an error of this machine's disk into one that names the folder."""
        try:
            yield
        except OSError as exc:
            where = exc.filename or "copies of the store's objects"
            msg = f"{where}: cannot be written: {exc.strerror or exc}"
            hint = "check fetch.cache, its space and permissions"
            raise OutputError(msg, hint=hint) from exc


def _has_end(file: BufferedReader) -> bool:
    """Return whether a copy ends as Parquet does, not in zeros; go to its begin."""
    file.seek(-len(MAGIC), os.SEEK_END)
    found = file.read()
    file.seek(0)
    return found == MAGIC
