"""Days are exact, whatever the service counts its hours from.

No source says whether hours are counted from local midnight, from midnight in UTC or
from the start of the window. Here a service that counts in each of these ways answers
from a list of events; plan, readers, splitter and the table `sla` are the real ones.
The days that events belong to are counted by the clocks of zoneinfo alone.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar, cast
from uuid import UUID
from zoneinfo import ZoneInfo, available_timezones

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gcbatch.endpoints import Aggregates, endpoint_named
from gcbatch.endpoints.base import FetchContext
from gcbatch.endpoints.splitting import ACROSS_MIDNIGHT, Splitter
from gcbatch.errors import DataError
from gcbatch.genesys.client.client import Answer, Client
from gcbatch.job.job import Job
from gcbatch.planning.plan import Plan, make_plan
from gcbatch.planning.scope import ResolvedScope
from gcbatch.simulator import Call, Queue, Tenant
from gcbatch.store.store import Store
from gcbatch.verifying.verifier import verify_org
from gcbatch.windows import Window
from tests.support.table_sources import aggregate_table, source_of

if TYPE_CHECKING:
    from tests.conftest import WorkspaceOf

T = TypeVar("T")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MS = timedelta(milliseconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
WAYS = ("midnight", "utc", "start")
FIRST, LAST = datetime(1980, 1, 1, tzinfo=UTC), datetime(2031, 1, 1, tzinfo=UTC)
FORTNIGHT = timedelta(days=14)
"""No zone changes its clocks twice in less, except a few in the past."""


def begins(day: date, zone: ZoneInfo) -> datetime:
    """Return the first instant of a local day."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def day_of(at: datetime, zone: ZoneInfo) -> date:
    """Return the local day of an instant; one that has begun does not end early."""
    today = at.astimezone(zone).date()
    return today + DAY if at >= begins(today + DAY, zone) else today


@dataclass
class Service:
    """Counts events by the hour; a parameter sets the origin of hours.

    Args:
        events: The events of one queue, in UTC.
        way: From where.
    """

    events: list[datetime]
    way: str
    requests: list[Window] = field(default_factory=list)

    async def post(
        self,
        path: str,  # noqa: ARG002 - a Client
        decode: Callable[[bytes], T],
        body: bytes,
        *,
        can_split: bool = False,  # noqa: ARG002 - a Client
    ) -> Answer[T]:
        """Answer a query."""
        asked = json.loads(body)
        start, end = map(datetime.fromisoformat, asked["interval"].split("/"))
        self.requests.append(Window(start, end))
        minutes = {"PT15M": 15, "PT30M": 30, "PT1H": 60, "PT4H": 240}
        pace = minutes[asked["granularity"]] * MINUTE
        zone = ZoneInfo(asked["timeZone"])
        counts = Counter(
            self._bucket(at, pace, zone, start, end)
            for at in self.events
            if start <= at < end
        )
        data = [
            {
                "interval": "/".join(edge.isoformat() for edge in bucket),
                "metrics": [{"metric": "nOffered", "stats": {"count": count}}],
            }
            for bucket, count in counts.items()
        ]
        page = {"results": [{"group": {"queueId": "q"}, "data": data}] if data else []}
        answer = json.dumps(page).encode()
        return Answer(decode(answer), LAST, 1, len(answer), "")

    def _bucket(
        self,
        at: datetime,
        pace: timedelta,
        zone: ZoneInfo,
        start: datetime,
        end: datetime,
    ) -> tuple[datetime, datetime]:
        after = end
        if self.way == "midnight":
            day = day_of(at, zone)
            origin = begins(day, zone)
            following = (begins(day + n * DAY, zone) for n in (1, 2))
            after = min(end, next(edge for edge in following if edge > origin))
        else:
            origin = EPOCH if self.way == "utc" else start
        first = origin + (at - origin) // pace * pace
        return max(first, start), min(first + pace, after)


class MemoryStore:
    """Keeps parts in memory."""

    def __init__(self) -> None:
        self._tables: dict[str, pa.Table] = {}

    def put(self, digest: str, table: pa.Table) -> None:
        """Keep a part."""
        self._tables[digest] = table

    def expect(self, digests: Iterable[str]) -> None:
        """Do nothing: all is here."""

    def read(self, digest: str) -> pa.Table:
        """Return a part."""
        return self._tables[digest]


@dataclass
class Run:
    """One job, from its plan to its table `sla`, against a service in memory."""

    service: Service
    window: Window
    zone: str
    granularity: str = "PT1H"
    chunk: str = "auto"

    def __post_init__(self) -> None:
        job = Job.model_validate(
            {
                "name": "j",
                "org": {"simulator": True},
                "query": {
                    "from": self.window.start.isoformat(),
                    "to": self.window.end.isoformat(),
                    "granularity": self.granularity,
                },
                "fetch": {"chunk": self.chunk},
                "sla": {},
            }
        )
        # Put in late: that a zone's name is one is looked up in all folders of zones.
        asked = job.query.model_copy(update={"timezone": self.zone})
        self.job = job.model_copy(update={"query": asked})
        self.endpoint = cast("Aggregates", endpoint_named(self.job.query.endpoint))
        scope = ResolvedScope("org", self.window, None)
        self.plan: Plan = make_plan(self.job, scope, self.endpoint)
        self.store = MemoryStore()
        client = cast("Client", self.service)
        store = cast("Store", self.store)
        context = FetchContext(client, self.job.query, self.job.fetch, store)
        self.splitter = Splitter(self.endpoint, context)

    async def fetch(self) -> None:
        """Fetch all parts."""
        for query in self.plan.queries:
            self.store.put(query.digest, (await self.splitter.fetch(query)).table)

    def sla(self, period: str = "day") -> dict[datetime, int]:
        """Return what was offered, by the start of the period."""
        asyncio.run(self.fetch())
        source = source_of(
            self.plan, self.store, job=self.job, endpoint=self.endpoint, period=period
        )
        table = aggregate_table("sla", source).read_all()
        starts, counts = (table[n].to_pylist() for n in ("period_start", "offered"))
        return dict(zip(starts, counts, strict=True))


def counted(run: Run) -> dict[datetime, int]:
    """Return how many events each local day of a run has, by its first instant."""
    zone, window = ZoneInfo(run.zone), run.window
    days: Counter[datetime] = Counter()
    for at in run.service.events:
        if window.start <= at < window.end:
            days[max(begins(day_of(at, zone), zone), window.start)] += 1
    return dict(days)


def events_in(window: Window, zone: str) -> list[datetime]:
    """Return an event each quarter of an hour, and around each midnight."""
    count = window.span // (15 * MINUTE)
    events = [window.start + (15 * n + 1) * MINUTE for n in range(count)]
    local = ZoneInfo(zone)
    day = day_of(window.start, local)
    while begins(day, local) < window.end:
        events += [begins(day, local) + n * MS for n in (-1, 0, 1)]
        day += DAY
    return events


@cache
def changes() -> dict[str, tuple[str, date]]:
    """Return one change of clocks of each kind there was, all zones, 1980 to 2030.

    Two are of a kind if they change from and to the same offsets at the same time of
    day: the service's hours then meet the local days alike.
    """
    found: dict[Any, tuple[str, date]] = {}
    for name in sorted(available_timezones()):
        zone, at = ZoneInfo(name), FIRST
        before = at.astimezone(zone).utcoffset()
        while at < LAST:
            following = at + FORTNIGHT
            after = following.astimezone(zone).utcoffset()
            if after != before:
                wall = change_between(at, following, zone)
                found.setdefault((before, after, wall.time()), (name, wall.date()))
            at, before = following, after
    return {
        f"{name} {day}: {after} for {before} at {clock:%H:%M}": (name, day)
        for (before, after, clock), (name, day) in found.items()
    }


def change_between(start: datetime, end: datetime, zone: ZoneInfo) -> datetime:
    """Return the wall clock at which the offset of a zone changes, to the second."""
    before = start.astimezone(zone).utcoffset()
    while end - start > timedelta(seconds=1):
        middle = start + (end - start) // 2
        if middle.astimezone(zone).utcoffset() == before:
            start = middle
        else:
            end = middle
    return (end.replace(microsecond=0) + (before or 0 * DAY)).replace(tzinfo=None)


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_days_are_exact_at_every_kind_of_change(way: str) -> None:
    """Of all zones and years 1980 to 2030, in buckets of an hour."""
    wrong = []
    for kind, (zone, day) in changes().items():
        ends = (begins(day + n * DAY, ZoneInfo(zone)) for n in (-1, 2))
        window = Window(*ends)
        run = Run(Service(events_in(window, zone), way), window, zone)
        if run.sla() != counted(run):
            wrong.append(kind)

    assert len(changes()) > 200
    assert wrong == []


@st.composite
def runs(draw: st.DrawFn) -> Run:
    """Draw a few days of any zone, from any hour of it, cut in any way."""
    zone = draw(st.sampled_from(sorted(available_timezones())))
    day = draw(st.dates(FIRST.date(), LAST.date() - 9 * DAY))
    count = draw(st.integers(2, 8))  # two days at least: a calendar may skip one
    start, end = (begins(day + n * DAY, ZoneInfo(zone)) for n in (0, count))
    chunk = draw(st.sampled_from(["auto", "auto", "P1D", "P3D"]))
    if chunk == "auto":
        start += draw(st.integers(0, 5)) * 4 * HOUR
    window = Window(start, end)
    service = Service(events_in(window, zone), draw(st.sampled_from(WAYS)))
    granularity = draw(st.sampled_from(["PT15M", "PT30M", "PT1H", "PT4H"]))
    return Run(service, window, zone, granularity, chunk)


@given(run=runs())
@settings(max_examples=60)
def test_days_are_exact_in_every_zone_and_year(run: Run) -> None:
    """However long buckets and windows are, and wherever a range begins."""
    assert run.sla() == counted(run)


def days_of(zone: str, first: str, count: int, way: str, **options: Any) -> Run:
    """Return a run over local days."""
    day, local = date.fromisoformat(first), ZoneInfo(zone)
    window = Window(begins(day, local), begins(day + count * DAY, local))
    return Run(Service(events_in(window, zone), way), window, zone, **options)


EXAMPLES = [
    pytest.param("Australia/Lord_Howe", "2026-04-03", id="changes by half an hour"),
    pytest.param("Australia/Lord_Howe", "2026-10-02", id="and back"),
    pytest.param("Pacific/Chatham", "2026-07-01", id="12:45 before UTC"),
    pytest.param("Asia/Kathmandu", "1985-12-30", id="changed by a quarter"),
    pytest.param("Asia/Kolkata", "2026-07-01", id="5:30 before UTC"),
]


class TestWhatItCosts:
    @pytest.mark.parametrize(("zone", "first"), EXAMPLES)
    def test_nothing_where_hours_are_the_zones(self, zone: str, first: str) -> None:
        """A week is one request, as in any zone."""
        run = days_of(zone, first, 7, "midnight")

        assert run.sla() == counted(run)
        assert len(run.service.requests) == 1
        assert run.splitter.remarks() == Counter()

    def test_one_request_more_than_days_have(self) -> None:
        """The first answer shows it; the rest of the run is cut before it is asked."""
        run = days_of("Asia/Kolkata", "2026-07-01", 21, "utc")

        assert run.sla() == counted(run)
        assert len(run.plan.queries) == 3
        assert len(run.service.requests) == 1 + 21
        assert run.splitter.remarks() == Counter({ACROSS_MIDNIGHT: 3})

    def test_only_midnights_that_need_it_are_cut_at(self) -> None:
        """Counted from a window's start, hours leave midnight once, at the change."""
        run = days_of("Asia/Kathmandu", "1985-12-30", 7, "start")

        assert run.sla() == counted(run)
        spans = [window.span / HOUR for window in run.service.requests]
        assert spans == [7 * 24 - 0.25, 3 * 24 - 0.25, 4 * 24]

    @pytest.mark.parametrize("way", WAYS)
    @pytest.mark.parametrize("zone", ["UTC", "Europe/Dublin", "America/New_York"])
    def test_usual_zones_are_never_cut(self, zone: str, way: str) -> None:
        """Their midnights are on an hour of every clock, also across a change."""
        run = days_of(zone, "2026-10-20", 14, way)

        assert run.sla() == counted(run)
        assert len(run.service.requests) == len(run.plan.queries) == 2

    def test_a_service_without_calls_at_night_is_not_asked_again(self) -> None:
        """Where no bucket reaches over midnight, no figure is of two days."""
        run = days_of("Asia/Kolkata", "2026-07-01", 7, "utc")
        run.service.events = [run.window.start + n * DAY + 9 * HOUR for n in range(7)]

        assert run.sla() == counted(run)
        assert len(run.service.requests) == 1


class TestHours:
    def test_one_across_two_of_the_zones_is_refused(self) -> None:
        """Figures from 05:30 to 06:30 are of no hour; the way out is named."""
        run = days_of("Asia/Kolkata", "2026-07-01", 1, "utc")

        with pytest.raises(DataError, match="reaches over the end of 2026-07-01T00:00"):
            run.sla("hour")
        with pytest.raises(DataError) as caught:
            run.sla("hour")
        assert "PT15M" in (caught.value.hint or "")

    @pytest.mark.parametrize(("zone", "first"), EXAMPLES)
    @pytest.mark.parametrize("way", WAYS)
    def test_quarters_fit_into_those_of_every_zone(
        self, zone: str, first: str, way: str
    ) -> None:
        """So the way out is one: each has its own quarters, and no event is lost."""
        run = days_of(zone, first, 4, way, granularity="PT15M")

        hours = run.sla("hour")

        assert sum(hours.values()) == sum(counted(run).values())
        assert len(hours) == -(-run.window.span // HOUR)


CALLS_EACH = 20 * MINUTE
QUEUE = Queue(id=str(UUID(int=7 + (4 << 76) + (8 << 60))), name="Support")


def org(window: Window) -> Tenant:
    """Return an org with a call each twenty minutes, and around them some days."""
    count = (window.span + 2 * DAY) // CALLS_EACH
    offered = [window.start - DAY + n * CALLS_EACH + MINUTE for n in range(count)]
    calls = tuple(
        Call(queue_id=QUEUE.id, offered=at, answered=at + MINUTE, ended=at + 2 * MINUTE)
        for at in offered
    )
    return Tenant(name="Small", version="1", queues=(QUEUE,), calls=calls)


@pytest.mark.one_in(4)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("zone", "first", "mode"),
    [
        *(
            pytest.param(*example.values, "query", id=example.id)
            for example in EXAMPLES
        ),
        pytest.param(*EXAMPLES[0].values, "jobs", id="by job of the service"),
    ],
)
def test_a_run_is_exact_and_verifies(
    workspace_of: "WorkspaceOf", *, zone: str, first: str, mode: str, way: str
) -> None:
    """From the service to the file, by query and by job of the service."""
    truth = days_of(zone, first, 4, way)
    workspace = workspace_of(org(truth.window), hours_from=way)
    truth.service.events = [call.offered for call in workspace.simulator.tenant.calls]
    day = date.fromisoformat(first)
    job: dict[str, Any] = {
        "query": {"from": first, "to": str(day + 4 * DAY), "timezone": zone},
        "fetch": {"chunk": "auto", "mode": mode, "settle": "PT0S"},
        "sla": {},
        "exports": [
            {
                "exporter": "json",
                "table": "sla",
                "path": str(workspace.folder / "sla.json"),
            }
        ],
    }

    workspace.run(**job)
    found = verify_org(workspace.job(**job))

    lines = (workspace.folder / "sla.json").read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    days = {datetime.fromisoformat(r["period_start"]): r["offered"] for r in rows}
    assert days == counted(truth)
    assert found.is_good
    assert found.totals is not None
    assert (found.totals.spans, found.totals.left_out) == (4, [])
