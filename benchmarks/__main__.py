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
    own_again,
    own_growth,
    own_help,
    own_memory,
    own_page,
    own_quota,
    own_scale,
    own_threads,
    tight_quota,
)
from benchmarks.alone import Measure
from benchmarks.document import write
from benchmarks.findings import Findings
from benchmarks.machine import machine

ROUNDS: Final = 3


def quota_once(rounds: int, *, quick: bool) -> Findings:
    """Measure the use of a quota once: it takes four minutes on any machine."""
    del rounds
    return own_quota.measure(1, quick=quick)


def scale_once(rounds: int, *, quick: bool) -> Findings:
    """Measure large jobs once: it takes seven minutes, and repeats what is short."""
    del rounds
    return own_scale.measure(1, quick=quick)


BENCHMARKS: Final[Mapping[str, Measure]] = {
    "details": details.measure,
    "aggregates": aggregates.measure,
    "tight-quota": tight_quota.measure,
    "page": own_page.measure,
    "memory": own_memory.measure,
    "again": own_again.measure,
    "help": own_help.measure,
    "growth": own_growth.measure,
    "quota": quota_once,
    "scale": scale_once,
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
    parser.add_argument("--rounds", type=int, default=ROUNDS)
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
    for name in asked.only or benchmarks:
        findings = benchmarks[name](asked.rounds, quick=asked.quick)
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
