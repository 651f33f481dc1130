"""Conversation details: gcbatch to Parquet, compared with minimal loops and peers.

The service delays every answer by LATENCY_MS; the quota is large. See README.md.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import orjson

from benchmarks.clients import (
    LOOP,
    OURS,
    PEERS,
    Client,
    bare_details,
    gcbatch,
    loop_in_no_order,
)
from benchmarks.contest import Contest, Load, installed
from benchmarks.details_rows import COLUMNS, DLT_COLUMNS, problem_of, row_of
from benchmarks.details_server import conversations, day
from benchmarks.findings import Findings, Verdict
from benchmarks.outputs import records
from benchmarks.scores import Scores, at_least, at_most, ratios

__all__ = ["loads_of", "measure"]

LARGE: Final = 60_000
COMMON: Final = 20_000
SMALL: Final = 6_000
SLOWEST: Final = "PureCloudPlatformClientV2"
"""It needs a minute and a half for LARGE, so it gets SMALL and COMMON instead."""

QUICK: Final = (200, 600)
LATENCY_MS: Final = 50
"""Minimum time of a request; there are ten in flight."""

MAX_MARGINAL: Final = 1.25
MAX_SMALL: Final = 1.6
MAX_MB: Final = 200.0
MIN_RATIO: Final = {"dlt": 3.0, "airbyte-cdk": 6.0}
"""Minimum cost of their extra row, in rows of gcbatch."""

OWN: Final = (bare_details, gcbatch, loop_in_no_order)


def measure(rounds: int, *, quick: bool = False) -> Findings:
    """Let all clients fetch conversations, in turns.

    Args:
        rounds: Number of rounds.
        quick: A few hundred rows, once, without peers: checks that it works.
    """
    peers, missing = ([], []) if quick else installed(PEERS)
    small, common, large = (QUICK[0], *QUICK) if quick else (SMALL, COMMON, LARGE)
    days = sorted({small, common, large})
    loads = loads_of(days)
    contest = Contest(
        "details",
        ["-m", "benchmarks.details_server", f"{LATENCY_MS}", *map(str, days)],
        dict.fromkeys((*OWN, *peers), (loads[common], loads[large]))
        | {p: (loads[small], loads[common]) for p in peers if p.name == SLOWEST},
    )
    contest.take(1 if quick else rounds)
    scores = Scores(contest.runs, common)
    lines = [*scores.table(), "", *scores.comparison(), *missing]
    return Findings(
        f"Conversation details, {LATENCY_MS} ms a request",
        tuple(lines),
        tuple(verdicts(scores, peers)),
        scores.bars("conversation details"),
    )


def loads_of(days: Sequence[int]) -> dict[int, Load]:
    """Return the load of each day of the server, by its rows."""
    return {
        rows: Load(
            start=day(number).date(),
            end=day(number + 1).date(),
            rows=rows,
            problem_of=partial(check, _truth(days, number)),
        )
        for number, rows in enumerate(days)
    }


def check(truth: Mapping[str, Any], path: Path) -> str:
    """Return what is wrong with an output; empty if nothing is."""
    columns = DLT_COLUMNS if path.is_dir() else COLUMNS
    return problem_of(records(path, columns), truth)


def _truth(days: Sequence[int], number: int) -> dict[str, Any]:
    """Return the expected rows of a day, from conversations that are made again."""
    counts = [rows if n == number else 0 for n, rows in enumerate(days)]
    rows = (row_of(orjson.loads(document.json)) for document in conversations(counts))
    return {row[0]: row for row in rows}


def verdicts(scores: Scores, peers: Sequence[Client]) -> Iterator[Verdict]:
    """Yield each target with its measured value."""
    yield scores.rows_right()
    marginal = ratios(scores.marginal_us(OURS), scores.marginal_us(LOOP))
    small = ratios(scores.cpu_s(OURS, scores.common), scores.cpu_s(LOOP, scores.common))
    yield at_most("CPU per extra row, x the loop's", marginal, MAX_MARGINAL)
    start_up = f"CPU of {scores.common:,} rows with start-up, x the loop's"
    yield at_most(start_up, small, MAX_SMALL)
    peak_mb = scores.peak_mb(OURS)
    yield Verdict(
        f"peak memory: {peak_mb:.0f} MB, at most {MAX_MB:.0f}", peak_mb <= MAX_MB
    )
    for peer in peers:
        if peer.name in MIN_RATIO:
            theirs = ratios(scores.marginal_us(peer.name), scores.marginal_us(OURS))
            name = f"CPU per extra row of {peer.name}, x gcbatch's"
            yield at_least(name, theirs, MIN_RATIO[peer.name])
