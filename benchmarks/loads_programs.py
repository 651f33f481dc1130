"""The programs that load stored intervals; each is a process."""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from benchmarks.bare_loads import NAMESPACE, TABLE, catalog_of
from benchmarks.contest import HERE
from benchmarks.environments import python_of
from benchmarks.loads_places import NAMES, Places, sums_of
from benchmarks.own_jobs import FIRST_DAY, Bench
from benchmarks.processes import Spent, measured

__all__ = ["BARE", "DLT", "OURS", "PARQUET", "PLACED", "READ", "Done", "Loads"]

OURS: Final = "gcbatch"
BARE: Final = "library"
DLT: Final = "dlt"
READ: Final = "read"
PARQUET: Final = "parquet"
"""What gcbatch does alone, without a destination and with a file."""

FIRST: Final = {OURS: "gcbatch-first", BARE: "library-first"}
"""Programs that also load the first day alone, and their places for that."""

PLACED: Final = (OURS, BARE, DLT, *FIRST.values())
"""What has a place in each destination."""


@dataclass(frozen=True, slots=True)
class Done:
    """One load.

    Args:
        spent: CPU, memory and time; None if it failed.
        problem: What is wrong; empty if nothing is.
        first_s: CPU of a load of the first day; 0 if that was not measured.
    """

    spent: Spent | None
    problem: str = ""
    first_s: float = 0.0


@dataclass(frozen=True)
class Loads:
    """Runs loads of the same rows.

    Args:
        bench: Has the stores of one day and of all, and their rows in Parquet files.
        days: All days.
        places: Where the rows go.
        truth: What their sums must be.
    """

    bench: Bench
    days: int
    places: Places
    truth: tuple[int, ...]

    def run(self, name: str, program: str) -> Done:
        """Load, and check what is there.

        Args:
            name: The destination; or READ or PARQUET.
            program: What loads.
        """
        print(f"loads: {name}, {program}", file=sys.stderr, flush=True)
        first_s = 0.0
        try:
            spent = self._measured(name, program, program, self.days)
            if name in NAMES and program in FIRST:
                first_s = self._measured(name, program, FIRST[program], 1).cpu_s
        except RuntimeError as failure:
            return Done(None, f"failed: {str(failure).strip().splitlines()[-1][:60]}")
        if name not in NAMES:
            return Done(spent)
        place = self.places.of(program, name)
        has_namespace = program == DLT or name == "iceberg"
        table = f"{NAMESPACE}.{TABLE}" if has_namespace else TABLE
        there = sums_of(name, place, table)
        problem = "" if there == self.truth else f"{there} instead of {self.truth}"
        return Done(spent, problem, first_s)

    def _measured(self, name: str, program: str, placed: str, days: int) -> Spent:
        place = ""
        if name in NAMES:
            place = self.places.of(placed, name)
            self.places.settle(placed, name)
        environ = self.bench.environ | HERE | {"BENCH_PLACE": place}
        command = self._command(name, program, place, days)
        return measured(command, environ, self.places.folder / "log")

    def _command(self, name: str, program: str, place: str, days: int) -> Sequence[str]:
        """Return the command that loads so many days."""
        python = [sys.executable, "-m"]
        if program == OURS:
            job = str(self._job(name, place, days))
            if name == READ:
                return [*python, "benchmarks.read_table", job, TABLE]
            return [*python, "gcbatch", "export", job]
        parquet = str(self.bench.folder / f"days-{days}.parquet")
        if program == DLT:
            dlt = [str(python_of("dlt")), "-m", "benchmarks.peers.dlt_loads"]
            work = str(self.places.folder / f"dlt-{name}")
            return [*dlt, name, parquet, place, work]
        until = FIRST_DAY + timedelta(days)
        bare = [*python, "benchmarks.bare_loads", name, parquet, place]
        return [*bare, FIRST_DAY.isoformat(), until.isoformat()]

    def _job(self, name: str, place: str, days: int) -> Path:
        """Write the job that loads, or exports nothing, and return its path."""
        export: dict[str, Any] = {"exporter": name, "table": TABLE}
        if name == "postgres":
            export["uri"] = "${BENCH_PLACE}"
        elif name == "iceberg":
            export |= {"catalog": catalog_of(place), "namespace": NAMESPACE}
        else:
            export["path"] = place or str(self.places.folder / "alone.parquet")
        job = json.loads(self.bench.job(days).read_text("utf-8"))
        job["exports"] = [] if name == READ else [export]
        path = self.places.folder / f"{name}-{days}.json"
        path.write_text(json.dumps(job), "utf-8")
        return path
