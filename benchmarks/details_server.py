"""A service that has made-up conversations; a process of its own.

`python -m benchmarks.details_server LATENCY_MS ROWS [ROWS ...]` serves a day of
conversations for each number, the first from FIRST_DAY on, until it is stopped. Once it
listens it prints a line: its URL, the client's id and secret.
"""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from gcbatch.simulator import Document, Queue, Tenant, generate_conversations, serve
from gcbatch.simulator.faults import Fault, Faults

FIRST_DAY: Final = datetime(2026, 3, 2, tzinfo=UTC)
SEED: Final = 16
WIDE: Final = 1_000_000
"""A quota that nobody reaches."""

QUERIES: Final = "/conversations/details/query"


def day(number: int) -> datetime:
    """Return the start of a day; that of the first number is 0."""
    return FIRST_DAY + timedelta(days=number)


def _conversations(rows: Sequence[int]) -> tuple[Document, ...]:
    """Return the conversations of all days, of some four kilobytes each."""
    return tuple(
        document
        for number, count in enumerate(rows)
        for document in generate_conversations(
            SEED + number, count, day(number), day(number + 1)
        )
    )


def main() -> None:
    """Serve until interrupted."""
    latency_ms, *rows = map(int, sys.argv[1:])
    documents = _conversations(rows)
    queues = tuple(Queue(id=f"queue-{n}", name=f"Queue {n}") for n in range(5))
    tenant = Tenant(name="bench", version="1", queues=queues, documents=documents)
    late = Fault("stall", path=QUERIES, delay_s=latency_ms / 1000, times=None)
    serve(
        tenant,
        requests_allowed=WIDE,
        faults=Faults(late),
        on_ready=lambda *told: print(*told, flush=True),
    )


if __name__ == "__main__":
    main()
