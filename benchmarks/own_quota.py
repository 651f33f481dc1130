"""How much of a quota of 300 requests a minute is used, in real time.

`python -m benchmarks.own_quota` takes a little more than four minutes. It sends 1,200
queries of a day each to the simulator, which counts in windows of a minute from the
first request. The share used is the answered requests, of those that the quota allows
from the run's start to its end, including start-up and export.
"""

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

from benchmarks.alone import main_of
from benchmarks.counted import asked_since
from benchmarks.findings import Findings, Verdict
from benchmarks.processes import environment, measured, served

__all__ = ["Pace", "measure", "verdicts"]

MINUTES: Final = 4
ALLOWED: Final = 300
WINDOW_S: Final = 60
QUICK_ALLOWED: Final = 10
QUICK_WINDOW_S: Final = 2
"""The same rate, in short windows."""

LAST_DAY: Final = date(2026, 9, 1)
MIN_PCT: Final = 97.0
MAX_REFUSED: Final = 2


@dataclass(frozen=True, slots=True)
class Pace:
    """How a run used its quota.

    Args:
        answered: Requests that were not refused, by the server's count.
        refused: Answers 429, by the server's count.
        seconds: From the run's start to its end, in its report.
        reported_pct: Percentage of the quota that the report says was used.
    """

    answered: int
    refused: int
    seconds: float
    reported_pct: float

    def used_pct(self, per_s: float) -> float:
        """Return the share of the allowed requests that was used, in percent."""
        return 100 * self.answered / (per_s * self.seconds)


def measure(rounds: int, *, quick: bool) -> Findings:
    """Measure; a round takes four minutes.

    Args:
        rounds: Number of rounds.
        quick: Whether windows of two seconds are enough.
    """
    allowed, window_s = ALLOWED, WINDOW_S
    if quick:
        allowed, window_s = QUICK_ALLOWED, QUICK_WINDOW_S
    paces = [one_run(allowed, window_s) for _ in range(rounds)]
    per_s = allowed / window_s
    lines = tuple(
        f"{pace.answered} requests in {pace.seconds:.1f} s, {pace.refused} refused: "
        f"{pace.used_pct(per_s):.1f} % of the quota; of its windows, as reported by "
        f"the run, {pace.reported_pct:.1f} %"
        for pace in paces
    )
    title = f"A quota of {allowed} requests in {window_s} s"
    return Findings(title, lines, tuple(verdicts(paces, per_s)))


def one_run(allowed: int, window_s: int) -> Pace:
    """Run a job that needs four windows."""
    numbers = [str(allowed), str(window_s)]
    command = [sys.executable, "-m", "benchmarks.quota_server", *numbers]
    with (
        tempfile.TemporaryDirectory(prefix="gcbatch-bench-") as name,
        served(command, os.environ) as (url, client_id, secret),
    ):
        folder = Path(name)
        path = folder / "job.yaml"
        days = MINUTES * allowed
        path.write_text(json.dumps(job(url, client_id, folder, days)), "utf-8")
        environ = {**environment(folder / "bytecode"), "BENCH_SECRET": secret}
        measured(
            [sys.executable, "-m", "gcbatch", "run", str(path)], environ, folder / "log"
        )
        asked = asked_since(url)
        report = json.loads(
            (folder / "store" / "quota" / "run.json").read_text("utf-8")
        )
    return Pace(
        asked.requests - asked.throttled,
        asked.throttled,
        report["seconds"],
        report["quota_used_pct"],
    )


def job(url: str, client_id: str, folder: Path, days: int) -> dict[str, Any]:
    """Return a job of a query a day."""
    return {
        "name": "quota",
        "org": {
            "api_url": url,
            "login_url": url,
            "client_id": client_id,
            "client_secret": "${BENCH_SECRET}",
        },
        "query": {
            "from": (LAST_DAY - timedelta(days)).isoformat(),
            "to": LAST_DAY.isoformat(),
            "timezone": "UTC",
            "granularity": "P1D",
            "metrics": ["nOffered"],
        },
        "fetch": {"chunk": "P1D", "store": str(folder / "store")},
        "exports": [],
    }


def verdicts(paces: list[Pace], per_s: float) -> Iterator[Verdict]:
    """Yield the targets.

    Args:
        paces: The paces of each round.
        per_s: Requests that a second allows.
    """
    used = min(pace.used_pct(per_s) for pace in paces)
    yield Verdict(
        f"quota used: {used:.1f} %, at least {MIN_PCT:.0f} %", used >= MIN_PCT
    )
    refused = max(pace.refused for pace in paces)
    yield Verdict(
        f"requests refused: {refused}, at most {MAX_REFUSED}", refused <= MAX_REFUSED
    )


if __name__ == "__main__":
    sys.exit(main_of(measure, rounds=1))
