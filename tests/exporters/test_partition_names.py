"""Names of partitions' folders: what fits into them, and what readers make of them."""

import re
from pathlib import Path

import duckdb
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcbatch_exporters.folders import folder_of, is_short
from tests.exporters.test_exporters_parquet import with_columns, write

JAPANESE = "お客様サポート窓口東京第一営業部法人契約更新担当課夜間休日対応"
NULL = "__HIVE_DEFAULT_PARTITION__"

READERS = {
    "pyarrow": lambda folder: (
        ds.dataset(folder, partitioning="hive").to_table().to_pylist()
    ),
    "pyarrow.parquet": lambda folder: pq.read_table(folder).to_pylist(),
    "duckdb": lambda folder: (
        duckdb.read_parquet(f"{folder}/**/*.parquet", hive_partitioning=True)
        .to_arrow_table()
        .to_pylist()
    ),
}


@pytest.fixture(params=READERS)
def read(request: pytest.FixtureRequest) -> object:
    return READERS[request.param]


@pytest.mark.parametrize("letters", [29, 30, 60, 80])
def test_long_names_are_read_as_they_are(
    tmp_path: Path, read: object, letters: int
) -> None:
    """Of letters that take three bytes each, up to what a disk can hold."""
    name = (JAPANESE * 3)[:letters]
    write(tmp_path, with_columns(queue=[name, "other"]), "queue")

    assert callable(read)
    assert {row["n"]: row["queue"] for row in read(tmp_path)} == {0: name, 1: "other"}


def test_longer_names_stay_apart(tmp_path: Path, read: object) -> None:
    """Two that begin alike have a short name each, and the value is in the file."""
    names = [JAPANESE * 4 + end for end in ("一", "二")]
    write(tmp_path, with_columns(queue=[*names, names[0]]), "queue")

    assert callable(read)
    rows = {row["n"]: row["queue"] for row in read(tmp_path)}
    assert rows[0] == rows[2] != rows[1]
    assert all(JAPANESE.startswith(value.partition("~")[0]) for value in rows.values())
    said = [
        pq.read_metadata(path).metadata[b"gcbatch.partition"].decode()
        for path in tmp_path.rglob("*.parquet")
    ]
    assert all(sum(name in text for text in said) == 1 for name in names)


def test_a_queue_called_like_null_is_not_null(tmp_path: Path, read: object) -> None:
    """Nor is it read together with the rows that have no queue."""
    write(tmp_path, with_columns(queue=[NULL, None, "a"]), "queue")

    assert callable(read)
    rows = {row["n"]: row["queue"] for row in read(tmp_path)}
    assert rows[1] is None
    assert rows[0].startswith(f"{NULL}~")


@given(st.text(max_size=400), st.text(max_size=400))
def test_each_value_has_its_own_name(one: str, other: str) -> None:
    """A name that every disk takes, whatever the value."""
    names = [folder_of("queue", value) for value in (one, other)]

    assert (names[0] == names[1]) == (one == other)
    for name in names:
        assert len(name.encode()) <= 255
        assert not re.search(r'[\x00-\x1f<>:"/\\|?*]|[. ]\Z', name)


def test_a_queue_called_like_a_short_name_is_another() -> None:
    """No name of a queue makes its rows read as those of another."""
    long = folder_of("queue", JAPANESE * 4)
    value = long.partition("=")[2]

    assert is_short(long)
    assert folder_of("queue", value) != long


def test_short_names_do_not_change() -> None:
    """The next run finds the folder again, whatever the release."""
    assert folder_of("q", "x" * 300) == f"q={'x' * 64}~0d4e2ca9e9cbced7"
    assert folder_of("q", NULL) == f"q={NULL}~8ec3cd044a1b2ac4"
