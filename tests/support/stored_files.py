"""Where the files of a store on disk are."""

from pathlib import Path

from gcbatch.store import Store

__all__ = ["folder_of", "path_of"]


def path_of(store: Store, digest: str) -> Path:
    """Return the path of a part."""
    return Path(store.place_of(digest))


def folder_of(store: Store) -> Path:
    """Return the folder of a job."""
    return Path(store.place)
