"""The store in a bucket of a real S3 server: what holds on disk holds there."""

import gc
import os
import subprocess
import sys
import threading
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from gcbatch.errors import DamagedPartError, DataError, OutputError, ReplacedPartError
from gcbatch.objects import Buckets, ObjectUrl
from gcbatch.objects.bucket import PART_BYTES
from gcbatch.store import (
    CacheSettings,
    ListedEntities,
    Part,
    PartMetadata,
    Store,
    StoreRoot,
    SubmittedJob,
    has_entities,
    list_store,
    open_root,
    prune,
    read_entities,
    write_entities,
)
from gcbatch.store.object_files import ObjectJobFiles
from gcbatch.store.part_index import INDEX_NOTE, PartIndex
from gcbatch.windows import Period, Window

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)

if TYPE_CHECKING:
    from tests.support.s3_server import S3Bucket

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
DAY = timedelta(days=1)
DIGESTS = [f"{number:040x}" for number in range(6)]
DIGEST = DIGESTS[0]


def part_of(*numbers: int, ended: float = 10) -> Part:
    window = Window(NOW - (ended + 1) * DAY, NOW - ended * DAY)
    metadata = PartMetadata(NOW, window, 1, len(numbers), 1, 100, ("id",))
    return Part(pa.table({"n": pa.array(numbers, pa.int64())}), metadata)


@dataclass
class Place:
    """A store in a bucket, which several runs open.

    Args:
        bucket: The bucket.
        folder: Where copies are.
    """

    bucket: "S3Bucket"
    folder: Path

    def root(self, cache: str = "cache", mb: float = 64, **options: Any) -> StoreRoot:
        settings = CacheSettings(self.folder / cache, int(mb * (1 << 20)))
        self.buckets = Buckets(self.bucket.server.settings(), environ={})
        url = self.bucket.url / "some/store"
        return open_root(url, buckets=self.buckets, cache=settings, **options)

    def store(self, name: str = "job", **options: Any) -> Store:
        """Open the store as another run would."""
        return Store(self.root(**options), name)

    @property
    def requests(self) -> int:
        """Requests of the run that was opened last."""
        return self.buckets.meter.count

    def key(self, name: str, job: str = "job") -> str:
        return f"some/store/{job}/{name}"

    @property
    def objects(self) -> Any:
        return self.bucket.open()

    @property
    def names(self) -> list[str]:
        """Names of the objects that are not empty."""
        found = self.objects.list("some/store")
        return [o.key.removeprefix("some/store/") for o in found if o.size]

    def copies(self, cache: str = "cache") -> list[Path]:
        return sorted((self.folder / cache).iterdir())


@pytest.fixture
def place(s3: "S3Bucket", tmp_path: Path) -> Place:
    return Place(s3, tmp_path)


def rows(store: Store, digest: str = DIGEST) -> Any:
    return store.read(digest).column("n").to_pylist()


class TestParts:
    def test_a_part_comes_back_elsewhere(self, place: Place) -> None:
        """Another machine reads rows and metadata; the object is the part's file."""
        part = part_of(1, 2)
        place.store().write(DIGEST, part)

        other = place.store(cache="other")

        assert rows(other) == [1, 2]
        assert other.metadata(DIGEST) == part.metadata
        assert other.checksum(DIGEST) == place.store().checksum(DIGEST)
        assert place.names == [f"job/parts/{DIGEST}.parquet"]

    def test_what_is_missing_is_missing(self, place: Place) -> None:
        """Asking for it costs a listing; reading it is an error with the way out."""
        store = place.store()

        assert store.metadata(DIGEST) is None
        assert not store.has(DIGEST)
        assert place.requests == 1
        with pytest.raises(DataError, match=rf"^s3://.*{DIGEST}.parquet: part is miss"):
            store.read(DIGEST)

    @pytest.mark.parametrize("content", [b"PAR1", b"not parquet" * 2000])
    def test_what_is_no_part_is_damaged(self, place: Place, content: bytes) -> None:
        """It is refused, and counts as missing from then on."""
        place.objects.put(place.key(f"parts/{DIGEST}.parquet"), content)
        store = place.store()

        assert store.metadata(DIGEST) is None
        with pytest.raises(DamagedPartError):
            store.read(DIGEST)

        assert not store.has(DIGEST)
        assert not place.store().has(DIGEST)
        store.write(DIGEST, part_of(7))
        assert rows(place.store()) == [7]

    def test_a_damaged_part_that_was_replaced_stays(self, place: Place) -> None:
        """It is emptied only if it is still what was read."""
        key = place.key(f"parts/{DIGEST}.parquet")
        place.objects.put(key, b"damaged")
        store = place.store()
        stamp = store.files.stamp(f"parts/{DIGEST}.parquet")
        place.store().write(DIGEST, part_of(5))

        assert stamp is not None
        assert not store.files.discard_if(f"parts/{DIGEST}.parquet", stamp)

        assert rows(store) == [5]

    def test_a_refused_part_leaves_what_was_there(self, place: Place) -> None:
        """And no draft on this machine."""
        store = place.store()
        store.write(DIGEST, part_of(1))

        with pytest.raises(OutputError, match="took too long"):
            store.write(DIGEST, part_of(2), may=lambda: False)

        assert rows(place.store()) == [1]
        assert len(place.copies()) == 1

    def test_a_part_that_another_run_replaced_contradicts(self, place: Place) -> None:
        """Outputs of one run are made of one version of each part."""
        store = place.store(mb=0)
        store.write(DIGEST, part_of(1))
        store.write(DIGESTS[1], part_of(1))  # the copy of the first goes
        rows(store)
        place.store(cache="other").write(DIGEST, part_of(2))
        rows(store, DIGESTS[1])

        with pytest.raises(ReplacedPartError, match="another run replaced"):
            store.read(DIGEST)
        store.reset_seen()

        assert rows(store) == [2]

    def test_what_was_replaced_before_it_is_read_is_read_as_it_is(
        self, place: Place
    ) -> None:
        """A listing that lags, or that is old by now, does no harm."""
        place.store().write(DIGEST, part_of(1))
        store, other = place.store(cache="a"), place.store(cache="b")
        place.store(cache="writer").write(DIGEST, part_of(2, 3))

        found = other.metadata(DIGEST)

        assert rows(store) == [2, 3]
        assert found is not None
        assert found.rows == 2

    def test_a_part_that_is_removed_meanwhile_is_missing(self, place: Place) -> None:
        """It is in the listing, and then it is not."""
        place.store().write(DIGEST, part_of(1))
        store = place.store(cache="a")
        place.store().discard(DIGEST)

        assert store.metadata(DIGEST) is None
        with pytest.raises(DataError, match="part is missing"):
            store.read(DIGEST)

    def test_a_part_in_several_pieces_has_one_stamp(self, place: Place) -> None:
        """That of its upload is that of the listing: nothing is read again."""
        numbers = [int.from_bytes(os.urandom(7)) for _ in range(1_300_000)]
        store = place.store()
        store.write(DIGEST, part_of(*numbers))
        assert place.copies()[0].stat().st_size > PART_BYTES
        store.save_index()

        again = place.store(cache="other")
        again.check(DIGEST)

        assert place.requests == 2
        assert rows(again) == numbers

    def test_a_part_of_another_process_is_seen_when_looked_for(
        self, place: Place
    ) -> None:
        """As the coordinator of a cluster does, and its workers."""
        store, worker = place.store(), place.store(cache="worker", lists=False)
        assert store.checksum(DIGEST) is None
        assert worker.checksum(DIGEST) is None
        place.store(cache="other").write(DIGEST, part_of(1))

        for one in (store, worker):
            one.look_again([DIGEST])
            assert one.checksum(DIGEST) is not None

        many = [*DIGESTS, *(f"{number:040x}" for number in range(90, 110))]
        store.look_again(many)
        assert rows(store) == [1]

    def test_threads_share_a_store(self, place: Place) -> None:
        """They write and read at once."""
        store = place.store()

        def work(number: int) -> Any:
            digest = f"{number:040x}"
            store.write(digest, part_of(number))
            return store.metadata(digest), rows(store, digest)

        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(work, range(24)))

        assert [numbers for _, numbers in found] == [[n] for n in range(24)]
        assert all(metadata for metadata, _ in found)


class TestNotes:
    def test_they_come_back(self, place: Place) -> None:
        """To the run that wrote them, and to others."""
        store = place.store()
        store.write_note("plan.json", {"a": [1, "ü"]})

        assert store.read_note("plan.json") == {"a": [1, "ü"]}
        assert place.store().read_note("plan.json") == {"a": [1, "ü"]}
        assert place.store().read_note("run.json") is None

    def test_a_plan_is_not_written_again(self, place: Place) -> None:
        """If it is as it was when it was read; a report always is."""
        place.store().write_note("plan.json", {"a": 1})
        store = place.store()
        assert store.read_note("plan.json") == {"a": 1}
        before = place.requests

        store.write_note("plan.json", {"a": 1})
        unchanged = place.requests
        store.write_note("plan.json", {"a": 2})

        assert unchanged == before
        assert place.store().read_note("plan.json") == {"a": 2}

    def test_the_last_to_finish_counts(self, place: Place) -> None:
        """Also if it began first and knows nothing of the other."""
        first, second = place.store(), place.store()
        for name in ("plan.json", "run.json"):
            second.write_note(name, {"run": 2})
            first.write_note(name, {"run": 1})

            assert place.store().read_note(name) == {"run": 1}

    def test_many_write_at_once(self, place: Place) -> None:
        """One of them is last; none fails."""
        stores = [place.store() for _ in range(4)]
        gate = threading.Barrier(4)

        def work(number: int) -> None:
            gate.wait()
            stores[number].write_note("run.json", {"run": number})

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(work, range(4)))

        note = place.store().read_note("run.json")
        assert note is not None
        assert note["run"] in range(4)

    def test_jobs_of_the_service_are_remembered(self, place: Place) -> None:
        """Until the part is there; without one, nothing is removed."""
        job = SubmittedJob("job-1", None, NOW)
        place.store().pending(DIGEST).remember("all", job)
        store = place.store()
        assert store.pending(DIGEST).job("all") == job

        store.write(DIGEST, part_of(1))

        assert place.store().pending(DIGEST).job("all") is None
        before = place.store()
        opened = place.requests
        before.write(DIGESTS[1], part_of(1))
        assert place.requests == opened + 1

    def test_entities_are_stored(self, place: Place) -> None:
        """And those of the run before go."""
        queues = ListedEntities({"q": b'{"id":"q"}'}, AT)
        write_entities(place.store(), {"queues": queues})
        other = place.store(cache="other")
        at, rows = read_entities(other, "queues")
        assert (at, list(rows)) == (AT, [("q", '{"id":"q"}')])

        write_entities(other, {}, ["queues"])

        assert not has_entities(place.store(), "queues")


class TestFresh:
    def test_old_parts_are_ignored_until_it_ends(self, place: Place) -> None:
        """However many runs it takes."""
        place.store().write(DIGEST, part_of(1))
        first = place.store()
        first.pending(DIGEST).remember("all", SubmittedJob("job-1", None, NOW))
        first.begin_fresh()
        second = place.store()
        assert not second.is_fresh(DIGEST)
        assert second.pending(DIGEST).job("all") is None

        second.write(DIGEST, part_of(2))

        assert place.store().is_fresh(DIGEST)
        second.end_fresh()
        last = place.store()
        assert last.fresh == ""
        assert last.is_fresh(DIGEST)

    def test_another_runs_flag_stays(self, place: Place) -> None:
        """Ending is a compare-and-swap: it ends what it read, or nothing."""
        first = place.store()
        first.begin_fresh()
        second = place.store()
        second.begin_fresh()

        first.end_fresh()

        assert place.store().fresh == second.fresh != ""

    def test_a_flag_that_is_set_between_reading_and_ending_stays(
        self, place: Place, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """That is what the condition of the write is for."""
        first = place.store()
        first.begin_fresh()
        discard_if = ObjectJobFiles.discard_if
        flags = []

        def raced(files: ObjectJobFiles, name: str, stamp: bytes) -> bool:
            other = place.store()
            other.begin_fresh()
            flags.append(other.fresh)
            return discard_if(files, name, stamp)

        monkeypatch.setattr(ObjectJobFiles, "discard_if", raced)

        first.end_fresh()

        assert [place.store().fresh] == flags


class TestIndex:
    @pytest.fixture
    def done(self, place: Place) -> Place:
        """A job that is done, with its index."""
        store = place.store()
        for digest in DIGESTS:
            store.write(digest, part_of(1))
        store.write_note("plan.json", {"plan": 1})
        store.save_index()
        store.write_note("run.json", {"run": 1})
        return place

    def ask(self, place: Place) -> int:
        """Ask for all that a run asks that has nothing to do; return its requests."""
        store = place.store(cache="other")
        assert store.read_note("plan.json") == {"plan": 1}
        assert all(store.metadata(digest) for digest in DIGESTS)
        assert all(store.checksum(digest) for digest in DIGESTS)
        for digest in DIGESTS:
            store.check(digest)
        store.save_index()
        assert store.read_note("run.json")
        store.write_note("run.json", {"run": 2})
        return place.requests

    def test_nothing_to_do_takes_four_requests(self, done: Place) -> None:
        """A listing, the index, the report read, the report written."""
        assert self.ask(done) == 4

    @pytest.mark.parametrize("damage", [b"", b"nonsense", PartIndex().to_bytes()])
    def test_it_is_no_more_than_a_copy(self, done: Place, damage: bytes) -> None:
        """Missing, damaged or empty, the footers are read instead, and it is made."""
        done.objects.put(done.key(INDEX_NOTE), damage)

        lost = self.ask(done)

        assert lost > 4 + 2 * len(DIGESTS)  # their ends, and all of them to verify
        assert self.ask(done) == 4

    def test_parts_that_are_gone_leave_it(self, done: Place) -> None:
        """Or it would grow for ever, and keep what was pruned."""
        done.store().discard(DIGESTS[0])
        store = done.store()
        store.write(DIGESTS[1], part_of(2))
        store.discard(DIGESTS[2])

        store.save_index()

        found = done.objects.get(done.key(INDEX_NOTE))
        assert set(PartIndex.from_bytes(found[0]).parts) == {DIGESTS[1], *DIGESTS[3:]}

    def test_what_was_not_verified_is(self, done: Place) -> None:
        """A part that another program damaged is found by a check, not trusted."""
        name = f"parts/{DIGEST}.parquet"
        found = done.objects.get(done.key(name))
        content = bytearray(found[0])
        content[9] ^= 1
        done.objects.put(done.key(name), bytes(content))
        store = done.store(cache="other")
        assert store.metadata(DIGEST)

        with pytest.raises(DamagedPartError):
            store.check(DIGEST)

        store.check(DIGESTS[1])

    def test_a_part_that_was_replaced_is_read_again(self, done: Place) -> None:
        """What the index says of it is of another state."""
        writer = done.store(cache="writer")
        writer.write(DIGEST, part_of(1, 2, 3))

        store = done.store(cache="other")

        found = store.metadata(DIGEST)
        assert found is not None
        assert found.rows == 3
        assert done.requests == 1 + 1 + 1  # listing, index, the end of the part

    def test_it_keeps_long_fields_once(self, place: Place) -> None:
        """Parts of details share them; they come back as they were."""
        fields = tuple(f"participants.sessions.field{n}" for n in range(200))
        store = place.store()
        for digest in DIGESTS:
            part = part_of(1)
            values = {**{s: getattr(part.metadata, s) for s in part.metadata.__slots__}}
            metadata = PartMetadata(**{**values, "fields": fields})
            store.write(digest, Part(part.table, metadata))
        store.save_index()

        read = place.store(cache="other")

        assert {m.fields for d in DIGESTS if (m := read.metadata(d))} == {fields}
        assert place.requests == 2

    def test_a_long_footer_takes_a_second_request(self, place: Place) -> None:
        """The first one brings as much as nearly all footers have."""
        part = part_of(1)
        wide = pa.table({f"column{n}": pa.array([n]) for n in range(300)})
        place.store().write(DIGEST, Part(wide, part.metadata))

        store = place.store(cache="other")

        assert store.metadata(DIGEST) == part.metadata
        assert place.requests == 3  # a listing, two ends

    def test_a_thousand_parts_take_a_request_more(self, place: Place) -> None:
        """3 + ceil(objects ÷ 1,000) for a year of a job that is done."""
        digests = [f"{number:040x}" for number in range(1_010)]
        store = place.store()
        part = part_of(1)
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda digest: store.write(digest, part), digests))
        store.write_note("plan.json", {"plan": 1})
        store.save_index()
        store.write_note("run.json", {})

        again = place.store(cache="other")
        assert all(again.metadata(digest) for digest in digests)
        assert again.read_note("plan.json")
        assert again.read_note("run.json") == {}
        again.save_index()
        again.write_note("run.json", {"run": 2})

        assert place.requests == 3 + 2

    def test_the_list_of_a_job_takes_bounded_memory(self, place: Place) -> None:
        """For 100,000 parts 250 MB at most, one job at a time."""
        count = 1_200
        store = place.store()
        part = part_of(1)
        with ThreadPoolExecutor(8) as pool:
            work = (f"{number:040x}" for number in range(count))
            list(pool.map(lambda digest: store.write(digest, part), work))
        store.save_index()
        root = place.root(cache="other")
        list_store(place.root(cache="third"))  # what is imported is no matter
        tracemalloc.start()
        try:
            (job,) = list_store(root)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

        assert job.parts == count
        assert peak / count < 2_500


class TestCache:
    def test_what_was_written_is_not_downloaded(self, place: Place) -> None:
        """Its file becomes the copy."""
        store = place.store()
        store.write(DIGEST, part_of(1))
        before = place.requests

        rows(store)
        rows(place.store())

        assert place.requests == 1  # the second run's listing
        assert before == 2

    def test_copies_are_for_the_user_alone(self, place: Place) -> None:
        """They hold personal data."""
        store = place.store()
        store.write(DIGEST, part_of(1))

        (copy,) = place.copies()

        assert copy.stat().st_mode & 0o077 == 0
        assert copy.parent.stat().st_mode & 0o077 == 0

    @pytest.mark.parametrize("change", ["cut", "turned", "emptied"])
    @pytest.mark.parametrize("is_read_before", [False, True])
    def test_a_damaged_copy_is_downloaded_again(
        self, place: Place, change: str, *, is_read_before: bool
    ) -> None:
        """The object is whole, and stays."""
        store = place.store()
        store.write(DIGEST, part_of(1, 2))
        if is_read_before:
            rows(store)
        (copy,) = place.copies()
        content = bytearray(copy.read_bytes())
        content[9] ^= 1
        turned = bytes(content)
        damaged = {"cut": turned[:-9], "turned": turned, "emptied": b""}[change]
        copy.write_bytes(damaged)

        assert rows(store) == [1, 2]

        assert place.store().has(DIGEST)
        assert rows(place.store()) == [1, 2]

    @pytest.mark.parametrize("damage", [b"", b"PAR1", b"\0"])
    def test_a_copy_that_a_power_failure_cut_says_nothing(
        self, place: Place, damage: bytes
    ) -> None:
        """Its part would be fetched again although the object is whole."""
        place.store().write(DIGEST, part_of(1, 2))
        (copy,) = place.copies()
        zeros = bytes(copy.stat().st_size)
        copy.write_bytes(zeros if damage == b"\0" else damage)
        store = place.store()

        assert store.metadata(DIGEST) == part_of(1, 2).metadata
        assert rows(store) == [1, 2]

    def test_it_is_bounded(self, place: Place) -> None:
        """The least recently used copies go; what is read is downloaded again."""
        size = 200_000
        numbers = [int.from_bytes(os.urandom(7)) for _ in range(size // 8)]
        store = place.store(mb=1)
        for digest in DIGESTS[:3]:
            store.write(digest, part_of(*numbers))
        oldest, *_ = copies = sorted(place.copies(), key=lambda p: p.stat().st_mtime)
        for age, copy in enumerate(copies):
            at = copy.stat().st_mtime - 7200 + 60 * age
            os.utime(copy, (at, at))
        rows(store, DIGESTS[0])  # the oldest is used

        for digest in DIGESTS[3:5]:
            store.write(digest, part_of(*numbers))

        left = place.copies()
        assert sum(copy.stat().st_size for copy in left) <= 1 << 20
        assert oldest in left
        assert copies[1] not in left
        assert all(rows(store, digest) == numbers for digest in DIGESTS[:5])

    def test_an_open_copy_outlives_its_removal(self, place: Place) -> None:
        """Another process may need the space."""
        place.store().write(DIGEST, part_of(1))
        store = place.store()
        with store.open_part(DIGEST) as (_, batches):
            for copy in place.copies():
                copy.unlink()

            assert [b.num_rows for b in batches] == [1]

    def test_runs_share_it(self, place: Place) -> None:
        """With so little space that each removes the others' copies, all read all."""
        writer = place.store(cache="writer")
        numbers = list(range(40_000))
        for digest in DIGESTS:
            writer.write(digest, part_of(*numbers))

        def work(_: int) -> bool:
            store = place.store(mb=0.1)
            return all(rows(store, digest) == numbers for digest in DIGESTS * 3)

        with ThreadPoolExecutor(4) as pool:
            assert all(pool.map(work, range(4)))

    def test_processes_share_it(self, place: Place) -> None:
        """Two at once, on an empty folder."""
        writer = place.store(cache="writer")
        for digest in DIGESTS:
            writer.write(digest, part_of(*range(20_000)))
        settings = f"CacheSettings(Path({str(place.folder / 'shared')!r}), 100_000)"
        url = f"ObjectUrl('s3', {place.bucket.name!r}, 'some/store')"
        code = f"""
from pathlib import Path
from gcbatch.objects import ObjectUrl
from gcbatch.store import CacheSettings, Store, open_root

for _ in range(5):
    store = Store(open_root({url}, cache={settings}), "job")
    store.expect({DIGESTS!r})
    print(sum(store.read(digest).num_rows for digest in {DIGESTS!r}))
"""
        environ = {**os.environ, **place.bucket.environ}

        readers = [
            subprocess.Popen(  # noqa: S603 - a command of ours
                [sys.executable, "-c", code],
                env=environ,
                stdout=subprocess.PIPE,
                text=True,
            )
            for _ in range(2)
        ]

        said = [reader.communicate(timeout=60)[0].split() for reader in readers]
        assert said == [["120000"] * 5] * 2

    def test_without_a_folder_it_goes_with_the_process(
        self, place: Place, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Nothing of a part stays on this machine."""
        monkeypatch.setenv("TMPDIR", str(place.folder))
        monkeypatch.setattr("tempfile.tempdir", None)
        place.root()
        root = open_root(place.bucket.url, buckets=place.buckets)
        store = Store(root, "job")
        store.write(DIGEST, part_of(1))
        assert list(place.folder.rglob("*.copy"))

        del store, root
        gc.collect()

        assert not list(place.folder.rglob("*.copy"))

    def test_a_disk_that_is_full_is_said(
        self, place: Place, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It is the disk of the copies, not the bucket."""

        def full(*_: Any) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("gcbatch.store.store.write_part", full)

        with pytest.raises(OutputError, match="No space left") as refused:
            place.store().write(DIGEST, part_of(1))

        assert "fetch.cache" in (refused.value.hint or "")

    def test_a_folder_that_cannot_be_written_is_said(self, place: Place) -> None:
        """By whoever downloads, too."""
        place.store(cache="writer").write(DIGEST, part_of(1))
        (place.folder / "cache").write_text("a file")

        store = place.store()
        with pytest.raises(OutputError, match="cache: cannot be written"):
            store.read(DIGEST)
        with pytest.raises(OutputError, match="cache: cannot be written"):
            _ = store.work_folder


class TestAhead:
    def test_the_next_parts_come_while_one_is_read(self, place: Place) -> None:
        """In the order of the plan; each is downloaded once."""
        writer = place.store(cache="writer")
        for number, digest in enumerate(DIGESTS):
            writer.write(digest, part_of(number))
        store = place.store(cache="other")
        store.expect(DIGESTS)
        before = place.requests

        read = [rows(store, digest) for digest in DIGESTS]

        assert read == [[number] for number in range(len(DIGESTS))]
        assert place.requests - before == len(DIGESTS)

    def test_they_come_without_being_asked_for(self, place: Place) -> None:
        """All that fit, once the first was opened."""
        writer = place.store(cache="writer")
        for digest in DIGESTS:
            writer.write(digest, part_of(1))
        store = place.store(cache="other")
        store.expect(DIGESTS)

        rows(store, DIGESTS[0])

        until = time.monotonic() + 30
        other = place.folder / "other"
        while len([*other.glob("*.copy")]) < len(DIGESTS) and time.monotonic() < until:
            time.sleep(0.01)
        assert len([*other.glob("*.copy")]) == len(DIGESTS)

    def test_what_does_not_fit_does_not_come(self, place: Place) -> None:
        """Half of the bound, or it would be removed before it is read."""
        writer = place.store(cache="writer")
        for digest in DIGESTS:
            writer.write(digest, part_of(1))
        (size,) = {p.stat().st_size for p in place.copies("writer")}
        store = place.store(cache="other", mb=5 * size / (1 << 20))
        store.expect(DIGESTS)
        before = place.requests

        assert all(rows(store, digest) == [1] for digest in DIGESTS)

        assert place.requests - before == len(DIGESTS)
        assert len(place.copies("other")) <= 5

    def test_what_fails_ahead_fails_where_it_is_read(self, place: Place) -> None:
        """Not before, and not silently."""
        writer = place.store(cache="writer")
        for digest in DIGESTS[:3]:
            writer.write(digest, part_of(1))
        store = place.store(cache="other")
        store.expect(DIGESTS[:3])
        assert store.has(DIGEST)
        writer.files.discard(f"parts/{DIGESTS[2]}.parquet")

        assert rows(store, DIGESTS[0]) == [1]
        assert rows(store, DIGESTS[1]) == [1]
        with pytest.raises(DataError, match="part is missing"):
            rows(store, DIGESTS[2])


class TestMaintenance:
    MONTH = Period.parse("P30D")

    @pytest.fixture
    def stored(self, place: Place) -> Place:
        """An old and a young part, notes, another job, and what is not ours."""
        store = place.store()
        store.write(DIGESTS[0], part_of(1, ended=31))
        store.write(DIGESTS[1], part_of(1, ended=3))
        store.write_note("plan.json", {})
        store.save_index()
        place.store("old").write(DIGESTS[2], part_of(1, ended=40))
        place.store("old").write_note("run.json", {"started_at": "then"})
        place.store("old").prepare()
        place.store("old").save_index()
        for name in ("readme.txt", "elsewhere/data", "job/notes.txt", "job/parts/a"):
            place.objects.put(f"some/store/{name}", b"mine")
        return place

    def test_ls_shows_each_job(self, stored: Place) -> None:
        """As on disk."""
        job, old = list_store(stored.root())

        assert (job.job, job.parts, job.unreadable) == ("job", 2, 0)
        assert job.window == Window(NOW - 32 * DAY, NOW - 3 * DAY)
        assert (old.job, old.parts, old.last_run) == ("old", 1, "then")
        assert [j.job for j in list_store(stored.root(), ["old"])] == ["old"]

    def test_no_store_is_said(self, place: Place) -> None:
        """A slip in the address shall not pass for done."""
        with pytest.raises(OutputError, match="holds no store"):
            list_store(place.root())

    @pytest.mark.parametrize("dry_run", [True, False])
    def test_prune_removes_what_is_old(self, stored: Place, *, dry_run: bool) -> None:
        """Notes go with the last part; what others wrote stays, young parts too."""
        before = stored.names

        done = prune(stored.root(), self.MONTH, now=NOW, dry_run=dry_run)

        assert (done.parts, done.jobs, done.emptied) == (2, ["job", "old"], ["old"])
        kept = [
            "elsewhere/data",
            f"job/{INDEX_NOTE}",
            "job/notes.txt",
            f"job/parts/{DIGESTS[1]}.parquet",
            "job/parts/a",
            "job/plan.json",
            "readme.txt",
        ]
        assert stored.names == (before if dry_run else kept)

    def test_copies_of_what_is_pruned_go_too(self, stored: Place) -> None:
        """From this machine, which holds them as personal data too."""
        assert len(stored.copies()) == 3

        prune(stored.root(), self.MONTH, now=NOW)

        assert len(stored.copies()) == 1

    def test_copies_of_earlier_versions_go_too(self, stored: Place) -> None:
        """What a part was before it was fetched again names the same people."""
        stored.store("old").write(DIGESTS[2], part_of(1, 2, ended=40))
        assert len(stored.copies()) == 4

        prune(stored.root(), self.MONTH, now=NOW)

        assert len(stored.copies()) == 1

    def test_many_parts_are_removed_by_one_request(self, place: Place) -> None:
        """Notes by another, when the parts are gone."""
        sent = []
        for count in (1, 5):
            store = place.store()
            for digest in DIGESTS[:count]:
                store.write(digest, part_of(1, ended=40))
            store.save_index()
            root = place.root()

            done = prune(root, self.MONTH, now=NOW)

            sent.append(place.requests)
            assert (done.parts, done.emptied) == (count, ["job"])
            assert place.names == []
        # Jobs, is it one, objects, those again for their age, index; two removals.
        assert sent == [7, 7]

    def test_who_may_not_remove_is_told(self, stored: Place) -> None:
        """With an object and the permission; all is as it was, but for the copies."""
        before = stored.names
        settings = stored.bucket.server.settings("reader")
        root = open_root(
            stored.bucket.url / "some/store", buckets=Buckets(settings, environ={})
        )

        with pytest.raises(OutputError, match=r"parquet: .*s3:DeleteObject is refused"):
            prune(root, self.MONTH, now=NOW)

        assert stored.names == before

    def test_an_emptied_part_is_a_leftover(self, place: Place) -> None:
        """It is no part, and goes when no run can be at work on it."""
        place.store().write(DIGESTS[1], part_of(1, ended=1))
        place.objects.put(place.key(f"parts/{DIGEST}.parquet"), b"")
        now = datetime.now(UTC)

        (job,) = list_store(place.root())

        assert (job.parts, job.unreadable) == (1, 0)
        assert prune(place.root(), self.MONTH, now=now).leftovers == 0
        assert prune(place.root(), self.MONTH, now=now + 2 * DAY).leftovers == 1


class TestRefusals:
    def test_a_missing_bucket_is_found_at_once(self, place: Place) -> None:
        """Before anything is requested from Genesys Cloud."""
        place.root()
        root = open_root(ObjectUrl("s3", "no-such-bucket", "x"), buckets=place.buckets)

        with pytest.raises(OutputError, match="there is no such bucket"):
            Store(root, "job")

    def test_who_may_only_read_is_told_when_it_is_prepared(self, place: Place) -> None:
        """It can export what is there."""
        place.store().write(DIGEST, part_of(1))
        settings = place.bucket.server.settings("reader")
        root = open_root(
            place.bucket.url / "some/store", buckets=Buckets(settings, environ={})
        )
        store = Store(root, "job")

        assert rows(store) == [1]
        with pytest.raises(OutputError, match="s3:PutObject is refused"):
            store.prepare()
