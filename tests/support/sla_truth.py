"""Counts the table `sla` straight from the calls.

The counting here shares no code with the simulator or the tables. Its rules are those
of the call log: a call is offered when it joins the queue, or when an agent takes it if
it never waited; one that hangs up in the voice menu is never offered, a phantom is no
call. It is answered at `ser_start`, given up at `q_exit`, handled until `ser_exit` and
counted then. A wait is never negative. Answered within the threshold is within service
level, out of all that were answered or given up. Hours are counted from midnight.
"""

import csv
import gzip
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID
from zoneinfo import ZoneInfo

import duckdb

from gcbatch.simulator import Call, Queue, Tenant, generate_calls

if TYPE_CHECKING:
    from tests.conftest import Workspace

Row = dict[str, Any]
IsOpen = Callable[[datetime, str], bool]
"""Says whether a queue is open at an instant."""

Rows = dict[tuple[datetime, str], Row]
"""By the start of their period and the name of their queue."""

MS = timedelta(milliseconds=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
LENGTHS = {"PT15M": HOUR / 4, "PT30M": HOUR / 2, "PT1H": HOUR}
PERIODS = ("interval", "hour", "day", "week", "month", "total")

ISRAEL = "Asia/Jerusalem"
DUBLIN, NEW_YORK = "Europe/Dublin", "America/New_York"
LORD_HOWE, KATHMANDU = "Australia/Lord_Howe", "Asia/Kathmandu"
CHANGES = {
    DUBLIN: ("2026-03-29", "2026-10-25"),
    NEW_YORK: ("2026-03-08", "2026-11-01"),
    LORD_HOWE: ("2026-04-05", "2026-10-04"),  # by half an hour
    KATHMANDU: ("2026-03-29", "2026-10-25"),  # none, at a quarter past the hour
}
LOG_NAMES = {
    "PS": "Retail banking",
    "PE": "Retail in English",
    "IN": "Internet support",
    "NE": "Stock trading",
    "NW": "Prospects",
    "TT": "Call-backs",
}


@dataclass(frozen=True)
class Story:
    """What happened to a call, in UTC, and what its queue wants."""

    queue: str
    offered: datetime
    answered: datetime | None = None
    ended: datetime | None = None
    abandoned: datetime | None = None
    threshold: timedelta = timedelta(seconds=20)
    target: float = 80.0


@dataclass
class Count:
    """What is counted of a queue in a period."""

    offered: int = 0
    answered: int = 0
    abandoned: int = 0
    in_time: int = 0
    handled: int = 0
    waited_ms: int = 0
    handled_ms: int = 0
    outside: int | None = None
    target: float = field(default=80.0)
    threshold: timedelta = field(default=timedelta(seconds=20))

    def row(self, period: str, end: datetime) -> Row:
        level = quotient(100 * self.in_time, self.answered + self.abandoned)
        hours = {} if self.outside is None else {"offered_outside_hours": self.outside}
        return {
            **hours,
            "period": period,
            "period_end": end,
            "offered": self.offered,
            "answered": self.answered,
            "abandoned": self.abandoned,
            "service_level_pct": level,
            "target_pct": self.target,
            "compliance_met": None if level is None else level >= self.target,
            "answer_rate_pct": quotient(100 * self.answered, self.offered),
            "abandon_rate_pct": quotient(100 * self.abandoned, self.offered),
            "asa_s": quotient(self.waited_ms, 1000 * self.answered),
            "aht_s": quotient(self.handled_ms, 1000 * self.handled),
            "service_level_threshold_s": self.threshold / timedelta(seconds=1),
            "service_level_numerator": self.in_time,
            "service_level_denominator": self.answered + self.abandoned,
            "wait_sum_ms": self.waited_ms,
            "wait_count": self.answered,
            "handle_sum_ms": self.handled_ms,
            "handle_count": self.handled,
        }


def quotient(part: int, whole: int) -> float | None:
    """Return the float nearest to the true quotient; None where there is none."""
    return float(Fraction(part, whole)) if whole else None


@dataclass(frozen=True)
class Calendar:
    """Local days in a zone, and the range that is asked."""

    zone: ZoneInfo
    start: datetime
    end: datetime
    granularity: str

    @classmethod
    def of(cls, zone: str, span: tuple[str, str], granularity: str) -> "Calendar":
        local = ZoneInfo(zone)
        start, end = (begins(date.fromisoformat(day), local) for day in span)
        return cls(local, start, end, granularity)

    def period(self, at: datetime, kind: str) -> tuple[str, datetime, datetime]:
        """Return label and ends of the period of an instant."""
        if kind == "total":
            return "total", self.start, self.end
        today = at.astimezone(self.zone).date()
        if kind in ("interval", "hour"):
            length = HOUR if kind == "hour" else LENGTHS.get(self.granularity, DAY)
            midnight = begins(today, self.zone)
            start = midnight + (at - midnight) // length * length
            end = min(start + length, begins(today + DAY, self.zone))
            if self.granularity == "P1D":
                start, end = midnight, begins(today + DAY, self.zone)
            return start.astimezone(self.zone).strftime("%Y-%m-%dT%H:%M"), start, end
        first, after, label = today, today + DAY, today.isoformat()
        if kind == "week":
            first = today - today.weekday() * DAY
            after = first + 7 * DAY
            year, week, _ = today.isocalendar()
            label = f"{year}-W{week:02}"
        elif kind == "month":
            first = today.replace(day=1)
            after = (first + 32 * DAY).replace(day=1)
            label = f"{today.year}-{today.month:02}"
        start, end = begins(first, self.zone), begins(after, self.zone)
        return label, max(start, self.start), min(end, self.end)


@cache
def begins(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def count(
    stories: Iterable[Story],
    calendar: Calendar,
    kind: str,
    is_open: IsOpen | None = None,
) -> Rows:
    """Return the rows of the table `sla`."""
    labels: dict[datetime, tuple[str, datetime]] = {}
    counts: dict[tuple[datetime, str], Count] = defaultdict(Count)

    def at(instant: datetime | None, story: Story) -> Count:
        if instant is None or not calendar.start <= instant < calendar.end:
            return Count()  # of no row
        label, start, end = calendar.period(instant, kind)
        labels[start] = label, end
        found = counts[start, story.queue]
        found.target, found.threshold = story.target, story.threshold
        if is_open is None:
            return found
        found.outside = found.outside or 0
        if is_open(instant, story.queue):
            return found
        found.outside += instant is story.offered
        return Count()  # of no row

    for story in stories:
        at(story.offered, story).offered += 1
        if story.answered:
            wait = max(story.answered - story.offered, 0 * MS)
            there = at(story.answered, story)
            there.answered += 1
            there.waited_ms += wait // MS
            there.in_time += wait <= story.threshold
            if story.ended:
                there = at(story.ended, story)
                there.handled += 1
                there.handled_ms += (story.ended - story.answered) // MS
        elif story.abandoned:
            at(story.abandoned, story).abandoned += 1
    return {key: found.row(*labels[key[0]]) for key, found in counts.items()}


def stories_of_the_log() -> Iterator[Story]:
    """Yield the stories of the sample week, read from its CSV file."""
    log = files("gcbatch.simulator") / "data" / "bank-calls-1999-08-01-07.csv.gz"

    def instant(text: str) -> datetime:
        local = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(ISRAEL))
        return local.astimezone(UTC)

    with log.open("rb") as packed, gzip.open(packed, "rt", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            if row["outcome"] == "PHANTOM":
                continue
            queue, joined = LOG_NAMES[row["type"]], row["q_start"]
            if row["outcome"] == "AGENT":
                start, end = instant(row["ser_start"]), instant(row["ser_exit"])
                offered = instant(joined) if joined else start
                yield Story(queue, offered, answered=start, ended=end)
            elif joined:
                yield Story(queue, instant(joined), abandoned=instant(row["q_exit"]))


def read_csv(path: Path) -> Iterator[Row]:
    numbers = {"offered": int, "answered": int, "abandoned": int}
    truths = {"true": True, "false": False, "": None}

    def value(name: str, cell: str) -> Any:
        if name in ("period", "queue_id", "queue_name"):
            return cell
        if name in ("period_start", "period_end"):
            return datetime.fromisoformat(cell)
        if name == "compliance_met":
            return truths[cell]
        return numbers.get(name, float)(cell) if cell else None

    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            yield {name: value(name, cell) for name, cell in row.items()}


def read_json(path: Path) -> Iterator[Row]:
    for line in path.read_text("utf-8").splitlines():
        row = json.loads(line)
        ends = ("period_start", "period_end")
        yield row | {end: datetime.fromisoformat(row[end]) for end in ends}


def read_parquet(path: Path) -> Iterator[Row]:
    ends = ("period_start", "period_end")
    casts = ", ".join(f"epoch_ms({end}) AS {end}" for end in ends)
    with duckdb.connect() as database:
        found = database.execute(f"SELECT * REPLACE ({casts}) FROM '{path}'")  # noqa: S608 - our own path
        names = [column[0] for column in found.description or ()]
        rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    for row in rows:
        yield row | {e: datetime.fromtimestamp(row[e] / 1000, UTC) for e in ends}


READERS = {"csv": read_csv, "json": read_json, "parquet": read_parquet}


def exports(folder: Path, periods: Iterable[str]) -> list[dict[str, str]]:
    return [
        {
            "exporter": kind,
            "table": "sla",
            "period": period,
            "path": str(folder / f"{period}.{kind}"),
        }
        for period in periods
        for kind in READERS
    ]


def check(path: Path, kind: str, expected: Rows) -> None:
    """Assert that a file holds exactly the expected rows, in order."""
    rows = list(READERS[kind](path))
    order = [(row["period_start"], row["queue_id"]) for row in rows]
    found = {(r.pop("period_start"), r.pop("queue_name")): r for r in rows}
    for row in rows:
        row.pop("queue_id")

    assert order == sorted(order), path.name
    assert len(found) == len(rows), path.name
    assert found == expected, path.name


def check_periods(
    workspace: "Workspace",
    stories: Iterable[Story],
    zone: str,
    span: tuple[str, str],
    granularity: str,
    *,
    periods: Iterable[str] = PERIODS,
    is_open: IsOpen | None = None,
    sections: Mapping[str, Any] | None = None,
    **fetch: Any,
) -> dict[str, Rows]:
    """Run a job and check every period of it, in every format."""
    stories, calendar = list(stories), Calendar.of(zone, span, granularity)
    truth = {kind: count(stories, calendar, kind, is_open) for kind in periods}

    workspace.run(
        query={
            "from": span[0],
            "to": span[1],
            "timezone": zone,
            "granularity": granularity,
        },
        fetch=fetch,
        exports=exports(workspace.folder, truth),
        **{"sla": {}, **(sections or {})},
    )

    for period, expected in truth.items():
        assert expected
        for kind in READERS:
            check(workspace.folder / f"{period}.{kind}", kind, expected)
    return truth


QUEUES = tuple(
    Queue(
        id=str(UUID(int=n * 2**64 + 11)),
        name=f"Queue {n}",
        service_level_ms=threshold,
        target=target,
    )
    for n, (threshold, target) in enumerate(
        [(20_000, 0.8), (10_000, 0.07), (30_500, 0.855), (0, 1.0), (60_000, 0.0)]
    )
)


@cache
def year() -> Tenant:
    """Return an org of a year, with calls beside each edge that clocks move."""
    start, end = datetime(2025, 12, 29, tzinfo=UTC), datetime(2027, 1, 4, tzinfo=UTC)
    calls = [*generate_calls(19, QUEUES, start, end, per_day=24)]
    for zone, changes in CHANGES.items():
        for number, change in enumerate(changes):
            midnight = begins(date.fromisoformat(change), ZoneInfo(zone))
            for hours in (0, 1, 2, 3, 23, 23.5, 24, 24.5, 25):
                for nudge in (-MS, 0 * MS, MS):
                    at = midnight + hours * HOUR + nudge
                    call = Call(
                        queue_id=QUEUES[number].id,
                        offered=at,
                        answered=at + 1_500 * MS,
                        ended=at + 2_500 * MS,
                    )
                    calls.append(call)
    return Tenant(name="Year", version="2", queues=QUEUES, calls=tuple(calls))


@cache
def stories_of_the_year() -> tuple[Story, ...]:
    queues = {queue.id: queue for queue in QUEUES}
    percents = dict(zip(queues, (80.0, 7.0, 85.5, 100.0, 0.0), strict=True))
    return tuple(
        Story(
            queues[call.queue_id].name,
            call.offered,
            answered=call.answered,
            ended=call.ended,
            abandoned=call.abandoned,
            threshold=queues[call.queue_id].service_level_ms * MS,
            target=percents[call.queue_id],
        )
        for call in year().calls
    )


def stories_near(zone: str, span: tuple[str, str]) -> list[Story]:
    """Return the stories that may reach into a span; none lasts for two days."""
    calendar = Calendar.of(zone, span, "PT1H")
    near = calendar.start - 2 * DAY
    return [s for s in stories_of_the_year() if near <= s.offered < calendar.end]
