"""Seeded faults between gcbatch and an object store: nothing is lost, nothing half.

GCBATCH_CHAOS_OBJECTS says how many seeds (25); a failure says what its seed did.
"""

import json
import os
import random
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest

from gcbatch.errors import OutputError
from gcbatch.objects import ABSENT, Bucket, Buckets, ChangedObjectError, ObjectInfo
from gcbatch.objects.bucket import PART_BYTES
from tests.chaos.object_faults import QUICK, drawn_faults, explained
from tests.support.s3_proxy import FaultyS3
from tests.support.s3_server import S3Bucket

pytestmark = pytest.mark.chaos

SEEDS: Final = int(os.environ.get("GCBATCH_CHAOS_OBJECTS", "25"))
STEPS: Final = 25
COUNTED: Final = 6
KEYS: Final = ("a", "b/c", "b/d=1/e", "b/ü +&")
COUNT: Final = "count"
SIZES: Final = (0, 1, 1_000, 200_000)
LARGE: Final = PART_BYTES + 12_345
"""Of a file that takes two pieces."""

Tell = Callable[[str, Mapping[str, int]], None]
Content = bytes | None
"""Of an object; None if there is none."""


@dataclass
class Model:
    """What may be in the bucket.

    Args:
        bucket: Leads through faults.
        chance: Draws what is done.
        folder: For files.
        possible: The contents that each object may have; several after an error.
        contents: Each content that was written, by its ETag.
        ended: How often each outcome was.
    """

    bucket: Bucket
    chance: random.Random
    folder: Path
    possible: dict[str, set[Content]] = field(
        default_factory=lambda: {key: {None} for key in KEYS}
    )
    contents: dict[str, bytes] = field(default_factory=dict)
    ended: dict[str, int] = field(default_factory=lambda: {"done": 0, "error": 0})

    def step(self) -> None:
        """Do something, and check what it gives."""
        work = self.chance.choices(
            (self.put, self.swap, self.put_file, self.read, self.list, self.delete),
            weights=(5, 4, 2, 6, 3, 2),
        )[0]
        key = self.chance.choice(KEYS)
        try:
            work(key)
        except OutputError:
            self.ended["error"] += 1
        else:
            self.ended["done"] += 1

    def content(self, size: int) -> bytes:
        return self.chance.randbytes(8) + b"x" * size

    @contextmanager
    def writing(self, key: str, content: Content) -> Iterator[None]:
        """Write something: it is there afterwards, or after an error it may be."""
        before = self.possible[key]
        self.possible[key] = before | {content}
        try:
            yield
        except ChangedObjectError:
            self.possible[key] = before
            raise
        self.possible[key] = {content}

    def wrote(self, info: ObjectInfo, content: bytes) -> None:
        assert info.size == len(content)
        self.contents[info.etag] = content

    def put(self, key: str) -> None:
        content = self.content(self.chance.choice(SIZES))
        with self.writing(key, content):
            self.wrote(self.bucket.put(key, content), content)

    def swap(self, key: str) -> None:
        found = self.bucket.get(key)
        self.check(key, found[0] if found else None)
        content = self.content(9)
        with self.writing(key, content):
            etag = found[1].etag if found else ABSENT
            self.wrote(self.bucket.put(key, content, replaces=etag), content)

    def put_file(self, key: str) -> None:
        is_large = self.chance.random() < 0.15
        content = self.content(LARGE if is_large else self.chance.choice(SIZES))
        (self.folder / "up").write_bytes(content)
        with self.writing(key, content):
            self.wrote(self.bucket.put_file(key, self.folder / "up"), content)

    def delete(self, key: str) -> None:
        with self.writing(key, None):
            self.bucket.delete([key])

    def read(self, key: str) -> None:
        info = self.bucket.head(key)
        if info is None:
            self.check(key, None)
            return
        assert self.bucket.download(key, self.folder / "down", info=info)
        content = (self.folder / "down").read_bytes()
        self.check(key, content)
        if content:
            assert self.bucket.tail(info, 5) == content[-5:]

    def check(self, key: str, content: Content) -> None:
        """Check what an object has; from now on it can be nothing else."""
        assert content in self.possible[key], f"{key}: {shown(content)}"
        self.possible[key] = {content}

    def list(self, _: str) -> None:
        """Check a listing, which may lag: it has what once was, by the right ETag."""
        listed = [*self.bucket.list()]
        assert [info.key for info in listed] == sorted({info.key for info in listed})
        for info in listed:
            assert info.key in (*KEYS, COUNT)
            if info.etag in self.contents:
                assert info.size == len(self.contents[info.etag])


def shown(content: Content) -> str:
    return "none" if content is None else f"{content[:12]!r}… of {len(content)}"


def count(bucket: Bucket, who: str) -> tuple[list[str], list[str]]:
    """Add to a list again and again; return what was surely added, and perhaps."""
    sure: list[str] = []
    perhaps: list[str] = []
    for number in range(COUNTED):
        one = f"{who}{number}"
        try:
            add(bucket, one)
        except OutputError:
            perhaps.append(one)
        else:
            sure.append(one)
    return sure, perhaps


def add(bucket: Bucket, one: str) -> None:
    """Add to the list, as any program does that shares it with others."""
    while True:
        found = bucket.get(COUNT)
        so_far: list[str] = json.loads(found[0]) if found else []
        if one in so_far:
            return  # the answer to an earlier write was lost
        content = json.dumps([*so_far, one]).encode()
        try:
            bucket.put(COUNT, content, replaces=found[1].etag if found else ABSENT)
        except ChangedObjectError:
            continue
        return


@pytest.mark.parametrize("seed", range(SEEDS))
def test_objects_are_whole_and_none_is_lost(
    seed: int, s3: S3Bucket, faulty_s3: FaultyS3, tmp_path: Path, tell: Tell
) -> None:
    """What was said to be written is there, and nothing else is."""
    settings = s3.server.settings(endpoint=faulty_s3.url)
    bucket = Buckets(settings, environ={}, retries=QUICK).of(s3.url)
    chance = random.Random(seed)  # noqa: S311 - of what is done, not of secrets
    model = Model(bucket, chance, tmp_path)
    faulty_s3.arm(*drawn_faults(seed), seed=seed)
    with explained(seed, faulty_s3), ThreadPoolExecutor(2) as pool:
        counts = [pool.submit(count, bucket, who) for who in "ab"]
        for _ in range(STEPS):
            model.step()
        (sure, perhaps), (more, others) = (done.result() for done in counts)

        direct = s3.open()
        assert set(s3.keys()) <= {*KEYS, COUNT}
        for key in KEYS:
            found = direct.get(key)
            model.check(key, found[0] if found else None)
        found = direct.get(COUNT)
        counted = json.loads(found[0]) if found else []
        assert len(counted) == len({*counted}), "added twice"
        assert {*sure, *more} <= {*counted} <= {*sure, *more, *perhaps, *others}
    outcomes = {"done": len(sure) + len(more), "error": len(perhaps) + len(others)}
    tell("objects", {k: model.ended[k] + n for k, n in outcomes.items()})
    tell("struck objects", faulty_s3.faults.struck)
