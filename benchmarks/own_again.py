"""The cost of a job that is complete: `gcbatch run` again.

`python -m benchmarks.own_again`: such a run sends no request and exports everything
again, a month and a year of 200 queues in PT15M. The cost of the interpreter and of all
modules that such a run imports is subtracted. How light its start is, a job of one day
shows, in turns with a process that only imports three of the libraries.
"""

import sys
from collections.abc import Iterator, Sequence
from statistics import median
from typing import Final

from benchmarks.alone import main_of
from benchmarks.counted import asked_since
from benchmarks.findings import Findings, Verdict, spread
from benchmarks.own_jobs import Bench, Timed, clocked, opened
from benchmarks.scores import at_most, ratios

__all__ = ["measure", "modules_in", "start_verdict", "verdicts"]

ROUNDS: Final = 7
DAYS: Final = (31, 365)
QUEUES: Final = 200
QUICK_DAYS: Final = (1, 2)
QUICK_QUEUES: Final = 5
MAX_S: Final = 0.5
MAX_RATIO: Final = 1.8

LIBRARIES: Final = "import aiohttp, msgspec, pyarrow"

IMPORTS: Final = """
import contextlib, importlib, pathlib, sys
for name in pathlib.Path(sys.argv[1]).read_text().split():
    with contextlib.suppress(ImportError):
        importlib.import_module(name)
"""


def measure(rounds: int, *, quick: bool) -> Findings:
    """Measure, after fetching a year, which takes a minute.

    Args:
        rounds: Number of rounds.
        quick: Whether a few rows are enough.
    """
    days, queues = (QUICK_DAYS, QUICK_QUEUES) if quick else (DAYS, QUEUES)
    imports: list[Timed] = []
    libraries: list[Timed] = []
    start: list[Timed] = []
    again: dict[int, list[Timed]] = {number: [] for number in days}
    with opened(queues) as bench:
        for number in days:
            bench.run(number)
        names = bench.folder / "modules"
        names.write_text("\n".join(imported(bench, days[0])), "utf-8")
        asked_since(bench.url)
        clocked(["-c", LIBRARIES], bench)  # compiles their byte code
        for _ in range(rounds):
            libraries.append(clocked(["-c", LIBRARIES], bench))
            start.append(bench.run(1))
            imports.append(clocked(["-c", IMPORTS, str(names)], bench))
            for number in days:
                again[number].append(bench.run(number))
        requests = asked_since(bench.url).requests
        lines = [line(LIBRARIES, libraries)]
        lines += [line(f"a day, {bench.rows(1):,} rows", start)]
        lines += [line("all its imports", imports)]
        lines += [line(f"{n} days, {bench.rows(n):,} rows", again[n]) for n in days]
    month, year = (cpu(again[number]) for number in days)
    found = (
        start_verdict(cpu(libraries), cpu(start)),
        *verdicts(cpu(imports), month, year, requests),
    )
    return Findings("A complete job, run again", tuple(lines), found)


def cpu(found: Sequence[Timed]) -> list[float]:
    """Return the seconds of CPU of each round."""
    return [done.spent.cpu_s for done in found]


def start_verdict(libraries: Sequence[float], start: Sequence[float]) -> Verdict:
    """Return the target of a light start.

    Args:
        libraries: Seconds of CPU of each round, of the imports alone.
        start: The same of a run of one day.
    """
    what = (
        "CPU of a finished job run again, x an import of aiohttp, msgspec and pyarrow"
    )
    return at_most(what, ratios(start, libraries), MAX_RATIO)


def imported(bench: Bench, days: int) -> list[str]:
    """Return the modules that a run imports, in the order of import."""
    clocked(["-X", "importtime", "-m", "gcbatch", "run", str(bench.job(days))], bench)
    return modules_in((bench.folder / "command.log").read_text("utf-8"))


def modules_in(log: str) -> list[str]:
    """Return the names that `python -X importtime` wrote among other lines."""
    parts = (line.rpartition("|") for line in log.splitlines())
    names = [name.strip() for head, _, name in parts if head.startswith("import time:")]
    return [name for name in names if name != "imported package"]


def line(what: str, found: Sequence[Timed]) -> str:
    """Return a line of the table."""
    wall = spread([done.wall_s for done in found])
    cpu = spread([done.spent.cpu_s for done in found])
    return f"{what:32} {wall:>22} s wall {cpu:>22} s CPU"


def verdicts(
    imports: Sequence[float],
    month: Sequence[float],
    year: Sequence[float],
    requests: int,
) -> Iterator[Verdict]:
    """Yield the targets.

    Args:
        imports: Seconds of CPU of each round, of the imports.
        month: The same of a run of a month.
        year: The same of a run of a year.
        requests: Sent in all of them.
    """
    yield Verdict(f"requests: {requests}, at most 0", requests == 0)
    for what, found in (("a month", month), ("a year", year)):
        more = median(found) - median(imports)
        yield Verdict(
            f"{what}: {more:.2f} s of CPU more than its imports, at most {MAX_S}",
            more <= MAX_S,
        )


if __name__ == "__main__":
    sys.exit(main_of(measure, rounds=ROUNDS))
