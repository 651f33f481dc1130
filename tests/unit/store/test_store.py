"""The store: a part is there whole or not at all, and says how it came about."""

import asyncio
import os
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import FileIO
from pathlib import Path
from typing import Any
from unittest.mock import Mock
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gcbatch.atomic_files import create_temp_beside, sync_folder, write_atomically
from gcbatch.errors import DamagedPartError, DataError, OutputError
from gcbatch.genesys.client import Answer
from gcbatch.store import known_parts, part_file
from gcbatch.store.disk_files import DiskJobFiles
from gcbatch.store.job_files import OpenedFile, StoreRoot
from gcbatch.store.part_file import Part, write_checksum
from gcbatch.store.part_metadata import PartMetadata
from gcbatch.store.pending_jobs import SubmittedJob
from gcbatch.store.store import Store
from gcbatch.windows import Period, Window
from tests.support.stored_files import folder_of, overwrite, path_of, reopened

START = datetime(2026, 10, 24, 23, tzinfo=UTC)  # a midnight in Dublin
DAY = Window(START, START + timedelta(hours=25))
DUBLIN = ZoneInfo("Europe/Dublin")
LATER = DAY.end + timedelta(days=365)
DIGEST = "0123456789abcdef"
SCHEMA = pa.schema(
    [
        pa.field("interval_start", pa.timestamp("ms", tz="UTC"), nullable=False),
        pa.field("queue_id", pa.string(), metadata={"source": "group.queueId"}),
        pa.field("n_offered", pa.int64(), metadata={"unit": "events"}),
    ]
)


def some_metadata(rows: int = 1, **changes: Any) -> PartMetadata:
    usual: dict[str, Any] = {
        "asked_at": DAY.end + timedelta(days=5, microseconds=7),
        "window": DAY,
        "pages": 1,
        "rows": rows,
        "requests": 3,
        "size": 1234,
        "correlation_ids": ("one", "two"),
    }
    return PartMetadata(**{**usual, **changes})


def part_of(*offered: int) -> Part:
    rows = [
        {"interval_start": START, "queue_id": f"q{n}", "n_offered": count}
        for n, count in enumerate(offered)
    ]
    return Part(pa.Table.from_pylist(rows, schema=SCHEMA), some_metadata(len(rows)))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path, "job")


class Stopped(BaseException):
    """What ends a process in the middle of its work."""


def stop(_handle: int) -> None:
    raise Stopped


def files_of(store: Store) -> list[str]:
    return sorted(p.name for p in folder_of(store).rglob("*") if p.is_file())


@pytest.mark.parametrize("offered", [(), (3,), (3, 4, 5)])
def test_a_part_comes_back_as_it_was(
    any_store: Store, offered: tuple[int, ...]
) -> None:
    """Rows, types, field metadata and part metadata survive."""
    part = part_of(*offered)
    any_store.write(DIGEST, part)

    read = any_store.read(DIGEST)

    assert read.equals(part.table)
    assert read.schema.equals(SCHEMA)
    assert read.schema.field("n_offered").metadata == {b"unit": b"events"}
    assert any_store.metadata(DIGEST) == part.metadata


def test_a_part_is_plain_parquet(store: Store) -> None:
    """Any tool can read it, and finds part metadata in it."""
    store.write(DIGEST, part_of(1))

    assert pq.read_table(path_of(store, DIGEST)).num_rows == 1
    assert b"gcbatch" in pq.read_metadata(path_of(store, DIGEST)).metadata


def test_what_is_not_there_has_no_metadata(any_store: Store) -> None:
    """A missing part is asked for; reading it is an error with the way out."""
    assert any_store.metadata(DIGEST) is None
    with pytest.raises(DataError, match="part is missing") as caught:
        any_store.read(DIGEST)

    assert "gcbatch run" in (caught.value.hint or "")


@pytest.mark.parametrize(
    "content", [b"", b"PAR1", b"not parquet" * 100], ids=["empty", "short", "other"]
)
def test_what_is_no_part_has_no_metadata(any_store: Store, content: bytes) -> None:
    """A file that something else left there is asked for again.

    In a bucket, an empty one counts as missing.
    """
    overwrite(any_store, DIGEST, content)
    store = reopened(any_store)

    assert store.metadata(DIGEST) is None
    with pytest.raises(DataError, match=r"part is (damaged|missing)"):
        store.read(DIGEST)


def test_parquet_without_metadata_is_no_part(store: Store) -> None:
    """A part that cannot say when it was asked is asked for again."""
    path_of(store, DIGEST).parent.mkdir(parents=True)
    pq.write_table(part_of(1).table, path_of(store, DIGEST))

    assert store.metadata(DIGEST) is None


@settings(
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_no_bit_turns_over_unseen(store: Store, place: float, bit: int) -> None:
    """A damaged part is refused and removed, so that the next run fetches it."""
    store.write(DIGEST, part_of(3, 4, 5))
    content = bytearray(path_of(store, DIGEST).read_bytes())
    content[int(place * len(content))] ^= 1 << bit
    path_of(store, DIGEST).write_bytes(content)

    with pytest.raises(DataError, match="part is damaged"):
        store.read(DIGEST)

    assert store.metadata(DIGEST) is None


@pytest.mark.parametrize("piece", [1, 50, 64, 1000])
def test_a_checksum_is_the_same_however_a_file_is_read(
    store: Store, piece: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own place, which a piece may cut through, counts as blank."""
    store.write(DIGEST, part_of(3, 4, 5))

    monkeypatch.setattr(part_file, "PIECE", piece)

    assert store.read(DIGEST).num_rows == 3


def test_a_part_is_hashed_once_while_it_stays_as_it_is(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tables and checks read a part again and again; a byte written to it is seen."""
    store.write(DIGEST, part_of(3))
    hashing = Mock(wraps=part_file._hash)
    monkeypatch.setattr(part_file, "_hash", hashing)

    tables = [store.read(DIGEST) for _ in range(3)]

    assert hashing.call_count == 1
    assert tables[0].equals(tables[2])
    with path_of(store, DIGEST).open("r+b") as file:
        file.seek(4)
        byte = file.read(1)
        file.seek(4)
        file.write(bytes([byte[0] ^ 1]))
    with pytest.raises(DamagedPartError):
        store.read(DIGEST)


def test_a_footer_is_read_once_while_it_stays_as_it_is(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many parts there are: a run asks five times about each."""
    digests = [f"{number:040x}" for number in range(5)]
    for digest in digests:
        store.write(digest, part_of(3))
    reading = Mock(wraps=part_file.footer_of)
    monkeypatch.setattr(known_parts, "footer_of", reading)

    for _ in range(3):
        for digest in digests:
            store.read(digest)
            assert store.metadata(digest)
            assert store.checksum(digest)

    assert reading.call_count == len(digests)


def test_long_metadata_is_held_once(any_store: Store) -> None:
    """Parts of details note much the same fields: a hundred thousand share them."""
    fields = tuple(f"participants.sessions.field{n}" for n in range(200))
    long = some_metadata(fields=fields, correlation_ids=("an id",) * 100)
    for digest in (DIGEST, "f" * 40):
        any_store.write(digest, Part(part_of(3).table, long))

    one, other = (any_store.metadata(digest) for digest in (DIGEST, "f" * 40))

    assert one is not None
    assert other is not None
    assert one == other == replace(long, correlation_ids=())
    assert one.fields is other.fields


def test_metadata_may_name_the_checksum(any_store: Store) -> None:
    """What the service says is not taken for the place of the checksum."""
    part = Part(part_of(3).table, some_metadata(correlation_ids=("gcbatch.sha256",)))

    any_store.write(DIGEST, part)

    assert any_store.read(DIGEST).num_rows == 1
    assert any_store.metadata(DIGEST) == part.metadata


def test_a_part_that_may_not_be_written_leaves_what_was_there(any_store: Store) -> None:
    """Whether it may is asked last, when all of it is written."""
    any_store.write(DIGEST, part_of(3))

    with pytest.raises(OutputError, match="took too long"):
        any_store.write(DIGEST, part_of(3, 4), may=lambda: False)

    assert any_store.read(DIGEST).num_rows == 1
    assert len([*any_store.files.entries()]) == 1


def test_with_the_part_the_service_has_nothing_under_way(any_store: Store) -> None:
    """The note of a job goes when its answer is there."""
    any_store.pending(DIGEST).remember("all", SubmittedJob("job-1", None, START))

    any_store.write(DIGEST, part_of(3))

    assert any_store.pending(DIGEST).job("all") is None


@pytest.mark.parametrize(
    "read",
    [
        part_file.table_of,
        lambda file: list(part_file.batches_of(file)),
        part_file.footer_of,
    ],
    ids=["table_of", "batches_of", "footer_of"],
)
def test_only_the_thread_that_asks_reads_a_part(
    store: Store, read: Callable[[Any], object]
) -> None:
    """What a thread of Arrow's has read may abort the process when it ends."""
    readers = set()

    class Watched(FileIO):
        def read(self, size: int | None = -1, /) -> bytes:
            readers.add(threading.get_ident())
            return super().read(size)

    store.write(DIGEST, part_of(*range(100)))

    with Watched(path_of(store, DIGEST)) as file:
        read(file)

    assert readers == {threading.get_ident()}


def test_a_page_that_cannot_be_read_says_why(store: Store) -> None:
    """In the words of the library, where the system has none."""
    store.write(DIGEST, part_of(1))
    path = path_of(store, DIGEST)
    pages = pq.read_metadata(path).row_group(0).column(2)
    content = bytearray(path.read_bytes())
    content[pages.dictionary_page_offset + pages.total_compressed_size - 1] ^= 1
    path.write_bytes(content)
    write_checksum(path)

    with pytest.raises(DataError, match=r"cannot be read: .*checksum"):
        store.read(DIGEST)
    with pytest.raises(DataError, match=r"cannot be read: .*checksum"):
        next(store.batches(DIGEST))


def test_what_fails_while_a_part_is_open_is_no_error_of_the_part(
    any_store: Store,
) -> None:
    """A full disk of an output is no part that cannot be read."""
    any_store.write(DIGEST, part_of(1))
    full = OSError(28, "No space left on device")

    with (
        pytest.raises(OSError, match="No space left") as failed,
        any_store.open_part(DIGEST),
    ):
        raise full

    assert failed.value is full


class RacedFiles(DiskJobFiles):
    """Files of a job, where another run puts a whole part as soon as one is opened."""

    @contextmanager
    def open(self, name: str) -> Iterator[OpenedFile]:
        with super().open(name) as opened:
            Store(Path(self.place).parent, "job").write(DIGEST, part_of(1))
            yield opened


def test_a_damaged_part_that_was_replaced_meanwhile_is_not_removed(
    tmp_path: Path,
) -> None:
    """What is in its place by now is not what was found to be damaged."""
    store = Store(tmp_path, "job")
    store.prepare()
    path_of(store, DIGEST).write_bytes(b"damaged")

    racing = Store(tmp_path, "job")
    racing.files = RacedFiles(tmp_path / "job", os.fsync)
    with pytest.raises(DamagedPartError):
        racing.read(DIGEST)

    assert store.read(DIGEST).num_rows == 1


def test_a_part_that_may_not_be_read_stays(store: Store) -> None:
    """What is no damage is not removed: a folder stands for a missing right."""
    path_of(store, DIGEST).mkdir(parents=True)

    with pytest.raises(DataError, match="cannot be read"):
        store.read(DIGEST)

    assert path_of(store, DIGEST).exists()


class TestWhole:
    def test_a_stop_before_the_rename_leaves_nothing(self, tmp_path: Path) -> None:
        """Half a part is never seen."""
        store = Store(tmp_path, "job", sync=stop)

        with pytest.raises(Stopped):
            store.write(DIGEST, part_of(1))

        assert store.metadata(DIGEST) is None
        assert files_of(store) == []

    def test_a_stop_leaves_what_was_there(self, tmp_path: Path) -> None:
        """A part that is fetched again is replaced whole or stays."""
        part = part_of(1)
        Store(tmp_path, "job").write(DIGEST, part)
        store = Store(tmp_path, "job", sync=stop)

        with pytest.raises(Stopped):
            store.write(DIGEST, part_of(2, 3))

        assert store.read(DIGEST).equals(part.table)

    def test_a_full_disk_is_an_output_error(self, tmp_path: Path) -> None:
        """The system's message is reported, with what to check."""

        def full(_handle: int) -> None:
            raise OSError(28, "No space left on device")

        store = Store(tmp_path, "job", sync=full)

        with pytest.raises(OutputError, match="No space left") as caught:
            store.write(DIGEST, part_of(1))
        with pytest.raises(OutputError, match="No space left"):
            store.write_note("plan.json", {})

        assert "fetch.store" in (caught.value.hint or "")

    def test_a_file_in_the_way_is_an_output_error(self, tmp_path: Path) -> None:
        """A store cannot be where a file is."""
        (tmp_path / "job").write_text("")

        with pytest.raises(OutputError, match="cannot be written"):
            Store(tmp_path, "job").write(DIGEST, part_of(1))

    def test_files_and_folders_are_forced_to_disk(self, tmp_path: Path) -> None:
        """The content before the rename, the rename itself after it."""
        synced: list[bool] = []

        def note(handle: int) -> None:
            synced.append(stat.S_ISDIR(os.fstat(handle).st_mode))

        Store(tmp_path, "job", sync=note).write(DIGEST, part_of(1))

        assert synced == [False, True]

    def test_by_default_that_is_the_systems_way(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Each part is forced to disk by os.fsync, file and folder."""
        synced: list[int] = []
        monkeypatch.setattr(os, "fsync", synced.append)

        Store(tmp_path, "job").write(DIGEST, part_of(1))

        assert len(synced) == 2

    async def test_writers_of_one_part_do_no_harm(self, any_root: StoreRoot) -> None:
        """Two processes on one store end with one whole part of either."""
        gate = threading.Barrier(6)

        def write(count: int) -> None:
            store = Store(any_root, "job")
            part = part_of(*range(count))
            gate.wait()
            store.write(DIGEST, part)

        await asyncio.gather(*(asyncio.to_thread(write, n) for n in range(1, 7)))

        store = Store(any_root, "job")
        metadata = store.metadata(DIGEST)
        assert metadata is not None
        assert store.read(DIGEST).num_rows == metadata.rows
        entries = [entry.name for entry in store.files.entries()]
        assert entries == [f"parts/{DIGEST}.parquet"]

    def test_a_part_may_be_discarded_twice(self, any_store: Store) -> None:
        """Whoever comes second finds nothing, which is what was wanted."""
        any_store.write(DIGEST, part_of(1))

        any_store.discard(DIGEST)
        any_store.discard(DIGEST)

        assert any_store.metadata(DIGEST) is None


class TestNotes:
    def test_they_come_back(self, any_store: Store) -> None:
        """A note is a JSON document of its own name."""
        any_store.write_note("plan.json", {"a": [1, "ü"]})

        assert any_store.read_note("plan.json") == {"a": [1, "ü"]}

    @pytest.mark.parametrize(
        "content", [b"", b"{", b"[]", b"null", b"\xff", b"{}x", b'"text"']
    )
    def test_a_broken_one_is_none(self, store: Store, content: bytes) -> None:
        """What is no document of ours is as good as missing."""
        folder_of(store).mkdir(parents=True)
        (folder_of(store) / "plan.json").write_bytes(content)

        assert store.read_note("plan.json") is None
        assert store.read_note("missing.json") is None


class TestAccount:
    def test_it_survives_its_json(self) -> None:
        """To the microsecond, and with all its metadata."""
        metadata = some_metadata(
            remarks={"odd": 2},
            unknown_fields=("participants.fresh",),
            available_until=DAY.end - timedelta(hours=1),
            fields=("conversationEnd", "participants.sessions.ani"),
        )

        assert PartMetadata.from_json(metadata.to_json()) == metadata

    @pytest.mark.parametrize("turned", [False, True])
    def test_pieces_are_one(self, *, turned: bool) -> None:
        """Figures add up; what is the least known of any piece is known of all."""
        noon = START + timedelta(hours=12)
        pieces = [
            some_metadata(
                window=Window(START, noon),
                unknown_fields=("b",),
                available_until=noon,
                remarks={"odd": 1},
            ),
            some_metadata(
                2,
                window=Window(noon, DAY.end),
                asked_at=DAY.end,
                unknown_fields=("a", "b"),
                remarks={"odd": 2},
            ),
        ]
        one, other = reversed(pieces) if turned else pieces

        assert one.merged_with(other) == PartMetadata(
            asked_at=DAY.end,
            window=DAY,
            pages=2,
            rows=3,
            requests=6,
            size=2468,
            correlation_ids=("one", "two") * 2,
            remarks={"odd": 3},
            unknown_fields=("a", "b"),
            available_until=noon,
        )

    @pytest.mark.parametrize(
        ("one", "other", "both"),
        [
            pytest.param(("b",), ("a", "b"), ("a", "b"), id="noted"),
            pytest.param((), ("a",), ("a",), id="none occurs"),
            pytest.param(None, ("a",), None, id="not noted"),
            pytest.param(("a",), None, None, id="not noted of the other"),
        ],
    )
    def test_fields_of_two_pieces_are_all_that_occur(
        self,
        one: tuple[str, ...] | None,
        other: tuple[str, ...] | None,
        both: tuple[str, ...] | None,
    ) -> None:
        """If one piece does not note them, nothing is known of the whole."""
        pieces = some_metadata(fields=one), some_metadata(fields=other)

        assert pieces[0].merged_with(pieces[1]).fields == both

    @pytest.mark.parametrize(
        ("settle", "after_h", "settled"),
        [
            ("P4D", 96, True),
            ("P4D", 95.99, False),
            ("PT1H", 1, True),
            ("PT1H", 0.99, False),
            ("P0D", 0, True),
        ],
    )
    def test_figures_settle_after_the_window(
        self, settle: str, after_h: float, *, settled: bool
    ) -> None:
        """Asked sooner after the window's end than that, a part is provisional."""
        wait = Period(0, 0, 0, "PT0S") if settle == "P0D" else Period.parse(settle)
        metadata = some_metadata(asked_at=DAY.end + timedelta(hours=after_h))

        assert metadata.is_final(wait, DUBLIN, LATER) is settled

    def test_days_to_settle_are_local(self) -> None:
        """A day that loses an hour to the clocks is a day."""
        end = datetime(2026, 3, 28, tzinfo=UTC)
        window = Window(end - timedelta(days=1), end)
        metadata = some_metadata(
            window=window, asked_at=end + timedelta(days=2) - timedelta(hours=1)
        )

        assert metadata.is_final(Period.parse("P2D"), DUBLIN, LATER)
        assert not metadata.is_final(Period.parse("P2D"), ZoneInfo("UTC"), LATER)

    def test_pages_add_up(self) -> None:
        """A part of several pages was asked when the first was."""

        def page(n: int) -> Answer[None]:
            return Answer(None, START + timedelta(seconds=n), 2, 100, f"id{n}")

        metadata = PartMetadata.from_answers(
            DAY, 7, [page(2), page(1)], {"odd": 1, "what did not happen": 0}
        )

        assert metadata == PartMetadata(
            START + timedelta(seconds=1), DAY, 2, 7, 4, 200, ("id2", "id1"), {"odd": 1}
        )


class TestFiles:
    @pytest.mark.parametrize("name", ["a.csv", "ü" * 120, "🐘" * 60, "x" * 255])
    def test_any_name_that_a_file_may_have_is_written(
        self, tmp_path: Path, name: str
    ) -> None:
        """The temporary file's name has space for its own ending."""
        path = tmp_path / "deep" / "er" / name

        write_atomically(
            path, lambda beside: beside.write_bytes(b"content"), sync=os.fsync
        )

        assert path.read_bytes() == b"content"
        assert [p.name for p in path.parent.iterdir()] == [name]

    def test_a_new_file_has_the_users_rights(self, tmp_path: Path) -> None:
        """Not those of a temporary file, which no other user may read."""
        before = os.umask(0o027)
        try:
            made = create_temp_beside(tmp_path / "a.csv")
        finally:
            os.umask(before)

        assert made.name.startswith(".a.csv.")
        assert stat.S_IMODE(made.stat().st_mode) == 0o640

    def test_a_folder_that_is_gone_needs_no_force(self, tmp_path: Path) -> None:
        """Where a folder cannot be opened, as on Windows, nothing is done."""
        sync_folder(tmp_path / "missing", sync=stop)

        assert not (tmp_path / "missing").exists()
