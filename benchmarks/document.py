"""Writes docs/benchmarks.md and its plot from the findings."""

import json
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

from benchmarks.contest import PEER_ROUNDS
from benchmarks.environments import ROOT, NotInstalledError, python_of
from benchmarks.findings import Bar, Findings
from benchmarks.machine import machine, peers

__all__ = ["document", "write"]

PAGE: Final = ROOT / "docs" / "benchmarks.md"
PLOT: Final = ROOT / "docs" / "benchmarks.svg"

TITLE: Final = "# Benchmarks\n"

GAINS: Final = """\
What you gain: for the same rows, other programs need so many times the processor time
of gcbatch, as the last column says. (The loops are programs of a page: they check
nothing, repeat no request, and cannot go on after a failure.) Every row of gcbatch was
right.

| work | gcbatch | others |
|---|---|---|
"""

METHOD: Final = """\
## How it is measured

Written by `python -m benchmarks --write`; do not edit. gcbatch, its peers and a bare
loop fetch the same data from the same simulator over 127.0.0.1. They take turns, in
every other round in reverse order. Each is a separate process that starts without
stored data. Its CPU time is user and system time; CPU time and peak memory include its
children. The server counts requests and those that it refused. After every run, what
the client wrote is compared with what the service has: every row once, with its
figures.

[benchmarks/README.md](../benchmarks/README.md) describes each peer and its use.
"""

FEWER: Final = f"peers take part in {PEER_ROUNDS}, long benchmarks have fewer"

READING: Final = """\
Figures are medians; the minimum and maximum of all rounds are in brackets. `us/row`
includes start-up. `per extra row` excludes it: it is the difference between the
client's two largest loads.
"""


def document(
    found: Sequence[Findings],
    setting: Sequence[str],
    *,
    rounds: int,
    day: date,
    has_plot: bool,
) -> str:
    """Return the page.

    Args:
        found: The findings of each benchmark.
        setting: Lines about the machine and the versions.
        rounds: Number of rounds of each.
        day: The day of the measurement.
        has_plot: Whether there is a plot.
    """
    return "\n".join(_lines(found, setting, rounds, day, has_plot=has_plot)) + "\n"


def _lines(
    found: Sequence[Findings],
    setting: Sequence[str],
    rounds: int,
    day: date,
    *,
    has_plot: bool,
) -> Iterator[str]:
    yield TITLE
    gains = [gain for findings in found for gain in findings.gains]
    if gains:
        yield GAINS.rstrip()
        yield from (f"| {g.work} | {g.ours} | {g.others} |" for g in gains)
        yield ""
    yield METHOD
    yield f"Measured on {day}, rounds: {rounds}; {FEWER}.\n"
    yield from (f"- {line}" for line in setting)
    if has_plot:
        yield "\n![CPU and memory of gcbatch and its peers](benchmarks.svg)"
    yield f"\n{READING.rstrip()}"
    for findings in found:
        yield f"\n## {findings.title}\n\n```"
        yield from findings.lines
        yield "```"
        if findings.verdicts:
            yield ""
            yield from (f"- {verdict}" for verdict in findings.verdicts)


def write(found: Sequence[Findings], rounds: int) -> None:
    """Write the page, and the plot if matplotlib can be installed."""
    bars = [bar for findings in found for bar in findings.bars]
    setting = [*machine(), ", ".join(peers())]
    text = document(
        found,
        setting,
        rounds=rounds,
        day=datetime.now(UTC).date(),
        has_plot=_plotted(bars),
    )
    PAGE.write_text(text, "utf-8")
    print(f"written: {PAGE.relative_to(ROOT)}")


def _plotted(bars: Sequence[Bar]) -> bool:
    """Draw the plot, in the environment that has matplotlib."""
    if not bars:
        return False
    try:
        python = python_of("plot")
    except NotInstalledError as reason:
        print(f"no plot: {reason}")
        return False
    with tempfile.TemporaryDirectory(prefix="gcbatch-plot-") as folder:
        figures = Path(folder) / "bars.json"
        figures.write_text(json.dumps(list(map(asdict, bars))), "utf-8")
        program = [python, ROOT / "benchmarks" / "plot.py", figures, PLOT]
        subprocess.run(program, check=True)
    return True
