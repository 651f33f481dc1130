"""Addresses of objects, such as `s3://bucket/folder/file.parquet`."""

import re
from dataclasses import dataclass
from pathlib import PurePath
from typing import Final, Self

__all__ = ["SCHEMES", "ObjectUrl", "is_object_url"]

SCHEMES: Final = ("s3", "gs", "az")
"""Amazon S3 and what speaks its protocol, Google Cloud Storage, Azure Blob Storage."""

MAX_KEY_BYTES: Final = 1024
"""Longest key of S3 and Google (docs.aws.amazon.com/AmazonS3/latest/userguide/
object-keys.html; cloud.google.com/storage/docs/objects, read 2026-11-28)."""

# A Path of a URL has one slash after the colon.
_URL: Final = (
    rf"(?P<scheme>{'|'.join(SCHEMES)}):/{{1,2}}(?P<bucket>[^/]+)(?:/(?P<key>.*))?"
)
_BUCKET: Final = r"[A-Za-z0-9][A-Za-z0-9._-]{1,221}"
_UNSAFE: Final = r"[\x00-\x1f\x7f\\?#]"


def is_object_url(path: str | PurePath) -> bool:
    """Return whether a text or path is the address of an object."""
    text = path.as_posix() if isinstance(path, PurePath) else path
    return text.startswith(tuple(f"{scheme}:/" for scheme in SCHEMES))


@dataclass(frozen=True, slots=True, order=True)
class ObjectUrl:
    """The address of an object, or of all objects whose keys begin with its key.

    Args:
        scheme: One of SCHEMES.
        bucket: The bucket; in Azure the container.
        key: The key, without a slash at its begin or end; empty for the bucket.
    """

    scheme: str
    bucket: str
    key: str = ""

    @classmethod
    def parse(cls, text: str | PurePath) -> Self:
        """Read a URL; a Path, which has lost a slash of it, is read too.

        Raises:
            ValueError: If it is none.
        """
        if isinstance(text, PurePath):
            text = text.as_posix()
        found = re.fullmatch(_URL, text, re.DOTALL)
        if found is None or not re.fullmatch(_BUCKET, found["bucket"], re.ASCII):
            msg = f"{text} is no address of an object; write s3://bucket/folder/file"
            raise ValueError(msg)
        key = (found["key"] or "").strip("/")
        names = key.split("/") if key else []
        if {"", ".", ".."} & {*names}:
            msg = f"{text} has an empty name, `.` or `..` between slashes"
            raise ValueError(msg)
        if unsafe := re.search(_UNSAFE, key):
            msg = f"{text} has {unsafe[0]!r}, which not every object store keeps"
            raise ValueError(msg)
        if len(key.encode()) > MAX_KEY_BYTES:
            msg = f"{text[:60]}… is longer than the {MAX_KEY_BYTES} bytes of a key"
            raise ValueError(msg)
        return cls(found["scheme"], found["bucket"], key)

    def __str__(self) -> str:
        return f"{self.scheme}://{self.bucket}/{self.key}".rstrip("/")

    def __truediv__(self, name: str) -> "ObjectUrl":
        """Return the address of *name*, one or several names, below this one."""
        key = f"{self.key}/{name}" if self.key else name
        return ObjectUrl(self.scheme, self.bucket, key)

    @property
    def name(self) -> str:
        """The last name of the key."""
        return self.key.rpartition("/")[2]

    @property
    def parent(self) -> "ObjectUrl":
        """The address that it is below; that of the bucket is its own."""
        return ObjectUrl(self.scheme, self.bucket, self.key.rpartition("/")[0])

    def is_below(self, other: "ObjectUrl") -> bool:
        """Return whether it is *other*, or below it."""
        if (self.scheme, self.bucket) != (other.scheme, other.bucket):
            return False
        return f"{self.key}/".startswith(f"{other.key}/") or not other.key
