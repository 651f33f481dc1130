"""Compares the table of conversations with the conversations it was made of."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import orjson
import pyarrow.parquet as pq

__all__ = ["check_rows"]

COLUMNS: Final = (
    "conversation_id",
    "conversation_start",
    "conversation_end",
    "media_stats_min_conversation_mos",
    "first_queue_id",
    "participants",
    "handle_ms",
    "talk_ms",
    "wait_ms",
)
WAITS: Final = ("tAnswered", "tAbandon", "tFlowOut")


def check_rows(parquet: Path, lines: Path, count: int) -> None:
    """Make sure that a table has the conversations of a file, each once.

    Args:
        parquet: The table of conversations.
        lines: The conversations, as the service sent them.
        count: How many there are.

    Raises:
        SystemExit: If it has not; names the file and what is wrong.
    """
    table = pq.read_table(parquet, columns=list(COLUMNS))
    found = {row["conversation_id"]: row for row in table.to_pylist()}
    sent = {c["conversationId"]: c for c in _conversations(lines)}
    if not len(found) == table.num_rows == len(sent) == count:
        msg = f"{parquet}: {table.num_rows:,} rows, {len(found):,} ids of {count:,}"
        raise SystemExit(msg)
    for identity, conversation in sent.items():
        if found.get(identity) != _row(conversation):
            msg = f"{parquet}: conversation {identity} is wrong: {found.get(identity)}"
            raise SystemExit(msg)


def _conversations(lines: Path) -> Iterator[Any]:
    with lines.open("rb") as file:
        yield from map(orjson.loads, file)


def _row(conversation: Any) -> dict[str, Any]:
    """Return what the table should say of a conversation."""
    sessions = [s for p in conversation["participants"] for s in p["sessions"]]
    metrics = [metric for session in sessions for metric in session["metrics"]]
    queues = [
        (segment["segmentStart"], segment["queueId"])
        for participant in conversation["participants"]
        for session in participant["sessions"]
        for segment in session["segments"]
        if "queueId" in segment and participant["purpose"] == "acd"
    ]
    values = (
        conversation["conversationId"],
        datetime.fromisoformat(conversation["conversationStart"]),
        datetime.fromisoformat(conversation["conversationEnd"]),
        conversation["mediaStatsMinConversationMos"],
        min(queues)[1],
        len(conversation["participants"]),
        _sum(metrics, "tHandle"),
        _sum(metrics, "tTalkComplete"),
        _sum(metrics, *WAITS),
    )
    return dict(zip(COLUMNS, values, strict=True))


def _sum(metrics: list[Any], *names: str) -> int | None:
    """Return the sum of metrics; None where there are none."""
    values = [metric["value"] for metric in metrics if metric["name"] in names]
    return sum(values) if values else None
