"""Conversation aggregates of 200 queues by the quarter of an hour, one request a day.

gcbatch and the loop fetch 30 days, half a million rows. The peers fetch a few days,
because 30 would take the slowest of them minutes; the costs of an extra row are
compared. The service has its answers ready and delays each by LATENCY_MS.
"""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.aggregates_data import QUARTERS
from benchmarks.aggregates_rows import COLUMNS, problem_of
from benchmarks.clients import (
    PEERS,
    TO_PARTS,
    Client,
    bare_aggregates,
    gcbatch,
    gcbatch_to_parts,
)
from benchmarks.contest import Contest, Load, installed
from benchmarks.findings import Findings, Verdict
from benchmarks.outputs import tables
from benchmarks.scores import Scores, at_least, ratios

__all__ = ["load_of", "measure"]

QUEUES: Final = 200
QUICK_QUEUES: Final = 4
START: Final = date(2025, 3, 1)
SMALL: Final = 2
COMMON: Final = 6
MANY: Final = 30
QUICK: Final = (1, 3)
LATENCY_MS: Final = 50

MIN_RATIO: Final = {"PureCloudPlatformClientV2": 40.0}
"""Minimum cost of their extra row, from page to file, in rows of gcbatch from page to
stored part: its export writes all rows again."""

OWN: Final = (bare_aggregates, gcbatch, gcbatch_to_parts)


def measure(rounds: int, *, quick: bool = False) -> Findings:
    """Let all clients fetch aggregates, in turns.

    Args:
        rounds: Number of rounds.
        quick: A few queues, once, without peers: checks that it works.
    """
    peers, missing = ([], []) if quick else installed(PEERS)
    small, common, large = (QUICK[0], *QUICK) if quick else (SMALL, COMMON, MANY)
    queues = QUICK_QUEUES if quick else QUEUES
    load = partial(load_of, queues)
    contest = Contest(
        "aggregates",
        ["-m", "benchmarks.aggregates_server", f"{LATENCY_MS}", f"{queues}"],
        {client: (load(common), load(large)) for client in OWN}
        | {client: (load(small), load(common)) for client in peers},
    )
    contest.take(1 if quick else rounds)
    scores = Scores(contest.runs, load(common).rows)
    lines = [*scores.table(), "", *scores.comparison(), *missing]
    return Findings(
        f"Conversation aggregates, {queues} queues, PT15M, a day a request",
        tuple(lines),
        tuple(verdicts(scores, peers)),
        scores.bars("conversation aggregates"),
        tuple(scores.gains(f"{load(common).rows:,} buckets of aggregates, as a table")),
    )


def load_of(queues: int, days: int) -> Load:
    """Return the load of some days."""

    def check(path: Path) -> str:
        return problem_of(tables(path, COLUMNS), queues, START, days)

    end = START + timedelta(days=days)
    return Load(START, end, queues * QUARTERS * days, check)


def verdicts(scores: Scores, peers: Sequence[Client]) -> Iterator[Verdict]:
    """Yield each target with its measured value."""
    yield scores.rows_right()
    for peer in peers:
        if peer.name in MIN_RATIO:
            ours = scores.marginal_us(TO_PARTS)
            theirs = ratios(scores.marginal_us(peer.name), ours)
            name = f"CPU per extra row of {peer.name}, x gcbatch's to its stored part"
            yield at_least(name, theirs, MIN_RATIO[peer.name])
