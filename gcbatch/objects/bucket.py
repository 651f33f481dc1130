"""One bucket: objects are read, written, listed and removed; requests are counted."""

import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, TypeVar

from gcbatch.lazy import lazy_import
from gcbatch.objects.first_answer import FirstAnswer
from gcbatch.objects.problems import (
    DELETE,
    LIST,
    READ,
    WRITE,
    ChangedObjectError,
    Operation,
    failed_key,
    is_broken,
    is_unknown_upload,
    object_error,
)
from gcbatch.objects.retries import Retries
from gcbatch.objects.url import ObjectUrl

if TYPE_CHECKING:
    from obstore.store import ObjectStore

__all__ = ["ABSENT", "LIST_PAGE", "Bucket", "ObjectInfo", "RequestMeter"]

obstore = lazy_import("obstore")
exceptions = lazy_import("obstore.exceptions")

T = TypeVar("T")

PART_BYTES: Final = 8 * 1024 * 1024
"""Piece of an object that one request carries; S3 takes 10,000 pieces, so 80 GB."""

PIECES_AT_ONCE: Final = 4
"""Pieces that are sent at once: they bound the memory of an upload."""

LIST_PAGE: Final = 1_000
"""Keys of one answer to a listing, in S3 and Google; Azure gives up to 5,000."""

_MISSING_BUCKET: Final = (
    "NoSuchBucket|ContainerNotFound|specified container does not exist"
)

DELETED_AT_ONCE: Final = 1_000
"""Objects that one request removes, in S3 (docs.aws.amazon.com/AmazonS3/latest/API/
API_DeleteObjects.html, read 2026-11-28)."""

ABSENT: Final = ""
"""The ETag of an object that does not exist, as a condition of a write."""


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """An object, as a listing or a write describes it.

    Args:
        key: Its key in the bucket.
        etag: Identifies its content.
        size: Bytes.
        modified: When it was written, by the clock of the service; UTC. None of an
            object that was just written.
    """

    key: str
    etag: str
    size: int
    modified: datetime | None = None


class RequestMeter:
    """Counts requests to object stores; may be used by several threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._count = 0

    def add(self, count: int = 1) -> None:
        """Count requests."""
        with self._lock:
            self._count += count

    @property
    def count(self) -> int:
        """Requests so far. What the library repeats after a fault is not counted."""
        return self._count


class Bucket:
    """The objects of one bucket.

    Errors of all methods but those that say otherwise are OutputErrors that name the
    object, what was refused and the permission that it takes. May be used by several
    threads.

    Args:
        url: The bucket.
        store: The library's access to it.
        meter: Counts the requests.
        retries: How often is repeated what the library does not repeat.
    """

    def __init__(
        self,
        url: ObjectUrl,
        store: "ObjectStore",
        meter: RequestMeter,
        retries: Retries | None = None,
    ) -> None:
        self.url = url
        self._store = store
        self._meter = meter
        self._retries = retries or Retries()
        self._first_answer = FirstAnswer(url)

    def __repr__(self) -> str:
        return f"Bucket({self.url})"

    def get(self, key: str) -> tuple[bytes, ObjectInfo] | None:
        """Return an object and what describes it; None if it does not exist."""

        def read() -> tuple[bytes, ObjectInfo]:
            found = obstore.get(self._store, key)
            return bytes(found.bytes()), _info(found.meta)

        return self._unless_missing(READ, key, read)

    def tail(self, info: ObjectInfo, size: int) -> bytes | None:
        """Return the last bytes of an object; None if it is missing or was replaced.

        Args:
            info: What describes the object; not an empty one.
            size: Bytes; all of a smaller object.
        """
        # From where: Azure knows no range that counts from the end.
        part = (max(info.size - size, 0), info.size)
        return self._piece(info.key, part, info.etag)

    def download(self, key: str, path: Path, *, info: ObjectInfo) -> bool:
        """Write an object to a file, a piece at a time in memory.

        Args:
            key: The object.
            path: The file.
            info: What describes the object.

        Returns:
            False if it is missing, or was replaced since *info* was made.

        Raises:
            OSError: If the file cannot be written.
        """
        with path.open("wb") as file:
            for start in range(0, info.size, PART_BYTES):
                end = min(start + PART_BYTES, info.size)
                piece = self._piece(key, (start, end), info.etag)
                if piece is None:
                    return False
                file.write(piece)
        return True

    def head(self, key: str) -> ObjectInfo | None:
        """Return what describes an object; None if it does not exist."""
        return self._unless_missing(
            READ, key, lambda: _info(obstore.head(self._store, key))
        )

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """Yield the objects below a prefix, by key; a page of them at a time.

        Args:
            prefix: The first names of keys, whole; empty for the bucket.
        """
        pages: Iterator[Any] | None = None
        last: str | None = None

        def next_page() -> Any:
            nonlocal pages
            begun, pages = pages, None
            if begun is None:
                begun = obstore.list(
                    self._store, prefix or None, offset=last, chunk_size=LIST_PAGE
                )
            page = next(begun, None)
            pages = begun  # after a fault, another one begins behind the last key
            return page

        requests = 1
        while page := self._call(
            LIST, prefix, next_page, requests=requests, repeat_if=is_broken
        ):
            if not requests:
                self._meter.add()
            requests = 0  # the page before says whether there is another
            for found in page:
                last = found["path"]
                yield _info(found)

    def level(self, prefix: str = "") -> tuple[Sequence[str], Sequence[ObjectInfo]]:
        """Return what is one level below a prefix.

        Returns:
            What keys begin with up to their next slash, without it; and the objects
            whose keys have none.
        """
        found = self._call(
            LIST,
            prefix,
            lambda: obstore.list_with_delimiter(self._store, prefix or None),
        )
        names = [str(name).rstrip("/") for name in found["common_prefixes"]]
        return names, [_info(one) for one in found["objects"]]

    def put(
        self, key: str, content: bytes, *, replaces: str | None = None
    ) -> ObjectInfo:
        """Write an object, whole.

        Args:
            key: The object.
            content: Its bytes.
            replaces: The ETag that the object must still have, ABSENT if it must not
                exist; None writes in any case.

        Raises:
            ChangedObjectError: If another program wrote or removed it meanwhile.
        """
        mode: Any = "overwrite"
        if replaces is not None:
            mode = self._condition(key, replaces) if replaces else "create"
        try:
            done = self._call(
                WRITE,
                key,
                lambda: obstore.put(self._store, key, content, mode=mode),
                repeat_if=None if replaces is None else is_broken,
            )
        except ChangedObjectError:
            # The answer to a write may be lost; the repeated one is refused then.
            now = self.get(key)
            if now is None or now[0] != content:
                raise
            return now[1]
        return ObjectInfo(key, _etag_of(done), len(content))

    def _condition(self, key: str, etag: str) -> dict[str, str]:
        """Return the condition that an object has an ETag, for a write.

        Raises:
            ChangedObjectError: If it has another one now.
        """
        if self.url.scheme != "gs":
            return {"e_tag": etag}
        # Google takes generations only, which its listings lack.
        now = self._unless_missing(READ, key, lambda: obstore.head(self._store, key))
        if now is None or _etag_of(now) != etag:
            raise ChangedObjectError(key)
        return {"version": now["version"]}

    def is_kept(self, key: str, content: bytes) -> bool:
        """Return whether the service refuses to create an object that exists.

        Args:
            key: The object.
            content: What it has. A service that ignores conditions writes it again.
        """
        create = partial(obstore.put, self._store, key, content, mode="create")
        try:
            self._call(WRITE, key, create)
        except ChangedObjectError:
            return True
        return False

    def put_file(self, key: str, path: Path) -> ObjectInfo:
        """Write an object from a file; readers do not see it before it is whole.

        Raises:
            OSError: If the file cannot be read.
        """
        size = path.stat().st_size
        pieces = -(-size // PART_BYTES)
        # In pieces: one request begins it, one ends it.
        done = self._call(
            WRITE,
            key,
            lambda: obstore.put(
                self._store,
                key,
                path,
                chunk_size=PART_BYTES,
                max_concurrency=PIECES_AT_ONCE,
            ),
            requests=1 if pieces <= 1 else pieces + 2,
            # It was completed and the answer lost; not all services know it then.
            repeat_if=is_unknown_upload,
        )
        return ObjectInfo(key, _etag_of(done), size)

    def delete(self, keys: Iterable[str]) -> None:
        """Remove objects; those that do not exist are passed over.

        In S3 a request removes 1,000. If one of them cannot be removed, others of the
        same request are removed; later requests are not sent.
        """
        if self.url.scheme == "s3":
            for some in _batched(keys, DELETED_AT_ONCE):
                remove = partial(obstore.delete, self._store, some)
                self._call(DELETE, "", remove, repeat_if=is_broken)
            return
        for key in keys:  # the others end at the first that is missing
            remove = partial(obstore.delete, self._store, key)
            self._unless_missing(DELETE, key, remove, repeat_if=is_broken)

    def _piece(self, key: str, part: tuple[int, int], etag: str) -> bytes | None:
        """Return a range of an object; None if it is missing or was replaced."""

        def read() -> bytes:
            options = {"range": part, "if_match": etag}
            return bytes(obstore.get(self._store, key, options=options).bytes())

        try:
            return self._unless_missing(READ, key, read)
        except ChangedObjectError:
            return None

    def _unless_missing(
        self,
        does: Operation,
        key: str,
        work: Callable[[], T],
        *,
        repeat_if: Callable[[Exception], bool] | None = None,
    ) -> T | None:
        try:
            return self._call(does, key, work, repeat_if=repeat_if)
        except FileNotFoundError:
            return None

    def _call(
        self,
        does: Operation,
        key: str,
        work: Callable[[], T],
        *,
        requests: int = 1,
        repeat_if: Callable[[Exception], bool] | None = None,
    ) -> T:
        """Do something, and turn the library's errors into ours.

        The library repeats itself what may be done twice. The rest is repeated here.

        Args:
            does: What it is.
            key: The object.
            work: Does it.
            requests: How many it takes.
            repeat_if: Says after which errors it is repeated; None: after none.
        """
        pauses_s = self._retries.pauses_s()
        while True:
            self._meter.add(requests)
            try:
                with self._first_answer.awaited():
                    return work()
            except FileNotFoundError as exc:
                is_object = not re.search(_MISSING_BUCKET, str(exc))
                if does in (READ, DELETE) and is_object:
                    raise
                problem: Exception = exc
            except (exceptions.PreconditionError, exceptions.AlreadyExistsError):
                raise ChangedObjectError(key) from None
            except exceptions.BaseError as exc:
                problem = exc
            repeats = repeat_if is not None and repeat_if(problem)
            pause_s = next(pauses_s, None) if repeats else None
            if pause_s is None:
                break
            time.sleep(pause_s)
        key = key or failed_key(str(problem))
        url = self.url / key if key else self.url
        # Raised out here: the library's errors have the address of the request.
        raise object_error(url, self.url.scheme, does, problem)


def _batched(keys: Iterable[str], size: int) -> Iterator[list[str]]:
    """Yield keys in lists of at most *size*."""
    left = iter(keys)
    while some := list(islice(left, size)):
        yield some


def _info(found: Any) -> ObjectInfo:
    return ObjectInfo(
        found["path"], _etag_of(found), found["size"], found["last_modified"]
    )


def _etag_of(found: Any) -> str:
    """Return an ETag in its quotes, which Azure leaves out of listings."""
    etag = found["e_tag"] or ""
    return f'"{etag}"' if etag and not etag.endswith('"') else etag
