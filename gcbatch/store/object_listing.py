"""The objects of a job: listed once, then kept up to date by what is done to them."""

from collections.abc import Iterator, Sequence
from threading import RLock
from typing import Final

from gcbatch.objects import ABSENT, LIST_PAGE, Bucket, ObjectInfo
from gcbatch.store.job_files import FileEntry

__all__ = ["ObjectListing"]

FEW: Final = 10
"""So many objects are looked at one by one, although one page would list them."""


class ObjectListing:
    """The names of a job's objects, each with its stamp: its ETag and its size.

    An empty object counts as missing: a part or note is discarded by writing nothing
    over it, on condition that no other program wrote it meanwhile. Several threads may
    use it. It takes some 300 bytes for each object.

    Args:
        bucket: The bucket.
        prefix: What the keys of the job begin with, without the last slash.
        lists: Whether all are listed at first; otherwise each is looked at when it is
            asked for.
    """

    def __init__(self, bucket: Bucket, prefix: str, *, lists: bool) -> None:
        self._bucket = bucket
        self._prefix = prefix
        self._lists = lists
        self._lock = RLock()
        self._stamps: dict[str, bytes | None] = {}
        self._is_loaded = False

    def key(self, name: str) -> str:
        """Return the key of an object."""
        return f"{self._prefix}/{name}"

    def load(self) -> None:
        """List all objects, if that was not done.

        Raises:
            OutputError: If they cannot be listed.
        """
        with self._lock:
            if self._lists and not self._is_loaded:
                for _ in self.entries():
                    pass

    def entries(self, prefix: str = "") -> Iterator[FileEntry]:
        """List all objects, by name; a page of them at a time.

        Args:
            prefix: Only those in this folder of the job.
        """
        for info in self._bucket.list(f"{self._prefix}/{prefix}".rstrip("/")):
            name = info.key[len(self._prefix) + 1 :]
            with self._lock:
                self._stamps[name] = _stamp(info)
            written_s = info.modified.timestamp() if info.modified else 0.0
            yield FileEntry(name, info.size, written_s)
        self._is_loaded = self._is_loaded or not prefix

    def names(self) -> list[str]:
        """Return the names of all known objects that are not empty."""
        self.load()
        with self._lock:
            return [name for name, stamp in self._stamps.items() if _size(stamp)]

    def stamp(self, name: str) -> bytes | None:
        """Return the stamp of an object; None if it is missing or empty."""
        with self._lock:
            if name not in self._stamps:
                if self._lists:
                    self.load()
                else:
                    return self._looked_at(name)
            stamp = self._stamps.get(name)
        return stamp if _size(stamp) else None

    def etag(self, name: str) -> str:
        """Return the ETag of an object, which may be empty; ABSENT if it is missing."""
        self.stamp(name)
        with self._lock:
            stamp = self._stamps.get(name)
        return ABSENT if stamp is None else self.info(name, stamp).etag

    def info(self, name: str, stamp: bytes) -> ObjectInfo:
        """Return what a stamp says."""
        etag, _, size = stamp.decode().rpartition(" ")
        return ObjectInfo(self.key(name), etag, int(size))

    def set(self, name: str, info: ObjectInfo | None) -> None:
        """Note that an object is as *info* says, or is missing."""
        with self._lock:
            self._stamps[name] = None if info is None else _stamp(info)

    def look_again(self, names: Sequence[str]) -> None:
        """Look again at objects: one by one, or all if that takes fewer requests."""
        with self._lock:
            pages = len(self._stamps) / LIST_PAGE
            if self._lists and len(names) > FEW + pages:
                self._stamps.clear()
                self._is_loaded = False
                return
        for name in names:
            self._looked_at(name)

    def _looked_at(self, name: str) -> bytes | None:
        info = self._bucket.head(self.key(name))
        self.set(name, info)
        return _stamp(info) if info and info.size else None


def _stamp(info: ObjectInfo) -> bytes:
    return f"{info.etag} {info.size}".encode()


def _size(stamp: bytes | None) -> int:
    return 0 if stamp is None else int(stamp.rpartition(b" ")[2])
