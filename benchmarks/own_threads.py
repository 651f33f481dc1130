"""Whether pages are decoded faster side by side: two threads beside one.

`python -m benchmarks.own_threads`: the same eight pages of aggregates are decoded, and
their parts written, by one thread and by two. With two cores, work that lets go of the
interpreter takes half the time; work that holds it takes the same, or more. Nothing is
judged: the table tells what docs/decisions says.
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
from benchmarks.own_page import QUEUES, QUICK_QUEUES, Desk, page_of
from gcbatch.store.part_file import write_part

__all__ = ["measure"]

ROUNDS: Final = 7
PAGES: Final = 8
THREADS: Final = 2


def measure(rounds: int, *, quick: bool) -> Findings:
    """Measure.

    Args:
        rounds: How often each is done.
        quick: Whether small pages do.
    """
    queues = QUICK_QUEUES if quick else QUEUES
    page = page_of(queues)
    with tempfile.TemporaryDirectory(prefix="gcbatch-bench-") as name:
        folder = Path(name)
        desk = Desk(page, queues, folder)
        part = desk.decoded()
        work: dict[str, Callable[[int], object]] = {
            "msgspec alone": lambda _: desk.decoder.decode(page),
            "page to rows": lambda _: desk.decoded(),
            "rows to part": lambda n: write_part(folder / f"{n}.parquet", part, {}),
        }
        lines = [line(what, one, rounds) for what, one in work.items()]
    return Findings(f"{THREADS} threads beside one", tuple(lines))


def line(what: str, one: Callable[[int], object], rounds: int) -> str:
    """Return a line of the table: time and CPU of two threads by those of one."""
    wall, cpu = [], []
    for _ in range(rounds):
        (alone_s, alone_cpu_s), (both_s, both_cpu_s) = (
            taken(one, threads) for threads in (1, THREADS)
        )
        wall.append(both_s / alone_s)
        cpu.append(both_cpu_s / alone_cpu_s)
    return f"{what:14} {spread(wall)} x the time, {spread(cpu)} x the CPU"


def taken(one: Callable[[int], object], threads: int) -> tuple[float, float]:
    """Return the seconds, and those of CPU, that all pages take."""
    with ThreadPoolExecutor(threads) as pool:
        begun = perf_counter(), process_time()
        list(pool.map(one, range(PAGES)))
        return perf_counter() - begun[0], process_time() - begun[1]


if __name__ == "__main__":
    sys.exit(main_of(measure, rounds=ROUNDS))
