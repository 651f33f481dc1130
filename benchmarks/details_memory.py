"""Peak memory of conversation details: ten days at once, by pages and by async jobs.

`python -m benchmarks.details_memory`: `gcbatch run` to Parquet, each into its own
store, ten days of 6,000 conversations and ten of 20,000. The memory of the whole
process counts, with the interpreter.
"""

import sys
from collections.abc import Iterator, Sequence
from typing import Final

from benchmarks.alone import main_of
from benchmarks.clients import BY_JOBS, OURS, gcbatch, gcbatch_by_jobs
from benchmarks.contest import Contest
from benchmarks.details import load_of
from benchmarks.findings import Findings, Gain, Verdict, spread
from benchmarks.scores import Scores, at_most, peak_at_most, ratios

__all__ = ["measure", "verdicts"]

ROUNDS: Final = 2
DAYS: Final = 10
"""As many as gcbatch fetches at once."""

A_DAY: Final = (6_000, 20_000)
QUICK_A_DAY: Final = (20, 50)
LATENCY_MS: Final = 50
MAX_MB: Final = 170.0
MAX_GROWTH: Final = 1.1


def measure(rounds: int, *, quick: bool) -> Findings:
    """Measure; a round takes a minute.

    Args:
        rounds: Number of rounds.
        quick: Whether a few conversations are enough.
    """
    few, many = QUICK_A_DAY if quick else A_DAY
    days = [few] * DAYS + [many] * DAYS
    small, large = (load_of(days, first, DAYS) for first in (0, DAYS))
    contest = Contest(
        "details",
        ["-m", "benchmarks.details_server", f"{LATENCY_MS}", *map(str, days)],
        dict.fromkeys((gcbatch, gcbatch_by_jobs), (small, large)),
    )
    contest.take(rounds, warm=False)
    scores = Scores(contest.runs, small.rows)
    peaks = {
        (client, rows): [run.spent.peak_mb for run in runs if run.spent]
        for (client, rows), runs in contest.runs.items()
    }
    lines = [
        f"{client:18} {rows:>8,} conversations {spread(found, 0):>18} MB"
        for (client, rows), found in peaks.items()
        if found
    ]
    problems = [p for client in (OURS, BY_JOBS) for p in scores.problems(client)]
    paged = scores.peaks_mb(OURS)
    gain = Gain(
        f"{DAYS} days of {many:,} conversations, fetched at once and exported",
        f"{max(paged, default=0):.0f} MB of memory",
        "",
    )
    return Findings(
        f"Peak memory of {DAYS} days of conversation details at once",
        (*lines, *problems),
        (
            Verdict(
                f"rows of gcbatch: {'; '.join(problems) or 'as the service has them'}",
                not problems,
                is_exact=True,
            ),
            *verdicts(paged, peaks[BY_JOBS, small.rows], peaks[BY_JOBS, large.rows]),
        ),
        gains=() if problems else (gain,),
    )


def verdicts(
    paged: Sequence[float], jobs_small: Sequence[float], jobs_large: Sequence[float]
) -> Iterator[Verdict]:
    """Yield the targets.

    Args:
        paged: Peak memory of each run by pages, MB.
        jobs_small: The same by jobs, of the few conversations.
        jobs_large: The same, of the many.
    """
    yield peak_at_most("peak memory by pages", paged, MAX_MB)
    growth = ratios(jobs_large, jobs_small)
    name = "peak memory by jobs, many conversations, x that of few"
    yield at_most(name, growth, MAX_GROWTH)


if __name__ == "__main__":
    sys.exit(main_of(measure, rounds=ROUNDS))
