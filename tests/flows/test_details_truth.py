"""Details against the call log: both modes agree, and service levels are recomputed.

The counting here shares no code with tables or aggregates. It reads what was exported:
a call is offered when it joins its queue, answered when an agent begins to speak, given
up when it leaves the queue without one, and handled when the agent is done. It was
answered in time if it waited for 20 seconds at most.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gcbatch.simulator import sample_tenant
from gcbatch.simulator.tenant.conversations import conversations_of
from tests.support.details_world import World

ZONE = ZoneInfo("Asia/Jerusalem")
WEEK = {"from": "1999-08-01", "to": "1999-08-08", "timezone": ZONE.key}
THRESHOLD = timedelta(seconds=20)
MS = timedelta(milliseconds=1)
SAME = ("conversations", "segments")
TABLES = (*SAME, "session_metrics")

Row = dict[str, str]


@pytest.fixture(scope="module")
def week(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Run the sample's week by pages, by jobs, and its service levels."""
    world = World(tmp_path_factory.mktemp("week"), sample_tenant())
    for mode in ("", "-jobs"):
        endpoint = f"conversation-details{mode}"
        tables = SAME if mode else TABLES
        world.run(f"details{mode}", endpoint=endpoint, query=WEEK, tables=tables)
    world.run(
        "sla",
        endpoint="conversation-aggregates-jobs",
        query={**WEEK, "granularity": "PT1H"},
        tables=("sla",),
        sla={"period": "day"},
    )
    return world


@pytest.mark.parametrize("table", SAME)
def test_all_modes_give_the_same_bytes(week: World, table: str) -> None:
    """Conversations and segments of the week, whichever way they came."""
    pages = week.output("details", table).read_bytes()

    assert week.output("details-jobs", table).read_bytes() == pages


def test_every_call_of_the_log_is_there(week: World) -> None:
    """Once, by its id."""
    expected = sorted(one.id for one in conversations_of(sample_tenant()))

    assert week.ids("details") == expected


@dataclass
class Count:
    """What is counted of a queue on a day."""

    offered: int = 0
    answered: int = 0
    abandoned: int = 0
    in_time: int = 0
    handled: int = 0
    waited: timedelta = timedelta()
    spoken: timedelta = timedelta()

    def row(self) -> dict[str, float | None]:
        return {
            "offered": self.offered,
            "answered": self.answered,
            "abandoned": self.abandoned,
            "service_level_pct": quotient(
                100 * self.in_time, self.answered + self.abandoned
            ),
            "asa_s": quotient(self.waited // MS, 1000 * self.answered),
            "aht_s": quotient(self.spoken // MS, 1000 * self.handled),
        }


Counts = dict[tuple[str, str], Count]
"""By day and queue."""


def quotient(part: int, whole: int) -> float | None:
    return float(Fraction(part, whole)) if whole else None


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def day_of(instant: datetime) -> str:
    return str(instant.astimezone(ZONE).date())


def of_segments(rows: list[Row]) -> Counts:
    """Count calls by their segments alone."""
    calls: dict[str, dict[str, Row]] = defaultdict(dict)
    for row in rows:
        if row["segment_type"] == "interact" and row["purpose"] in ("acd", "agent"):
            calls[row["conversation_id"]][row["purpose"]] = row
    counts: Counts = defaultdict(Count)
    for call in calls.values():
        queued, spoken = call["acd"], call.get("agent")
        queue, offered = queued["queue_id"], at(queued["segment_start"])
        counts[day_of(offered), queue].offered += 1
        if spoken is not None:
            answered = at(spoken["segment_start"])
            count = counts[day_of(answered), queue]
            count.answered += 1
            count.waited += answered - offered
            count.in_time += answered - offered <= THRESHOLD
            if spoken["segment_end"]:
                ended = at(spoken["segment_end"])
                counts[day_of(ended), queue].handled += 1
                counts[day_of(ended), queue].spoken += ended - answered
        elif queued["segment_end"]:
            counts[day_of(at(queued["segment_end"])), queue].abandoned += 1
    return counts


def of_metrics(metrics: list[Row], segments: list[Row]) -> Counts:
    """Count calls by the metrics of their sessions; segments have the queue."""
    queues = {row["session_id"]: row["queue_id"] for row in segments if row["queue_id"]}
    counts: Counts = defaultdict(Count)
    for row in metrics:
        value = round(float(row["value"]))
        queue = queues[row["session_id"]]
        count = counts[day_of(at(row["emit_date"])), queue]
        match row["name"]:
            case "nOffered":
                count.offered += value
            case "tAnswered":
                count.answered += 1
                count.in_time += 1
                count.waited += value * MS
            case "nOverSla":
                count.in_time -= value
            case "tAbandon":
                count.abandoned += 1
            case "tHandle":
                count.handled += 1
                count.spoken += value * MS
            case _:
                pass
    return counts


def reported(week: World) -> Iterator[tuple[tuple[str, str], dict[str, Any]]]:
    """Yield what the table `sla` says, of days on which anything happened."""
    for row in week.rows("sla", "sla"):
        figures = {name: row[name] for name in Count().row()}
        yield (
            (day_of(at(row["period_start"])), row["queue_id"]),
            {name: float(text) if text else None for name, text in figures.items()},
        )


def test_service_levels_follow_from_the_segments(week: World) -> None:
    """To the last bit: offered, answered, abandoned, level, asa and aht by day."""
    counts = of_segments(week.rows("details", "segments"))

    expected = {key: count.row() for key, count in counts.items()}
    assert len(expected) > 30
    assert dict(reported(week)) == expected


def test_service_levels_follow_from_the_metrics(week: World) -> None:
    """The values that sessions carry add up to the same figures."""
    segments = week.rows("details", "segments")
    counts = of_metrics(week.rows("details", "session_metrics"), segments)

    assert dict(reported(week)) == {key: count.row() for key, count in counts.items()}


def test_conversations_hold_the_sums_of_their_sessions(week: World) -> None:
    """Handling and talking of each add up to what its agents' metrics say."""
    sums: dict[tuple[str, str], int] = defaultdict(int)
    for row in week.rows("details", "session_metrics"):
        sums[row["conversation_id"], row["name"]] += round(float(row["value"]))

    conversations = week.rows("details")
    for column, name in (("handle_ms", "tHandle"), ("talk_ms", "tTalkComplete")):
        figures = {row["conversation_id"]: row[column] for row in conversations}
        expected = {
            one: str(sums[one, name]) if (one, name) in sums else "" for one in figures
        }
        assert figures == expected
