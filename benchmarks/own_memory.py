"""Peak memory of a year of aggregates, compared with that of a month.

`python -m benchmarks.own_memory`: `gcbatch run` of 200 queues in PT15M, fetched and
exported to Parquet, each into its own store. The resident memory of the whole process
counts, with the interpreter.
"""

import shutil
import sys
from collections.abc import Iterator, Sequence
from typing import Final

from benchmarks.alone import main_of
from benchmarks.findings import Findings, Verdict, spread
from benchmarks.own_jobs import opened
from benchmarks.scores import at_most, peak_at_most, ratios

__all__ = ["measure", "verdicts"]

ROUNDS: Final = 1
DAYS: Final = (31, 365)
QUEUES: Final = 200
QUICK_DAYS: Final = (1, 2)
QUICK_QUEUES: Final = 5

MAX_RATIO: Final = 1.1
MAX_MB: Final = 200.0


def measure(rounds: int, *, quick: bool) -> Findings:
    """Measure; a round takes a minute and a half.

    Args:
        rounds: Number of rounds.
        quick: Whether a few rows are enough.
    """
    days, queues = (QUICK_DAYS, QUICK_QUEUES) if quick else (DAYS, QUEUES)
    peaks: list[list[float]] = [[], []]
    with opened(queues) as bench:
        for _ in range(rounds):
            for found, number in zip(peaks, days, strict=True):
                shutil.rmtree(bench.folder / "store")
                found.append(bench.run(number).spent.peak_mb)
        lines = tuple(
            f"{number:4} days {bench.rows(number):>10,} rows {spread(found, 0):>20} MB"
            for number, found in zip(days, peaks, strict=True)
        )
    return Findings("Peak memory of a year", lines, tuple(verdicts(*peaks)))


def verdicts(month: Sequence[float], year: Sequence[float]) -> Iterator[Verdict]:
    """Yield the targets.

    Args:
        month: Peak memory of each round, MB.
        year: The same of the year.
    """
    growth = ratios(year, month)
    yield at_most("peak memory of a year, x a month's", growth, MAX_RATIO)
    yield peak_at_most("peak memory", [*month, *year], MAX_MB)


if __name__ == "__main__":
    sys.exit(main_of(measure, rounds=ROUNDS))
