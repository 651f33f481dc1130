"""Files that are to become objects: drafts on a disk, then one write for each."""

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from gcbatch.errors import OutputError
from gcbatch.exporting.published_file import PublishedFile, digest_file
from gcbatch.objects import Buckets, ObjectUrl

__all__ = ["ObjectDrafts"]


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
        """Write all objects, each whole, in the order of stage; then remove others.

        Raises:
            OutputError: If an object cannot be written; those before it are.
        """
        done = []
        for url, staged in self._staged.items():
            try:
                file = digest_file(staged)
                info = self._buckets.of(url).put_file(url.key, staged)
            except OSError as exc:
                msg = f"{url}: its draft cannot be read: {exc.strerror or exc}"
                raise OutputError(msg, hint="check the disk of TMPDIR") from exc
            done.append(replace(file, path=str(url), etag=info.etag))
        for url in self._obsolete:
            if url not in self._staged:
                self._buckets.of(url).delete([url.key])
        return tuple(done)

    def close(self) -> None:
        """Remove all drafts."""
        if self._folder is not None:
            with suppress(OSError):
                self._folder.cleanup()
