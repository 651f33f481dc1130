"""Jobs of tables alone, from plan to prune: they list, export, and have no range."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner, Result

import gcbatch
from gcbatch import AccessError, DataError, load_job
from gcbatch.cli import app
from gcbatch.running.pipeline import arun_all, blocking, tables_of
from gcbatch.simulator import Fault, Faults
from gcbatch.store.maintenance import list_store, prune
from gcbatch.windows import Period
from tests.support.listed_org import (
    ANN,
    ORG,
    STATES,
    exports,
    list_tables,
    request_counts,
    rows,
    tables_alone,
)

if TYPE_CHECKING:
    from tests.conftest import Workspace, WorkspaceOf

Cli = Callable[..., Result]


@pytest.fixture
def workspace(
    workspace_of: "WorkspaceOf", monkeypatch: pytest.MonkeyPatch
) -> "Workspace":
    found = workspace_of(ORG)
    for name, value in found.environ.items():
        monkeypatch.setenv(name, value)
    return found


def cli(*args: object) -> Result:
    return CliRunner().invoke(app, [str(arg) for arg in args])


def test_a_run_lists_and_exports(workspace: "Workspace") -> None:
    """One request for each page, and none for figures."""
    report = list_tables(workspace, "users", "queues")

    assert [row["user_name"] for row in rows(workspace, "users")] == ["Ann", "Bob"]
    assert request_counts(workspace) == {
        "queues": 1,
        "users": len(STATES),
        "wrapup_codes": 0,
    }
    assert not workspace.data_requests
    assert report.requests == 1 + len(STATES)
    assert (report.window, report.queries, report.gaps) == (None, 0, ())
    assert set(report.tables) == {"users", "queues"}


def test_a_second_run_on_one_day_asks_nothing(workspace: "Workspace") -> None:
    """It leaves the outputs as they are; --fresh lists again."""
    list_tables(workspace, "users")

    again = list_tables(workspace, "users")
    fresh = list_tables(workspace, "users", fresh=True)

    assert (again.requests, again.exports[0].unchanged) == (0, True)
    assert fresh.requests == len(STATES)


def test_an_old_listing_is_read_again(workspace: "Workspace") -> None:
    """`fetch.names_max_age` says what is old."""
    list_tables(workspace, "users")
    workspace.become(replace(ORG, users=ORG.users[1:]))

    list_tables(workspace, "users", fetch={"names_max_age": "PT0S"})

    listed = {row["user_id"]: row["listed"] for row in rows(workspace, "users")}
    assert listed.pop(ANN) == "true"
    assert [*listed.values()] == ["false"]


def test_a_fresh_run_that_failed_goes_on_afresh(workspace: "Workspace") -> None:
    """The next run lists, though what is stored is young."""
    list_tables(workspace, "users")
    fault = Fault("status", path="/api/v2/users$", status=400, times=None)
    workspace.simulator.faults.add(fault)
    with pytest.raises(gcbatch.GcbatchError, match="table users"):
        list_tables(workspace, "users", fresh=True)
    workspace.become(ORG)

    report = list_tables(workspace, "users")

    assert report.requests == len(STATES)


def test_the_plan_lists_nothing(workspace: "Workspace") -> None:
    """It shows the fewest requests: a page for each part of a listing."""
    job = tables_alone(workspace, "users", "queues")

    shown = cli("plan", job)
    planned = json.loads(cli("plan", job, "--json").stdout)

    assert shown.exit_code == 0, shown.output
    assert "at least 4 requests, one per page" in shown.stdout
    assert "window" not in shown.stdout
    assert (planned["requests"], planned["requests_exact"]) == (4, False)
    assert [(one["table"], one["requests"]) for one in planned["listings"]] == [
        ("queues", 1),
        ("users", 3),
    ]
    assert planned["windows"] == []
    assert not workspace.simulator.requests("/")


def test_the_plan_knows_what_is_stored(workspace: "Workspace") -> None:
    """After a run there is nothing to ask until it is too old."""
    list_tables(workspace, "users")
    job = tables_alone(workspace, "users")

    shown = cli("plan", job)

    assert "listings stored, not older than fetch.names_max_age" in shown.stdout


def test_commands_say_nothing_of_a_range(workspace: "Workspace") -> None:
    """Neither of queries, parts or missing data."""
    job = tables_alone(workspace, "users")

    said = [
        cli(command, job)
        for command in ("check", "run", "run", "export", "verify", "plan")
    ]

    for one in said:
        assert one.exit_code == 0, one.output
        assert "quer" not in one.output
        assert "part" not in one.output
        assert "no data" not in one.output
        assert " to 2" not in one.output
    assert "users: credentials and permission are good" in said[0].output
    assert "1 listing: as the run left them" in said[4].output


def test_the_json_has_no_range(workspace: "Workspace") -> None:
    """Every key is there; the ends of the range are null."""
    job = tables_alone(workspace, "users")

    done = json.loads(cli("run", job, "--json").stdout)
    verified = json.loads(cli("verify", job, "--json").stdout)

    assert (done["from"], done["to"], done["queries"]) == (None, None, 0)
    assert done["exports"][0]["rows"] == 2
    assert [*done["digests"]["listings"]] == ["users"]
    assert (verified["from"], verified["to"], verified["good"]) == (None, None, True)
    assert (verified["listings"], verified["parts"]) == (1, 0)


def test_a_report_says_that_there_are_no_service_levels(
    workspace: "Workspace",
) -> None:
    """And what the job lacks for them."""
    said = cli("report", tables_alone(workspace, "users"))

    assert said.exit_code == 2
    assert "add a section `query:`" in said.output


def test_an_export_makes_no_request(workspace: "Workspace") -> None:
    """Before the first run, it says what to do."""
    job = load_job(tables_alone(workspace, "users"), environ=workspace.environ)
    with pytest.raises(DataError, match="holds no run of this job"):
        gcbatch.export_job(job)
    gcbatch.run(job)
    workspace.become(replace(ORG, users=()))

    gcbatch.export_job(job)

    assert len(rows(workspace, "users")) == 2
    assert not workspace.simulator.requests("/")


def test_verify_sees_a_damaged_listing(workspace: "Workspace") -> None:
    """The outputs are as they were, yet nothing can be exported again."""
    list_tables(workspace, "users")
    job = tables_alone(workspace, "users")
    kept = workspace.folder / "store/job/users.parquet"
    whole = kept.read_bytes()
    kept.write_bytes(whole[:50] + b"?" + whole[51:])

    said = cli("verify", "--offline", job)

    assert said.exit_code == 5
    assert "1 listing: 1 flaw" in said.stdout
    assert f"{job.name}` lists what is missing" in said.output


def test_verify_sees_outputs_of_an_older_listing(workspace: "Workspace") -> None:
    """As when a run was killed after it had listed, before it had written."""
    job = tables_alone(workspace, "users")
    list_tables(workspace, "users")
    report = workspace.folder / "store/job/run.json"
    before = report.read_bytes()
    workspace.become(replace(ORG, users=()))
    list_tables(workspace, "users", fresh=True)
    report.write_bytes(before)

    said = cli("verify", "--offline", job)

    assert "is of other listings: they changed" in said.stdout


def test_a_refused_listing_leaves_the_outputs(workspace_of: "WorkspaceOf") -> None:
    """Also with --allow-partial: a table is whole or not written."""
    workspace = workspace_of(ORG, permissions=frozenset({"directory:user:view"}))
    list_tables(workspace, "users")
    before = (workspace.folder / "users.csv").read_bytes()
    path = tables_alone(workspace, "users", "queues", fetch={"names_max_age": "PT0S"})
    job = load_job(path, environ=workspace.environ)

    with pytest.raises(AccessError, match="table queues") as refused:
        gcbatch.run(job, allow_partial=True)

    assert refused.value.exit_code == 3
    assert (workspace.folder / "users.csv").read_bytes() == before


def test_several_orgs_meet_in_one_table(
    workspace: "Workspace", workspace_of: "WorkspaceOf"
) -> None:
    """One that fails leaves the others; rows have the name of their org."""
    fault = Fault("status", path="/api/v2/users$", status=400, times=None)
    other = workspace_of(ORG, faults=Faults(fault))
    orgs = {
        name: {
            "api_url": one.simulator.url,
            "login_url": one.simulator.url,
            "client_id": one.simulator.client_id,
            "client_secret": "${GENESYS_CLIENT_SECRET}",
        }
        for name, one in (("north", workspace), ("south", other))
    }
    path = tables_alone(workspace, "users", orgs=orgs)
    raw = json.loads(path.read_text("utf-8"))
    del raw["org"]
    path.write_text(json.dumps(raw), "utf-8")

    report = gcbatch.run(load_job(path, environ=workspace.environ))

    assert report.window is None
    assert [*report.failures] == ["south"]
    assert {row["org"] for row in rows(workspace, "users")} == {"north"}


def test_rows_say_when_they_were_listed(workspace: "Workspace") -> None:
    """All at one time, which an export again keeps and a new listing changes."""
    before = datetime.now(UTC)
    list_tables(workspace, "users")
    after = datetime.now(UTC)
    (listed_at,) = {row["listed_at"] for row in rows(workspace, "users")}
    job = load_job(tables_alone(workspace, "users"), environ=workspace.environ)

    gcbatch.export_job(job)
    (exported,) = {row["listed_at"] for row in rows(workspace, "users")}
    list_tables(workspace, "users", fresh=True)
    (newest,) = {row["listed_at"] for row in rows(workspace, "users")}

    at = datetime.fromisoformat(listed_at)
    assert before - timedelta(milliseconds=1) <= at <= after
    assert exported == listed_at < newest


def test_the_time_of_a_listing_is_the_services(workspace_of: "WorkspaceOf") -> None:
    """By the Date of its answers, where this machine's clock is a day ahead."""
    day = timedelta(days=1)
    workspace = workspace_of(ORG, now=lambda: datetime.now(UTC) - day)

    list_tables(workspace, "users")

    (listed_at,) = {row["listed_at"] for row in rows(workspace, "users")}
    behind = datetime.now(UTC) - datetime.fromisoformat(listed_at)
    assert timedelta(hours=23) < behind < timedelta(hours=25)


def test_jobs_share_a_listing(workspace: "Workspace") -> None:
    """Two jobs of one org ask once, also beside a job of figures."""
    paths = [
        tables_alone(workspace, "users", name="one"),
        tables_alone(
            workspace, name="two", exports=exports(workspace, "users", kind="json")
        ),
    ]
    jobs = [load_job(path, environ=workspace.environ) for path in paths]

    reports = blocking(arun_all([*jobs, workspace.job("figures")]))

    assert all(isinstance(report, gcbatch.RunReport) for report in reports)
    assert request_counts(workspace)["users"] == len(STATES)


def test_no_engine_is_opened(workspace: "Workspace") -> None:
    """There are no queries for Dask workers, so none has to be reachable."""
    engine = {"name": "dask", "scheduler": "tcp://127.0.0.1:9"}

    list_tables(workspace, "users", engine=engine)

    assert len(rows(workspace, "users")) == 2


def test_the_store_shows_the_listings(workspace: "Workspace") -> None:
    """With their bytes; there are no parts and no range."""
    list_tables(workspace, "users", "queues")
    store = workspace.folder / "store"

    (found,) = list_store(store)

    size = sum(path.stat().st_size for path in store.glob("job/*.parquet"))
    assert (found.parts, found.listings, found.size) == (0, 2, size)
    assert found.window is None


@pytest.mark.parametrize(("days", "is_kept"), [(20, True), (40, False)])
def test_prune_goes_by_the_age_of_the_listing(
    workspace: "Workspace", days: int, *, is_kept: bool
) -> None:
    """A young one can be exported still; an old one goes with all of the job."""
    list_tables(workspace, "users")
    store = workspace.folder / "store"

    later = datetime.now(UTC) + timedelta(days=days)
    prune(store, Period.parse("P30D"), now=later)

    left = {path.name for path in store.rglob("*.*")}
    assert left == ({"plan.json", "run.json", "users.parquet"} if is_kept else set())


def test_the_tables_can_be_read_without_a_run(workspace: "Workspace") -> None:
    """In a program, from the store."""
    list_tables(workspace, "users")
    job = load_job(tables_alone(workspace, "users"), environ=workspace.environ)

    found: list[dict[str, Any]] = tables_of(job).all()["users"].read_all().to_pylist()

    assert [row["user_name"] for row in found] == ["Ann", "Bob"]


def test_a_plugin_is_checked_before_the_first_request(workspace: "Workspace") -> None:
    """As in any job: the tables are declared without rows."""
    entry = {"exporter": "csv", "table": "users", "path": "x/{day}.csv"}
    path = tables_alone(workspace, exports=[{**entry, "partition_by": ["day"]}])

    with pytest.raises(gcbatch.GcbatchError):
        gcbatch.run(load_job(path, environ=workspace.environ))

    assert not workspace.simulator.requests("/")
    assert not Path("x").exists()
