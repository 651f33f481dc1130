"""A store in a bucket."""

from collections.abc import Sequence
from dataclasses import dataclass

from gcbatch.errors import OutputError
from gcbatch.objects import Bucket, ObjectUrl
from gcbatch.store.job_files import PARTS
from gcbatch.store.object_files import ObjectJobFiles
from gcbatch.store.part_cache import PartCache

__all__ = ["ObjectRoot"]


@dataclass(frozen=True)
class ObjectRoot:
    """A store below an address; see StoreRoot.

    Args:
        url: The address that a job file calls `fetch.store`.
        bucket: The bucket.
        cache: Copies of objects, which jobs share.
        lists: See ObjectJobFiles.
    """

    url: ObjectUrl
    bucket: Bucket
    cache: PartCache
    lists: bool = True

    @property
    def place(self) -> str:
        """The address."""
        return str(self.url)

    def files(self, job: str) -> ObjectJobFiles:
        """Return the files of a job."""
        return ObjectJobFiles(self.bucket, self.url / job, self.cache, lists=self.lists)

    def job_names(self, notes: Sequence[str]) -> list[str]:
        """Return the names of what is one level below, and has parts or notes."""
        folders, _ = self.bucket.level(self.url.key)
        if not folders:
            msg = f"{self.url}: holds no store"
            raise OutputError(msg, hint="name the address that `fetch.store` names")
        start = len(self.url.key) + 1 if self.url.key else 0
        return sorted(
            folder[start:] for folder in folders if self._is_job(folder, notes)
        )

    def _is_job(self, folder: str, notes: Sequence[str]) -> bool:
        below, objects = self.bucket.level(folder)
        names = {info.key.rpartition("/")[2] for info in objects if info.size}
        return f"{folder}/{PARTS}".rstrip("/") in below or not names.isdisjoint(notes)

    def remove_empty(self, job: str) -> None:
        """Do nothing: a bucket has no folders."""
