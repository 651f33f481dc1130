"""The cost of `gcbatch --help`, compared with an interpreter that imports typer.

`python -m benchmarks.own_help` runs both in turns.
"""

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.alone import main_of
from benchmarks.findings import Findings, Verdict, spread
from benchmarks.processes import environment, measured
from benchmarks.scores import at_most, ratios

__all__ = ["measure", "verdict"]

ROUNDS: Final = 9
MAX_RATIO: Final = 3.0
COMMANDS: Final = {
    "python -c 'import typer'": ["-c", "import typer"],
    "gcbatch --help": ["-m", "gcbatch", "--help"],
}


def measure(rounds: int, *, quick: bool) -> Findings:
    """Measure.

    Args:
        rounds: Number of rounds.
        quick: Whether one round is enough.
    """
    spent: dict[str, list[float]] = {name: [] for name in COMMANDS}
    with tempfile.TemporaryDirectory(prefix="gcbatch-bench-") as folder:
        environ = environment(Path(folder) / "bytecode")
        log = Path(folder) / "log"
        for number in range(2 if quick else rounds + 1):
            for name, command in COMMANDS.items():
                took = measured([sys.executable, *command], environ, log)
                if number:  # the first compiles the byte code
                    spent[name].append(took.cpu_s)
    lines = tuple(f"{name:26} {spread(found)} s CPU" for name, found in spent.items())
    return Findings("Help", lines, (verdict(*spent.values()),))


def verdict(typer: Sequence[float], ours: Sequence[float]) -> Verdict:
    """Return the target.

    Args:
        typer: Seconds of each round.
        ours: Seconds of each round.
    """
    return at_most(
        "gcbatch --help, x the import of typer", ratios(ours, typer), MAX_RATIO
    )


if __name__ == "__main__":
    sys.exit(main_of(measure, rounds=ROUNDS))
