"""Objects of a real S3 server: written whole, read, listed, removed."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gcbatch.errors import OutputError
from gcbatch.objects import (
    ABSENT,
    Buckets,
    ChangedObjectError,
    ObjectUrl,
    RequestMeter,
    S3Settings,
    StorageSettings,
)
from gcbatch.objects.bucket import PART_BYTES
from tests.support.s3_server import READER, S3Bucket


def test_what_is_written_is_read(s3: S3Bucket) -> None:
    """Also under names that a URL escapes."""
    bucket = s3.open()
    for key in ("a", "a/b.parquet", "day=2026-11-01/ü ä%20+&.csv", "a'b~(1)"):
        written = bucket.put(key, key.encode())

        found = bucket.get(key)

        assert found is not None
        assert found[0] == key.encode()
        assert found[1].etag == written.etag
        head = bucket.head(key)
        assert head is not None
        assert (head.etag, head.size) == (written.etag, len(key.encode()))


def test_what_is_missing_is_no_error(s3: S3Bucket) -> None:
    """Reads find nothing, and there is nothing to remove."""
    bucket = s3.open()

    assert bucket.get("none") is None
    assert bucket.head("none") is None
    assert list(bucket.list("none")) == []
    bucket.delete(["none"])


@pytest.mark.parametrize("size", [0, 1, PART_BYTES, PART_BYTES + 1, 3 * PART_BYTES])
def test_a_file_is_the_object(s3: S3Bucket, tmp_path: Path, size: int) -> None:
    """In one piece or several, up and down."""
    bucket = s3.open()
    content = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    (tmp_path / "up").write_bytes(content)

    info = bucket.put_file("file", tmp_path / "up")

    assert info.size == size
    assert bucket.download("file", tmp_path / "down", info=info)
    assert (tmp_path / "down").read_bytes() == content
    assert not size or bucket.tail(info, 9) == content[-9:]


def test_a_list_has_all_keys_in_order(s3: S3Bucket) -> None:
    """Beyond one page, each of which is a request, and of whole names alone."""
    meter = RequestMeter()
    bucket = Buckets(s3.server.settings(), environ={}, meter=meter).of(s3.url)
    keys = sorted(f"parts/{number:04}" for number in range(1_050))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: bucket.put(key, b"x"), [*keys, "parts-2/x", "z"]))

    before = meter.count

    assert [info.key for info in bucket.list("parts")] == keys
    assert meter.count - before == 2
    assert list(bucket.list("none")) == []
    assert meter.count - before == 3


def test_many_objects_are_removed_at_once(s3: S3Bucket) -> None:
    """A thousand by one request; what is missing, and what stays, does not matter."""
    meter = RequestMeter()
    bucket = Buckets(s3.server.settings(), environ={}, meter=meter).of(s3.url)
    keys = [f"day={number:04}/ü %2F&+.parquet" for number in range(1_010)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: bucket.put(key, b"x"), [*keys[::2], "other"]))
    before = meter.count

    bucket.delete(keys)

    assert s3.keys() == ["other"]
    assert meter.count - before == 2


class TestConditions:
    """Who writes first, wins; who reads what is gone, notices."""

    def test_an_object_is_created_once(self, s3: S3Bucket) -> None:
        """Of several at a time, by one."""
        bucket = s3.open()

        def create(number: int) -> bool:
            try:
                bucket.put("once", b"%d" % number, replaces=ABSENT)
            except ChangedObjectError:
                return False
            return True

        with ThreadPoolExecutor(8) as pool:
            won = [n for n, ok in enumerate(pool.map(create, range(16))) if ok]

        assert len(won) == 1
        found = bucket.get("once")
        assert found is not None
        assert found[0] == b"%d" % won[0]

    def test_what_changed_is_not_replaced(self, s3: S3Bucket) -> None:
        """Nor is what was removed."""
        bucket = s3.open()
        first = bucket.put("note", b"1")
        bucket.put("note", b"2", replaces=first.etag)

        with pytest.raises(ChangedObjectError):
            bucket.put("note", b"3", replaces=first.etag)
        bucket.delete(["note"])
        with pytest.raises(ChangedObjectError):
            bucket.put("note", b"3", replaces=first.etag)

    def test_a_write_whose_answer_was_lost_is_no_conflict(self, s3: S3Bucket) -> None:
        """The repeated write finds what the first one wrote."""
        bucket = s3.open()
        first = bucket.put("note", b"1")
        second = bucket.put("note", b"2")

        assert bucket.put("note", b"2", replaces=first.etag).etag == second.etag
        assert bucket.put("note", b"2", replaces=ABSENT).etag == second.etag

    def test_what_was_replaced_is_not_read_as_the_old(
        self, s3: S3Bucket, tmp_path: Path
    ) -> None:
        """Neither its end nor the whole."""
        bucket = s3.open()
        old = bucket.put("part", b"old")
        bucket.put("part", b"new")

        assert bucket.tail(old, 2) is None
        assert not bucket.download("part", tmp_path / "part", info=old)
        bucket.delete(["part"])
        assert bucket.tail(old, 2) is None
        assert not bucket.download("part", tmp_path / "part", info=old)


class TestRefusals:
    """One message: object, cause and permission."""

    def test_who_may_only_read(self, s3: S3Bucket) -> None:
        """Is told the permission to write."""
        s3.open().put("there", b"x")
        bucket = s3.open(READER)

        found = bucket.get("there")
        assert found is not None
        for key in ("there", "new"):
            with pytest.raises(OutputError, match="s3:PutObject is refused") as refused:
                bucket.put(key, b"y")
            assert f"{s3.url}/{key}" in refused.value.problem
        with pytest.raises(OutputError, match="s3:DeleteObject is refused"):
            bucket.delete(["there"])
        with pytest.raises(OutputError, match=rf"{s3.url}/there: .*DeleteObject"):
            bucket.delete(["there", "new"])
        assert s3.keys() == ["there"]

    def test_a_wrong_secret(self, s3: S3Bucket) -> None:
        """Is not quoted."""
        settings = StorageSettings(
            s3=S3Settings(
                endpoint=s3.server.endpoint,
                region="us-east-1",
                access_key_id="admin",
                secret_access_key="not-the-secret",
            )
        )
        bucket = Buckets(settings, environ={}).of(s3.url)

        with pytest.raises(OutputError, match="the secret key is wrong") as refused:
            bucket.put("key", b"x")

        assert "not-the-secret" not in f"{refused.value!r} {refused.value.hint}"
        assert refused.value.__cause__ is None

    def test_a_bucket_that_is_missing(self, s3: S3Bucket) -> None:
        """Is no empty one."""
        settings = s3.server.settings(READER)
        bucket = Buckets(settings, environ={}).of(ObjectUrl("s3", "missing-bucket"))

        with pytest.raises(OutputError, match="no such bucket"):
            bucket.get("key")
        with pytest.raises(OutputError, match="no such bucket"):
            list(bucket.list())


def test_requests_are_counted(s3: S3Bucket, tmp_path: Path) -> None:
    """A file in three pieces takes five; one removes two objects."""
    meter = RequestMeter()
    bucket = Buckets(s3.server.settings(), environ={}, meter=meter).of(s3.url)
    (tmp_path / "file").write_bytes(b"x" * (2 * PART_BYTES + 1))

    bucket.put("a", b"x")
    bucket.head("a")
    small = meter.count
    bucket.put_file("b", tmp_path / "file")
    whole = meter.count
    bucket.delete(["a", "b"])

    assert (small, whole, meter.count) == (2, 7, 8)
