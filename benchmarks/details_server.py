"""A service with generated conversations, in a separate process.

`python -m benchmarks.details_server LATENCY_MS ROWS [ROWS ...]` serves a day of
conversations for each number, the first from FIRST_DAY on, until it is stopped. Once it
listens it prints a line: its URL, the client's id and secret. With `--quota 30/6` it
lets 30 requests through in 6 seconds; the default is a quota that no client reaches.
"""

import argparse
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from benchmarks.counted import CountedSimulator, run
from gcbatch.simulator import (
    Document,
    Fault,
    Faults,
    Queue,
    Tenant,
    generate_conversations,
)

FIRST_DAY: Final = datetime(2026, 3, 2, tzinfo=UTC)
SEED: Final = 16
WIDE: Final = 1_000_000
"""A quota that no client reaches."""

QUERIES: Final = "/conversations/details/query"


def day(number: int) -> datetime:
    """Return the start of a day; the first is 0."""
    return FIRST_DAY + timedelta(days=number)


def conversations(rows: Sequence[int]) -> tuple[Document, ...]:
    """Return the conversations of all days, as large as real ones."""
    return tuple(
        document
        for number, count in enumerate(rows)
        for document in generate_conversations(
            SEED + number, count, day(number), day(number + 1)
        )
    )


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(prog="benchmarks.details_server")
    parser.add_argument("latency_ms", type=int)
    parser.add_argument("rows", type=int, nargs="+")
    parser.add_argument("--quota", default=f"{WIDE}/60")
    options = parser.parse_args()
    allowed, window_s = map(int, options.quota.split("/"))
    documents = conversations(options.rows)
    queues = tuple(Queue(id=f"queue-{n}", name=f"Queue {n}") for n in range(5))
    tenant = Tenant(name="bench", version="1", queues=queues, documents=documents)
    late = Fault("stall", path=QUERIES, delay_s=options.latency_ms / 1000, times=None)
    simulator = CountedSimulator(
        tenant,
        requests_allowed=allowed,
        window_s=window_s,
        faults=Faults(late),
    )
    run(simulator)


if __name__ == "__main__":
    main()
