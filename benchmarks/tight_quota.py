"""Conversation details with a small quota: 30 requests in 6 seconds.

The service's own is 300 in a minute, which is the same rate in ten times the time. The
table shows the requests and how many of them were refused (429).
"""

from typing import Final

from benchmarks.clients import OURS, PEERS, bare_details, gcbatch
from benchmarks.contest import Contest, installed
from benchmarks.details import load_of
from benchmarks.findings import Findings, Verdict
from benchmarks.scores import Scores

__all__ = ["measure"]

ROWS: Final = 6_000
QUOTA: Final = "30/6"
QUICK_ROWS: Final = 600
QUICK_QUOTA: Final = "4/1"
MAX_REFUSED: Final = 2


def measure(rounds: int, *, quick: bool = False) -> Findings:  # noqa: ARG001 - one form
    """Let all clients fetch 60 pages, once, and count requests.

    Args:
        rounds: Ignored.
        quick: Six pages, without peers: checks that it works.
    """
    peers, missing = ([], []) if quick else installed(PEERS)
    rows, quota = (QUICK_ROWS, QUICK_QUOTA) if quick else (ROWS, QUOTA)
    load = load_of([rows], 0)
    server = ["-m", "benchmarks.details_server", "0", f"{rows}", "--quota", quota]
    clients = (gcbatch, bare_details, *peers)
    contest = Contest("details", server, dict.fromkeys(clients, (load,)))
    contest.take(1, warm=False)
    scores = Scores(contest.runs, rows)
    refused = max(run.asked.throttled for run in contest.runs[OURS, rows])
    right = not scores.problems(OURS)
    allowed, window_s = quota.split("/")
    return Findings(
        f"A quota of {allowed} requests in {window_s} s, {rows // 100} pages",
        (*scores.table(), *missing),
        (
            Verdict("rows of gcbatch", right, is_exact=True),
            Verdict(
                f"requests refused: {refused}, at most {MAX_REFUSED}",
                refused <= MAX_REFUSED,
            ),
        ),
    )
