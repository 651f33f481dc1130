"""Opens a store by its address."""

from pathlib import Path

from gcbatch.atomic_files import Sync, to_disk
from gcbatch.store.disk_files import DiskRoot
from gcbatch.store.job_files import StoreRoot

__all__ = ["open_root"]


def open_root(place: Path | StoreRoot, *, sync: Sync = to_disk) -> StoreRoot:
    """Return the store at an address.

    Args:
        place: A folder; an opened store is returned as it is.
        sync: Forces a file or folder of a disk to it.
    """
    return DiskRoot(place, sync) if isinstance(place, Path) else place
