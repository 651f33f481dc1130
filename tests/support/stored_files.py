"""Where the files of a store are, on disk and in a bucket, and what is in them."""

from pathlib import Path
from typing import TYPE_CHECKING

from gcbatch.objects import Bucket, Buckets
from gcbatch.store import CacheSettings, Store, StoreRoot, open_root

if TYPE_CHECKING:
    from tests.support.s3_server import S3Bucket

__all__ = [
    "content_of",
    "folder_of",
    "overwrite",
    "path_of",
    "reopened",
    "root_in_bucket",
]


def path_of(store: Store, digest: str) -> Path:
    """Return the path of a part of a store on disk."""
    return Path(store.place_of(digest))


def folder_of(store: Store) -> Path:
    """Return the folder of a job of a store on disk."""
    return Path(store.place)


def root_in_bucket(bucket: "S3Bucket", cache: Path) -> StoreRoot:
    """Return a store in a bucket, as a run of its own opens it."""
    buckets = Buckets(bucket.server.settings(), environ={})
    settings = CacheSettings(cache)
    return open_root(bucket.url / "a/store", buckets=buckets, cache=settings)


def reopened(store: Store) -> Store:
    """Open a store again, as another run would."""
    return Store(store.root, store.name)


def content_of(store: Store, digest: str) -> bytes:
    """Return the bytes of a part."""
    if (bucket := _bucket_of(store)) is None:
        return path_of(store, digest).read_bytes()
    found = bucket.get(_key_of(store, digest))
    assert found is not None
    return found[0]


def overwrite(store: Store, digest: str, content: bytes) -> None:
    """Write a part's bytes as another program would, which the store does not learn."""
    if (bucket := _bucket_of(store)) is None:
        path_of(store, digest).parent.mkdir(parents=True, exist_ok=True)
        path_of(store, digest).write_bytes(content)
    else:
        bucket.put(_key_of(store, digest), content)


def _bucket_of(store: Store) -> Bucket | None:
    found: Bucket | None = getattr(store.root, "bucket", None)
    return found


def _key_of(store: Store, digest: str) -> str:
    return store.place_of(digest).split("/", 3)[3]
