"""Days that may still change: named wherever a run is shown, and marked in rows."""

import csv
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import gcbatch
from gcbatch import JobError
from gcbatch.simulator import Call, Queue, Tenant
from tests.flows.test_runs import SALES
from tests.support.several_orgs import orgs_of

if TYPE_CHECKING:
    from tests.conftest import Cli, Workspace, WorkspaceOf

SUPPORT = SALES[:-1] + "2"
TODAY = datetime.now(UTC).date()
WEEK = {"from": "today-7d", "to": "today", "timezone": "UTC", "granularity": "PT1H"}


def day(ago: int) -> date:
    return TODAY - timedelta(days=ago)


def tenant() -> Tenant:
    """Return a tenant of a call a day in Sales, and one a week ago in Support."""
    days = [
        (SALES, datetime.combine(day(ago), datetime.min.time(), UTC))
        for ago in range(1, 8)
    ]
    days.append((SUPPORT, days[-1][1]))
    return Tenant(
        name="Week",
        version="1",
        queues=(Queue(id=SALES, name="Sales"), Queue(id=SUPPORT, name="Support")),
        calls=tuple(
            Call(
                queue_id=queue,
                offered=at + timedelta(hours=9),
                answered=at + timedelta(hours=9, seconds=10),
                ended=at + timedelta(hours=9, seconds=70),
            )
            for queue, at in days
        ),
    )


@pytest.fixture
def week(workspace_of: "WorkspaceOf") -> "Workspace":
    return workspace_of(tenant())


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def sections(workspace: "Workspace", table: str, **export: Any) -> dict[str, Any]:
    out = {"exporter": "csv", "path": str(workspace.folder / "out.csv")}
    return {"query": WEEK, "exports": [{**out, "table": table, **export}]}


def settled_days() -> list[date]:
    """Return the days of the week that had settled at the last midnight."""
    return [day(ago) for ago in (7, 6, 5)]


def test_a_report_names_the_days(week: "Workspace") -> None:
    """A window is final once four days have passed since its end."""
    report = week.run(query=WEEK)
    stored = json.loads((week.folder / "store/job/run.json").read_text("utf-8"))

    (span,) = report.provisional_spans
    assert span.window.start.date() == day(4)
    assert span.window.end.date() == TODAY
    assert span.final_from is not None
    assert span.final_from.date() == TODAY + timedelta(days=4)
    assert stored["provisional_spans"] == [
        {
            "from": f"{day(4)}T00:00:00.000Z",
            "to": f"{TODAY}T00:00:00.000Z",
            "final_from": f"{TODAY + timedelta(days=4)}T00:00:00.000Z",
        }
    ]
    assert report.provisional == 4


def test_screens_name_the_days(
    cli: "Cli", week: "Workspace", monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of a plan and of a run, in one line each."""
    monkeypatch.setenv("GENESYS_CLIENT_SECRET", week.simulator.client_secret)
    path = week.write(query=WEEK)
    line = (
        f"provisional: {day(4)}..{TODAY}, final from {TODAY + timedelta(days=4)} "
        "(settle P4D)"
    )

    planned = cli("plan", path)
    counted = json.loads(cli("plan", path, "--json").stdout)
    ran = cli("run", path)

    assert line in planned.stdout
    assert counted["provisional"][0]["from"] == f"{day(4)}T00:00:00.000Z"
    assert f"{line}; the service still corrects these days" in ran.stdout


def test_days_that_have_settled_are_not_named(workspace: "Workspace") -> None:
    """No line, no span, and no note in the page."""
    page = workspace.folder / "page.html"
    export = {"exporter": "html", "table": "sla", "path": str(page)}
    report = workspace.run(exports=[export], sla={})

    assert report.provisional_spans == ()
    assert "Provisional" not in page.read_text("utf-8")


@pytest.mark.parametrize("table", ["sla", "intervals"])
def test_the_page_says_it(week: "Workspace", table: str) -> None:
    """A reader of the report sees which figures are not final."""
    page = week.folder / "page.html"
    export = {"exporter": "html", "table": table, "path": str(page)}
    week.run(query=WEEK, sla={}, exports=[export])

    final = TODAY + timedelta(days=4)
    text = page.read_text("utf-8")
    assert "Provisional, may still change:" in text
    assert f"final from {final.day} {final:%B %Y}" in text


def test_rows_of_intervals_are_marked(week: "Workspace") -> None:
    """By the window of their part."""
    week.run(**sections(week, "intervals"), is_provisional=True)

    rows = read(week.folder / "out.csv")
    marks = {row["interval_start"][:10]: row["is_provisional"] for row in rows}
    assert marks == {
        **{str(each): "false" for each in settled_days()},
        **{str(day(ago)): "true" for ago in (4, 3, 2, 1)},
    }


@pytest.mark.parametrize(
    ("period", "marks"),
    [
        ("day", ["false"] * 4 + ["true"] * 4),
        ("total", ["true", "true"]),
    ],
)
def test_rows_of_sla_are_marked(
    week: "Workspace", period: str, marks: list[str]
) -> None:
    """If any day of the period may change, also for a queue without calls then."""
    week.run(
        **sections(week, "sla", period=period), sla={"target": 80}, is_provisional=True
    )

    rows = read(week.folder / "out.csv")
    assert [row["is_provisional"] for row in rows] == marks


def test_a_row_becomes_final_without_another_figure(week: "Workspace") -> None:
    """The export is written again, with the same figures."""
    asked = sections(week, "intervals")
    asked["fetch"] = {"settle": "P30D"}
    week.run(**asked, is_provisional=True)
    before = read(week.folder / "out.csv")

    asked["fetch"] = {"settle": "PT0S"}
    report = week.run(**asked, is_provisional=True)
    after = read(week.folder / "out.csv")

    assert report.fetched == 0
    assert {row["is_provisional"] for row in before} == {"true"}
    assert {row["is_provisional"] for row in after} == {"false"}
    for rows in (before, after):
        for row in rows:
            del row["is_provisional"]
    assert before == after


def test_without_the_key_there_is_no_column(week: "Workspace") -> None:
    """Tables of existing jobs stay as they are."""
    week.run(**sections(week, "intervals"))

    assert "is_provisional" not in read(week.folder / "out.csv")[0]


def test_orgs_are_named(workspace_of: "WorkspaceOf") -> None:
    """Each has the days of its own zone, and marks its own rows."""
    orgs = orgs_of(workspace_of, "north", "west")
    job = orgs.job(is_provisional=True, fetch={"settle": "P30D"}, query=WEEK)
    report = gcbatch.run(job)

    assert [span.org for span in report.provisional_spans] == ["north", "west"]
    table = report.tables["intervals"]
    assert [span.org for span in table.provisional] == ["north", "west"]
    assert table.schema.names[-1] == "is_provisional"


def test_a_job_of_details_has_no_such_column(workspace: "Workspace") -> None:
    """The message names the tables that have it."""
    path = workspace.write(is_provisional=True)
    content = json.loads(path.read_text("utf-8"))
    content["query"] = {
        "endpoint": "conversation-details",
        "from": "1999-08-02",
        "to": "1999-08-03",
    }
    content["exports"] = []
    path.write_text(json.dumps(content), "utf-8")

    with pytest.raises(JobError, match="only the tables intervals and sla have this"):
        gcbatch.load_job(path, environ=workspace.environ)
