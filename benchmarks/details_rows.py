"""Compares the outputs of clients with the conversations of the service."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

import orjson

from benchmarks.peers.flat import CONVERSATION, WAITS

__all__ = ["COLUMNS", "DLT_COLUMNS", "problem_of", "row_of"]

COLUMNS: Final = CONVERSATION
"""The columns that are compared."""

DLT_COLUMNS: Final = (*COLUMNS[:4], "participants")
"""The same in a table of dlt, whose `participants` is their JSON."""

Row = tuple[Any, ...]


def problem_of(records: Iterable[Any], truth: Mapping[str, Row]) -> str:
    """Return what is wrong with an output; empty if nothing is.

    Args:
        records: Conversations as the service sends them, or rows with COLUMNS or
            DLT_COLUMNS.
        truth: The `row_of` of each conversation, by its id.

    Returns:
        What is lost, double or different, and how often.
    """
    rows = [row_of(record) for record in records]
    found = {row[0]: row for row in rows}
    lost = len(truth.keys() - found.keys())
    unknown = len(found.keys() - truth.keys())
    wrong = sum(found[i] != row for i, row in truth.items() if i in found)
    counts = {
        "lost": lost,
        "double": len(rows) - len(found),
        "unknown": unknown,
        "different": wrong,
    }
    return ", ".join(f"{count:,} {name}" for name, count in counts.items() if count)


def row_of(record: Mapping[str, Any]) -> Row:
    """Return the COLUMNS of a conversation in any form."""
    participants = record["participants"]
    if isinstance(participants, int):
        return (
            record["conversation_id"],
            _instant(record["conversation_start"]),
            _instant(record["conversation_end"]),
            *(record[column] for column in COLUMNS[3:]),
        )
    if isinstance(participants, str):
        head = tuple(record[column] for column in COLUMNS[:4])
        participants = orjson.loads(participants)
    else:
        head = (
            record["conversationId"],
            record["conversationStart"],
            record.get("conversationEnd"),
            record.get("mediaStatsMinConversationMos"),
        )
    identity, start, end, mos = head
    return (
        identity,
        _instant(start),
        _instant(end),
        mos,
        *_of_participants(participants),
    )


def _instant(value: str | datetime | None) -> datetime | None:
    return datetime.fromisoformat(value) if isinstance(value, str) else value


def _of_participants(participants: list[Any]) -> Row:
    """Return first queue, number of participants, and sums of metrics."""
    sessions = [s for p in participants for s in p["sessions"]]
    metrics = [m for session in sessions for m in session.get("metrics", ())]
    queues = [
        (segment["segmentStart"], segment["queueId"])
        for participant in participants
        for session in participant["sessions"]
        for segment in session["segments"]
        if "queueId" in segment and participant["purpose"] == "acd"
    ]
    return (
        min(queues)[1],
        len(participants),
        _sum(metrics, "tHandle"),
        _sum(metrics, "tTalkComplete"),
        _sum(metrics, *WAITS),
    )


def _sum(metrics: list[Any], *names: str) -> int | None:
    """Return the sum of metrics; None without any."""
    values = [metric["value"] for metric in metrics if metric["name"] in names]
    return sum(values) if values else None
