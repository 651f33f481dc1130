"""Digests of published files, by which `verify` sees what has changed."""

from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path

from gcbatch.atomic_files import open_regular

__all__ = ["PublishedFile", "digest_file"]


@dataclass(frozen=True, slots=True)
class PublishedFile:
    """A file that was published.

    Args:
        path: As in the job file; a relative path starts at the folder of the run.
        sha256: Hash of its content.
        bytes: Its size.
    """

    path: str
    sha256: str
    bytes: int


def digest_file(path: Path) -> PublishedFile:
    """Return the digest of a file.

    Raises:
        OSError: If it cannot be read, or is no regular file.
    """
    with open_regular(path) as file:
        content = file_digest(file, "sha256")
        return PublishedFile(str(path), content.hexdigest(), file.tell())
