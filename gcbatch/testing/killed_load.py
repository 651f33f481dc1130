"""Exports a table in another process, which is killed while it does."""

import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

import pyarrow as pa

from gcbatch.exporting import Exporter, export
from gcbatch.testing.samples import SMALL_BATCH, sample_table

__all__ = ["export_and_die", "kill_in_mid_load"]

_MAX_S: Final = 120
"""A process that hangs for so long has not died where it should."""

_SIGNAL: Final = getattr(signal, "SIGKILL", signal.SIGTERM)
"""Ends a process at once; on Windows, SIGTERM does."""

_CODE: Final = """
import pickle, sys
sys.path[:] = pickle.load(sys.stdin.buffer)
from gcbatch.testing.killed_load import export_and_die
export_and_die(*pickle.load(sys.stdin.buffer))
"""


def kill_in_mid_load(exporter: type[Exporter], options: Mapping[str, Any]) -> None:
    """Start an export in another process that is killed before its second batch.

    Args:
        exporter: A class that the other process can import.
        options: Its options as the job file has them.

    Raises:
        AssertionError: If the process ends in another way; has what it printed.
    """
    paths = pickle.dumps(sys.path)
    work = pickle.dumps((exporter, dict(options)))
    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", _CODE],
        input=paths + work,
        capture_output=True,
        timeout=_MAX_S,
        check=False,
    )
    if abs(done.returncode) != _SIGNAL:
        said = (done.stdout + done.stderr).decode(errors="replace")[-2_000:]
        msg = f"the killed export ended with {done.returncode}: {said}"
        raise AssertionError(msg)


def export_and_die(exporter: type[Exporter], options: Mapping[str, Any]) -> None:
    """Export the sample table; this process is killed before the second batch."""
    whole = sample_table(SMALL_BATCH)

    def batches() -> Iterator[pa.RecordBatch]:
        yield from whole
        os.kill(os.getpid(), _SIGNAL)

    table = replace(whole, batches=batches, batch_rows=SMALL_BATCH)
    made = exporter(exporter.Options.model_validate(options))
    export(made, exporter.__name__, {table.name: table})
