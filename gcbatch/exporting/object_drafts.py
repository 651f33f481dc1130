"""Files that are to become objects: drafts on a disk, then one write for each."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from gcbatch.errors import OutputError
from gcbatch.exporting.published_file import PublishedFile, digest_file
from gcbatch.objects import Buckets, ObjectUrl

__all__ = ["ObjectDrafts"]

AT_ONCE: Final = 8
"""Small objects that are written at the same time."""

MAX_SMALL_BYTES: Final = 4 * 1024 * 1024
"""Size of a small object: eight of them take the memory that one large one takes."""


class ObjectDrafts:
    """The drafts of the objects of one target.

    Args:
        buckets: Access to object stores.
    """

    def __init__(self, buckets: Buckets) -> None:
        self._buckets = buckets
        self._folder: TemporaryDirectory[str] | None = None
        self._staged: dict[ObjectUrl, Path] = {}
        self._obsolete: list[ObjectUrl] = []
        self._created = 0

    def stage(self, url: ObjectUrl) -> Path:
        """Return the path of a file that becomes an object.

        Raises:
            OutputError: If no file can be created on the disk for temporary files.
        """
        if url not in self._staged:
            try:
                if self._folder is None:
                    self._folder = TemporaryDirectory(prefix="gcbatch-")
                path = Path(self._folder.name, f"{self._created}.part")
                path.touch(0o600, exist_ok=False)
            except OSError as exc:
                msg = f"{url}: a draft of it cannot be written: {exc.strerror or exc}"
                hint = "set TMPDIR to a folder with space"
                raise OutputError(msg, hint=hint) from exc
            self._created += 1
            self._staged[url] = path
        return self._staged[url]

    def unstage(self, url: ObjectUrl) -> None:
        """Leave an object as it is; drop the draft for it."""
        if staged := self._staged.pop(url, None):
            with suppress(OSError):
                staged.unlink(missing_ok=True)

    def discard(self, url: ObjectUrl) -> None:
        """Remove an object of an earlier export, when all is written."""
        self._obsolete.append(url)

    def publish(self) -> tuple[PublishedFile, ...]:
        """Write all objects, each whole; then remove others.

        Small ones are written some at once, large ones one after the other, whose
        pieces are sent at once. So no more than about 32 MB are in memory.

        Returns:
            What was written, in the order of stage.

        Raises:
            OutputError: If an object cannot be written. Others may be, and none is
                removed.
        """
        small = [url for url in self._staged if self._is_small(url)]
        pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="gcbatch-put")
        try:
            putting = {url: pool.submit(self._put, url) for url in small}
            done = {url: future.result() for url, future in putting.items()}
        finally:
            pool.shutdown(cancel_futures=True)
        for url in self._staged:
            if url not in done:
                done[url] = self._put(url)
        obsolete: dict[ObjectUrl, list[str]] = {}
        for url in self._obsolete:
            if url not in self._staged:
                top = ObjectUrl(url.scheme, url.bucket)
                obsolete.setdefault(top, []).append(url.key)
        for top, keys in obsolete.items():
            self._buckets.of(top).delete(keys)
        return tuple(done[url] for url in self._staged)

    def _is_small(self, url: ObjectUrl) -> bool:
        try:
            return self._staged[url].stat().st_size <= MAX_SMALL_BYTES
        except OSError:
            return False  # the error is that of writing it

    def _put(self, url: ObjectUrl) -> PublishedFile:
        staged = self._staged[url]
        try:
            file = digest_file(staged)
            info = self._buckets.of(url).put_file(url.key, staged)
        except OSError as exc:
            msg = f"{url}: its draft cannot be read: {exc.strerror or exc}"
            raise OutputError(msg, hint="check the disk of TMPDIR") from exc
        return replace(file, path=str(url), etag=info.etag)

    def close(self) -> None:
        """Remove all drafts."""
        if self._folder is not None:
            with suppress(OSError):
                self._folder.cleanup()
