"""Digests of what a run read and wrote; `verify` tells by them what has changed."""

from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path

from gcbatch.atomic_files import open_regular

__all__ = ["PublishedFile", "digest_file"]


@dataclass(frozen=True, slots=True)
class PublishedFile:
    """A file that was published.

    Args:
        path: As the job gives it; where it is relative, to the folder of the run.
        sha256: Of its content.
        bytes: Its size.
    """

    path: str
    sha256: str
    bytes: int


def digest_file(path: Path) -> PublishedFile:
    """Return the digest of a file.

    Raises:
        OSError: If it cannot be read, or is no file: nobody waits for a pipe.
    """
    with open_regular(path) as file:
        content = file_digest(file, "sha256")
        return PublishedFile(str(path), content.hexdigest(), file.tell())
