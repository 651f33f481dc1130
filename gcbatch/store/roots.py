"""Opens a store by its address."""

from pathlib import Path, PurePath

from gcbatch.atomic_files import Sync, to_disk
from gcbatch.objects import Buckets, ObjectPath, ObjectUrl
from gcbatch.store.cache_settings import CacheSettings
from gcbatch.store.disk_files import DiskRoot
from gcbatch.store.job_files import StoreRoot

__all__ = ["open_root"]


def open_root(
    place: PurePath | ObjectUrl | StoreRoot,
    *,
    buckets: Buckets | None = None,
    cache: CacheSettings | None = None,
    lists: bool = True,
    sync: Sync = to_disk,
) -> StoreRoot:
    """Return the store at an address.

    Args:
        place: A folder, or the address in an object store, as `fetch.store` has it; an
            opened store is returned as it is.
        buckets: Opens the bucket; None: with the environment's credentials.
        cache: Where copies of objects are; None: in a temporary folder.
        lists: Whether a job's objects are listed at first. A process that reads few of
            them, such as a worker of a cluster, looks at each instead.
        sync: Forces a file or folder of a disk to it.

    Raises:
        JobError: If the settings of the object store cannot be used.
    """
    if isinstance(place, ObjectPath):
        place = place.url
    if isinstance(place, PurePath):
        return DiskRoot(Path(place), sync)
    if isinstance(place, ObjectUrl):
        # Only who stores in a bucket needs its library.
        from gcbatch.store.object_root import ObjectRoot  # noqa: PLC0415 - see above
        from gcbatch.store.part_cache import PartCache  # noqa: PLC0415 - see above

        bucket = (buckets or Buckets()).of(place)
        return ObjectRoot(place, bucket, PartCache(cache), lists)
    return place
