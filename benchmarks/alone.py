"""One benchmark run by itself."""

import argparse
from collections.abc import Sequence
from typing import Protocol

from benchmarks.findings import Findings

__all__ = ["Measure", "main_of"]


class Measure(Protocol):
    """A function that measures one thing."""

    def __call__(self, rounds: int, *, quick: bool) -> Findings:
        """Measure in so many rounds."""


def main_of(
    measure: Measure, arguments: Sequence[str] | None = None, *, rounds: int
) -> int:
    """Measure and print.

    Args:
        measure: The benchmark.
        arguments: The arguments of the command line; None means this process's.
        rounds: Number of rounds if the command line does not say.

    Returns:
        1 if a target is missed; always 0 with --quick, which measures too little.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument(
        "--quick", action="store_true", help="a short run that checks that it works"
    )
    options = parser.parse_args(arguments)
    found = measure(1 if options.quick else options.rounds, quick=options.quick)
    print(found.title, "", *found.lines, "", *found.verdicts, sep="\n")
    return int(not options.quick and not all(v.is_met for v in found.verdicts))
