"""Conversations that are stored, exported to all seven tables, in Parquet.

`python -m benchmarks.export`: two stores of ten days, 60,000 and 200,000 conversations,
fetched by async jobs, whose conversations have attributes too. In turns, each in a
process of its own that starts with the stored conversations:

- gcbatch exports all seven tables, with all cores and with one
- gcbatch exports `conversations` alone
- DuckDB (duckdb_tables.py) and dlt (peers/dlt_tables.py) make their tables of the same
  conversations, from a file of JSON Lines

After every run the rows of each table are counted, and compared with those of the
documents, counted by code that shares nothing with gcbatch.
"""

import os
import shutil
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Final

import pyarrow.parquet as pq

from benchmarks.alone import main_of
from benchmarks.clients import PEERS
from benchmarks.contest import HERE, PEER_ROUNDS, installed
from benchmarks.environments import FOLDER, python_of
from benchmarks.export_corpus import ALL_TABLES, ONE_TABLE, TABLES, Corpus, fetched
from benchmarks.findings import Findings, Gain, Verdict, spread
from benchmarks.processes import Spent, environment, measured
from benchmarks.scores import at_least, at_most, peak_at_most, ratios

__all__ = ["ALL", "ALONE", "ONE_CORE", "Done", "measure", "problem_of", "verdicts"]

ROUNDS: Final = 7
A_DAY: Final = (6_000, 20_000)
"""Conversations a day of the two stores."""

QUICK_A_DAY: Final = (20, 40)

MAX_ALL: Final = 4.0
"""Maximum CPU of all tables, in multiples of `conversations` alone."""

MAX_MB: Final = 180.0
MIN_CORES: Final = 1.6
"""Minimum wall time with one core, in multiples of that with two."""

ALL: Final = "gcbatch, seven tables"
ONE_CORE: Final = "gcbatch, seven, one core"
ALONE: Final = "gcbatch, conversations"
DUCKDB: Final = "DuckDB, seven tables"
DLT: Final = "dlt, a table a list"

DLT_TABLES: Final = {
    "conversations": "conversations",
    "participants": "conversations__participants",
    "sessions": "conversations__participants__sessions",
    "segments": "conversations__participants__sessions__segments",
    "session_metrics": "conversations__participants__sessions__metrics",
}
"""dlt's names of tables; it makes columns of attributes, and more tables of lists."""


@dataclass(frozen=True)
class Export:
    """One of the programs that are compared.

    Args:
        name: In tables.
        command: Returns the command for a corpus.
        tables: The name of each table in its output.
        takes: Which corpora it takes; the first is 0, the small one.
        is_peer: Whether it takes part in the first rounds only.
    """

    name: str
    command: Callable[[Corpus], Sequence[str]]
    tables: Mapping[str, str]
    takes: tuple[int, ...] = (0, 1)
    is_peer: bool = False


@dataclass(frozen=True, slots=True)
class Done:
    """One run.

    Args:
        spent: CPU, memory and time; None if it failed.
        problem: What is wrong; empty if nothing is.
    """

    spent: Spent | None
    problem: str


Runs = Mapping[tuple[str, int], Sequence[Done]]


def _gcbatch(corpus: Corpus, job: str) -> Sequence[str]:
    return [sys.executable, "-m", "gcbatch", "export", str(corpus.folder / job)]


def _on_one_core(corpus: Corpus) -> Sequence[str]:
    core = min(os.sched_getaffinity(0))
    return ["taskset", "-c", f"{core}", *_gcbatch(corpus, ALL_TABLES)]


def _duckdb(corpus: Corpus) -> Sequence[str]:
    program = [sys.executable, "-m", "benchmarks.duckdb_tables"]
    return [*program, str(corpus.documents), str(corpus.output)]


def _dlt(corpus: Corpus) -> Sequence[str]:
    program = [str(python_of("dlt")), "-m", "benchmarks.peers.dlt_tables"]
    return [*program, str(corpus.documents), str(corpus.output)]


_SEVEN: Final = {name: name for name in TABLES}
OWN: Final = (
    Export(
        ALONE,
        partial(_gcbatch, job=ONE_TABLE),
        {"conversations": "conversations"},
    ),
    Export(ALL, partial(_gcbatch, job=ALL_TABLES), _SEVEN),
)
WITH_ONE_CORE: Final = Export(ONE_CORE, _on_one_core, _SEVEN, takes=(1,))
WITH_DUCKDB: Final = Export(DUCKDB, _duckdb, _SEVEN, takes=(0,))
WITH_DLT: Final = Export(DLT, _dlt, DLT_TABLES, takes=(0,), is_peer=True)


def measure(rounds: int, *, quick: bool) -> Findings:
    """Measure, after fetching, which takes a minute.

    Args:
        rounds: Number of rounds; dlt takes part in the first two.
        quick: A few conversations, without dlt: checks that it works.
    """
    dlt = [] if quick else [peer for peer in PEERS if peer.environment == "dlt"]
    there, missing = installed(dlt)
    exports = [*OWN, WITH_DUCKDB, *(WITH_DLT for _ in there)]
    if shutil.which("taskset"):
        exports.append(WITH_ONE_CORE)
    found: dict[tuple[str, int], list[Done]] = defaultdict(list)
    with tempfile.TemporaryDirectory(prefix="gcbatch-bench-") as folder:
        environ = environment(FOLDER / "bytecode") | HERE | {"BENCH_SECRET": "unused"}
        corpora = fetched(QUICK_A_DAY if quick else A_DAY, Path(folder), environ)
        run(OWN[0], corpora[0], environ)  # compiles the byte code
        for number in range(rounds):
            for export in exports[:: -1 if number % 2 else 1]:
                if export.is_peer and number >= PEER_ROUNDS:
                    continue
                for corpus in (corpora[n] for n in export.takes):
                    done = run(export, corpus, environ)
                    found[export.name, corpus.rows].append(done)
    few, many = (corpus.rows for corpus in corpora)
    return Findings(
        "Stored conversations to Parquet",
        (*table(found), *missing),
        tuple(verdicts(found, few, many)),
        gains=tuple(gains(found, few)),
    )


def run(export: Export, corpus: Corpus, environ: Mapping[str, str]) -> Done:
    """Run an export, and check its output."""
    print(f"export: {export.name}, {corpus.rows:,}", file=sys.stderr, flush=True)
    shutil.rmtree(corpus.output, ignore_errors=True)
    try:
        log = corpus.folder / "log"
        spent = measured(export.command(corpus), environ, log)
        return Done(spent, problem_of(corpus, export.tables))
    except RuntimeError as failure:
        return Done(None, f"failed: {str(failure).strip().splitlines()[-1][:60]}")


def problem_of(corpus: Corpus, tables: Mapping[str, str]) -> str:
    """Return which tables have too many or too few rows; empty if none has.

    Args:
        corpus: What was exported.
        tables: The name in the output, of each table that should be there.
    """
    problems = []
    for table, name in tables.items():
        paths = (
            path
            for path in corpus.output.rglob("*.parquet")
            if name in (path.stem, path.parent.name)
        )
        rows = sum(pq.read_metadata(path).num_rows for path in paths)
        if rows != corpus.truth[table]:
            problems.append(f"{rows:,} {table} instead of {corpus.truth[table]:,}")
    return ", ".join(problems)


def table(found: Runs) -> Iterator[str]:
    """Yield a line for each export and number of conversations; then the problems."""
    yield (
        f"{'':26}{'conversations':>14}{'right':>7}{'CPU s':>24}{'us each':>9}"
        f"{'peak MB':>9}{'wall s':>24}"
    )
    for (name, rows), runs in found.items():
        spent = [done.spent for done in runs if done.spent]
        right = "no" if any(done.problem for done in runs) else "yes"
        line = f"{name:26}{rows:14,}{right:>7}"
        if spent:
            cpu_s = [each.cpu_s for each in spent]
            line += (
                f"{spread(cpu_s):>24}{1e6 * median(cpu_s) / rows:9.1f}"
                f"{max(each.peak_mb for each in spent):9.0f}"
                f"{spread([each.wall_s for each in spent]):>24}"
            )
        yield line
    for (name, rows), runs in found.items():
        for problem in dict.fromkeys(done.problem for done in runs if done.problem):
            yield f"{name}, {rows:,}: {problem}"


def cpu_s(found: Runs, name: str, rows: int) -> list[float]:
    """Return the seconds of CPU of each round; empty if a round failed."""
    return [spent.cpu_s for spent in _spent(found, name, rows)]


def _spent(found: Runs, name: str, rows: int) -> list[Spent]:
    runs = found.get((name, rows), ())
    spent = [done.spent for done in runs if done.spent]
    return spent if len(spent) == len(runs) else []


def verdicts(found: Runs, few: int, many: int) -> Iterator[Verdict]:
    """Yield the targets.

    Args:
        found: All runs, by export and conversations.
        few: Conversations of the small store.
        many: Conversations of the large one.
    """
    ours = (ALONE, ALL, ONE_CORE)
    problems = dict.fromkeys(
        f"{name}: {done.problem}"
        for (name, _), runs in found.items()
        for done in runs
        if name in ours and done.problem
    )
    text = "; ".join(problems) or "as many as the conversations have"
    yield Verdict(f"rows of gcbatch: {text}", not problems, is_exact=True)
    for rows in (few, many):
        times = ratios(cpu_s(found, ALL, rows), cpu_s(found, ALONE, rows))
        name = f"CPU of seven tables of {rows:,}, x `conversations` alone"
        yield at_most(name, times, MAX_ALL)
    peaks = [each.peak_mb for rows in (few, many) for each in _spent(found, ALL, rows)]
    yield peak_at_most("peak memory of seven tables", peaks, MAX_MB)
    walls = (
        [each.wall_s for each in _spent(found, name, many)] for name in (ONE_CORE, ALL)
    )
    name = f"wall time of seven tables of {many:,} with one core, x with all cores"
    yield at_least(name, ratios(*walls), MIN_CORES)


def gains(found: Runs, rows: int) -> Iterator[Gain]:
    """Yield what a user gains with the small store; nothing if gcbatch failed."""
    ours = cpu_s(found, ALL, rows)
    if not ours or any(done.problem for done in found[ALL, rows]):
        return
    others = [
        f"{name} {median(times):.1f} x"
        for name in (DUCKDB, DLT)
        if (times := ratios(cpu_s(found, name, rows), ours))
    ]
    work = f"{rows:,} stored conversations to seven tables"
    yield Gain(work, f"{median(ours):.1f} s of CPU", "; ".join(others))


if __name__ == "__main__":
    sys.exit(main_of(measure, rounds=ROUNDS))
