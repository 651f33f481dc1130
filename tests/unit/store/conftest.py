"""A store of either form: what a test says of one holds for the other."""

from pathlib import Path
from typing import Any

import pytest

from gcbatch.store import Store, StoreRoot, open_root
from tests.support.stored_files import root_in_bucket


@pytest.fixture(params=["disk", "s3"])
def any_root(request: pytest.FixtureRequest, tmp_path: Path) -> StoreRoot:
    """Return a store on disk, and one in a bucket."""
    if request.param == "disk":
        return open_root(tmp_path)
    bucket: Any = request.getfixturevalue("s3")
    return root_in_bucket(bucket, tmp_path / "cache")


@pytest.fixture
def any_store(any_root: StoreRoot) -> Store:
    """Return a job's store of either form."""
    return Store(any_root, "job")
