"""Blobs of a real server of Azure's protocol: written whole, read, listed, removed."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from gcbatch.errors import OutputError
from gcbatch.objects import (
    ABSENT,
    Buckets,
    ChangedObjectError,
    ObjectUrl,
    RequestMeter,
)
from gcbatch.objects.bucket import PART_BYTES
from tests.support.azure_server import AzureContainer


def test_what_is_written_is_read(azure: AzureContainer) -> None:
    """Also under names that a URL escapes; as another client reads it."""
    bucket = azure.open()
    for key in ("a", "a/b.parquet", "day=2026-11-01/ü ä%20+&.csv", "a'b~(1)"):
        written = bucket.put(key, key.encode())

        found = bucket.get(key)

        assert found is not None
        assert found[0] == key.encode()
        assert found[1].etag == written.etag
        assert azure.read(key) == key.encode()
        head = bucket.head(key)
        assert head is not None
        assert (head.etag, head.size) == (written.etag, len(key.encode()))


def test_a_range_is_read_of_one_version(azure: AzureContainer, tmp_path: Path) -> None:
    """By its ETag: once it is replaced or removed, neither its end nor the whole."""
    bucket = azure.open()
    old = bucket.put("part", b"0123456789")
    assert bucket.tail(old, 4) == b"6789"
    assert bucket.tail(old, 40) == b"0123456789"

    bucket.put("part", b"9876543210")
    replaced = bucket.tail(old, 4)
    replaced_whole = bucket.download("part", tmp_path / "part", info=old)
    bucket.delete(["part"])
    removed = bucket.tail(old, 4)

    assert (replaced, replaced_whole, removed) == (None, False, None)


def test_what_changed_is_not_replaced(azure: AzureContainer) -> None:
    """Nor is what was removed; what exists is not created."""
    bucket = azure.open()
    first = bucket.put("note", b"1", replaces=ABSENT)
    bucket.put("note", b"2", replaces=first.etag)

    with pytest.raises(ChangedObjectError):
        bucket.put("note", b"3", replaces=first.etag)
    with pytest.raises(ChangedObjectError):
        bucket.put("note", b"3", replaces=ABSENT)
    assert bucket.is_kept("note", b"3")
    assert azure.read("note") == b"2"
    bucket.delete(["note"])
    with pytest.raises(ChangedObjectError):
        bucket.put("note", b"3", replaces=first.etag)


@pytest.mark.parametrize("is_new", [True, False])
def test_of_two_at_a_time_one_writes(azure: AzureContainer, *, is_new: bool) -> None:
    """Whether they create an object or replace it."""
    bucket = azure.open()
    for number in range(10):
        key = f"once-{number}"
        before = ABSENT if is_new else bucket.put(key, b"before").etag
        begin = Barrier(2)

        def write(
            content: bytes, key: str = key, before: str = before, begin: Barrier = begin
        ) -> bytes | None:
            begin.wait()
            try:
                bucket.put(key, content, replaces=before)
            except ChangedObjectError:
                return None
            return content

        with ThreadPoolExecutor(2) as pool:
            won = [found for found in pool.map(write, (b"1", b"2")) if found]

        assert [azure.read(key)] == won


@pytest.mark.parametrize("size", [0, 1, PART_BYTES, PART_BYTES + 1, 3 * PART_BYTES])
def test_a_file_is_the_object(azure: AzureContainer, tmp_path: Path, size: int) -> None:
    """In one piece or several, up and down."""
    bucket = azure.open()
    content = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    (tmp_path / "up").write_bytes(content)

    info = bucket.put_file("file", tmp_path / "up")

    assert info.size == size
    assert azure.read("file") == content
    assert bucket.download("file", tmp_path / "down", info=info)
    assert (tmp_path / "down").read_bytes() == content


@pytest.mark.parametrize(
    "count", [5, pytest.param(5_050, marks=pytest.mark.slow, id="two pages")]
)
def test_a_list_has_all_keys_in_order(azure: AzureContainer, count: int) -> None:
    """Of whole names alone; and one level by itself."""
    bucket = azure.open()
    keys = sorted(f"parts/{number:04}" for number in range(count))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: bucket.put(key, b"x"), [*keys, "parts-2/x", "z"]))

    assert [info.key for info in bucket.list("parts")] == keys
    assert list(bucket.list("none")) == []
    names, objects = bucket.level()
    assert sorted(names) == ["parts", "parts-2"]
    assert [info.key for info in objects] == ["z"]


def test_all_answers_give_an_object_one_etag(
    azure: AzureContainer, tmp_path: Path
) -> None:
    """A write, in one piece or more, a listing and a look; it conditions a write."""
    bucket = azure.open()
    (tmp_path / "file").write_bytes(b"x" * (PART_BYTES + 1))
    for written in (bucket.put("one", b"x"), bucket.put_file("two", tmp_path / "file")):
        (listed,) = [found for found in bucket.list() if found.key == written.key]
        (seen,) = [found for found in bucket.level()[1] if found.key == written.key]
        head = bucket.head(written.key)

        assert head is not None
        assert {listed.etag, seen.etag, head.etag} == {written.etag}
        assert bucket.tail(listed, 1) == b"x"
        bucket.put(written.key, b"y", replaces=listed.etag)


def test_what_is_missing_is_no_error(azure: AzureContainer) -> None:
    """It is read as nothing, and removed among others that exist."""
    meter = RequestMeter()
    bucket = azure.open(meter=meter)
    for key in ("a", "b", "stays"):
        bucket.put(key, b"x")
    before = meter.count

    bucket.delete(["a", "none", "b"])

    assert meter.count - before == 3
    assert azure.keys() == ["stays"]
    assert bucket.get("none") is None
    assert bucket.head("none") is None


class TestRefusals:
    """One message: object, cause and way out."""

    def test_a_container_that_is_missing(self, azure: AzureContainer) -> None:
        """Is no empty one."""
        buckets = Buckets(azure.server.settings(), environ={})
        bucket = buckets.of(ObjectUrl("az", "missing"))

        for ask in (
            lambda: bucket.get("key"),
            lambda: list(bucket.list()),
            bucket.level,
            lambda: bucket.put("key", b"x"),
            lambda: bucket.put("key", b"x", replaces=ABSENT),
            lambda: bucket.delete(["key"]),
        ):
            with pytest.raises(OutputError, match="no such container") as refused:
                ask()
            assert refused.value.problem.startswith("az://missing")
            assert refused.value.hint == "create it, or check its name"

    def test_a_wrong_key(self, azure: AzureContainer) -> None:
        """Is not quoted."""
        wrong = "bm90LXRoZS1rZXk="
        bucket = Buckets(azure.server.settings(wrong), environ={}).of(azure.url)

        for ask in (
            lambda: bucket.put("key", b"x"),
            lambda: bucket.get("key"),
            lambda: list(bucket.list()),
        ):
            with pytest.raises(OutputError, match=r"blobs/.* is refused") as said:
                ask()
            assert said.value.problem.startswith(f"{azure.url}")
            assert wrong not in f"{said.value!r} {said.value.hint}"
            assert said.value.__cause__ is None
