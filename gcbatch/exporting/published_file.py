"""What describes a published file, so that a later run sees whether it is unchanged."""

import errno
import os
import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path
from typing import Any, Final

from gcbatch.atomic_files import open_regular
from gcbatch.objects import Buckets, ObjectInfo, ObjectUrl, is_object_url

__all__ = ["PublishedFile", "are_unchanged", "digest_file", "published_files"]

MAX_ASKED: Final = 8
"""Objects of one folder that are asked for one by one; more are listed."""


@dataclass(frozen=True, slots=True)
class PublishedFile:
    """A file that was published.

    Args:
        path: As in the job file; a relative path starts at the folder of the run. Or
            the URL of an object.
        sha256: Hash of its content.
        bytes: Its size.
        etag: The ETag of an object; empty for a file.
    """

    path: str
    sha256: str
    bytes: int
    etag: str = ""


def published_files(report: Mapping[str, Any]) -> list[PublishedFile]:
    """Return the files that a run report names; keys of newer releases are ignored.

    Args:
        report: A run.json.

    Raises:
        KeyError, TypeError, AttributeError: If it is none.
    """
    return [
        PublishedFile(one["path"], one["sha256"], one["bytes"], one.get("etag", ""))
        for one in report["digests"]["outputs"]
    ]


def digest_file(path: Path) -> PublishedFile:
    """Return the digest of a file.

    Raises:
        OSError: If it cannot be read, or is no regular file.
    """
    with open_regular(path) as file:
        content = file_digest(file, "sha256")
        return PublishedFile(str(path), content.hexdigest(), file.tell())


def are_unchanged(files: Sequence[PublishedFile], buckets: Buckets) -> bool:
    """Return whether files are as they were published.

    Objects are recognised by their ETags, without a download.

    Raises:
        OSError: If a file cannot be read; FileNotFoundError if one is missing.
        OutputError: If an object store cannot be asked.
    """
    objects = {
        ObjectUrl.parse(file.path): file.etag
        for file in files
        if is_object_url(file.path)
    }
    found = _etags(objects, buckets)
    if missing := objects.keys() - found.keys():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), min(missing))
    if found != objects:
        return False
    return all(
        digest_file(Path(file.path)) == file
        for file in files
        if not is_object_url(file.path)
    )


def _etags(urls: Iterable[ObjectUrl], buckets: Buckets) -> Mapping[ObjectUrl, str]:
    """Return the ETags of those of some objects that exist."""
    by_top: dict[ObjectUrl, list[ObjectUrl]] = {}
    for url in urls:
        by_top.setdefault(ObjectUrl(url.scheme, url.bucket), []).append(url)
    found: dict[ObjectUrl, str] = {}
    for top, wanted in by_top.items():
        bucket = buckets.of(top)
        infos: Iterator[ObjectInfo]
        if len(wanted) <= MAX_ASKED:
            infos = filter(None, (bucket.head(url.key) for url in wanted))
        else:
            folder = posixpath.commonpath([url.parent.key for url in wanted])
            infos = bucket.list(folder)
        etags = {info.key: info.etag for info in infos}
        found |= {url: etags[url.key] for url in wanted if url.key in etags}
    return found
