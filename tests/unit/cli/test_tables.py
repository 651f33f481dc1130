"""`gcbatch tables`: all tables, and the columns of one."""

import json
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

from gcbatch.cli import app
from gcbatch.genesys import DETAILS, ENTITY_KINDS
from gcbatch.registry import ENDPOINTS, module_names
from tests.support.piped import first_line_of
from tests.support.sql_tables import JOBS, RANGE

MEMBERS = (
    "routing:queue:view",
    "routing:queue:edit",
    "routing:queue:readonly",
    "routing:queueMember:manage",
)
PLANNING = (
    "wfm:planningGroup:view",
    "wfm:shortTermForecast:view",
    "wfm:intraday:view",
    "wfm:agent:view",
)

Tables = Callable[..., Result]


@pytest.fixture
def tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tables:
    """Run the command in a folder with a job for each kind of endpoint."""
    monkeypatch.chdir(tmp_path)
    orgs = {"north": {"simulator": True}, "south": {"simulator": True}}
    for name, (query, period) in JOBS.items():
        job: dict[str, Any] = {"name": "j", "query": {**RANGE, **query}, "orgs": orgs}
        if period:
            job["sla"] = {"period": period}
        Path(f"{name}.yaml").write_text(yaml.safe_dump(job), "utf-8")
    return lambda *args: CliRunner().invoke(app, ["tables", *args])


def found(tables: Tables, *args: str) -> list[dict[str, Any]]:
    """Return what the command says to programs."""
    done = tables("--json", *args)
    assert done.exit_code == 0, done.stderr
    return list(json.loads(done.stdout))


def columns(table: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {column["name"]: column for column in table["columns"]}


def test_every_table_is_listed(tables: Tables) -> None:
    """Those of each endpoint and of what the org lists; others only by a job."""
    listed = [one["table"] for one in found(tables)]
    fixed = ["intervals"] * len(module_names(ENDPOINTS))
    of_details = [n for d in DETAILS for n in module_names(f"tables/{d.tables}")]
    of_org = sorted(kind.table for kind in ENTITY_KINDS)

    assert listed == ["intervals", "sla", *fixed, *of_details, "changes", *of_org]


def test_each_says_what_a_row_is(tables: Tables) -> None:
    """With its key, whose columns it has, and what it costs."""
    for one in found(tables):
        named = columns(one)

        assert one["rows"], one["table"]
        assert one["requests"], one["table"]
        assert one["key"] == [n for n in one["key"] if named[n]["key"]]
        assert len(one["key"]) == sum(column["key"] for column in named.values())


def test_a_column_says_what_it_is(tables: Tables) -> None:
    """Its type, unit, source in the API's words, and meaning."""
    (intervals, *_), (sla,) = found(tables, "intervals"), found(tables, "sla")
    (segments,) = found(tables, "segments")

    assert columns(intervals)["t_handle_sum_ms"] == {
        "name": "t_handle_sum_ms",
        "type": "int64",
        "unit": "ms",
        "source": "tHandle.sum",
        "description": "",
        "key": False,
        "nullable": True,
    }
    assert columns(intervals)["interval_start"]["nullable"] is False
    assert columns(intervals)["queue_name"]["description"] == "name of queue_id"
    assert columns(sla)["asa_s"]["description"] == "average speed of answer"
    assert columns(segments)["extra"]["type"] == "json"


@pytest.mark.parametrize("name", JOBS)
def test_a_job_has_the_columns_that_it_loads(tables: Tables, name: str) -> None:
    """Those that `gcbatch schema --sql` creates, `org` first with several orgs."""
    done = CliRunner().invoke(app, ["schema", "--sql", "sqlite", f"{name}.yaml"])
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(done.stdout)
        rows = connection.execute("SELECT name FROM sqlite_master").fetchall()
        created = {
            table: [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            for (table,) in rows
        }

    shown = found(tables, "--job", f"{name}.yaml")

    assert {one["table"]: [*columns(one)] for one in shown} == created
    assert all(one["key"][0] == "org" for one in shown)


def test_a_job_without_a_query_has_the_listed_tables(tables: Tables) -> None:
    """All of them, whichever it exports."""
    exports = [{"exporter": "csv", "table": "teams", "path": "teams.csv"}]
    job = {"name": "j", "org": {"simulator": True}, "exports": exports}
    Path("lists.yaml").write_text(yaml.safe_dump(job), "utf-8")

    listed = [one["table"] for one in found(tables, "--job", "lists.yaml")]

    assert listed == sorted(kind.table for kind in ENTITY_KINDS)


def test_an_endpoint_names_its_permission(tables: Tables) -> None:
    """That of a job's own endpoint."""
    (users, *_) = found(tables, "--job", "users.yaml")
    (segments,) = found(tables, "segments")

    assert users["permission"] == "analytics:userAggregate:view"
    assert users["remark"] is None
    assert segments["permission"] == "analytics:conversationDetail:view"


@pytest.mark.parametrize(
    ("table", "requests", "permission"),
    [
        (
            "divisions",
            "1 for each 100, twice if there are more, the deleted ones apart",
            "authorization:divisionDeleted:view for the deleted ones",
        ),
        ("users", "1 for each 100, in 3 parts, twice if there are more", None),
        ("user_skills", "none, if users are listed too; else theirs", None),
        ("presence_definitions", "2", "presence:presenceDefinition:view"),
        (
            "queue_members",
            "1 for each 100 of each of the queues, twice if there are more",
            f"{' or '.join(MEMBERS)}; routing:queue:view for queues",
        ),
        (
            "queue_wrapup_codes",
            "1 for each 100 of each of the queues, twice if there are more",
            "routing:queue:view",
        ),
        ("planning_groups", "1 for each of the business units", " or ".join(PLANNING)),
        (
            "external_contacts",
            "1 for each 200",
            "relate:contact:view or externalContacts:contact:view",
        ),
    ],
)
def test_a_listed_table_names_its_cost_and_permission(
    tables: Tables, table: str, requests: str, permission: str | None
) -> None:
    """Those of the parents too; null if any role may list it."""
    (one,) = found(tables, table)

    assert (one["requests"], one["permission"]) == (requests, permission)


def test_columns_that_follow_from_a_job_are_said_to(tables: Tables) -> None:
    """Those of documents and listed entities do not."""
    follow = [one["group"].split(",")[0] for one in found(tables) if one["remark"]]

    assert follow == ["aggregates", "aggregates", "interval-report"]
    assert "--job JOB shows the columns of yours" in tables("intervals").stdout


def test_a_name_of_several_endpoints_shows_all(tables: Tables) -> None:
    """Endpoints with fixed figures have their own `intervals`."""
    screen = tables("intervals").stdout
    groups = re.findall(r"^of: (\S+)", screen, re.MULTILINE)

    assert groups == ["aggregates,", "interval-report", "queue-summary"]
    assert re.search(
        r"^handle_time_sum_s +double +s +from handleTime.sum", screen, re.MULTILINE
    )


def test_a_pipe_gets_a_table_in_a_line(tables: Tables) -> None:
    """So that grep finds all of it."""
    (line,) = [n for n in tables().stdout.splitlines() if n.startswith("users ")]

    assert "key: user_id; requests: 1 for each 100" in line


def test_names_of_columns_are_whole_on_a_narrow_terminal(
    tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only what they mean is divided."""
    monkeypatch.setenv("FORCE_COLOR", "1")  # as on a terminal
    monkeypatch.setenv("COLUMNS", "50")
    (queues,) = found(tables, "queues")

    screen = re.sub(r"\x1b\[\d+m", "", tables("queues").stdout)

    begins = [line.partition(" ")[0] for line in screen.splitlines()]
    assert set(columns(queues)) <= set(begins)
    assert max(map(len, screen.splitlines())) == 50


@pytest.mark.parametrize(
    ("args", "problem"),
    [
        pytest.param(
            ["segmnts"],
            "tables: unknown table 'segmnts': did you mean segments?",
            id="a misspelt table",
        ),
        pytest.param(
            ["zzz"],
            "tables: unknown table 'zzz'; there are intervals, sla, conversations, ",
            id="nothing like it",
        ),
        pytest.param(
            ["segments", "--job", "users.yaml"],
            "users.yaml: unknown table 'segments'",
            id="a table of other jobs",
        ),
        pytest.param(
            ["--job", "none.yaml"], "none.yaml: cannot be read", id="no such job"
        ),
    ],
)
def test_wrong_input(tables: Tables, args: list[str], problem: str) -> None:
    """It says what is wrong and what to do, and exits with 2."""
    done = tables(*args)
    first, second = done.stderr.splitlines()

    assert done.exit_code == 2
    assert first.startswith(f"error: {problem}")
    assert second.startswith("hint: ")
    assert done.stdout == ""


def test_nothing_is_written(tables: Tables) -> None:
    """No store is made, and no request sent."""
    before = sorted(Path().iterdir())

    assert tables("--job", "queues.yaml").exit_code == 0
    assert sorted(Path().iterdir()) == before


@pytest.mark.slow
def test_a_reader_that_leaves_is_no_failure() -> None:
    """`gcbatch tables | head -1` ends in peace."""
    done = first_line_of("tables")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("of aggregates")
