"""A folder of partitions in an object store."""

import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, Final

from gcbatch.errors import OutputError
from gcbatch.exporting import Buckets, ObjectInfo, ObjectPath, ObjectUrl, Target
from gcbatch_exporters.origin import Origin
from gcbatch_exporters.partition_folder import PartitionFolder

__all__ = ["ObjectFolder"]

AT_ONCE: Final = 8
"""Files whose ends are read at the same time."""

MAX_TRIES: Final = 5
"""How often an object may be replaced while its end is read."""

FOOTER_BYTES: Final = 64 * 1024
"""What is read of the end of a file: the footer of 21 columns takes 8 KiB, and 2 KiB
more for each further row group."""

_MAGIC: Final = b"PAR1"
_END_BYTES: Final = 8
"""A Parquet file ends with the size of its footer and the magic word."""


class ObjectFolder(PartitionFolder):
    """A folder of partitions in an object store.

    One listing says what is there. Nothing is locked: of two runs at once, the later
    write of each object wins.

    Args:
        path: Where it is.
        buckets: Access to object stores.

    Raises:
        JobError: If the settings of the object store cannot be used.
    """

    is_read_by_check: ClassVar[bool] = False  # each would take a request

    def __init__(self, path: ObjectPath, buckets: Buckets) -> None:
        super().__init__(path)
        self._url = path.url
        self._bucket = buckets.of(self._url)
        self._infos: dict[str, ObjectInfo] = {}

    def files(self) -> Iterator[str]:
        """Yield all objects below it.

        Raises:
            OutputError: If they cannot be listed.
        """
        top = f"{self._url.key}/"
        for info in self._bucket.list(self._url.key):
            # What ends with a slash stands for an empty folder in some consoles.
            if info.key.startswith(top) and not info.key.endswith("/"):
                file = info.key.removeprefix(top)
                self._infos[file] = info
                yield file

    def origins(self, files: Collection[str]) -> Mapping[str, Origin]:
        """Return the origins of those of some files that gcbatch wrote there."""
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="gcbatch-get") as pool:
            found = dict(zip(files, pool.map(self._origin_of, files), strict=True))
        return {file: origin for file, origin in found.items() if origin is not None}

    def _origin_of(self, file: str) -> Origin | None:
        """Return the origin of a file; None if gcbatch did not write it there.

        Raises:
            OutputError: If it cannot be read, or is replaced again and again.
        """
        info: ObjectInfo | None = self._infos[file]
        for _ in range(MAX_TRIES):
            if info is None or info.size <= _END_BYTES:
                return None  # removed meanwhile, or no Parquet file
            end = self._end_of(info, FOOTER_BYTES)
            if end is not None and end.endswith(_MAGIC):
                footer = int.from_bytes(end[-_END_BYTES : -len(_MAGIC)], "little")
                wanted = footer + _END_BYTES
                if len(end) < wanted <= info.size:
                    end = self._end_of(info, wanted)
            if end is not None:
                return Origin.read(BytesIO(end), file)
            info = self._bucket.head(info.key)
        msg = f"{self._url / file}: others kept writing to it"
        raise OutputError(msg, hint="run one at a time, or name another folder")

    def _end_of(self, info: ObjectInfo, size: int) -> bytes | None:
        return self._bucket.tail(info, size)

    def manifest(self) -> None:
        """Return None: the releases that left a list wrote to disks alone."""

    def open(self, file: str) -> BinaryIO:
        """Open a file for reading, as a whole in memory.

        Raises:
            FileNotFoundError: If it does not exist.
            OutputError: If it cannot be read.
        """
        found = self._bucket.get((self._url / file).key)
        if found is None:
            raise FileNotFoundError(file)
        return BytesIO(found[0])

    def is_taken(self, file: str) -> bool:
        """Return whether the listing had an object where a file is to be."""
        return file in self._infos

    def spill(self) -> AbstractContextManager[Any]:
        """Return a temporary file on the disk of TMPDIR."""
        return tempfile.TemporaryFile(prefix="gcbatch-")

    def prepare(self, target: Target) -> None:
        """Do nothing: in object stores, folders are the names of what is in them."""

    def hold(self, target: Target) -> None:
        """Do nothing: object stores have no locks."""

    def make_folders(self, folders: Iterable[str], target: Target) -> None:
        """Do nothing: names are kept as they are."""

    def stage(self, file: str, target: Target) -> Path:
        """Return the path of a draft on the disk of TMPDIR.

        Raises:
            OutputError: If the key is too long, or no draft can be created.
        """
        try:
            ObjectUrl.parse(self.path / file)
        except ValueError as exc:
            raise OutputError(
                str(exc), hint="partition by fewer columns, or by ids"
            ) from exc
        return target.stage(self.path / file)

    def discard(self, file: str, target: Target) -> None:
        """Remove an object when all is written."""
        target.discard(self.path / file)
