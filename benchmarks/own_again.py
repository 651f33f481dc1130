"""What a job costs that is done already: `gcbatch run` once more.

`python -m benchmarks.own_again`: nothing is asked, and everything is exported again, a
month and a year of 200 queues in PT15M. Taken off is what the interpreter and all the
modules cost that such a run imports.
"""

import sys
from collections.abc import Iterator, Sequence
from statistics import median
from typing import Final

from benchmarks.alone import main_of
from benchmarks.counted import asked_since
from benchmarks.findings import Findings, Verdict, spread
from benchmarks.own_jobs import Bench, Timed, clocked, opened

__all__ = ["measure", "modules_in", "verdicts"]

ROUNDS: Final = 5
DAYS: Final = (31, 365)
QUEUES: Final = 200
QUICK_DAYS: Final = (1, 2)
QUICK_QUEUES: Final = 5
MOST_S: Final = 0.5

IMPORTS: Final = """
import contextlib, importlib, pathlib, sys
for name in pathlib.Path(sys.argv[1]).read_text().split():
    with contextlib.suppress(ImportError):
        importlib.import_module(name)
"""


def measure(rounds: int, *, quick: bool) -> Findings:
    """Measure; before that a year is fetched, which takes a minute.

    Args:
        rounds: How often each is run again.
        quick: Whether a few rows do.
    """
    days, queues = (QUICK_DAYS, QUICK_QUEUES) if quick else (DAYS, QUEUES)
    imports: list[Timed] = []
    again: dict[int, list[Timed]] = {number: [] for number in days}
    with opened(queues) as bench:
        for number in days:
            bench.run(number)
        names = bench.folder / "modules"
        names.write_text("\n".join(imported(bench, days[0])), "utf-8")
        asked_since(bench.url)
        for _ in range(rounds):
            imports.append(clocked(["-c", IMPORTS, str(names)], bench))
            for number in days:
                again[number].append(bench.run(number))
        requests = asked_since(bench.url).requests
        lines = [line("imports", imports)]
        lines += [line(f"{n} days, {bench.rows(n):,} rows", again[n]) for n in days]
    bare = [done.spent.cpu_s for done in imports]
    month, year = ([done.spent.cpu_s for done in again[number]] for number in days)
    found = tuple(verdicts(bare, month, year, requests))
    return Findings("A job that is done, run again", tuple(lines), found)


def imported(bench: Bench, days: int) -> list[str]:
    """Return the modules that a run imports, what is imported first foremost."""
    clocked(["-X", "importtime", "-m", "gcbatch", "run", str(bench.job(days))], bench)
    return modules_in((bench.folder / "command.log").read_text("utf-8"))


def modules_in(log: str) -> list[str]:
    """Return the names that `python -X importtime` wrote among other lines."""
    told = (line.rpartition("|") for line in log.splitlines())
    names = [name.strip() for head, _, name in told if head.startswith("import time:")]
    return [name for name in names if name != "imported package"]


def line(what: str, found: Sequence[Timed]) -> str:
    """Return a line of the table."""
    wall = spread([done.wall_s for done in found])
    cpu = spread([done.spent.cpu_s for done in found])
    return f"{what:28} {wall:>22} s wall {cpu:>22} s CPU"


def verdicts(
    imports: Sequence[float],
    month: Sequence[float],
    year: Sequence[float],
    requests: int,
) -> Iterator[Verdict]:
    """Yield the targets.

    Args:
        imports: Seconds of CPU of each round.
        month: Likewise, of a run of a month.
        year: Likewise, of a year.
        requests: That were asked in all of them.
    """
    yield Verdict(f"requests: {requests}, at most 0", requests == 0)
    for what, found in (("a month", month), ("a year", year)):
        more = median(found) - median(imports)
        yield Verdict(
            f"{what}: {more:.2f} s of CPU more than its imports, at most {MOST_S}",
            more <= MOST_S,
        )


if __name__ == "__main__":
    sys.exit(main_of(measure, rounds=ROUNDS))
