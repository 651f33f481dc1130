"""Exported rows equal what is counted straight from the calls, in every format.

The counting here shares no code with the simulator or the tables; its rules are
those that come with the call log: a call is offered when it joins the queue, or when
an agent takes it if it never waited; one that hangs up in the voice menu is never
offered, a phantom is no call. It is answered at `ser_start`, given up at `q_exit`,
handled from `ser_start` to `ser_exit` and counted then. A wait is never negative:
ten answered calls of the week reached an agent a little before their queue, or at a
midnight hours before it, and they waited 0. Answered within the threshold is within
service level, out of all that were answered or given up.
"""

import csv
import gzip
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID
from zoneinfo import ZoneInfo

import duckdb
import pytest

from gcbatch.simulator import Call, Queue, Tenant, generate_calls

if TYPE_CHECKING:
    from tests.conftest import Workspace, WorkspaceOf

MS = timedelta(milliseconds=1)
TARGET = 0.8
QUEUE_NAMES = {
    "PS": "Retail banking",
    "PE": "Retail in English",
    "IN": "Internet support",
    "NE": "Stock trading",
    "NW": "Prospects",
    "TT": "Call-backs",
}

Row = dict[str, Any]


@dataclass(frozen=True)
class Story:
    """What happened to a call, in UTC, and how long its queue may take."""

    queue: str
    offered: datetime
    answered: datetime | None = None
    ended: datetime | None = None
    abandoned: datetime | None = None
    threshold: timedelta = timedelta(seconds=20)

    def waited_until(self, moment: datetime) -> int:
        return max((moment - self.offered) // MS, 0)


def count(stories: Iterable[Story], granularity: str, zone: str) -> dict[Any, Row]:
    """Return the rows by start, end and queue."""
    tallies: dict[Any, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for story in stories:

        def add(at: datetime, what: str, value: int, queue: str = story.queue) -> None:
            key = (*bucket_of(at, granularity, zone), queue)
            tallies[key][what].append(value)

        add(story.offered, "offered", 1)
        if story.answered:
            wait = story.waited_until(story.answered)
            add(story.answered, "answered", wait)
            add(story.answered, "in_time", int(wait * MS <= story.threshold))
            if story.ended:
                add(story.ended, "handled", (story.ended - story.answered) // MS)
        elif story.abandoned:
            add(story.abandoned, "abandoned", story.waited_until(story.abandoned))
            add(story.abandoned, "in_time", 0)
    return {key: row_of(tally) for key, tally in tallies.items()}


def row_of(tally: dict[str, list[int]]) -> Row:
    in_time = tally.get("in_time")
    return {
        "n_offered": len(tally["offered"]) if "offered" in tally else None,
        **times("t_answered", tally.get("answered")),
        **times("t_abandon", tally.get("abandoned")),
        **times("t_handle", tally.get("handled")),
        "o_service_level_numerator": sum(in_time) if in_time else None,
        "o_service_level_denominator": len(in_time) if in_time else None,
        "o_service_level_ratio": sum(in_time) / len(in_time) if in_time else None,
        "o_service_level_target": TARGET if in_time else None,
    }


def times(name: str, values: list[int] | None) -> Row:
    figures: tuple[Callable[[list[int]], int], ...] = (len, sum, min, max)
    suffixes = ("count", "sum_ms", "min_ms", "max_ms")
    return {
        f"{name}_{suffix}": figure(values) if values else None
        for suffix, figure in zip(suffixes, figures, strict=True)
    }


@cache
def bucket_of(at: datetime, granularity: str, zone: str) -> tuple[datetime, datetime]:
    """Return the ends of the bucket of an instant, all in UTC."""
    local = ZoneInfo(zone)

    def begins(day: date) -> datetime:
        midnight = datetime(day.year, day.month, day.day, tzinfo=local)
        return midnight.astimezone(UTC)

    today = at.astimezone(local).date()
    if at >= begins(today + timedelta(days=1)):  # clocks went back over midnight
        today += timedelta(days=1)
    tomorrow = today + timedelta(days=1)
    if granularity == "P1M":
        first = today.replace(day=1)
        return begins(first), begins((first + timedelta(days=32)).replace(day=1))
    if granularity == "P1W":
        monday = today - timedelta(days=today.weekday())
        return begins(monday), begins(monday + timedelta(days=7))
    if granularity == "P1D":
        return begins(today), begins(tomorrow)
    length = {"PT15M": timedelta(minutes=15), "PT1H": timedelta(hours=1)}[granularity]
    start = begins(today) + (at - begins(today)) // length * length
    return start, min(start + length, begins(tomorrow))


def instant(text: str) -> datetime:
    local = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Asia/Jerusalem"))
    return local.astimezone(UTC)


def stories_of_the_log() -> Iterator[Story]:
    log = files("gcbatch.simulator") / "data" / "bank-calls-1999-08-01-07.csv.gz"
    with log.open("rb") as packed, gzip.open(packed, "rt", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            if row["outcome"] == "PHANTOM":
                continue
            queue, joined = QUEUE_NAMES[row["type"]], row["q_start"]
            if row["outcome"] == "AGENT":
                start, end = row["ser_start"], row["ser_exit"]
                yield Story(
                    queue,
                    offered=instant(joined or start),
                    answered=instant(start),
                    ended=instant(end),
                )
            elif joined:
                yield Story(queue, instant(joined), abandoned=instant(row["q_exit"]))


def read_csv(path: Path) -> list[Row]:
    def value(name: str, cell: str) -> Any:
        if name.startswith("interval_"):
            return datetime.fromisoformat(cell)
        if name.startswith("queue_"):
            return cell
        if name.endswith(("ratio", "target")):
            return float(cell) if cell else None
        return int(cell) if cell else None

    with path.open(encoding="utf-8", newline="") as file:
        return [
            {n: value(n, c) for n, c in row.items()} for row in csv.DictReader(file)
        ]


def read_json(path: Path) -> list[Row]:
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    for row in rows:
        for end in ("interval_start", "interval_end"):
            row[end] = datetime.fromisoformat(row[end])
    return rows


def read_parquet(path: Path) -> list[Row]:
    ends = ", ".join(
        f"epoch_ms({end}) AS {end}" for end in ("interval_start", "interval_end")
    )
    with duckdb.connect() as database:
        found = database.execute(f"SELECT * REPLACE ({ends}) FROM '{path}'")  # noqa: S608 - our own path
        names = [column[0] for column in found.description or ()]
        rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    for row in rows:
        for end in ("interval_start", "interval_end"):
            row[end] = datetime.fromtimestamp(row[end] / 1000, UTC)
    return rows


READERS = {"csv": read_csv, "json": read_json, "parquet": read_parquet}


def check_outputs(workspace: "Workspace", expected: dict[Any, Row]) -> None:
    """Assert that all three files hold exactly the expected rows, in order."""
    for kind, read in READERS.items():
        rows = read(workspace.folder / f"job.{kind}")
        order = [(row["interval_start"], row["queue_id"]) for row in rows]
        found = {}
        for row in rows:
            start, end = row.pop("interval_start"), row.pop("interval_end")
            row.pop("queue_id")
            found[start, end, row.pop("queue_name")] = row

        assert order == sorted(order), kind
        assert len(found) == len(rows), kind
        assert found == expected, kind


def test_the_weeks_rows_equal_the_call_log(workspace: "Workspace") -> None:
    """Per queue and hour every figure is the log's own, in all three formats."""
    expected = count(stories_of_the_log(), "PT1H", "Asia/Jerusalem")

    workspace.run()

    check_outputs(workspace, expected)
    assert len(expected) == 485


def test_an_answer_before_its_queue_counts_where_the_log_has_it() -> None:
    """The odd call at midnight is answered then, offered when it joined, waits 0."""
    expected = count(stories_of_the_log(), "PT1H", "Asia/Jerusalem")
    midnight = datetime(1999, 7, 31, 21, tzinfo=UTC)
    row = expected[midnight, midnight + timedelta(hours=1), "Prospects"]

    assert (row["n_offered"], row["t_answered_count"], row["t_answered_sum_ms"]) == (
        None,
        1,
        0,
    )


DUBLIN, NEW_YORK, LORD_HOWE, KATHMANDU, HAVANA = (
    "Europe/Dublin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "America/Havana",
)
"""Havana's clocks skip a midnight and repeat another."""

CHANGES = {
    DUBLIN: ("2026-03-29", "2026-10-25"),
    NEW_YORK: ("2026-03-08", "2026-11-01"),
    LORD_HOWE: ("2026-04-05", "2026-10-04"),
    KATHMANDU: ("2026-03-29", "2026-10-25"),
    HAVANA: ("2026-03-08", "2026-11-01"),
}
QUEUES = tuple(
    Queue(id=str(UUID(int=n * 2**64 + 7)), name=f"Queue {n:02}", service_level_ms=ms)
    for n, ms in zip(range(30), (20_000, 10_000, 30_500, 0, 60_000) * 6, strict=True)
)


def edge_calls() -> Iterator[Call]:
    """Yield calls at and beside the edges where a wrong day would show."""
    for zone, days in CHANGES.items():
        for number, day in enumerate(days):
            midnight = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(zone))
            for hours in (0, 1, 2, 3, 24):
                at = midnight.astimezone(UTC) + timedelta(hours=hours)
                for nudge in (-MS, 0 * MS, MS):
                    yield Call(queue_id=QUEUES[number].id, offered=at + nudge)


@cache
def year() -> Tenant:
    start = datetime(2025, 12, 29, tzinfo=UTC)
    calls = generate_calls(
        7, QUEUES[::3], start, datetime(2027, 1, 4, tzinfo=UTC), per_day=16
    )
    return Tenant(
        name="Year", version="1", queues=QUEUES, calls=(*calls, *edge_calls())
    )


@cache
def stories_of_the_year() -> tuple[Story, ...]:
    queues = {queue.id: queue for queue in QUEUES}
    return tuple(
        Story(
            queues[call.queue_id].name,
            offered=call.offered,
            answered=call.answered,
            ended=call.ended,
            abandoned=call.abandoned,
            threshold=queues[call.queue_id].service_level_ms * MS,
        )
        for call in year().calls
    )


@cache
def count_the_year(
    granularity: str, zone: str, start: datetime, end: datetime
) -> dict[Any, Row]:
    """Return the rows from *start* to *end*; no story lasts for two days."""
    before = start - timedelta(days=2)
    near = (s for s in stories_of_the_year() if before <= s.offered < end)
    rows = count(near, granularity, zone)
    return {key: row for key, row in rows.items() if start <= key[0] < end}


def check_span(
    workspace: "Workspace",
    zone: str,
    granularity: str,
    span: tuple[str, str],
    **fetch: Any,
) -> int:
    """Run a job over local days and check its rows; return its queries."""
    named = fetch.pop("queues", None)
    start, end = (
        datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
        for day in span
    )
    expected = {
        key: row
        for key, row in count_the_year(granularity, zone, start, end).items()
        if named is None or key[2] in named
    }

    report = workspace.run(
        query={
            "from": span[0],
            "to": span[1],
            "timezone": zone,
            "granularity": granularity,
            "queues": named,
        },
        fetch=fetch,
    )

    check_outputs(workspace, expected)
    assert expected
    return report.queries


@pytest.mark.one_in(7)
@pytest.mark.parametrize("zone", CHANGES)
@pytest.mark.parametrize("change", [0, 1])
@pytest.mark.parametrize(
    ("granularity", "chunk"),
    [("PT15M", "auto"), ("PT15M", "PT6H"), ("PT1H", "P1D")],
)
def test_hours_are_right_across_a_change_of_the_clocks(
    workspace_of: "WorkspaceOf", zone: str, change: int, granularity: str, chunk: str
) -> None:
    """However windows are cut, no bucket is lost or torn where clocks change."""
    day = date.fromisoformat(CHANGES[zone][change])
    span = (str(day - timedelta(days=1)), str(day + timedelta(days=2)))

    check_span(workspace_of(year()), zone, granularity, span, chunk=chunk)


@pytest.mark.one_in(7)
@pytest.mark.parametrize("zone", CHANGES)
@pytest.mark.parametrize(
    ("granularity", "chunk", "span"),
    [
        pytest.param("P1D", "auto", ("2026-02-20", "2026-11-10"), id="days"),
        pytest.param("P1D", "P5D", ("2026-03-01", "2026-11-10"), id="fives"),
        pytest.param("P1W", "auto", ("2026-01-05", "2026-11-30"), id="weeks"),
        pytest.param("P1W", "P21D", ("2026-02-23", "2026-11-16"), id="three weeks"),
        pytest.param("P1M", "auto", ("2026-01-01", "2027-01-01"), id="months"),
        pytest.param("P1M", "P5M", ("2026-01-01", "2027-01-01"), id="five months"),
    ],
)
def test_days_weeks_and_months_are_local_ones(
    workspace_of: "WorkspaceOf",
    zone: str,
    granularity: str,
    chunk: str,
    span: tuple[str, str],
) -> None:
    """A day is 23 to 25 hours long as its zone has it, in weeks and months too."""
    check_span(workspace_of(year()), zone, granularity, span, chunk=chunk)


@pytest.mark.parametrize(
    "limits",
    [
        pytest.param({"body_bytes": 2_000}, id="small bodies"),
        pytest.param({"expected_buckets": 100}, id="few buckets"),
    ],
)
def test_batches_of_queues_come_together_again(
    workspace_of: "WorkspaceOf", limits: dict[str, int]
) -> None:
    """Queues asked in several batches and windows end as the same rows."""
    names = [queue.name for queue in QUEUES[:28]]

    queries = check_span(
        workspace_of(year()),
        DUBLIN,
        "PT1H",
        ("2026-10-24", "2026-10-27"),
        queues=names,
        chunk="auto",
        limits=limits,
    )

    assert queries > 1


def test_a_row_too_many_or_too_few_is_noticed(workspace: "Workspace") -> None:
    """The comparison itself is sharp: a second more or a call less fails it."""
    stories = list(stories_of_the_log())
    workspace.run()
    later = replace(stories[-1], offered=stories[-1].offered - timedelta(seconds=1))

    for wrong in (stories[1:], [*stories[:-1], later]):
        with pytest.raises(AssertionError):
            check_outputs(workspace, count(wrong, "PT1H", "Asia/Jerusalem"))
