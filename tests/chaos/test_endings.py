"""Processes end as they should after everything is done, every time.

A thread of Arrow's that lets go of a Python object while the interpreter ends aborts
the process, with exit code 134 and "terminate called without an active exception". When
parts were read by threads, 8 of 244 runs of this job ended so, and 6 of 60 processes
that read a part and end. A hundred runs would have shown it in 96 of 100 attempts, a
hundred readers in all.
"""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
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

LONGEST_S: Final = 120.0
"""Of a process that takes one or two seconds; Arrow's threads can also hang."""

READ: Final = """
import sys
from pathlib import Path
from gcbatch.store import Store
Store(Path(sys.argv[1]), "job").{how}("0123456789abcdef")
"""


def endings(
    commands: Iterable[Callable[[], subprocess.CompletedProcess[str]]],
) -> Counter[tuple[int, str]]:
    """Run processes, a few at once, and count how they end.

    Returns:
        How often each exit code came, with the last line of standard error where it is
        not 0.
    """
    with ThreadPoolExecutor(AT_ONCE) as pool:
        done = list(pool.map(lambda command: command(), commands))
    return Counter(
        (one.returncode, one.stderr.strip()[-200:] if one.returncode else "")
        for one in done
    )


def python(*arguments: object, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run an interpreter of its own to its end."""
    return subprocess.run(  # noqa: S603 - our own
        [sys.executable, *map(str, arguments)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=LONGEST_S,
        check=False,
    )


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

    def run(number: int) -> subprocess.CompletedProcess[str]:
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "job.yaml").write_text(json.dumps(job), "utf-8")
        return python("-m", "gcbatch", "run", "job.yaml", folder=folder)

    found = endings(partial(run, number) for number in range(TIMES))

    assert found == {(0, ""): TIMES}


@pytest.mark.parametrize("how", ["read", "inspect"])
def test_readers_of_parts_end_with_0(tmp_path: Path, how: str) -> None:
    """Also where reading a part is the last thing that a process does."""
    start = datetime(2026, 10, 1, tzinfo=UTC)
    window = Window(start, start + timedelta(days=1))
    table = pa.table({f"c{n}": list(range(n, n + 86)) for n in range(40)})
    account = PartMetadata(start, window, 1, table.num_rows, 1, 1, ("",))
    Store(tmp_path, "job").write("0123456789abcdef", Part(table, account))
    code = READ.format(how=how)

    found = endings(
        [lambda: python("-c", code, tmp_path, folder=tmp_path)] * TIMES,
    )

    assert found == {(0, ""): TIMES}
