"""Runs processes and measures them. POSIX only."""

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

__all__ = ["Spent", "environment", "measured", "served"]

RSS_UNIT: Final = 1 if sys.platform == "darwin" else 1024
"""Bytes in which the system counts a process's memory."""


@dataclass(frozen=True, slots=True)
class Spent:
    """The cost of one process from start to end.

    Args:
        cpu_s: User and system time.
        peak_mb: Maximum memory, in units of 2**20 bytes.
        wall_s: Elapsed time; the server works at the same time.
    """

    cpu_s: float
    peak_mb: float
    wall_s: float


def environment(folder: Path) -> dict[str, str]:
    """Return the environment of a measured process.

    Byte code is compiled once, as in an installed package, and stored in *folder*.
    """
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPYCACHEPREFIX": str(folder)}


def measured(command: Sequence[str], environ: Mapping[str, str], log: Path) -> Spent:
    """Run a command to its end.

    Args:
        command: What to run.
        environ: Its environment.
        log: Where its output goes.

    Raises:
        RuntimeError: If it fails; has its output.
    """
    # Linux counts the memory of the parent as the process's own, so a small parent
    # must start it: this file as a program.
    result = log.with_suffix(".json")
    starter = [sys.executable, "-I", __file__, str(result), *command]
    with log.open("wb") as file:
        done = subprocess.run(
            starter, env=environ, stdout=file, stderr=file, check=False
        )
    if done.returncode:
        msg = f"{' '.join(command)}: exit {done.returncode}: {log.read_text()}"
        raise RuntimeError(msg)
    return Spent(**json.loads(result.read_text()))


def start(result: Path, command: Sequence[str]) -> int:
    """Run a command, write its cost to a file, and return its exit code."""
    began = time.monotonic()
    code = subprocess.run(command, check=False).returncode
    wall_s = time.monotonic() - began
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s, peak_mb = used.ru_utime + used.ru_stime, used.ru_maxrss * RSS_UNIT / 2**20
    found = {"cpu_s": cpu_s, "peak_mb": peak_mb, "wall_s": wall_s}
    result.write_text(json.dumps(found))
    return code


@contextmanager
def served(
    command: Sequence[str], environ: Mapping[str, str]
) -> Iterator[tuple[str, ...]]:
    """Run a server, and stop it at the end.

    Yields:
        The words of the first line that it prints.

    Raises:
        RuntimeError: If it ends before it prints one.
    """
    with subprocess.Popen(
        command, env=environ, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            if not line:
                msg = f"{' '.join(command)}: did not start"
                raise RuntimeError(msg)
            yield tuple(line.split())
        finally:
            process.kill()


if __name__ == "__main__":
    sys.exit(start(Path(sys.argv[1]), sys.argv[2:]))
