"""A job of aggregates and its server, for benchmarks of gcbatch alone.

Buckets of PT15M of five metrics, by queue and media type, one query a day.
"""

import json
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any, Final

from benchmarks.aggregates_data import METRICS, QUARTERS, queue_id
from benchmarks.processes import Spent, environment, measured, served

__all__ = ["FIRST_DAY", "Bench", "Timed", "clocked", "opened", "query_of"]

FIRST_DAY: Final = date(2025, 1, 1)
WIDE: Final = 1_000_000
"""A quota that no client reaches."""


@dataclass(frozen=True, slots=True)
class Timed:
    """The cost of one process from start to end.

    Args:
        wall_s: Elapsed time.
        spent: CPU and memory.
    """

    wall_s: float
    spent: Spent


def clocked(command: Sequence[str], bench: "Bench") -> Timed:
    """Run a command of this interpreter to its end; see `measured`."""
    begun = perf_counter()
    spent = measured(
        [sys.executable, *command], bench.environ, bench.folder / "command.log"
    )
    return Timed(perf_counter() - begun, spent)


def query_of(days: int, queues: int) -> dict[str, Any]:
    """Return the section `query` of a job over so many days and queues."""
    return {
        "from": FIRST_DAY.isoformat(),
        "to": (FIRST_DAY + timedelta(days)).isoformat(),
        "timezone": "UTC",
        "granularity": "PT15M",
        "group_by": ["queueId", "mediaType"],
        "media_types": ["voice"],
        "metrics": list(METRICS),
        "queues": list(map(queue_id, range(queues))),
    }


@dataclass(frozen=True)
class Bench:
    """A server, and a folder for what gcbatch writes.

    Args:
        url: The address of the server.
        client_id: The client id of the OAuth client.
        queues: How many it has.
        folder: For job files, stores and outputs.
        environ: The environment of the processes that are measured.
    """

    url: str
    client_id: str
    queues: int
    folder: Path
    environ: dict[str, str]

    def rows(self, days: int) -> int:
        """Return how many rows so many days have."""
        return days * self.queues * QUARTERS

    def run(self, days: int, command: str = "run") -> Timed:
        """Run or export the job of so many days.

        Raises:
            RuntimeError: If it fails, or rows are missing.
        """
        done = clocked(["-m", "gcbatch", command, str(self.job(days))], self)
        rows = self.report(days)["rows"]
        if rows != self.rows(days):
            msg = f"{days} days: {rows:,} rows instead of {self.rows(days):,}"
            raise RuntimeError(msg)
        return done

    def report(self, days: int) -> dict[str, Any]:
        """Return the run report of the last run of a job."""
        text = (self.folder / "store" / f"days-{days}" / "run.json").read_text("utf-8")
        report: dict[str, Any] = json.loads(text)
        return report

    def job(self, days: int) -> Path:
        """Write the job file of so many days, and return its path."""
        job = {
            "name": f"days-{days}",
            "org": {
                "api_url": self.url,
                "login_url": self.url,
                "client_id": self.client_id,
                "client_secret": "${BENCH_SECRET}",
            },
            "query": query_of(days, self.queues),
            "fetch": {
                "chunk": "P1D",
                "requests_per_minute": WIDE,
                "store": str(self.folder / "store"),
            },
            "exports": [
                {
                    "exporter": "parquet",
                    "table": "intervals",
                    "path": str(self.folder / f"days-{days}.parquet"),
                }
            ],
        }
        path = self.folder / f"days-{days}.yaml"
        path.write_text(json.dumps(job, indent=1), "utf-8")  # JSON is YAML
        return path


@contextmanager
def opened(queues: int) -> Iterator[Bench]:
    """Start the server in a separate process."""
    command = [sys.executable, "-m", "benchmarks.aggregates_server", "0", str(queues)]
    with (
        tempfile.TemporaryDirectory(prefix="gcbatch-bench-") as folder,
        served(command, os.environ) as (url, client_id, secret),
    ):
        environ = environment(Path(folder) / "bytecode")
        environ["BENCH_SECRET"] = secret
        bench = Bench(url, client_id, queues, Path(folder), environ)
        bench.run(1)  # compiles the byte code
        yield bench
