"""Whether two threads decode pages faster than one.

`python -m benchmarks.own_threads`: one thread and two decode the same eight pages of
aggregates and write their parts. With two cores, work that releases the interpreter
takes half the time; work that holds it takes the same, or more. It has no target.
"""

import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import perf_counter, process_time
from typing import Final

from benchmarks.alone import main_of
from benchmarks.findings import Findings, spread
from benchmarks.own_page import QUEUES, QUICK_QUEUES, PageWork, page_of
from gcbatch.store.part_file import write_part

__all__ = ["measure"]

ROUNDS: Final = 7
PAGES: Final = 8
THREADS: Final = 2


def measure(rounds: int, *, quick: bool) -> Findings:
    """Measure.

    Args:
        rounds: Number of rounds.
        quick: Whether small pages are enough.
    """
    queues = QUICK_QUEUES if quick else QUEUES
    page = page_of(queues)
    with tempfile.TemporaryDirectory(prefix="gcbatch-bench-") as name:
        folder = Path(name)
        page_work = PageWork(page, queues, folder)
        part = page_work.decoded()
        work: dict[str, Callable[[int], object]] = {
            "msgspec alone": lambda _: page_work.decoder.decode(page),
            "page to rows": lambda _: page_work.decoded(),
            "rows to part": lambda n: write_part(folder / f"{n}.parquet", part, {}),
        }
        lines = [line(what, one, rounds) for what, one in work.items()]
    return Findings(f"{THREADS} threads compared with one", tuple(lines))


def line(what: str, one: Callable[[int], object], rounds: int) -> str:
    """Return a line of the table: the ratios of time and CPU, two threads to one."""
    wall, cpu = [], []
    for _ in range(rounds):
        (alone_s, alone_cpu_s), (both_s, both_cpu_s) = (
            taken(one, threads) for threads in (1, THREADS)
        )
        wall.append(both_s / alone_s)
        cpu.append(both_cpu_s / alone_cpu_s)
    return f"{what:14} {spread(wall)} x the time, {spread(cpu)} x the CPU"


def taken(one: Callable[[int], object], threads: int) -> tuple[float, float]:
    """Return the elapsed seconds and those of CPU for all pages."""
    with ThreadPoolExecutor(threads) as pool:
        begun = perf_counter(), process_time()
        list(pool.map(one, range(PAGES)))
        return perf_counter() - begun[0], process_time() - begun[1]


if __name__ == "__main__":
    sys.exit(main_of(measure, rounds=ROUNDS))
