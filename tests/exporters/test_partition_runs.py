"""Runs that share a folder of partitions: at once, after older releases, in part."""

import errno
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import duckdb
import orjson
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from gcbatch import locks
from gcbatch.coverage import Coverage
from gcbatch.errors import OutputError
from gcbatch.exporting.target import Target
from gcbatch.table import Lack, Table
from gcbatch.testing import sample_table
from gcbatch.windows import Window
from tests.exporters.test_exporters_parquet import files, folders, write

OCTOBER = datetime(2026, 10, 1, tzinfo=UTC)
DAY = timedelta(days=1)
QUEUES = ("a", "b")

RUN = """
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from tests.exporters.test_partition_runs import days
from tests.exporters.test_exporters_parquet import write
folder, tag, first, last, times = sys.argv[1:]
for _ in range(int(times)):
    write(Path(folder), days(int(first), int(last), tag=tag), "day")
"""


def days(
    first: int,
    last: int,
    *,
    tag: str = "",
    queues: tuple[str, ...] = QUEUES,
    without: tuple[int, ...] = (),
    **changes: Any,
) -> Table:
    """Return a row for each queue and day of October, from first to last.

    Args:
        first: The first day that is covered.
        last: The last day.
        tag: In each row.
        queues: That have rows.
        without: Days that have no rows.
        changes: The changes of the table.
    """
    at = [OCTOBER + (n - 1) * DAY for n in range(first, last + 1) if n not in without]
    rows = [(day, queue, tag) for day in at for queue in queues]
    times, names, tags = zip(*rows, strict=True) if rows else ((), (), ())
    data = pa.table(
        {
            "interval_start": pa.array(times, pa.timestamp("ms", "UTC")),
            "queue": pa.array(names, pa.string()),
            "tag": pa.array(tags, pa.string()),
        }
    )
    covered = Window(OCTOBER + (first - 1) * DAY, OCTOBER + last * DAY)
    return replace(
        sample_table(0),
        schema=data.schema,
        covered=Coverage.whole(covered),
        batches=lambda: iter(data.to_batches()),
        **changes,
    )


def lack(day: int, org: str = "", *, length: timedelta = DAY) -> Lack:
    """Return a day, or the beginning of one, that could not be fetched."""
    start = OCTOBER + (day - 1) * DAY
    return Lack(Window(start, start + length), org)


def tags(folder: Path) -> dict[str, set[str]]:
    """Return which runs' rows each day has, or each folder that holds files."""
    return {
        path.parent.relative_to(folder).as_posix(): set(
            pq.ParquetFile(path).read()["tag"].to_pylist()
        )
        for path in sorted(folder.rglob("*.parquet"))
    }


def duckdb_days(folder: Path) -> dict[str, int]:
    # Dates would be guessed from names.
    options = "hive_partitioning = true, hive_types = {'day': VARCHAR}"
    rows = f"read_parquet('{folder}/**/*.parquet', {options})"
    query = f"SELECT day, count(*) FROM {rows} GROUP BY day"  # noqa: S608 - a test
    return dict(duckdb.connect().execute(query).fetchall())


def pyarrow_days(folder: Path) -> dict[str, int]:
    found = ds.dataset(folder, partitioning="hive").to_table(columns=["day"])
    return dict(Counter(found["day"].to_pylist()))


def polars_days(folder: Path) -> dict[str, int]:
    polars = import_module("polars")
    found = polars.scan_parquet(
        folder, hive_partitioning=True, try_parse_hive_dates=False
    )
    return dict(Counter(found.collect()["day"].to_list()))


READERS = [
    duckdb_days,
    pyarrow_days,
    pytest.param(
        polars_days,
        marks=pytest.mark.skipif(
            find_spec("polars") is None, reason="polars is an extra, not a tool"
        ),
    ),
]


def started(folder: Path, *args: object) -> "subprocess.Popen[bytes]":
    """Start a process that exports some times."""
    command = [sys.executable, "-c", RUN, str(folder), *map(str, args)]
    root = Path(__file__).parents[2]
    return subprocess.Popen(command, cwd=root, stderr=subprocess.PIPE)  # noqa: S603


@pytest.mark.slow
def test_two_runs_at_once_lose_no_day(tmp_path: Path) -> None:
    """Each day is that of one of them, whole; a later run replaces all."""
    folder = tmp_path / "out"
    runs = [started(folder, "one", 1, 20, 25), started(folder, "two", 11, 31, 25)]

    errors = [run.communicate(timeout=120)[1] for run in runs]

    assert errors == [b"", b""]
    found = tags(folder)
    assert list(found) == [f"day=2026-10-{n:02}" for n in range(1, 32)]
    assert {len(of_day) for of_day in found.values()} == {1}
    assert pyarrow_days(folder) == {name.removeprefix("day="): 2 for name in found}
    write(folder, days(1, 31, tag="last"), "day")
    assert set.union(*tags(folder).values()) == {"last"}
    assert {Path(name).name for name in files(tmp_path)} == {"data.parquet"}


@pytest.mark.slow
@pytest.mark.parametrize("read", READERS)
def test_readers_see_whole_days_while_two_runs_write(tmp_path: Path, read: Any) -> None:
    """No list, no unfinished file, no half of a day is in their way."""
    folder = tmp_path / "out"
    write(folder, days(1, 31, tag="same"), "day")
    # Polars takes a file of another size than it saw for a damaged one.
    runs = [started(folder, "same", 1, 20, 15), started(folder, "same", 11, 31, 15)]
    seen: list[dict[str, int]] = []

    while any(run.poll() is None for run in runs):
        seen.append(read(folder))

    errors = [run.communicate(timeout=60)[1] for run in runs]
    seen.append(read(folder))
    assert errors == [b"", b""]
    whole = {f"2026-10-{n:02}": 2 for n in range(1, 32)}
    assert all(one == whole for one in seen)


def as_older_release(folder: Path, **changes: Any) -> None:
    """Make of a folder what earlier releases wrote: files, and a list of them."""
    names = []
    for path in sorted(folder.rglob("*.parquet")):
        table = pq.ParquetFile(path).read().replace_schema_metadata(None)
        pq.write_table(table, path)
        names.append(path.relative_to(folder).as_posix())
    manifest = {
        "version": 1,
        "table": "intervals",
        "timezone": "UTC",
        "partition_by": ["day"],
        "files": names,
        **changes,
    }
    (folder / "_gcbatch.json").write_bytes(orjson.dumps(manifest))


def test_a_folder_of_an_older_release_is_taken_over(tmp_path: Path) -> None:
    """Its list goes; what it listed can be replaced and removed ever after."""
    write(tmp_path, days(1, 4, tag="old"), "day")
    as_older_release(tmp_path)
    (tmp_path / "day=2026-10-02" / ".data.parquet.0123456789ab.part").touch()

    write(tmp_path, days(3, 4, tag="new", without=(4,)), "day")

    old, new = {"old"}, {"new"}
    assert list(tags(tmp_path).values()) == [old, old, new]
    assert {Path(name).name for name in files(tmp_path)} == {"data.parquet"}
    write(tmp_path, days(1, 2, tag="newer", without=(2,)), "day")
    assert list(tags(tmp_path).values()) == [{"newer"}, new]


def test_a_list_of_another_table_still_counts(tmp_path: Path) -> None:
    """Its days are not mixed with others."""
    write(tmp_path, days(1, 4), "day")
    as_older_release(tmp_path, table="sla")

    with pytest.raises(OutputError, match="has partitions of sla in UTC"):
        write(tmp_path, days(3, 4), "day")


def test_a_damaged_file_of_an_older_release_stays(tmp_path: Path) -> None:
    """It keeps no other from being taken over."""
    write(tmp_path, days(1, 3, tag="old"), "day")
    as_older_release(tmp_path)
    damaged = tmp_path / "day=2026-10-01" / "data.parquet"
    damaged.write_bytes(b"PAR1")

    write(tmp_path, days(3, 3, tag="new"), "day")

    assert damaged.read_bytes() == b"PAR1"
    damaged.unlink()
    assert list(tags(tmp_path).values()) == [{"old"}, {"new"}]


def test_a_copy_is_not_gcbatchs(tmp_path: Path) -> None:
    """Nor is a file that another program wrote in place of one."""
    write(tmp_path, days(1, 2), "day", "queue")
    (tmp_path / "day=2026-10-01/queue=mine").mkdir()
    data = (tmp_path / "day=2026-10-01/queue=a/data.parquet").read_bytes()
    (tmp_path / "day=2026-10-01/queue=mine/data.parquet").write_bytes(data)

    write(tmp_path, days(1, 2, queues=("b",)), "day", "queue")

    assert folders(tmp_path / "day=2026-10-01") == ["queue=b", "queue=mine"]


def test_a_day_that_failed_stays(tmp_path: Path) -> None:
    """Neither removed nor replaced by what came of it; the others are replaced."""
    write(tmp_path, days(1, 3, tag="old"), "day", "queue")
    partial = days(1, 3, tag="new", without=(1,), lacks=(lack(1), lack(2)))

    rows = write(tmp_path, replace(partial), "day", "queue")

    found = tags(tmp_path)
    assert [found[f"day=2026-10-0{n}/queue=a"] for n in (1, 2, 3)] == [
        {"old"},
        {"old"},
        {"new"},
    ]
    assert rows == 2


def test_a_failed_days_own_queues_are_not_mixed(tmp_path: Path) -> None:
    """A day is that of one run: a queue that it lacks is not added from another."""
    write(tmp_path, days(1, 1, tag="old", queues=("a",)), "day", "queue")

    write(tmp_path, days(1, 1, tag="new", lacks=(lack(1),)), "day", "queue")

    assert tags(tmp_path) == {"day=2026-10-01/queue=a": {"old"}}


def test_a_day_that_failed_is_written_where_there_is_none(tmp_path: Path) -> None:
    """As `--allow-partial` says; it is replaced by the next one, partial or whole."""
    half = lack(1, length=DAY / 2)
    for tag in ("first", "second"):
        write(tmp_path, days(1, 1, tag=tag, lacks=(half,)), "day")
        assert tags(tmp_path) == {"day=2026-10-01": {tag}}
    write(tmp_path, days(1, 1, tag="whole"), "day")
    write(tmp_path, days(1, 1, tag="third", lacks=(half,)), "day")

    assert tags(tmp_path) == {"day=2026-10-01": {"whole"}}


def test_a_failed_day_with_no_row_at_all_removes_nothing(tmp_path: Path) -> None:
    """Also of a day that was partial before: it is better than nothing."""
    write(tmp_path, days(1, 1, tag="half", lacks=(lack(1),)), "day")

    write(tmp_path, days(1, 1, without=(1,), lacks=(lack(1),)), "day")

    assert tags(tmp_path) == {"day=2026-10-01": {"half"}}


def test_a_month_that_lacks_a_day_stays(tmp_path: Path) -> None:
    """The gap is of the month then."""
    write(tmp_path, days(1, 31, tag="old"), "month")

    write(tmp_path, days(1, 31, tag="new", lacks=(lack(7),)), "month")

    assert tags(tmp_path) == {"month=2026-10": {"old"}}


def test_without_days_nothing_is_removed_after_a_gap(tmp_path: Path) -> None:
    """Which queue the gap is of, the rows do not say."""
    write(tmp_path, days(1, 3, tag="old"), "queue")

    write(tmp_path, days(1, 3, tag="new", queues=("a",), lacks=(lack(1),)), "queue")

    assert tags(tmp_path) == {"queue=a": {"new"}, "queue=b": {"old"}}


def of_orgs(tag: str, orgs: tuple[str, ...], **changes: Any) -> Table:
    """Return a row for two days of each org."""
    table = days(1, 2, tag=tag, queues=orgs, **changes)
    names = ["interval_start", "org", "tag"]
    schema = table.schema
    schema = pa.schema([f.with_name(n) for f, n in zip(schema, names, strict=True)])

    def batches() -> Iterator[pa.RecordBatch]:
        for batch in table.batches():
            yield batch.rename_columns(names)

    return replace(table, schema=schema, batches=batches)


def test_an_org_that_failed_keeps_its_folders(tmp_path: Path) -> None:
    """Those of one that the job no longer names go."""
    write(tmp_path, of_orgs("old", ("north", "south", "west")), "org", "day")

    changed = of_orgs("new", ("north",), lacking_orgs=("south",))
    write(tmp_path, changed, "org", "day")

    assert {name.split("/")[0]: tag for name, tag in tags(tmp_path).items()} == {
        "org=north": {"new"},
        "org=south": {"old"},
    }


def test_a_gap_is_of_its_org(tmp_path: Path) -> None:
    """The same day of another org is replaced."""
    write(tmp_path, of_orgs("old", ("north", "south")), "org", "day")

    changed = of_orgs("new", ("north", "south"), lacks=(lack(1, "south"),))
    write(tmp_path, changed, "org", "day")

    assert tags(tmp_path) == {
        "org=north/day=2026-10-01": {"new"},
        "org=north/day=2026-10-02": {"new"},
        "org=south/day=2026-10-01": {"old"},
        "org=south/day=2026-10-02": {"new"},
    }


def test_what_an_org_is_missing_from_is_not_whole(tmp_path: Path) -> None:
    """A day of fewer orgs is no better than one with a gap."""
    write(tmp_path, of_orgs("old", ("north",), lacking_orgs=("south",)), "day")

    both = of_orgs("new", ("north", "south"), lacks=(lack(1, "south"),))
    write(tmp_path, both, "day")

    assert set.union(*tags(tmp_path).values()) == {"new"}


@pytest.mark.parametrize("broken", ["queue=a", "queue=a/day=2026-10-01/data.parquet"])
def test_what_the_disk_does_not_show_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    """Hidden rows would stay beside those that replace them."""
    write(tmp_path, days(1, 2, tag="old"), "queue", "day")
    bad = OSError(errno.EIO, "Input/output error", str(tmp_path / broken))

    def refusing(real: Any) -> Any:
        def called(path: Any = ".", *args: Any) -> Any:
            if str(path) == str(tmp_path / broken):
                raise bad
            return real(path, *args)

        return called

    with monkeypatch.context() as patched:
        patched.setattr(os, "scandir", refusing(os.scandir))
        patched.setattr(Path, "open", refusing(Path.open))
        with pytest.raises(OutputError, match=f"{broken}: cannot be read: Input"):
            write(tmp_path, days(1, 2, tag="new", queues=("c",)), "queue", "day")

    assert set.union(*tags(tmp_path).values()) == {"old"}


def test_a_folder_that_was_made_again_is_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run that made it failed meanwhile and removed it: no process has its lock."""
    folder = tmp_path / "out"
    real = locks._wait_for
    waits: list[Path] = []

    def removed_meanwhile(handle: int, path: Path, *args: Any) -> None:
        real(handle, path, *args)
        waits.append(path)
        if len(waits) == 1:
            path.rmdir()

    monkeypatch.setattr(locks, "_wait_for", removed_meanwhile)
    with Target() as target:
        target.hold(folder)

        with pytest.raises(locks.LockedError):
            locks.hold_folder(folder, max_wait_s=0)
