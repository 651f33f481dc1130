"""The cost of a row as their number grows, up to ten million.

`python -m benchmarks.own_growth` takes three minutes a round: 52 to 521 days of 200
queues in PT15M, fetched and exported to Parquet, then exported again. The
cost of a single day, which is mostly the start, is subtracted from each.
"""

import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from benchmarks.alone import main_of
from benchmarks.findings import Findings, Verdict
from benchmarks.own_jobs import Bench, opened
from benchmarks.processes import Spent
from benchmarks.scores import at_most, ratios

__all__ = ["Point", "measure", "verdicts"]

ROUNDS: Final = 1
DAYS: Final = (52, 104, 260, 521)
QUEUES: Final = 200
QUICK_DAYS: Final = (2, 3)
QUICK_QUEUES: Final = 5
MAX_RATIO: Final = 1.15

COMMANDS: Final = ("run", "export")


@dataclass(frozen=True, slots=True)
class Point:
    """The cost of one command for one number of rows.

    Args:
        rows: Number of rows after the first day.
        cpu_s: CPU of each round, without that of the first day.
        peak_mb: Maximum memory of each round.
    """

    rows: int
    cpu_s: tuple[float, ...]
    peak_mb: tuple[float, ...]

    @property
    def row_us(self) -> list[float]:
        """Microseconds of CPU per row, of each round."""
        return [1e6 * cpu_s / self.rows for cpu_s in self.cpu_s]

    def __str__(self) -> str:
        return f"{median(self.row_us):8.2f} us {max(self.peak_mb):6.0f} MB"


def measure(rounds: int, *, quick: bool) -> Findings:
    """Measure.

    Args:
        rounds: Number of rounds.
        quick: Whether a few rows are enough.
    """
    days, queues = (QUICK_DAYS, QUICK_QUEUES) if quick else (DAYS, QUEUES)
    spent: dict[tuple[str, int], list[Spent]] = {
        (command, number): [] for command in COMMANDS for number in (1, *days)
    }
    with opened(queues) as bench:
        for _ in range(rounds):
            for number in (1, *days):
                for command, found in zip(COMMANDS, both(bench, number), strict=True):
                    spent[command, number].append(found)
        curves = {
            command: [
                point(spent[command, 1], spent[command, n], bench.rows(n - 1))
                for n in days
            ]
            for command in COMMANDS
        }
    lines = [f"{'rows':>12} {'run: a row':>14} {'peak':>6} {'export: a row':>17} peak"]
    lines += [
        f"{run.rows:12,} {run} {export}"
        for run, export in zip(*curves.values(), strict=True)
    ]
    targets = tuple(verdicts(curves["run"], curves["export"]))
    return Findings("Growing numbers of rows", tuple(lines), targets)


def both(bench: Bench, days: int) -> list[Spent]:
    """Fetch and export so many days into an empty store; export again."""
    shutil.rmtree(bench.folder / "store", ignore_errors=True)
    return [bench.run(days, command).spent for command in COMMANDS]


def point(first: Sequence[Spent], spent: Sequence[Spent], rows: int) -> Point:
    """Return the cost of rows without the first day.

    Args:
        first: What each round took for the first day alone.
        spent: What was spent in each round, the first day and those rows.
        rows: Number of rows.
    """
    more = [a.cpu_s - b.cpu_s for a, b in zip(spent, first, strict=True)]
    return Point(rows, tuple(more), tuple(one.peak_mb for one in spent))


def verdicts(run: Sequence[Point], export: Sequence[Point]) -> Iterator[Verdict]:
    """Yield the targets.

    Args:
        run: Of `gcbatch run`, the smallest number of rows first.
        export: Of `gcbatch export`, in the same order.
    """
    for what, curve in (("run", run), ("export", export)):
        few, many = curve[0], curve[-1]
        name = (
            f"{what}: CPU of a row of {many.rows / 1e6:.1f} million, "
            f"x one of {few.rows / 1e6:.1f} million"
        )
        yield at_most(name, ratios(many.row_us, few.row_us), MAX_RATIO)


if __name__ == "__main__":
    sys.exit(main_of(measure, rounds=ROUNDS))
