"""One benchmark run by itself."""

import argparse
from collections.abc import Sequence
from typing import Protocol

from benchmarks.findings import Findings

__all__ = ["Measure", "main_of"]


class Measure(Protocol):
    """What measures one thing."""

    def __call__(self, rounds: int, *, quick: bool) -> Findings:
        """Measure, so many times."""


def main_of(
    measure: Measure, arguments: Sequence[str] | None = None, *, rounds: int
) -> int:
    """Measure and print.

    Args:
        measure: What to run.
        arguments: Of the command line; None is the process's own.
        rounds: How many there are where the command line says nothing.

    Returns:
        1 where a target is missed; always 0 with --quick, which measures too little.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--quick", action="store_true", help="in seconds: does it run?")
    asked = parser.parse_args(arguments)
    found = measure(1 if asked.quick else asked.rounds, quick=asked.quick)
    print(found.title, "", *found.lines, "", *found.verdicts, sep="\n")
    return int(not asked.quick and not all(v.is_met for v in found.verdicts))
