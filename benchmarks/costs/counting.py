"""Runs a program under valgrind, which counts its instructions.

The count hardly depends on the machine: valgrind shows every program the same
processor, whatever else runs. Threads, hashes and allocators are fixed here.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

__all__ = [
    "MARKS",
    "PROGRAMS",
    "YARDSTICK",
    "costs",
    "counted",
    "counted_all",
    "is_possible",
]

PROGRAMS: Final = ("inside", "finished_run", "libraries")
"""What is counted. What shows a whole start is a program of its own: imports that one
makes are free for the next in the same process."""

MARKS: Final = "marks.json"
"""File in which a program writes the label of each of its marks."""

YARDSTICK: Final = " yardstick"
"""Ends the label of the yardstick of a workload."""

ROOT: Final = Path(__file__).parents[2]

FIXED: Final = {
    "ARROW_DEFAULT_MEMORY_POOL": "jemalloc",  # as the command line has it
    "ARROW_IO_THREADS": "1",
    "ARROW_USER_SIMD_LEVEL": "NONE",  # else it depends on the processor
    "COLUMNS": "80",
    "LC_ALL": "C.UTF-8",
    "OMP_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",
    "TERM": "dumb",
}


def is_possible() -> bool:
    """Return whether valgrind is installed."""
    return shutil.which("valgrind") is not None


def counted(module: str, folder: Path) -> dict[str, int]:
    """Return how many instructions a program took between its marks, by label.

    It runs twice: the first run compiles the byte code and is not counted.

    Args:
        module: The program; its argument is a folder, where it writes MARKS.
        folder: An empty one.

    Raises:
        RuntimeError: If it fails; has its output.
    """
    environ = {
        **FIXED,
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "PYTHONPYCACHEPREFIX": str(folder / "bytecode"),
    }
    program = [sys.executable, "-m", module]
    first, second = folder / "first", folder / "second"
    _run([*program, str(first)], environ, first)
    found = folder / "counts"
    tool = [
        "valgrind",
        "--quiet",
        "--tool=callgrind",
        "--dump-before=getsid*",
        f"--callgrind-out-file={found}",
    ]
    _run([*tool, *program, str(second)], environ, second)
    labels = json.loads((second / MARKS).read_text("utf-8"))
    counts = (_total(Path(f"{found}.{n}")) for n in range(1, len(labels) + 1))
    return {label: n for label, n in zip(labels, counts, strict=True) if label}


def counted_all(folder: Path) -> dict[str, int]:
    """Count all programs; see counted."""
    counts: dict[str, int] = {}
    for program in PROGRAMS:
        (own := folder / program).mkdir()
        counts |= counted(f"benchmarks.costs.{program}", own)
    return counts


def _run(command: Sequence[str], environ: Mapping[str, str], folder: Path) -> None:
    folder.mkdir()
    done = subprocess.run(
        command, env=environ, cwd=folder, check=False, capture_output=True, text=True
    )
    if done.returncode:
        msg = f"{' '.join(command)}: exit {done.returncode}: {done.stderr}"
        raise RuntimeError(msg)


def _total(path: Path) -> int:
    """Return the instructions of a file that callgrind wrote."""
    with path.open(encoding="utf-8", errors="replace") as file:
        for line in file:
            if line.startswith("summary:"):
                return int(line.split()[1])
    msg = f"{path}: has no summary"
    raise RuntimeError(msg)


def costs(counts: Mapping[str, int]) -> dict[str, float]:
    """Return the cost of each workload as a multiple of its yardstick."""
    works = [label for label in counts if not label.endswith(YARDSTICK)]
    return {label: counts[label] / counts[label + YARDSTICK] for label in works}
