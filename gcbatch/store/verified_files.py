"""Opens Parquet files of the store, their checksums verified."""

from collections.abc import Iterator
from contextlib import contextmanager

from gcbatch.errors import DamagedPartError
from gcbatch.store.job_files import JobFiles, OpenedFile
from gcbatch.store.part_file import verified_checksum

__all__ = ["open_verified"]


@contextmanager
def open_verified(
    files: JobFiles, name: str, known: tuple[bytes, str] | None = None
) -> Iterator[tuple[OpenedFile, str]]:
    """Open a file with a checksum, and verify that.

    What is read afterwards is what was verified, even if the file is replaced
    meanwhile: that makes a new file of the same name.

    Args:
        files: The files of the job.
        name: Name of the file.
        known: `OpenedFile.local` and the checksum of the file when it was last
            verified; it is not hashed again while it is unchanged. None if it never
            was.

    Yields:
        The file, and its checksum.

    Raises:
        OSError: If it cannot be read, or is no regular file.
        DamagedPartError: If the checksum is wrong.
    """
    for is_last in (False, True):
        with files.open(name) as opened:
            try:
                if known is not None and known[0] == opened.local:
                    checksum = known[1]
                else:
                    checksum = verified_checksum(files.place_of(name), opened.file)
            except DamagedPartError:
                if is_last or not files.drop_copy(name, opened):
                    raise
                continue
            opened.file.seek(0)
            yield opened, checksum
            return
