"""Intervals that are stored, loaded into databases and a lake.

`python -m benchmarks.loads`: a million rows of 200 queues in PT15M, in SQLite, DuckDB,
PostgreSQL, Delta Lake and Iceberg. Every load replaces the rows that the one before it
made, and is a process of its own. In turns:

- gcbatch reads its parts, makes the table, and loads it: `gcbatch export`
- the library alone loads a Parquet file of the same table (bare_loads.py)
- dlt loads the same file into DuckDB and PostgreSQL (peers/dlt_loads.py)
- gcbatch only reads the table to its end, and exports it to Parquet, to show how much
  of a load that takes

A load of the first day, in a place of its own, follows each of the first two. Without
its cost, which is mostly that of the start, they have a cost of an extra row. Of
PostgreSQL the client is measured. After every load its rows are counted and added up by
SQL, and compared with what the server of the parts has.
"""

import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks.alone import main_of
from benchmarks.clients import PEERS
from benchmarks.contest import PEER_ROUNDS, installed
from benchmarks.findings import Findings, Gain, Verdict, spread
from benchmarks.loads_places import NAMES, opened_places, truth
from benchmarks.loads_programs import (
    BARE,
    DLT,
    OURS,
    PARQUET,
    PLACED,
    READ,
    Done,
    Loads,
)
from benchmarks.own_jobs import opened
from benchmarks.processes import Spent
from benchmarks.scores import at_most, peak_at_most, ratios

__all__ = ["LAKES", "gains", "measure", "verdicts"]

ROUNDS: Final = 7
QUEUES: Final = 200
DAYS: Final = 53
"""The fewest that have a million rows."""

QUICK_QUEUES: Final = 5
QUICK_DAYS: Final = 2

MAX_RATIO: Final = 1.3
"""Maximum CPU of gcbatch, in multiples of the library's."""

MAX_MB: Final[Mapping[str, float]] = {"sqlite": 350.0, "postgres": 350.0}
MAX_TIMES_PARQUET: Final = 1.2
MORE_MB: Final = 300.0
"""A lake may take so many times what an export to Parquet takes, and so much more."""

LAKES: Final = ("delta", "iceberg")
OF_DLT: Final = ("duckdb", "postgres")
Runs = Mapping[tuple[str, str], Sequence[Done]]
"""By destination, then by program."""


def measure(rounds: int, *, quick: bool) -> Findings:
    """Measure, after fetching, which takes a quarter of a minute.

    Args:
        rounds: Number of rounds; dlt takes part in the first two.
        quick: A few rows into new tables, without dlt: checks that it works.
    """
    days, queues = (QUICK_DAYS, QUICK_QUEUES) if quick else (DAYS, QUEUES)
    dlt = [] if quick else [peer for peer in PEERS if peer.environment == "dlt"]
    there, missing = installed(dlt)
    found: dict[tuple[str, str], list[Done]] = defaultdict(list)
    with (
        opened(queues) as bench,
        tempfile.TemporaryDirectory(prefix="gcbatch-bench-") as folder,
        opened_places(Path(folder), PLACED) as places,
    ):
        bench.run(days)
        loads = Loads(bench, days, places, truth(days, queues))
        turns = list(_turns(places.names, with_dlt=bool(there)))
        if not quick:  # makes the tables, and compiles the byte code
            for name, program in turns:
                loads.run(name, program)
        for number in range(rounds):
            for name, program in turns[:: -1 if number % 2 else 1]:
                if program == DLT and number >= PEER_ROUNDS:
                    continue
                found[name, program].append(loads.run(name, program))
        if "postgres" not in places.names:
            missing = [*missing, "not measured: postgres: no server is installed"]
        rows, first = bench.rows(days), bench.rows(1)
    return Findings(
        "Stored intervals into databases and a lake",
        (*table(found, rows, first), *missing),
        tuple(verdicts(found)),
        gains=tuple(gains(found, rows)),
    )


def _turns(names: Sequence[str], *, with_dlt: bool) -> Iterator[tuple[str, str]]:
    """Yield destinations with programs, in their order."""
    yield READ, OURS
    yield PARQUET, OURS
    for name in names:
        yield name, OURS
        yield name, BARE
        if with_dlt and name in OF_DLT:
            yield name, DLT


def table(found: Runs, rows: int, first: int) -> Iterator[str]:
    """Yield a line for each destination and program; then the problems.

    Args:
        found: All runs.
        rows: Rows of a load.
        first: Rows of the first day.
    """
    yield f"{rows:,} rows"
    yield (
        f"{'':19}{'right':>6}{'CPU s':>24}{'x library':>22}{'us/extra row':>14}"
        f"{'x library':>22}{'peak MB':>9}{'wall s':>24}"
    )
    for (name, program), runs in found.items():
        spent = _spent(found, name, program)
        right = "no" if any(done.problem for done in runs) else "yes"
        line = f"{name:10}{program:9}{right if name in NAMES else '-':>6}"
        if spent:
            cpu_s = _cpu_s(found, name, program)
            times = ratios(cpu_s, _cpu_s(found, name, BARE))
            extra_s = _extra_s(found, name, program)
            extra = ratios(extra_s, _extra_s(found, name, BARE))
            more = 1e6 * median(extra_s) / (rows - first) if extra_s else None
            line += (
                f"{spread(cpu_s):>24}{spread(times) if times else '-':>22}"
                f"{'-' if more is None else f'{more:.2f}':>14}"
                f"{spread(extra) if extra else '-':>22}"
                f"{max(each.peak_mb for each in spent):9.0f}"
                f"{spread([each.wall_s for each in spent]):>24}"
            )
        yield line
    for (name, program), runs in found.items():
        for problem in dict.fromkeys(done.problem for done in runs if done.problem):
            yield f"{name}, {program}: {problem}"


def _spent(found: Runs, name: str, program: str) -> list[Spent]:
    """Return what each round spent; nothing if one failed."""
    runs = found.get((name, program), ())
    spent = [done.spent for done in runs if done.spent]
    return spent if len(spent) == len(runs) else []


def _cpu_s(found: Runs, name: str, program: str) -> list[float]:
    return [spent.cpu_s for spent in _spent(found, name, program)]


def _extra_s(found: Runs, name: str, program: str) -> list[float]:
    """Return the CPU of all days but the first, of each round; empty if unknown."""
    firsts = [done.first_s for done in found.get((name, program), ())]
    cpu_s = _cpu_s(found, name, program)
    if not cpu_s or not all(firsts):
        return []
    return [cpu - first for cpu, first in zip(cpu_s, firsts, strict=True)]


def _peaks(found: Runs, name: str) -> list[float]:
    return [spent.peak_mb for spent in _spent(found, name, OURS)]


def verdicts(found: Runs) -> Iterator[Verdict]:
    """Yield the targets; what was not measured is missed.

    Args:
        found: All runs.
    """
    problems = dict.fromkeys(
        f"{name}, {program}: {done.problem}"
        for (name, program), runs in found.items()
        for done in runs
        if program != DLT and done.problem
    )
    text = "; ".join(problems) or "as many as the server has, with its sums"
    yield Verdict(f"rows in databases: {text}", not problems, is_exact=True)
    for name in NAMES:
        times = ratios(*(_cpu_s(found, name, program) for program in (OURS, BARE)))
        yield at_most(f"CPU into {name}, x the library's", times, MAX_RATIO)
    parquet = max(_peaks(found, PARQUET), default=0.0)
    maxima = {**MAX_MB, **dict.fromkeys(LAKES, MAX_TIMES_PARQUET * parquet + MORE_MB)}
    for name, maximum in maxima.items():
        yield peak_at_most(f"peak memory into {name}", _peaks(found, name), maximum)


def gains(found: Runs, rows: int) -> Iterator[Gain]:
    """Yield what a user gains beside dlt; nothing where gcbatch failed."""
    for name in OF_DLT:
        ours = _cpu_s(found, name, OURS)
        times = ratios(_cpu_s(found, name, DLT), ours)
        if times and not any(done.problem for done in found[name, OURS]):
            work = f"{rows:,} stored intervals into {name}"
            yield Gain(
                work, f"{median(ours):.1f} s of CPU", f"dlt {median(times):.1f} x"
            )


if __name__ == "__main__":
    sys.exit(main_of(measure, rounds=ROUNDS))
