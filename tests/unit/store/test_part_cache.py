"""The bound of the copies of objects."""

from pathlib import Path

import pytest

from gcbatch.store.cache_settings import CacheSettings
from gcbatch.store.part_cache import PartCache


def test_copies_never_take_more_than_the_bound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even for a moment: another thread reads a copy as soon as it is there."""
    cache = PartCache(CacheSettings(tmp_path, max_bytes=50))
    taken = []
    rename = Path.replace

    def renamed(path: Path, target: Path) -> Path:
        try:
            return rename(path, target)
        finally:
            taken.append(sum(p.stat().st_size for p in tmp_path.glob("*.copy")))

    monkeypatch.setattr(Path, "replace", renamed)
    for number in range(12):
        draft = cache.draft()
        draft.write_bytes(bytes(10))
        cache.keep(draft, cache.name_of(f"s3://bucket/{number}", "tag")).close()

    assert len(taken) == 12
    assert max(taken) == 50
