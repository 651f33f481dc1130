"""Parquet partitions in a bucket of a real S3 server."""

from dataclasses import replace
from pathlib import Path
from threading import Barrier
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from pyarrow import fs

from gcbatch import Table
from gcbatch.errors import JobError, OutputError
from gcbatch.exporting import PublishedFile, are_unchanged, export
from gcbatch.objects import Buckets, ObjectInfo, ObjectUrl
from gcbatch.testing import sample_table
from gcbatch_exporters import partition_objects
from gcbatch_exporters.parquet import ParquetExporter, ParquetOptions
from tests.exporters import test_exporters_parquet as on_disk
from tests.exporters.test_partition_runs import days, lack
from tests.support.s3_server import ADMIN, READER, S3Bucket

JAPANESE = "お客様サポート窓口東京第一営業部法人契約更新担当課夜間休日対応"


class Writer:
    """Exports into a folder of a bucket, and counts requests."""

    def __init__(self, s3: S3Bucket, who: str = ADMIN) -> None:
        self.s3 = s3
        self.buckets = Buckets(s3.server.settings(who), environ={})
        self.published: tuple[PublishedFile, ...] = ()
        self.url = f"{s3.url}/pq/out"

    def exporter(self, *by: str) -> ParquetExporter:
        options = ParquetOptions.model_validate({"path": self.url, "partition_by": by})
        options.use(self.buckets)
        return ParquetExporter(options)

    def check(self, table: Table, *by: str) -> int:
        """Return the requests that the check of a table takes."""
        before = self.buckets.meter.count
        empty = replace(table, batches=lambda: iter(()))
        self.exporter(*by).check({table.name: empty})
        return self.buckets.meter.count - before

    def write(self, table: Table, *by: str) -> int:
        """Export a table; return the number of requests."""
        before = self.buckets.meter.count
        _, self.published = export(
            self.exporter(*by), "parquet", {table.name: table}, buckets=self.buckets
        )
        return self.buckets.meter.count - before

    def files(self) -> dict[str, bytes]:
        bucket = self.s3.open()
        found = {}
        for info in bucket.list("pq/out"):
            got = bucket.get(info.key)
            assert got is not None
            found[info.key.removeprefix("pq/out/")] = got[0]
        return found

    def tags(self) -> dict[str, set[str]]:
        """Return which runs' rows each folder has."""
        return {
            file.rpartition("/")[0]: set(
                pq.ParquetFile(pa.BufferReader(content)).read()["tag"].to_pylist()
            )
            for file, content in self.files().items()
        }


@pytest.fixture
def writer(s3: S3Bucket) -> Writer:
    """Return a writer into an empty bucket."""
    return Writer(s3)


def october(n: int) -> str:
    return f"day=2026-10-{n:02}"


NAMES = ["a/b", "ü ß", "50 %2F", "", None, "a+b=c&d", JAPANESE * 2, JAPANESE * 4]


@pytest.mark.parametrize("by", [("day",), ("month", "queue"), ("queue", "day")])
def test_the_objects_are_the_files_of_a_run_on_disk(
    writer: Writer, tmp_path: Path, by: tuple[str, ...]
) -> None:
    """Under the same names, whatever is in them, byte for byte; also by another run."""
    table = days(1, 31, tag="x", queues=NAMES)  # type: ignore[arg-type]
    on_disk.write(tmp_path, table, *by)

    for _ in range(2):
        writer.write(table, *by)
        assert writer.files() == on_disk.files(tmp_path)


def test_other_readers_read_the_bucket(writer: Writer) -> None:
    """By names of folders, as from a disk."""
    writer.write(days(1, 3, tag="x"), "day")
    server = writer.s3.server
    files = fs.S3FileSystem(
        access_key=ADMIN,
        secret_key=server.keys[ADMIN],
        endpoint_override=server.endpoint,
        region="us-east-1",
    )
    parts = ds.partitioning(pa.schema([("day", pa.string())]), flavor="hive")

    found = ds.dataset(
        f"{writer.s3.name}/pq/out", filesystem=files, partitioning=parts
    ).to_table()

    rows = sorted(zip(*(found[n].to_pylist() for n in ("day", "queue")), strict=True))
    assert rows == [(f"2026-10-0{n}", queue) for n in (1, 2, 3) for queue in "ab"]


def test_covered_days_are_replaced_and_others_stay(writer: Writer) -> None:
    """A day of which no row is left goes."""
    writer.write(days(1, 4, tag="old"), "day")

    writer.write(days(3, 5, tag="new", without=(4,)), "day")

    assert writer.tags() == {
        october(1): {"old"},
        october(2): {"old"},
        october(3): {"new"},
        october(5): {"new"},
    }


def test_a_day_that_failed_stays(writer: Writer) -> None:
    """Whole ones are not replaced by what came of it."""
    writer.write(days(1, 2, tag="old"), "day")

    writer.write(days(1, 2, tag="new", lacks=(lack(1),)), "day")

    assert writer.tags() == {october(1): {"old"}, october(2): {"new"}}


@pytest.mark.parametrize("content", [b"", b"mine", b"x" * 100_000 + b"PAR1"])
def test_an_object_of_others_is_not_replaced(writer: Writer, content: bytes) -> None:
    """Nor removed."""
    bucket = writer.s3.open()
    bucket.put(f"pq/out/{october(1)}/data.parquet", content)
    bucket.put(f"pq/out/{october(2)}/data.parquet", content)
    before = writer.files()

    with pytest.raises(OutputError, match=rf"{october(1)}/data.parquet: is in the way"):
        writer.write(days(1, 2, without=(2,)), "day")

    assert writer.files() == before


def test_a_copy_is_not_gcbatchs(writer: Writer) -> None:
    """A file of another folder says so."""
    writer.write(days(1, 1), "day", "queue")
    bucket = writer.s3.open()
    (content, *_) = writer.files().values()
    bucket.put(f"pq/out/{october(1)}/queue=mine/data.parquet", content)

    writer.write(days(1, 1, queues=("b",)), "day", "queue")

    assert list(writer.files()) == [
        f"{october(1)}/queue=b/data.parquet",
        f"{october(1)}/queue=mine/data.parquet",
    ]


@pytest.mark.parametrize(
    ("change", "by", "problem"),
    [
        pytest.param({"name": "sla"}, ("day",), "has partitions of intervals", id="t"),
        pytest.param({}, ("month",), "is partitioned by day", id="layout"),
    ],
)
def test_what_does_not_fit_is_refused_before_the_first_request(
    writer: Writer, change: dict[str, Any], by: tuple[str, ...], problem: str
) -> None:
    """Days of one table beside those of another are not one table."""
    writer.write(days(1, 2), "day")
    other = replace(days(1, 31), **change)
    other = days(3, 4, **change) if change else other
    before = writer.files()

    for step in (writer.check, writer.write):
        with pytest.raises(OutputError, match=f"s3://.*/pq/out: {problem}"):
            step(other, *by)

    assert writer.files() == before


def test_requests_are_few(writer: Writer) -> None:
    """A listing, the end of each covered file, its write, and one to remove."""
    assert writer.write(days(1, 30), "day") == 1 + 30
    assert writer.check(days(1, 30), "day") == 1

    assert writer.write(days(11, 20, without=(20,)), "day") == 1 + 10 + 1 + 9 + 1


def test_a_run_that_changed_nothing_asks_once(writer: Writer) -> None:
    """Outputs are recognised by a listing."""
    writer.write(days(1, 30), "day")
    before = writer.buckets.meter.count

    assert are_unchanged(writer.published, writer.buckets)
    assert writer.buckets.meter.count - before == 1
    writer.s3.open().put(f"pq/out/{october(7)}/data.parquet", b"mine")
    assert not are_unchanged(writer.published, writer.buckets)


def test_who_may_only_read_changes_nothing(writer: Writer) -> None:
    """The message has the object and the permission."""
    writer.write(days(1, 3, tag="old"), "day")
    before = writer.files()
    reader = Writer(writer.s3, READER)

    reader.check(days(1, 3), "day")
    with pytest.raises(OutputError, match=r"data.parquet: .* s3:PutObject is refused"):
        reader.write(days(1, 3, tag="new", without=(3,)), "day")

    assert writer.files() == before


def test_a_failed_write_removes_nothing(
    writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was to be replaced is there, old or new; the next run ends right."""
    writer.write(days(1, 9, tag="old"), "day")
    bucket = writer.buckets.of(writer.s3.url)
    real = bucket.put_file

    def failing(key: str, path: Path) -> Any:
        if october(5) in key:
            msg = f"{key}: the connection broke"
            raise OutputError(msg)
        return real(key, path)

    with monkeypatch.context() as patched:
        patched.setattr(bucket, "put_file", failing)
        with pytest.raises(OutputError, match=f"{october(5)}/data.parquet: the conn"):
            writer.write(days(1, 9, tag="new", without=(9,)), "day")

    found = writer.tags()
    assert list(found) == [october(n) for n in range(1, 10)]
    assert found[october(5)] == found[october(9)] == {"old"}
    writer.write(days(1, 9, tag="new", without=(9,)), "day")
    assert writer.tags() == {october(n): {"new"} for n in range(1, 9)}


def test_small_objects_are_written_at_the_same_time(
    writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eight of them: none ends before all have begun."""
    bucket = writer.buckets.of(writer.s3.url)
    real, all_begun = bucket.put_file, Barrier(8)

    def waiting(key: str, path: Path) -> Any:
        all_begun.wait(timeout=30)
        return real(key, path)

    monkeypatch.setattr(bucket, "put_file", waiting)
    writer.write(days(1, 8), "day")

    assert [Path(file.path).parent.name for file in writer.published] == [
        october(n) for n in range(1, 9)
    ]


def test_a_long_footer_is_read(writer: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    """One longer than expected takes a second request."""
    writer.write(days(1, 3, tag="old"), "day")
    monkeypatch.setattr(partition_objects, "FOOTER_BYTES", 16)

    assert writer.write(days(1, 3, tag="new", without=(3,)), "day") == 1 + 6 + 2 + 1

    assert writer.tags() == {october(1): {"new"}, october(2): {"new"}}


@pytest.mark.parametrize("becomes", [None, b"mine"])
def test_what_others_change_meanwhile_is_seen(
    writer: Writer, monkeypatch: pytest.MonkeyPatch, becomes: bytes | None
) -> None:
    """Between the listing and the look at a file: it is as it is then."""
    writer.write(days(1, 2, tag="old"), "day")
    bucket, key = writer.buckets.of(writer.s3.url), f"pq/out/{october(2)}/data.parquet"
    real = bucket.tail

    def overtaken(asked: ObjectInfo, size: int) -> Any:
        if asked.key == key and becomes is None:
            bucket.delete([key])
        elif asked.key == key and becomes is not None:
            bucket.put(key, becomes)
        return real(asked, size)

    with monkeypatch.context() as patched:
        patched.setattr(bucket, "tail", overtaken)
        writer.write(days(1, 2, tag="new", without=(2,)), "day")

    assert writer.files().get(f"{october(2)}/data.parquet") == becomes


def test_an_object_for_an_empty_folder_is_no_partition(writer: Writer) -> None:
    """Some consoles make one."""
    writer.s3.open().put("pq/out-2/x", b"beside")
    store: Any = writer.s3.open()._store
    import obstore  # noqa: PLC0415 - only here

    obstore.put(store, "pq/out/", b"")

    writer.write(days(1, 1), "day")

    keys = writer.s3.keys()
    assert f"pq/out/{october(1)}/data.parquet" in keys
    assert "pq/out-2/x" in keys


def test_names_that_are_too_long_for_a_key_are_refused(writer: Writer) -> None:
    """On disks a name may be long; in object stores their sum counts."""
    table = sample_table(1)
    names = dict.fromkeys("abcde", "x" * 250)
    data = pa.table({"n": [1], **{name: [text] for name, text in names.items()}})
    table = replace(
        table, schema=data.schema, batches=lambda: iter(data.to_batches()), time=None
    )

    with pytest.raises(OutputError, match="longer than the 1024 bytes of a key"):
        writer.write(table, *names)


def test_a_missing_bucket_is_noticed_first(s3: S3Bucket) -> None:
    """By the check, and not taken for an empty one."""
    writer = Writer(s3, READER)
    writer.url = "s3://missing-bucket/out"

    with pytest.raises(OutputError, match=r"missing-bucket/out: .* no such bucket"):
        writer.check(days(1, 1), "day")


def test_a_bucket_alone_is_no_folder(writer: Writer) -> None:
    """A place in it is to be named."""
    writer.url = str(ObjectUrl("s3", "bucket"))
    with pytest.raises(ValueError, match="is a bucket"):
        writer.exporter("day")


def test_days_that_are_covered_in_part_are_refused(writer: Writer) -> None:
    """As on disk."""
    with pytest.raises(JobError, match="month 2026-10 is only partly"):
        writer.check(days(1, 3), "month")
