"""A set of ids that takes 18 bytes for each."""

from collections import defaultdict
from collections.abc import Iterable
from hashlib import blake2b
from typing import Final

__all__ = ["IdSet"]

SIZE: Final = 16
"""Bytes of a hash. No two ids with the same hash are known, nor can they be made, so it
stands for the id as the checksum of a part does for its bytes."""

BUCKETS: Final = 1_024
"""With 200,000 ids a search passes over 3 KB, in less time than it takes to hash."""


class IdSet:
    """A set of texts or bytes, of which it holds the hashes.

    A set of Python's takes 150 bytes for an id, its text included, and a day may have
    some hundred thousand of them.
    """

    def __init__(self) -> None:
        self._buckets: defaultdict[int, bytearray] = defaultdict(bytearray)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __contains__(self, identity: str | bytes) -> bool:
        digest, bucket = self._find(identity)
        return _has(bucket, digest)

    def add(self, identity: str | bytes) -> bool:
        """Add an id; return whether it is new."""
        digest, bucket = self._find(identity)
        if _has(bucket, digest):
            return False
        bucket += digest
        self._count += 1
        return True

    def _find(self, identity: str | bytes) -> tuple[bytes, bytearray]:
        """Return the hash of an id, and the bucket that it belongs to."""
        content = identity.encode() if isinstance(identity, str) else identity
        digest = blake2b(content, digest_size=SIZE).digest()
        return digest, self._buckets[int.from_bytes(digest[:2]) % BUCKETS]

    def update(self, identities: Iterable[str | bytes]) -> int:
        """Add ids; return how many are new."""
        return sum(map(self.add, identities))

    def clear(self) -> None:
        """Remove all ids."""
        self._buckets.clear()
        self._count = 0


def _has(bucket: bytearray, digest: bytes) -> bool:
    place = bucket.find(digest)
    while place > 0 and place % SIZE:  # found across two hashes
        place = bucket.find(digest, place + 1)
    return place >= 0
