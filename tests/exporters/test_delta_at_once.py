"""Several programs at one Delta table, and loads that are killed."""

import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread

import deltalake
import pyarrow as pa
import pytest

from gcbatch import Table
from gcbatch.errors import JobError, OutputError
from gcbatch.exporting import export
from gcbatch_exporters.lakes import exporter as lake_exporter
from tests.support.delta_files import Log
from tests.support.delta_loads import exporter, held, load, offered
from tests.support.lake_tables import hours

RUN = """
import sys
from pathlib import Path
from tests.support.delta_loads import load
from tests.support.lake_tables import hours
folder, offered, first, last, times, job, *by = sys.argv[1:]
table = hours(int(first), int(last), offered=int(offered), job=job)
print("ready", flush=True)
sys.stdin.readline()
for _ in range(int(times)):
    load(Path(folder), table, partition_by=by)
"""


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    return tmp_path / "lake"


def started(
    lake: Path,
    offered: int,
    first: int,
    last: int,
    *,
    times: int = 1,
    job: str = "nightly",
    by: str = "",
) -> subprocess.Popen[str]:
    """Return a process that waits for a line, then loads."""
    words = [str(lake), str(offered), str(first), str(last), str(times), job]
    words += filter(None, [by])
    process = subprocess.Popen(  # noqa: S603 - it is this file's own
        [sys.executable, "-c", RUN, *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def run_at_once(*processes: subprocess.Popen[str]) -> list[str]:
    """Let processes begin at the same time; return what each says on stderr."""
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    return [process.communicate(timeout=120)[1] for process in processes]


def while_reading(table: Table, act: Callable[[], None], *, times: int = 1) -> Table:
    """Return a table during whose first readings something else happens."""
    left = [act] * times

    def batches() -> Iterator[pa.RecordBatch]:
        if left:
            other = Thread(target=left.pop())  # Delta reads rows in a thread of its own
            other.start()
            other.join()
        yield from table

    return replace(table, batches=batches)


def test_two_processes_leave_one_copy(lake: Path) -> None:
    """Also when both create the table: each load is there whole, or replaced whole."""
    said = run_at_once(
        started(lake, 2, 0, 48, times=3), started(lake, 3, 0, 48, times=3)
    )

    assert said == ["", ""]
    assert offered(lake) in ({2: 96}, {3: 96})
    loads = [c for c in Log.of(lake).commits if "gcbatch" in c]
    assert len(loads) == 6


def test_two_ranges_at_once_are_both_there(lake: Path) -> None:
    """A conflict of commits loses no load."""
    said = run_at_once(
        started(lake, 2, 0, 24, times=3), started(lake, 3, 24, 48, times=3)
    )

    assert said == ["", ""]
    assert offered(lake) == {2: 48, 3: 48}


def test_of_two_jobs_at_once_one_is_refused(lake: Path) -> None:
    """The one that created the table owns it."""
    said = run_at_once(started(lake, 2, 0, 24), started(lake, 3, 24, 48, job="hourly"))

    (refusal,) = filter(None, said)
    assert "JobError" in refusal
    assert offered(lake) in ({2: 48}, {3: 48})


@pytest.mark.parametrize(
    ("first", "last"), [pytest.param(0, 24, id="same"), pytest.param(24, 48, id="next")]
)
def test_a_load_that_was_overtaken_is_repeated(
    lake: Path, first: int, last: int
) -> None:
    """It sees what the faster one wrote, and replaces what it covers itself."""
    load(lake, hours(0, 12))

    def overtake() -> None:
        load(lake, hours(first, last, offered=2))

    receipt = load(lake, while_reading(hours(0, 24, offered=3), overtake))

    rest = 0 if first == 0 else 48
    assert offered(lake) == +Counter({3: 48, 2: rest})
    assert receipt.rows == 48


def test_a_column_that_came_meanwhile_is_respected(lake: Path) -> None:
    """A load that was overtaken compares the columns again."""
    load(lake, hours(0, 24))

    def widen() -> None:
        opened = deltalake.DeltaTable(lake)
        opened.alter.add_columns(
            [deltalake.Field("level", deltalake.schema.PrimitiveType("string"))]
        )

    load(lake, while_reading(hours(0, 24, offered=2), widen))

    assert offered(lake) == {2: 48}
    assert "level" in Log.of(lake).fields


def test_an_owner_that_came_meanwhile_is_respected(lake: Path) -> None:
    """A load that was overtaken checks again whose the table is."""
    load(lake, hours(0, 24))

    def give_away() -> None:
        deltalake.DeltaTable(lake).alter.set_table_properties(
            {"gcbatch.job": "other"}, raise_if_not_exists=False
        )

    with pytest.raises(JobError, match="belongs to job 'other'"):
        load(lake, while_reading(hours(0, 24, offered=2), give_away))

    assert offered(lake) == {1: 48}


def test_a_row_that_came_meanwhile_is_never_cut(lake: Path) -> None:
    """Delta finds no conflict with a row that begins before the range; gcbatch does."""
    load(lake, replace(hours(0, 24), batches=lambda: iter(())))

    def overtake() -> None:
        load(lake, hours(-12, 12, offered=2, width=24))

    with pytest.raises(JobError, match="its figures cannot be divided"):
        load(lake, while_reading(hours(0, 24, offered=3), overtake))

    assert offered(lake) == {2: 2}


def test_optimize_meanwhile_loses_nothing(lake: Path) -> None:
    """Files that were compacted while a load read its rows are replaced too."""
    load(lake, hours(0, 24))
    load(lake, hours(24, 48))

    def optimize() -> None:
        deltalake.DeltaTable(lake).optimize.compact()

    load(lake, while_reading(hours(0, 24, offered=2), optimize))

    assert offered(lake) == {1: 48, 2: 48}


def test_tries_are_bounded(lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A load that is always overtaken ends, and says by what."""
    monkeypatch.setattr(lake_exporter, "PAUSE_S", 0)
    load(lake, hours(0, 24))

    def overtake() -> None:
        load(lake, hours(0, 24, offered=2))

    table = while_reading(hours(0, 24, offered=3), overtake, times=100)
    with pytest.raises(OutputError, match=r"others kept writing to it \(8 tries\)"):
        load(lake, table)

    assert offered(lake) == {2: 48}


def test_a_run_that_ends_tries_no_more(lake: Path) -> None:
    """After Ctrl-C, a conflict is the end."""
    load(lake, hours(0, 24))

    def overtake() -> None:
        load(lake, hours(0, 24, offered=2))

    stop = Event()
    stop.set()
    table = while_reading(hours(0, 24, offered=3), overtake, times=100)
    with pytest.raises(OutputError, match=r"\(1 tries\)"):
        export(exporter(lake), "delta", {"intervals": table}, stop=stop)


@pytest.mark.one_in(20)
@pytest.mark.parametrize("seed", range(100))
def test_a_killed_load_leaves_the_old_or_the_new(lake: Path, seed: int) -> None:
    """At any moment of it. The log agrees, and the next run ends right."""
    old, days = hours(0, 240), ["day"]
    load(lake, old, fingerprint="old", partition_by=days)
    process = started(lake, 2, 0, 240, times=100, by="day")
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()
    time.sleep(random.Random(seed).uniform(0, 0.5))  # noqa: S311 - not for secrets

    process.kill()

    _, said = process.communicate()
    assert (process.returncode, said) == (-signal.SIGKILL, "")
    found = offered(lake)
    assert found in ({1: 480}, {2: 480})
    is_old = held(lake, old, "old", partition_by=days) is not None
    assert is_old == (found == {1: 480})
    assert load(lake, hours(0, 240, offered=3), partition_by=days).rows == 480
    assert offered(lake) == {3: 480}
