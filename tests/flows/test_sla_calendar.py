"""The section `calendar`: `sla` equals a count of the calls in opening hours.

The count asks zoneinfo what the clock shows when a thing is counted, and looks it up in
hours that stand here as plain minutes.
"""

import csv
import json
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest

from gcbatch import DataError, JobError
from gcbatch.running import changes
from gcbatch.tables.service_levels.calendars import Calendars
from tests.support.later_states import corrected, longer
from tests.support.several_orgs import DAYS, orgs_of
from tests.support.sla_truth import (
    CHANGES,
    DAY,
    DUBLIN,
    ISRAEL,
    LORD_HOWE,
    NEW_YORK,
    QUEUES,
    IsOpen,
    check_periods,
    stories_near,
    stories_of_the_log,
    year,
)

if TYPE_CHECKING:
    from tests.conftest import Cli, Workspace, WorkspaceOf

SAT, SUN, MON = 5, 6, 0
WORK = {"mon-fri": "09:00-17:30", "sat": ["10:00-14:00", "20:00-23:30"]}


def calendar_of(monday: date) -> dict[str, Any]:
    """Return a calendar in which each queue has hours of another kind."""
    return {
        "default": {
            "hours": {**WORK, "sun": "00:30-03:00"},
            "holidays": [str(monday), "12-25"],
        },
        "queues": {
            "Queue 0": "24/7",
            "Queue 1": {"hours": {"sat, Sunday": "22:00-06:00"}},
            QUEUES[2].id: {"hours": {"mon-sun": "08:30-20:00"}, "timezone": NEW_YORK},
            "Queue 3": {
                "hours": WORK,
                "special_days": {str(monday): ["12:00-12:30", "13:00-14:00"]},
            },
        },
    }


def truth_of(zone: str) -> IsOpen:
    """Return what calendar_of says, minute by minute."""
    half = 30

    def default(day: int, at: int) -> bool:
        if day == SAT:
            return 600 <= at < 840 or 1200 <= at < 1410
        return day == SUN and half <= at < 180

    def night(day: int, at: int) -> bool:
        begins = day in {SAT, SUN} and at >= 1320
        return begins or (day in {SUN, MON} and at < 360)

    def special(day: int, at: int) -> bool:
        if day == MON:
            return 720 <= at < 720 + half or 780 <= at < 840
        return day == SAT and default(day, at)

    rules = {"Queue 1": night, "Queue 3": special}

    def is_open(instant: datetime, queue: str) -> bool:
        where = NEW_YORK if queue == "Queue 2" else zone
        local = instant.astimezone(ZoneInfo(where))
        at = 60 * local.hour + local.minute
        if queue == "Queue 0":
            return True
        if queue == "Queue 2":
            return 510 <= at < 1200
        return rules.get(queue, default)(local.weekday(), at)

    return is_open


@pytest.mark.one_in(2)
@pytest.mark.parametrize("change", [0, 1])
@pytest.mark.parametrize("zone", [DUBLIN, NEW_YORK, LORD_HOWE])
def test_only_opening_hours_count_across_a_change_of_the_clocks(
    workspace_of: "WorkspaceOf", zone: str, change: int
) -> None:
    """In each period; with nights, hours that exist twice, and another zone's."""
    day = date.fromisoformat(CHANGES[zone][change])
    assert day.weekday() == SUN
    span = (str(day - DAY), str(day + 2 * DAY))

    truth = check_periods(
        workspace_of(year()),
        stories_near(zone, span),
        zone,
        span,
        "PT30M",
        is_open=truth_of(zone),
        sections={"calendar": calendar_of(day + DAY)},
    )

    rows = truth["total"].values()
    assert sum(row["offered_outside_hours"] for row in rows) > 20
    assert sum(row["offered"] for row in rows) > 20


def sections(workspace: "Workspace", **calendar: Any) -> dict[str, Any]:
    export = {
        "exporter": "csv",
        "table": "sla",
        "path": str(workspace.folder / "s.csv"),
    }
    return {
        "sla": {"target": 20},
        "calendar": calendar,
        "exports": [
            export,
            {**export, "table": "intervals", "path": export["path"] + "i"},
        ],
    }


def rows_of(workspace: "Workspace", name: str = "s.csv") -> list[dict[str, str]]:
    with (workspace.folder / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


WORKDAYS = {"hours": {"sun-thu": "08:00-20:00"}}


def test_what_is_left_out_is_said(workspace: "Workspace") -> None:
    """In the row, and in a line of the run; both parts are all calls."""
    total = sum(ISRAEL_STORIES.values())
    outside = sum(n for is_open, n in ISRAEL_STORIES.items() if not is_open)

    report = workspace.run(**sections(workspace, default=WORKDAYS))

    rows = rows_of(workspace)
    assert sum(int(row["offered"]) for row in rows) == total - outside
    assert sum(int(row["offered_outside_hours"]) for row in rows) == outside
    line = f"not counted in sla: {outside:,} of {total:,}"
    assert [w for w in report.warnings if line in w]


def test_intervals_stay_whole_and_say_what_is_open(workspace: "Workspace") -> None:
    """Their column `is_open` tells which rows count."""
    workspace.run(**sections(workspace, default=WORKDAYS))

    counts = {"true": 0, "false": 0}
    for row in rows_of(workspace, "s.csvi"):
        counts[row["is_open"]] += int(row["n_offered"] or 0)
    assert {key == "true": n for key, n in counts.items()} == ISRAEL_STORIES


def is_workday_hour(instant: datetime) -> bool:
    local = instant.astimezone(ZoneInfo(ISRAEL))
    return local.weekday() in {6, 0, 1, 2, 3} and 8 <= local.hour < 20


ISRAEL_STORIES = {True: 0, False: 0}
for _story in stories_of_the_log():
    if _story.offered.astimezone(ZoneInfo(ISRAEL)).date() < date(1999, 8, 8):
        ISRAEL_STORIES[is_workday_hour(_story.offered)] += 1


def test_targets_are_met_within_the_hours(cli: "Cli", workspace: "Workspace") -> None:
    """What is closed misses nothing: `--fail-on-breach` counts open rows alone."""
    never = {"hours": {"sat": "23:00-24:00"}, "special_days": {"08-07": "closed"}}
    job = workspace.write(**sections(workspace, default=never))

    closed = cli("run", job, "--fail-on-breach")
    always = cli("run", workspace.write(**sections(workspace)), "--fail-on-breach")

    assert (closed.exit_code, always.exit_code) == (0, 7)


def test_a_file_of_holidays_is_read(workspace: "Workspace") -> None:
    """A day a line, with its name behind it; of the file the days count."""
    file = workspace.folder / "holidays.txt"
    file.write_text("# bank holidays\n\n1999-08-02 Civic Holiday\n08-03\n", "utf-8")
    hours = {"hours": {"mon-sun": "00:00-24:00"}}
    given = {**hours, "holidays": [{"file": str(file)}, "1999-08-04"]}

    workspace.run(**sections(workspace, default=given))

    closed = {
        r["period"] for r in rows_of(workspace) if r["offered_outside_hours"] != "0"
    }
    opened = {r["period"] for r in rows_of(workspace) if r["offered"] != "0"}
    assert closed == {"1999-08-02", "1999-08-03", "1999-08-04"}
    assert opened == {f"1999-08-0{day}" for day in (1, 5, 6, 7)}


def test_opening_hours_are_no_figures_that_change(workspace: "Workspace") -> None:
    """A row that came or went has no change of `is_open`."""
    days = {"hours": {"mon-sun": "08:00-18:00"}}
    asked = sections(workspace, default=days)
    workspace.run(**asked)
    workspace.become(corrected(longer))
    workspace.run(fresh=True, **asked)

    columns = changes(workspace.job(**asked)).to_arrow()["column"].to_pylist()

    assert "n_offered" in columns
    assert "is_open" not in columns


def test_a_changed_calendar_writes_the_outputs_again(workspace: "Workspace") -> None:
    """Without a request; the same one leaves them."""
    workspace.run(**sections(workspace, default=WORKDAYS))
    before = len(workspace.data_requests)

    same = workspace.run(**sections(workspace, default=WORKDAYS))
    other = workspace.run(
        **sections(workspace, default={**WORKDAYS, "holidays": ["1999-08-02"]})
    )

    assert [same.exports[0].unchanged, other.exports[0].unchanged] == [True, False]
    assert len(workspace.data_requests) == before


@pytest.mark.parametrize(
    ("calendar", "words"),
    [
        ({"default": "9-5"}, "calendar.default: must be '24/7'"),
        ({"defualt": "24/7"}, "unknown key 'defualt': did you mean default"),
        ({"queues": {"A": {"hous": {}}}}, "calendar.queues.A.hous: unknown key 'hous'"),
        ({"default": {}}, "calendar.default.hours: is required"),
        ({"default": {"hours": {}}}, "hours: must be a mapping such as"),
        ({"default": {"hours": "09:00-17:00"}}, "hours: must be a mapping such as"),
        (
            {"default": {"hours": {"mno": "09:00-17:00"}}},
            "unknown weekday 'mno': did you",
        ),
        (
            {"default": {"hours": {"mon-fri": "09:00-17:00", "wed": "closed"}}},
            "calendar.default.hours.wed: wed is there twice",
        ),
        ({"default": {"hours": {"mon": "9-17"}}}, "'9-17' is not a span such as"),
        ({"default": {"hours": {"mon": "09:00-25:00"}}}, "is not a span such as"),
        ({"default": {"hours": {"mon": "09:60-17:00"}}}, "is not a span such as"),
        ({"default": {"hours": {"mon": "09:00-09:00"}}}, "a whole day is 00:00-24:00"),
        ({"default": {"hours": {"mon": 9}}}, "9 is not a span such as"),
        (
            {"default": {**WORKDAYS, "holidays": ["2026-02-30"]}},
            "holidays[0]: '2026-02-30' is not a date such as",
        ),
        (
            {"default": {**WORKDAYS, "holidays": "2026-12-25"}},
            "holidays: must be a list",
        ),
        (
            {"default": {**WORKDAYS, "holidays": [{"fiel": "x"}]}},
            "must be a date or {file",
        ),
        (
            {"default": {**WORKDAYS, "holidays": [{"file": "no.txt"}]}},
            "no.txt cannot be read: No such file",
        ),
        (
            {"default": {**WORKDAYS, "special_days": {"12-32": "closed"}}},
            "special_days.12-32: '12-32' is not a date",
        ),
        (
            {
                "default": {
                    **WORKDAYS,
                    "holidays": ["12-24"],
                    "special_days": {"12-24": "closed"},
                }
            },
            "12-24 is a holiday too",
        ),
        (
            {"default": {**WORKDAYS, "timezone": "Europe/Dubln"}},
            "did you mean Europe/Dublin",
        ),
        (
            {"queues": {"Sales": {"hours": {"mon": "09:30-17:00"}}}},
            "calendar.queues.Sales: 09:30 is within a bucket of PT1H",
        ),
        (
            {"default": {"hours": {"mon": "09:15-17:00"}}},
            "set query.granularity to PT15M",
        ),
    ],
)
def test_what_is_wrong_is_named(
    workspace: "Workspace", calendar: dict[str, Any], words: str
) -> None:
    """When the job is read, with its place and the way out."""
    with pytest.raises(JobError) as caught:
        workspace.job(**sections(workspace, **calendar))

    assert words in str(caught.value)
    assert not workspace.simulator.requests("/")


def test_a_bad_line_of_a_file_is_named(workspace: "Workspace") -> None:
    """With the number of the line."""
    file = workspace.folder / "days.txt"
    file.write_text("2026-12-25\n25.12.2026\n", "utf-8")
    given = {**WORKDAYS, "holidays": [{"file": str(file)}]}

    with pytest.raises(JobError, match=r"days.txt line 2: '25.12.2026' is not a date"):
        workspace.job(**sections(workspace, default=given))


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"sla": None}, "calendar: needs a section `sla:`"),
        ({"query": {"granularity": "P1D"}}, "08:00 is within a bucket of P1D"),
        ({"query": {"group_by": ["mediaType"]}}, "need rows per queue"),
    ],
)
def test_what_a_job_cannot_limit_is_refused(
    workspace: "Workspace", more: dict[str, Any], words: str
) -> None:
    """Opening hours need figures that they can divide."""
    given = sections(workspace, default=WORKDAYS, queues={"Sales": WORKDAYS})
    exports: dict[str, Any] = {"exports": []} if "sla" in more else {}

    with pytest.raises(JobError) as caught:
        workspace.job(**{**given, **more, **exports})

    assert words in str(caught.value)


def test_whole_days_can_be_told_by_days(workspace: "Workspace") -> None:
    """Weekends and holidays need no hours."""
    given = sections(workspace, default={"hours": {"sun-thu": "00:00-24:00"}})

    workspace.run(query={"granularity": "P1D"}, **given)

    closed = {r["period"] for r in rows_of(workspace) if r["offered"] == "0"}
    assert closed == {"1999-08-06", "1999-08-07"}


def test_a_queue_that_is_not_there_is_a_warning(
    cli: "Cli", workspace: "Workspace"
) -> None:
    """With the nearest, before anything is fetched; and after the run."""
    job = workspace.write(**sections(workspace, queues={"Prospect": WORKDAYS}))

    plan, run = cli("plan", job), cli("run", job)

    near = "calendar.queues: the org lists no queue 'Prospect'; the nearest: Prospects"
    assert near in " ".join((plan.stdout + plan.stderr).split())
    assert "calendar.queues: no queue 'Prospect'" in " ".join(
        (run.stdout + run.stderr).split()
    )


def test_a_bucket_of_another_clock_is_refused(workspace: "Workspace") -> None:
    """The service may cut hours elsewhere than the zone; no figure is divided."""
    job = workspace.job(**sections(workspace, queues={"Sales": WORKDAYS}))
    start = datetime(1999, 8, 2, 4, 30, tzinfo=UTC)
    bucket = {"interval_start": start, "interval_end": start + timedelta(hours=1)}
    rows = pa.Table.from_pylist([{**bucket, "queue_id": "s"}])
    calendars = Calendars.of_job(job)
    assert calendars is not None

    with pytest.raises(DataError) as caught:
        calendars.is_open(rows, {"s": "Sales"})

    assert calendars.is_open(rows, {"s": "Support"}).to_pylist() == [True]
    assert "calendar.queues.Sales: bucket 1999-08-02T04:30" in str(caught.value)
    assert "the hours change at 1999-08-02 08:00 in Asia/Jerusalem" in str(caught.value)
    assert "PT15M" in (caught.value.hint or "")


def test_each_org_has_its_own_clock(workspace_of: "WorkspaceOf") -> None:
    """The hours of a calendar are those of the org's time zone."""
    two = orgs_of(workspace_of, "north", "west")
    path = two.folder / "o.json"

    two.run(
        own={"west": {"timezone": NEW_YORK}},
        sla={},
        calendar={"default": {"hours": {"mon-sun": "09:00-11:00"}}},
        exports=[{"exporter": "json", "table": "sla", "path": str(path)}],
    )

    counted = dict.fromkeys(("north", "west"), (0, 0))
    for line in path.read_text("utf-8").splitlines():
        row = json.loads(line)
        inside, outside = counted[row["org"]]
        here = inside + row["offered"], outside + row["offered_outside_hours"]
        counted[row["org"]] = here
    assert counted == {"north": (3 * DAYS, DAYS), "west": (0, 4 * DAYS)}
