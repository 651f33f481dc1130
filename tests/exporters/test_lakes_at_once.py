"""Several programs at one table of a lake, and loads that are killed."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest
from deltalake import DeltaTable

from gcbatch.errors import JobError, OutputError
from gcbatch.exporting import export
from gcbatch_exporters.lakes import exporter as lake_exporter
from tests.support.lake_tables import hours, while_reading
from tests.support.lakes import PLACES, Lake, lake_of

pytestmark = pytest.mark.slow  # each starts processes that import two libraries

RUN = """
import sys
from pathlib import Path
from tests.support.lake_tables import hours
from tests.support.lakes import new_lake
lake, folder, offered, first, last, times, job, *by = sys.argv[1:]
table = hours(int(first), int(last), offered=int(offered), job=job)
print("ready", flush=True)
sys.stdin.readline()
for _ in range(int(times)):
    new_lake(lake, Path(folder)).load(table, partition_by=by)
"""


@pytest.fixture(params=PLACES)
def lake(request: pytest.FixtureRequest, tmp_path: Path) -> Lake:
    """Return each lake, without a table."""
    return lake_of(request, tmp_path / "lake")


def started(
    lake: Lake,
    offered: int,
    first: int,
    last: int,
    *,
    times: int = 1,
    job: str = "nightly",
    by: str = "",
) -> subprocess.Popen[str]:
    """Return a process that waits for a line, then loads."""
    words = [
        lake.kind,
        str(lake.path),
        str(offered),
        str(first),
        str(last),
        str(times),
        job,
    ]
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


def test_two_processes_leave_one_copy(lake: Lake) -> None:
    """Also when both create the table: each load is there whole, or replaced whole."""
    said = run_at_once(
        started(lake, 2, 0, 48, times=3), started(lake, 3, 0, 48, times=3)
    )

    assert said == ["", ""]
    assert lake.offered() in ({2: 96}, {3: 96})
    assert len(lake.loads()) == 6


def test_two_ranges_at_once_are_both_there(lake: Lake) -> None:
    """A conflict of commits loses no load."""
    said = run_at_once(
        started(lake, 2, 0, 24, times=3), started(lake, 3, 24, 48, times=3)
    )

    assert said == ["", ""]
    assert lake.offered() == {2: 48, 3: 48}


def test_of_two_jobs_at_once_one_is_refused(lake: Lake) -> None:
    """The one that created the table owns it."""
    said = run_at_once(started(lake, 2, 0, 24), started(lake, 3, 24, 48, job="hourly"))

    (refusal,) = filter(None, said)
    assert "JobError" in refusal
    assert lake.offered() in ({2: 48}, {3: 48})


@pytest.mark.parametrize(
    ("first", "last"), [pytest.param(0, 24, id="same"), pytest.param(24, 48, id="next")]
)
def test_a_load_that_was_overtaken_is_repeated(
    lake: Lake, first: int, last: int
) -> None:
    """It sees what the faster one wrote, and replaces what it covers itself."""
    lake.load(hours(0, 12))

    def overtake() -> None:
        lake.load(hours(first, last, offered=2))

    receipt = lake.load(while_reading(hours(0, 24, offered=3), overtake))

    rest = 0 if first == 0 else 48
    assert lake.offered() == +Counter({3: 48, 2: rest})
    assert receipt.rows == 48


def test_a_column_that_came_meanwhile_is_respected(lake: Lake) -> None:
    """A load that was overtaken compares the columns again."""
    lake.load(hours(0, 24))

    def widen() -> None:
        lake.add_column("level")

    lake.load(while_reading(hours(0, 24, offered=2), widen))

    assert lake.offered() == {2: 48}
    assert "level" in lake.columns()


def test_an_owner_that_came_meanwhile_is_respected(lake: Lake) -> None:
    """A load that was overtaken checks again whose the table is."""
    lake.load(hours(0, 24))

    def give_away() -> None:
        lake.give_to("other")

    with pytest.raises(JobError, match="belongs to job 'other'"):
        lake.load(while_reading(hours(0, 24, offered=2), give_away))

    assert lake.offered() == {1: 48}


def test_a_row_that_came_meanwhile_is_never_cut(lake: Lake) -> None:
    """Delta finds no conflict with a row that begins before the range; gcbatch does."""
    lake.load(replace(hours(0, 24), batches=lambda: iter(())))

    def overtake() -> None:
        lake.load(hours(-12, 12, offered=2, width=24))

    with pytest.raises(JobError, match="its figures cannot be divided"):
        lake.load(while_reading(hours(0, 24, offered=3), overtake))

    assert lake.offered() == {2: 2}


def test_tries_are_bounded(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """A load that is always overtaken ends, and says by what."""
    monkeypatch.setattr(lake_exporter, "PAUSE_S", 0)
    lake.load(hours(0, 24))

    def overtake() -> None:
        lake.load(hours(0, 24, offered=2))

    table = while_reading(hours(0, 24, offered=3), overtake, times=100)
    with pytest.raises(OutputError, match=r"others kept writing to it \(8 tries\)"):
        lake.load(table)

    assert lake.offered() == {2: 48}


def test_a_run_that_ends_tries_no_more(lake: Lake) -> None:
    """After Ctrl-C, a conflict is the end."""
    lake.load(hours(0, 24))

    def overtake() -> None:
        lake.load(hours(0, 24, offered=2))

    stop = Event()
    stop.set()
    table = while_reading(hours(0, 24, offered=3), overtake, times=100)
    with pytest.raises(OutputError, match=r"\(1 tries\)"):
        export(lake.exporter(), lake.name, {"intervals": table}, stop=stop)


@pytest.mark.one_in(10)
@pytest.mark.parametrize("seed", range(20))
def test_a_killed_load_leaves_the_old_or_the_new(lake: Lake, seed: int) -> None:
    """At any moment of it. The log agrees, and the next run ends right."""
    old, days = hours(0, 240), ["day"]
    lake.load(old, fingerprint="old", partition_by=days)
    process = started(lake, 2, 0, 240, times=100, by="day")
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()
    time.sleep(random.Random(seed).uniform(0, 0.5))  # noqa: S311 - not for secrets

    process.kill()

    _, said = process.communicate()
    assert (process.returncode, said) == (-signal.SIGKILL, "")
    found = lake.offered()
    assert found in ({1: 480}, {2: 480})
    is_old = lake.held(old, "old", partition_by=days) is not None
    assert is_old == (found == {1: 480})
    assert lake.load(hours(0, 240, offered=3), partition_by=days).rows == 480
    assert lake.offered() == {3: 480}


TABLES_OF_ONE_JOB = """
import sys
import gcbatch
from gcbatch.running import side_by_side

side_by_side.MAX_START_S = 1e6
gcbatch.run(gcbatch.load_job(sys.argv[1]))
"""


@pytest.mark.slow
def test_tables_of_one_job_do_not_wait_for_each_other(tmp_path: Path) -> None:
    """Delta's library reads all tables of a process in the same threads."""
    tables = ("conversations", "segments", "session_metrics")
    job = {
        "name": "talks",
        "org": {"simulator": True},
        "query": {
            "endpoint": "conversation-details",
            "from": "1999-08-02",
            "to": "1999-08-03",
            "timezone": "UTC",
        },
        "fetch": {"store": str(tmp_path / "store")},
        "exports": [
            {"exporter": "delta", "table": t, "path": str(tmp_path / t)} for t in tables
        ],
    }
    path = tmp_path / "job.yaml"
    path.write_text(json.dumps(job), "utf-8")

    done = subprocess.run(  # noqa: S603 - a command of ours
        [sys.executable, "-c", TABLES_OF_ONE_JOB, str(path)],
        env={**os.environ, "TOKIO_WORKER_THREADS": "1"},
        capture_output=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 0, done.stderr.decode()
    found = [DeltaTable(tmp_path / t).to_pyarrow_table().num_rows for t in tables]
    assert min(found) > 100
