"""Faults between a bucket and its server: sat out, or one message."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest

from gcbatch.errors import OutputError
from gcbatch.objects import ABSENT, Bucket, Buckets, RequestMeter, Retries
from gcbatch.objects.bucket import LIST_PAGE, PART_BYTES
from gcbatch.objects.problems import WRITE, object_error
from tests.support.s3_faults import BEFALLS, Kind, ObjectFault, Operation
from tests.support.s3_proxy import FaultyS3
from tests.support.s3_server import S3Bucket

QUICK: Final = Retries(
    most=3,
    first_pause=timedelta(milliseconds=1),
    longest_pause=timedelta(milliseconds=5),
)
OLD: Final = b"the old content"
NEW: Final = b"the new content"
FILE: Final = b"the content of a file" * (PART_BYTES // 20)
"""In two pieces."""


@dataclass(frozen=True)
class Place:
    """A bucket with an object, behind faults.

    Args:
        bucket: Leads through the faults.
        direct: Does not.
        proxy: Has the faults.
        meter: Counts the requests of *bucket*.
    """

    bucket: Bucket
    direct: Bucket
    proxy: FaultyS3
    meter: RequestMeter

    @property
    def content(self) -> bytes | None:
        """What the object has."""
        found = self.direct.get("there")
        return found[0] if found else None


@pytest.fixture
def place(s3: S3Bucket, faulty_s3: FaultyS3) -> Place:
    """Open the bucket."""
    direct = s3.open()
    direct.put("there", OLD)
    settings, meter = s3.server.settings(endpoint=faulty_s3.url), RequestMeter()
    buckets = Buckets(settings, environ={}, meter=meter, retries=QUICK)
    return Place(buckets.of(s3.url), direct, faulty_s3, meter)


def do(operation: Operation, bucket: Bucket, folder: Path) -> None:
    """Do what takes an operation, and check what it gives."""
    found = bucket.get("there") if operation != "get" else None
    match operation:
        case "get":
            found = bucket.get("there")
            assert found is not None
            assert found[0] == OLD
        case "head":
            head = bucket.head("there")
            assert head is not None
            assert head.size == len(OLD)
        case "list":
            assert [info.key for info in bucket.list()] == ["there"]
        case "put":
            bucket.put("there", NEW)
        case "swap":
            assert found is not None
            bucket.put("there", NEW, replaces=found[1].etag)
        case "delete":
            bucket.delete(["there"])
        case _:
            path = folder / "file"
            path.write_bytes(FILE)
            bucket.put_file("there", path)


AFTER: Final[dict[str, bytes | None]] = {
    **dict.fromkeys(("get", "head", "list"), OLD),
    **dict.fromkeys(("put", "swap"), NEW),
    **dict.fromkeys(("begin", "part", "complete"), FILE),
    "delete": None,
}
"""What is there after each operation."""

BEFALLEN: Final = [
    pytest.param(kind, operation, id=f"{kind}-{operation}")
    for kind, operations in BEFALLS.items()
    for operation in operations
    if kind not in ("late", "lag") and operation != "abort"
]


@pytest.mark.parametrize(("kind", "operation"), BEFALLEN)
def test_a_fault_that_passes_is_sat_out(
    place: Place, tmp_path: Path, kind: Kind, operation: Operation
) -> None:
    """Whatever it is, and whatever it befalls."""
    place.proxy.arm(ObjectFault(kind, (operation,)))

    do(operation, place.bucket, tmp_path)

    assert place.proxy.faults.struck == {kind: 1}
    assert place.content == AFTER[operation]


@pytest.mark.parametrize(("kind", "operation"), BEFALLEN)
def test_a_fault_that_stays_is_one_error(
    place: Place, tmp_path: Path, kind: Kind, operation: Operation
) -> None:
    """It says what happened; the object is as it was, or as it should be."""
    place.proxy.arm(ObjectFault(kind, (operation,), times=None))

    with pytest.raises(OutputError) as failed:
        do(operation, place.bucket, tmp_path)

    words = {"500": "the service failed", "slow down": "the service "}
    words |= {"failed 200": "the service failed"}
    lost_upload = (kind, operation) == ("lost", "complete")
    cause = "NoSuchUpload" if lost_upload else words.get(kind, "the connection broke")
    assert cause in failed.value.problem
    allowed = {OLD} | ({AFTER[operation]} if kind == "lost" else set())
    assert place.content in allowed


def test_a_creation_whose_answer_is_lost_is_none_of_another(
    place: Place,
) -> None:
    """The repeated one is refused, and finds what the first one wrote."""
    place.proxy.arm(ObjectFault("lost", ("swap",)))

    made = place.bucket.put("new", NEW, replaces=ABSENT)

    assert [seen.operation for seen in place.proxy.faults.seen] == [
        "swap",
        "swap",
        "get",
    ]
    assert place.direct.head("new") is not None
    assert made.size == len(NEW)


def test_a_listing_goes_on_where_it_broke(
    place: Place,
) -> None:
    """No key is lost, and none comes twice."""
    keys = sorted(f"x/{number:04}" for number in range(LIST_PAGE + 50))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: place.direct.put(key, b"x"), keys))
    place.proxy.arm(ObjectFault("half read", nth=2), ObjectFault("half read", nth=4))

    assert [info.key for info in place.bucket.list("x")] == keys

    assert place.proxy.faults.struck == {"half read": 1}


def test_what_is_repeated_here_is_counted(place: Place) -> None:
    """What the library repeats is not."""
    place.proxy.arm(ObjectFault("reset", ("swap",)), ObjectFault("500", ("put",)))

    place.bucket.put("a", b"1", replaces=ABSENT)
    place.bucket.put("b", b"1")

    assert place.meter.count == 3


def test_a_broken_connection_is_not_an_unreachable_service() -> None:
    """The library names the kinds with the same first letters."""

    def said(kind: str) -> str:
        exc = OSError(f"HttpError {{ kind: {kind}, }}")
        return object_error("s3://b/k", "s3", WRITE, exc).problem

    assert "cannot be reached" in said("Connect")
    assert "the connection broke" in said("ConnectionReset")


class TestPauses:
    """Between repetitions."""

    def test_they_grow_up_to_the_longest(self) -> None:
        """Each is at least half of what it may be."""
        retries = Retries(most=6, longest_pause=timedelta(seconds=1))

        pauses_s = list(retries.pauses_s())

        most_s = [0.2, 0.4, 0.8, 1.0, 1.0, 1.0]
        assert all(m / 2 <= p <= m for p, m in zip(pauses_s, most_s, strict=True))

    def test_they_end_with_the_time(self) -> None:
        """A pause that would be over too late is none."""
        retries = Retries(total=timedelta(seconds=0.05))

        assert list(retries.pauses_s()) == []
