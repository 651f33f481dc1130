"""Conversation details: gcbatch to Parquet, compared with minimal loops and peers.

The service delays every answer by LATENCY_MS; the quota is large. See README.md.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import orjson

from benchmarks.clients import (
    ANY_ORDER,
    LOOP,
    OURS,
    PEERS,
    TO_PARTS,
    Client,
    bare_details,
    gcbatch,
    gcbatch_to_parts,
    loop_in_no_order,
)
from benchmarks.contest import Contest, Load, installed
from benchmarks.details_rows import COLUMNS, DLT_COLUMNS, problem_of, row_of
from benchmarks.details_server import conversations, day
from benchmarks.findings import Findings, Verdict
from benchmarks.outputs import records
from benchmarks.scores import Scores, at_least, at_most, peak_at_most, ratios

__all__ = ["load_of", "measure"]

LARGE: Final = 60_000
COMMON: Final = 20_000
SMALL: Final = 2_000
"""Peers get SMALL and COMMON: the slowest would need three minutes for LARGE."""

QUICK: Final = (200, 600)
LATENCY_MS: Final = 50
"""Minimum time of a request; there are ten in flight."""

MAX_MARGINAL: Final = ((OURS, LOOP, 1.25), (TO_PARTS, ANY_ORDER, 1.2))
"""Maximum cost of an extra row of gcbatch, in rows of a loop. The loops write documents
as they are, as parts have them; the table `conversations` is more."""

MAX_SMALL: Final = 1.6
MAX_MB: Final = 200.0
MIN_RATIO: Final = {"dlt": 3.0, "airbyte-cdk": 6.0}
"""Minimum cost of their extra row, in rows of gcbatch."""

OWN: Final = (bare_details, gcbatch, gcbatch_to_parts, loop_in_no_order)


def measure(rounds: int, *, quick: bool = False) -> Findings:
    """Let all clients fetch conversations, in turns.

    Args:
        rounds: Number of rounds.
        quick: A few hundred rows, once, without peers: checks that it works.
    """
    peers, missing = ([], []) if quick else installed(PEERS)
    small, common, large = (QUICK[0], *QUICK) if quick else (SMALL, COMMON, LARGE)
    days = sorted({small, common, large})
    loads = {rows: load_of(days, number) for number, rows in enumerate(days)}
    contest = Contest(
        "details",
        ["-m", "benchmarks.details_server", f"{LATENCY_MS}", *map(str, days)],
        dict.fromkeys(OWN, (loads[common], loads[large]))
        | dict.fromkeys(peers, (loads[small], loads[common])),
    )
    contest.take(1 if quick else rounds)
    scores = Scores(contest.runs, common)
    lines = [*scores.table(), "", *scores.comparison(), *missing]
    return Findings(
        f"Conversation details, {LATENCY_MS} ms a request",
        tuple(lines),
        tuple(verdicts(scores, peers)),
        scores.bars("conversation details"),
        tuple(scores.gains(f"{common:,} conversations, fetched and as one table")),
    )


def load_of(days: Sequence[int], first: int, count: int = 1) -> Load:
    """Return the load of some days of the server.

    Args:
        days: The rows of each day of the server.
        first: The first of the load; the first of all is 0.
        count: How many days the load has.
    """
    end = first + count
    return Load(
        start=day(first).date(),
        end=day(end).date(),
        rows=sum(days[first:end]),
        problem_of=partial(check, _truth([0] * first + list(days[first:end]))),
    )


def check(truth: Mapping[str, Any], path: Path) -> str:
    """Return what is wrong with an output; empty if nothing is."""
    if path.name == gcbatch_to_parts.output:
        stored = records(path, ("document",))
        return problem_of((orjson.loads(row["document"]) for row in stored), truth)
    columns = DLT_COLUMNS if path.is_dir() else COLUMNS
    return problem_of(records(path, columns), truth)


def _truth(days: Sequence[int]) -> dict[str, Any]:
    """Return the expected rows of days, from conversations that are made again."""
    rows = (row_of(orjson.loads(document.json)) for document in conversations(days))
    return {row[0]: row for row in rows}


def verdicts(scores: Scores, peers: Sequence[Client]) -> Iterator[Verdict]:
    """Yield each target with its measured value."""
    yield scores.rows_right()
    for own, loop, maximum in MAX_MARGINAL:
        marginal = ratios(scores.marginal_us(own), scores.marginal_us(loop))
        name = f"CPU per extra row of {own!r}, x that of {loop!r}"
        yield at_most(name, marginal, maximum)
    small = ratios(scores.cpu_s(OURS, scores.common), scores.cpu_s(LOOP, scores.common))
    start_up = f"CPU of {scores.common:,} rows with start-up, x that of {LOOP!r}"
    yield at_most(start_up, small, MAX_SMALL)
    yield peak_at_most("peak memory", scores.peaks_mb(OURS), MAX_MB)
    for peer in peers:
        if peer.name in MIN_RATIO:
            theirs = ratios(scores.marginal_us(peer.name), scores.marginal_us(OURS))
            name = f"CPU per extra row of {peer.name}, x gcbatch's"
            yield at_least(name, theirs, MIN_RATIO[peer.name])
