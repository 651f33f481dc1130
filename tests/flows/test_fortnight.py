"""A fortnight of daily runs, while the service corrects its figures of the last days.

What the source says is read straight from it: its answers by plain HTTP, its service
levels by counting its calls. Neither shares code with what fetches, stores or compares.
"""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen
from zoneinfo import ZoneInfo

import pytest

from gcbatch import plan
from gcbatch.running import RunReport, runs_of
from gcbatch.simulator import Queue, Tenant, generate_calls, tenant_at
from tests.support.later_states import read_rows

if TYPE_CHECKING:
    from tests.conftest import Workspace

DUBLIN = ZoneInfo("Europe/Dublin")
FIRST = date(2026, 3, 20)
"""The fortnight has the change to summer time in it."""

DAYS = 14
DAY = timedelta(days=1)
METRICS = ("nOffered", "tAnswered", "tAbandon", "tHandle", "oServiceLevel")
QUEUES = tuple(
    Queue(id=f"00000000-0000-4000-8000-00000000000{n}", name=f"Queue {n}")
    for n in range(3)
)


def midnight(day: date) -> datetime:
    return datetime.combine(day, time(), DUBLIN).astimezone(UTC)


@cache
def org() -> Tenant:
    """Return the org as it is in the end, from two days before."""
    begin, end = midnight(FIRST - 2 * DAY), midnight(FIRST + (DAYS + 1) * DAY)
    calls = generate_calls(7, QUEUES, begin, end, per_day=90)
    return Tenant(
        name="T", version="1", timezone="Europe/Dublin", calls=calls, queues=QUEUES
    )


Figures = dict[tuple[str, str, str], float]
"""By interval, queue and column."""


def figures_of(workspace: "Workspace", days: list[date]) -> Figures:
    """Ask the source for all its figures of some days, by plain HTTP."""
    simulator = workspace.simulator
    pair = f"{simulator.client_id}:{simulator.client_secret}".encode()
    basic = {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    form = b"grant_type=client_credentials"
    token = post(f"{simulator.url}/oauth/token", form, basic | kind)["access_token"]
    found: Figures = {}
    for day in days:
        ends = (f"{midnight(d):%Y-%m-%dT%H:%M:%S.000Z}" for d in (day, day + DAY))
        body = {
            "interval": "/".join(ends),
            "granularity": "PT1H",
            "timeZone": "Europe/Dublin",
            "groupBy": ["queueId"],
            "metrics": METRICS,
        }
        sent = json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {token}"}
        headers |= {"Content-Type": "application/json"}
        path = "/api/v2/analytics/conversations/aggregates/query"
        answer = post(f"{simulator.url}{path}", sent, headers)
        for result in answer.get("results", ()):
            for row in result["data"]:
                begin = row["interval"].partition("/")[0]
                for column, value in columns_of(row["metrics"]):
                    found[begin, result["group"]["queueId"], column] = value
    return found


def post(url: str, body: bytes, headers: dict[str, str]) -> Any:
    with urlopen(Request(url, body, headers)) as answer:  # noqa: S310 - the simulator's
        return json.load(answer)


COLUMNS = {
    "nOffered": {"count": "n_offered"},
    "oServiceLevel": {
        part: f"o_service_level_{part}"
        for part in ("numerator", "denominator", "ratio", "target")
    },
    **{
        metric: {
            "count": f"{column}_count",
            **{part: f"{column}_{part}_ms" for part in ("sum", "min", "max")},
        }
        for metric, column in (
            ("tAnswered", "t_answered"),
            ("tAbandon", "t_abandon"),
            ("tHandle", "t_handle"),
        )
    },
}


def columns_of(metrics: list[dict[str, Any]]) -> Iterator[tuple[str, float]]:
    for metric in metrics:
        for part, value in metric["stats"].items():
            yield COLUMNS[metric["metric"]][part], float(value)


def differences(old: Figures, new: Figures) -> set[tuple[Any, ...]]:
    """Return the figures that differ: interval, queue, column, old and new."""
    return {
        (*key, old.get(key), new.get(key))
        for key in old.keys() | new.keys()
        if old.get(key) != new.get(key)
    }


def service_levels(state: Tenant, days: list[date]) -> dict[tuple[str, str], Any]:
    """Count offers, answers, abandons and answers in time by day and queue."""
    counts: dict[tuple[str, str], list[int]] = {}

    def count(at: datetime | None, queue: str, *places: int) -> None:
        if at is None or (day := at.astimezone(DUBLIN).date()) not in days:
            return
        own = counts.setdefault((str(day), queue), [0, 0, 0, 0])
        for place in places:
            own[place] += 1

    for call in state.calls:
        count(call.offered, call.queue_id, 0)
        count(call.abandoned, call.queue_id, 2)
        count(call.ended, call.queue_id)
        if call.answered is not None:
            in_time = call.answered - call.offered <= timedelta(seconds=20)
            count(call.answered, call.queue_id, 1, *([3] if in_time else []))
    return {
        key: (offered, answered, abandoned, level(in_time, answered + abandoned))
        for key, (offered, answered, abandoned, in_time) in counts.items()
    }


def level(in_time: int, all_of: int) -> float | None:
    return 100 * in_time / all_of if all_of else None


@dataclass
class Fortnight:
    """What came of the runs.

    Attributes:
        planned: Requests for data that `plan` said, of each run.
        names: Requests for names that it said.
        data: Requests for data that the source got from each run.
        reports: The reports of the runs.
        expected: What the source changed until each run, in what was fetched before.
        levels: The service levels that each run exported, and those of the source then.
        changes: The table `changes` after the last run.
    """

    planned: list[int] = field(default_factory=list)
    names: list[int] = field(default_factory=list)
    data: list[int] = field(default_factory=list)
    reports: list[RunReport] = field(default_factory=list)
    expected: list[set[tuple[Any, ...]]] = field(default_factory=list)
    levels: list[tuple[Any, Any]] = field(default_factory=list)
    changes: list[dict[str, Any]] = field(default_factory=list)
    runs: list[Any] = field(default_factory=list)


def sections(workspace: "Workspace", until: date) -> dict[str, Any]:
    """Return the job of a morning: all days until then."""
    out = workspace.folder
    return {
        "query": {
            "from": str(FIRST),
            "to": str(until),
            "timezone": "Europe/Dublin",
            "metrics": METRICS,
        },
        "sla": {"period": "day"},
        "exports": [
            {
                "exporter": "parquet",
                "table": table,
                "path": str(out / f"{table}.parquet"),
            }
            for table in ("sla", "changes")
        ],
    }


@pytest.fixture(scope="module")
def fortnight(
    simulator_thread: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Fortnight]:
    """Run the job each morning at six, by the service's clock."""
    from gcbatch.simulator import Simulator  # noqa: PLC0415 - as above
    from tests.conftest import WIDE, Workspace  # noqa: PLC0415 - fixtures are there

    simulator = Simulator(org(), requests_allowed=WIDE)
    simulator_thread.do(simulator.start())
    folder = tmp_path_factory.mktemp("fortnight")
    workspace = Workspace(simulator, folder, simulator_thread)
    done, before, asked = Fortnight(), Figures(), sections(workspace, FIRST + DAY)
    for number in range(1, DAYS + 1):
        today = FIRST + number * DAY
        now = midnight(today) + timedelta(hours=6)
        state = tenant_at(org(), now)
        workspace.become(state, now=lambda now=now: now)
        days = [FIRST + n * DAY for n in range(number)]
        after = figures_of(workspace, days)
        asked = sections(workspace, today)
        planned = plan(workspace.job(**asked))
        done.planned.append(planned.requests)
        done.names.append(planned.name_requests)
        count = len(workspace.data_requests)
        done.reports.append(workspace.run(**asked))
        done.data.append(len(workspace.data_requests) - count)
        fetched = {(midnight(d), midnight(d + DAY)) for d in days[:-1]}
        known = {
            key: value
            for key, value in after.items()
            if any(a <= datetime.fromisoformat(key[0]) < b for a, b in fetched)
        }
        done.expected.append(differences(before, known))
        done.levels.append((levels_in(workspace), service_levels(state, days)))
        before = after
    done.changes = read_rows(workspace.folder / "changes.parquet")
    done.runs = runs_of(workspace.job(**asked))
    yield done
    simulator_thread.do(workspace.simulator.stop())


def levels_in(workspace: "Workspace") -> dict[tuple[str, str], Any]:
    names = ("offered", "answered", "abandoned", "service_level_pct")
    return {
        (row["period"], row["queue_id"]): tuple(row[name] for name in names)
        for row in read_rows(workspace.folder / "sla.parquet")
    }


def test_changes_are_what_the_source_changed(fortnight: Fortnight) -> None:
    """Each run lists every figure that another answer has now, and no other."""
    by_run: dict[datetime, set[tuple[Any, ...]]] = {}
    mornings = [midnight(FIRST + n * DAY) for n in range(1, DAYS + 1)]
    for row in fortnight.changes:
        key = json.loads(row["key"])
        old, new = (None if v is None else float(v) for v in (row["old"], row["new"]))
        of_day = max(at for at in mornings if at <= row["changed_at"])
        figure = (key["interval_start"], key["queue_id"], row["column"], old, new)
        by_run.setdefault(of_day, set()).add(figure)

    found = [by_run.get(at, set()) for at in mornings]

    assert found == fortnight.expected
    assert sum(map(len, found)) == len(fortnight.changes)
    assert min(map(len, found[1:])) > 10


def test_service_levels_follow_the_source(fortnight: Fortnight) -> None:
    """After each run, those of every day are what the source's calls give then."""
    for exported, counted in fortnight.levels:
        assert exported == counted


def test_the_requests_are_those_of_the_plan(fortnight: Fortnight) -> None:
    """Those of every run, so of the fortnight, with those for names."""
    sent = [report.requests for report in fortnight.reports]
    planned = zip(fortnight.planned, fortnight.names, strict=True)

    assert fortnight.data == fortnight.planned
    assert sent == [data + names for data, names in planned]
    assert [report.fetched for report in fortnight.reports] == [
        min(number, 4 + 1) for number in range(1, DAYS + 1)
    ]


def test_reports_and_history_count_the_corrections(fortnight: Fortnight) -> None:
    """As many as the table has, run by run."""
    counts = [len(expected) for expected in fortnight.expected]

    assert [sum(c.count for c in r.changes) for r in fortnight.reports] == counts
    assert [run.corrections for run in fortnight.runs] == counts
