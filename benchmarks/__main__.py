"""Compares gcbatch with its peers and with minimal programs; see README.md.

`python -m benchmarks [--only NAME] [--rounds N] [--quick] [--write]`
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from typing import Final

from benchmarks import (
    aggregates,
    details,
    details_memory,
    export,
    loads,
    own_again,
    own_growth,
    own_help,
    own_memory,
    own_page,
    own_quota,
    own_scale,
    own_threads,
    tight_quota,
    writers,
)
from benchmarks.alone import Measure
from benchmarks.document import write
from benchmarks.findings import Findings
from benchmarks.machine import machine

ROUNDS: Final = 7
"""Enough to see the spread of a ratio on a busy machine."""


def in_few(measure: Measure, most: int) -> Measure:
    """Return the benchmark in at most so many rounds, because each takes minutes."""

    def in_few_rounds(rounds: int, *, quick: bool) -> Findings:
        return measure(min(rounds, most), quick=quick)

    return in_few_rounds


BENCHMARKS: Final[Mapping[str, Measure]] = {
    "details": details.measure,
    "aggregates": aggregates.measure,
    "tight-quota": tight_quota.measure,
    "page": own_page.measure,
    "export": export.measure,
    "writers": writers.measure,
    "loads": loads.measure,
    "details-memory": in_few(details_memory.measure, 2),
    "memory": in_few(own_memory.measure, 2),
    "again": own_again.measure,
    "help": own_help.measure,
    "growth": in_few(own_growth.measure, 1),
    "quota": in_few(own_quota.measure, 1),
    "scale": in_few(own_scale.measure, 1),
    "threads": own_threads.measure,
}


def main(
    arguments: Sequence[str] | None = None,
    benchmarks: Mapping[str, Measure] = BENCHMARKS,
) -> int:
    """Measure and print.

    Args:
        arguments: The arguments of the command line; None means this process's.
        benchmarks: What can be measured, by name.

    Returns:
        1 if a target is missed; with --quick only if rows are wrong, because that
        measures too little to judge the figures.
    """
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--only", choices=benchmarks, action="append")
    parser.add_argument(
        "--rounds",
        type=int,
        default=ROUNDS,
        help="at most so many; the long benchmarks and the peers take fewer",
    )
    parser.add_argument(
        "--quick", action="store_true", help="a short run that checks that it works"
    )
    parser.add_argument(
        "--write", action="store_true", help="write docs/benchmarks.md and its plot"
    )
    asked = parser.parse_args(arguments)
    if asked.write and (asked.only or asked.quick):
        parser.error("--write needs all benchmarks, without --only and --quick")
    print("\n".join(machine()), end="\n\n")
    found = []
    rounds = 1 if asked.quick else asked.rounds
    for name in asked.only or benchmarks:
        findings = benchmarks[name](rounds, quick=asked.quick)
        print("\n".join(lines_of(findings)), end="\n\n", flush=True)
        found.append(findings)
    if asked.write:
        write(found, asked.rounds)
    return int(
        any(
            not verdict.is_met and (verdict.is_exact or not asked.quick)
            for findings in found
            for verdict in findings.verdicts
        )
    )


def lines_of(findings: Findings) -> list[str]:
    """Return the lines to print for a benchmark."""
    verdicts = list(map(str, findings.verdicts))
    return [findings.title, "", *findings.lines, "", *verdicts]


if __name__ == "__main__":
    sys.exit(main())
