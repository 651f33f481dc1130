"""Documents put in order on disk, and the parts that are made of them."""

import errno
import os
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from io import BufferedRandom, FileIO
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gcbatch.errors import DamagedPartError, OutputError, ReplacedPartError
from gcbatch.store.part_metadata import PartMetadata
from gcbatch.store.spool import DOCUMENTS, Document, Spool, SpooledPart
from gcbatch.store.store import Store
from gcbatch.windows import Window
from tests.support.old_parts import part_in
from tests.support.stored_files import folder_of, path_of

START = datetime(2026, 3, 2, tzinfo=UTC)
START_MS = int(START.timestamp() * 1000)
METADATA = PartMetadata(
    START, Window(START, START + timedelta(days=1)), 1, 0, 1, 1, ("id",)
)
LARGE = b"x" * (1 << 20)
DIGEST = "1" * 40

Shown = tuple[str, int, bytes]


def reported(batches: Iterator[pa.RecordBatch]) -> list[Shown]:
    """Return ids, milliseconds and contents, in the order of the batches."""
    found: list[Shown] = []
    for batch in batches:
        ids, instants, contents = batch.columns
        columns = (ids, instants.cast(pa.int64()), contents)
        found += zip(*(column.to_pylist() for column in columns), strict=True)
    return found


documents = st.builds(
    Document,
    id=st.text("abc-é𝄞", min_size=1, max_size=3),
    at_ms=st.integers(START_MS - 3, START_MS + 3) | st.integers(-(2**40), 2**42),
    content=st.binary(max_size=40),
    piece=st.just(""),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(added=st.lists(st.lists(documents, max_size=6), max_size=4))
def test_each_id_comes_once_in_order(
    tmp_path: Path, added: list[list[Document]]
) -> None:
    """By instant, then id; what came first stays, however it is handed over."""
    first: dict[str, Document] = {}
    new = []
    with closing(Spool.within(tmp_path)) as spool:
        for some in added:
            before = len(first)
            for one in some:
                first.setdefault(one.id, one)
            assert spool.add(some) == len(first) - before
            new.append(len(spool))
        found = reported(spool.batches())

    expected = sorted(first.values(), key=lambda one: (one.at_ms, one.id.encode()))
    assert found == [(one.id, one.at_ms, one.content) for one in expected]
    assert not new or new[-1] == len(first)


def test_pieces_of_one_id_are_distinguished(tmp_path: Path) -> None:
    """Where an id may come with other content; their rows carry the id alone."""
    pieces = [Document("a", 1, b"1", "x"), Document("a", 1, b"2", "y")]
    with closing(Spool.within(tmp_path)) as spool:
        new = [spool.add(pieces), spool.add(pieces)]
        found = reported(spool.batches())

    assert new == [2, 0]
    assert found == [("a", 1, b"1"), ("a", 1, b"2")]


def test_batches_are_bounded(tmp_path: Path) -> None:
    """By bytes where documents are large, by number where they are small."""
    large = [Document(f"a{n:05}", 1, LARGE) for n in range(10)]
    small = [Document(f"b{n:05}", 2, b"{}") for n in range(20_000)]
    with closing(Spool.within(tmp_path)) as spool:
        spool.add(small)
        spool.add(large)
        batches = list(spool.batches())

    sizes = [(batch.num_rows, batch.column("document").nbytes) for batch in batches]
    assert sum(rows for rows, _ in sizes) == 20_010
    assert max(rows for rows, _ in sizes) <= 8_192
    assert max(size for _, size in sizes) < 6 << 20
    assert len(batches) <= 6


def test_reading_does_not_keep_from_writing_on(tmp_path: Path) -> None:
    """What is added after a look is there with the next."""
    with closing(Spool.within(tmp_path)) as spool:
        spool.add([Document("b", 2, b"two")])
        first = reported(spool.batches())
        spool.add([Document("a", 1, b"one")])
        second = reported(spool.batches())

    assert first == [("b", 2, b"two")]
    assert second == [("a", 1, b"one"), ("b", 2, b"two")]


def test_an_empty_spool_has_no_batches(tmp_path: Path) -> None:
    """And its part is one without rows."""
    store = Store(tmp_path, "job")

    store.write("0" * 40, SpooledPart(Spool.within(tmp_path), METADATA))

    assert store.read("0" * 40).num_rows == 0
    assert store.read("0" * 40).schema.equals(DOCUMENTS)


def test_its_file_has_no_name(tmp_path: Path) -> None:
    """However the process ends, nothing stays; closing twice does no harm."""
    spool = Spool.within(tmp_path)
    spool.add([Document("a", 1, b"{}")])
    there = list(tmp_path.iterdir())

    with pytest.raises(ZeroDivisionError), closing(spool):
        raise ZeroDivisionError
    spool.close()

    assert there == []


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="Linux has it")
def test_it_opens_one_file(tmp_path: Path) -> None:
    """Fifty orgs have four hundred of them, and a process may open 1,024 files."""
    opened = Path("/proc/self/fd")
    before = len([*opened.iterdir()])
    with closing(Spool.within(tmp_path)):
        assert len([*opened.iterdir()]) == before + 1


def test_a_folder_that_is_not_there_is_an_output_error(tmp_path: Path) -> None:
    """As where the store may not be written."""
    with pytest.raises(OutputError, match="cannot be written"):
        Spool.within(tmp_path / "nowhere")


def test_a_file_that_was_cut_is_an_error(tmp_path: Path) -> None:
    """What cannot be read again is not taken for zeros."""
    with closing(Spool.within(tmp_path)) as spool:
        spool.add([Document("a", START_MS, b"{}"), Document("b", START_MS, b"{}")])
        spool._file.truncate(5)

        with pytest.raises(OSError, match="Input/output error"):
            list(spool.batches())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has one")
def test_a_full_disk_is_an_output_error(tmp_path: Path) -> None:
    """It says why, and what to look at."""
    spool = Spool(BufferedRandom(FileIO("/dev/full", "r+")), tmp_path)

    with pytest.raises(OutputError) as failed:
        spool.add([Document("a", 1, b"{}")])
    spool.close()

    assert os.strerror(errno.ENOSPC) in failed.value.problem
    assert failed.value.hint


# parts of many row groups


def put_large(store: Store, count: int = 40) -> Path:
    """Write a part of documents that no compression makes small; return its path."""
    folder_of(store).mkdir(exist_ok=True)
    spool = Spool.within(folder_of(store))
    for number in range(count):
        content = os.urandom(300_000)
        spool.add([Document(f"{number:04}", START_MS + number, content)])
    store.write(DIGEST, SpooledPart(spool, METADATA))
    return path_of(store, DIGEST)


def test_the_checksum_is_over_the_whole_file(tmp_path: Path) -> None:
    """A bit turned over anywhere is noticed: in any row group, any page, the footer."""
    store = Store(tmp_path, "job")
    path = put_large(store)
    whole = path.read_bytes()
    groups = pq.ParquetFile(path).num_row_groups

    unnoticed = []
    with path.open("r+b") as file:
        step = len(whole) // 40
        for place in (
            *range(0, len(whole), step),
            *range(len(whole) - 200, len(whole)),
        ):
            file.seek(place)
            file.write(bytes([whole[place] ^ 1 << place % 8]))
            file.flush()
            try:
                part_in(store, DIGEST)
                unnoticed.append(place)
            except DamagedPartError:
                pass
            file.seek(place)
            file.write(whole[place : place + 1])
            file.flush()

    assert groups >= 3
    assert unnoticed == []
    assert part_in(store, DIGEST).table.num_rows == 40


def test_a_damaged_row_group_is_noticed_before_the_first_row(tmp_path: Path) -> None:
    """No row of a part is handed on that has another row wrong."""
    store = Store(tmp_path, "job")
    path = put_large(store, count=20)
    content = bytearray(path.read_bytes())
    content[len(content) * 3 // 4] ^= 4
    path.write_bytes(content)

    with pytest.raises(DamagedPartError):
        next(store.batches(DIGEST))

    assert not path.exists()


def test_a_part_replaced_between_two_readings_is_noticed(tmp_path: Path) -> None:
    """Tables of one run must not contradict each other."""
    store, other = Store(tmp_path, "job"), Store(tmp_path, "job")
    put_large(store, count=2)
    read = sum(batch.num_rows for batch in store.batches(DIGEST))
    put_large(other, count=2)

    with pytest.raises(ReplacedPartError):
        next(store.batches(DIGEST))

    store.reset_seen()
    assert sum(batch.num_rows for batch in store.batches(DIGEST)) == read == 2


def test_a_part_that_another_run_replaced_is_whole(tmp_path: Path) -> None:
    """Nothing of it has to be mended; from then on it is the one to read."""
    store, other = Store(tmp_path, "job"), Store(tmp_path, "job")
    put_large(store, count=2)
    store.read(DIGEST)
    put_large(other, count=3)

    assert store.check_again(DIGEST)
    assert store.read(DIGEST).num_rows == 3


def test_a_part_replaced_in_mid_reading_is_read_to_its_end(tmp_path: Path) -> None:
    """What was opened is what was checked."""
    store, other = Store(tmp_path, "job"), Store(tmp_path, "job")
    put_large(store, count=30)
    batches = store.batches(DIGEST)
    first = next(batches)
    put_large(other, count=1)

    rest = list(batches)

    assert first.num_rows + sum(batch.num_rows for batch in rest) == 30


def test_a_row_group_is_a_batch(tmp_path: Path) -> None:
    """So that a reader holds no more than the writer did."""
    store = Store(tmp_path, "job")
    put_large(store, count=30)

    sizes = [batch.column("document").nbytes for batch in store.batches(DIGEST)]

    assert len(sizes) >= 2
    assert max(sizes) < 6 << 20
