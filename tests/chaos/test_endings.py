"""Processes end as they should after everything is done, every time.

A thread of Arrow's that lets go of a Python object while the interpreter ends aborts
the process, with exit code 134 and "terminate called without an active exception". When
parts were read by threads, 8 of 244 runs of this job ended so, and 6 of 60 processes
that read a part and end. A hundred runs would have shown it in 96 of 100 attempts, and
two hundred readers in all.
"""

import json
import os
import subprocess
import sys
from ast import literal_eval
from datetime import UTC, datetime, timedelta
from pathlib import Path
from textwrap import indent
from typing import Final

import pyarrow as pa
import pytest

from gcbatch.store.part_file import Part
from gcbatch.store.part_metadata import PartMetadata
from gcbatch.store.store import Store
from gcbatch.windows import Window

pytestmark = pytest.mark.chaos

TIMES: Final = int(os.environ.get("GCBATCH_CHAOS_ENDINGS", "100"))
AT_ONCE: Final = 2
"""The abort shows most where the process and Arrow's threads have a core each."""

LONGEST_S: Final = 300.0
"""Of all processes of a test, which take half a minute; threads can also hang."""

RUN_IMPORTS: Final = "import gcbatch.cli, gcbatch.simulator\nfrom gcbatch import run"
RUN: Final = """
os.mkdir(str(os.getpid()))
os.chdir(str(os.getpid()))
sys.argv = ["gcbatch", "run", "../job.yaml"]
gcbatch.cli.main()
"""

FORK: Final = """
import os, sys
from collections import Counter
{imports}

def is_child():
    left, running, found = {times}, 0, Counter()
    while left or running:
        if left and running < {at_once}:
            if os.fork() == 0:
                return True
            left, running = left - 1, running + 1
        else:
            running -= 1
            found[os.waitstatus_to_exitcode(os.wait()[1])] += 1
    print(dict(found))

if is_child():
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
{work}
"""
"""Imports once, then forks: each child does the work and ends as any process ends.

It has no threads before, so a child is like a process of its own, without the imports
that take most of one's time. With parts read by threads, 15 of 600 children aborted,
and 5 of 100 processes beside them.
"""


def endings(imports: str, work: str, folder: Path, times: int) -> dict[int, int]:
    """Run processes, a few at once, and count how they end.

    What they print to standard error is printed here too.

    Returns:
        How often each exit code came.
    """
    code = FORK.format(
        imports=imports, times=times, at_once=AT_ONCE, work=indent(work, "    ")
    )
    done = subprocess.run(  # noqa: S603 - our own
        [sys.executable, "-c", code],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=LONGEST_S,
        check=False,
    )
    sys.stderr.write(done.stderr)
    done.check_returncode()
    found: dict[int, int] = literal_eval(done.stdout)
    return found


def test_runs_end_with_0(tmp_path: Path) -> None:
    """However often a small job is run, from nothing, with two outputs."""
    job = {
        "name": "small",
        "org": {"simulator": True},
        "query": {
            "from": "1999-08-01",
            "to": "1999-08-02",
            "timezone": "Asia/Jerusalem",
        },
        "sla": {},
        "exports": [
            {"exporter": "csv", "table": table, "path": f"out/{table}.csv"}
            for table in ("sla", "intervals")
        ],
    }

    (tmp_path / "job.yaml").write_text(json.dumps(job), "utf-8")

    found = endings(RUN_IMPORTS, RUN, tmp_path, TIMES)

    assert found == {0: TIMES}


@pytest.mark.parametrize(
    "work",
    [
        pytest.param("store.read(DIGEST)", id="read"),
        pytest.param(
            "with store.open_part(DIGEST) as (_, batches):\n    list(batches)",
            id="open",
        ),
    ],
)
def test_readers_of_parts_end_with_0(tmp_path: Path, work: str) -> None:
    """Also where reading a part is the last thing that a process does."""
    start = datetime(2026, 10, 1, tzinfo=UTC)
    window = Window(start, start + timedelta(days=1))
    table = pa.table({f"c{n}": list(range(n, n + 86)) for n in range(40)})
    metadata = PartMetadata(start, window, 1, table.num_rows, 1, 1, ("",))
    digest = "0123456789abcdef"
    Store(tmp_path, "job").write(digest, Part(table, metadata))
    imports = f"from pathlib import Path\nfrom {Store.__module__} import Store"
    work = f"DIGEST, store = {digest!r}, Store(Path(), 'job')\n{work}"

    found = endings(imports, work, tmp_path, 2 * TIMES)

    assert found == {0: 2 * TIMES}
