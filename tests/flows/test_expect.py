"""Nothing is not success: what lacks rows is named, and can be refused."""

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

import gcbatch
from gcbatch import DataError, JobError
from gcbatch.simulator import Tenant
from tests.flows.test_runs import (
    MARCH,
    SALES,
    SUPPORT,
    TWO_QUEUES,
    small_tenant,
    some_id,
)
from tests.support.several_orgs import orgs_of, tenant

if TYPE_CHECKING:
    from tests.conftest import Cli, Workspace, WorkspaceOf

ROWS = 6
"""Rows of two queues with a call an hour, three hours long."""


def only_sales() -> Tenant:
    """Return the tenant whose queue Support has no call."""
    whole = small_tenant(*TWO_QUEUES)
    calls = tuple(call for call in whole.calls if call.queue_id == SALES)
    return replace(whole, calls=calls)


def without_calls() -> Tenant:
    return replace(small_tenant(*TWO_QUEUES), calls=())


def run(workspace: "Workspace", **options: Any) -> gcbatch.RunReport:
    sections = dict(options.pop("sections", {}))
    query = {**MARCH, **sections.pop("query", {})}
    return gcbatch.run(workspace.job(query=query, **sections), **options)


@pytest.fixture
def emptied(workspace_of: "WorkspaceOf") -> "Workspace":
    """Return a workspace that ran with rows, at a service that has lost them."""
    workspace = workspace_of(small_tenant(*TWO_QUEUES))
    assert run(workspace).rows == ROWS
    workspace.become(without_calls())
    workspace.environ["GENESYS_CLIENT_SECRET"] = workspace.simulator.client_secret
    return workspace


def test_no_rows_over_an_output_that_had_some_is_a_warning(
    emptied: "Workspace",
) -> None:
    """Without an option the output is replaced, as the service says."""
    report = run(emptied, fresh=True)
    again = run(emptied)

    assert report.warnings == (f"no rows, where the last run had {ROWS}",)
    assert report.exports[0].rows == 0
    assert again.warnings == ()


def test_fail_on_empty_keeps_the_outputs(emptied: "Workspace") -> None:
    """The parts are stored: the next run writes them, without a request."""
    written = emptied.outputs()

    with pytest.raises(DataError, match="no rows, where the last run had 6") as caught:
        run(emptied, fresh=True, fail_on_empty=True)
    kept = emptied.outputs()
    emptied.simulator.request_log.clear()
    report = run(emptied)

    assert "the outputs are as they were" in str(caught.value.hint)
    assert "without --fail-on-empty" in str(caught.value.hint)
    assert kept == written != emptied.outputs()
    assert (report.rows, len(emptied.data_requests)) == (0, 0)


def test_the_command_exits_with_5(
    cli: "Cli", emptied: "Workspace", monkeypatch: pytest.MonkeyPatch
) -> None:
    """And names what lacks."""
    monkeypatch.setenv("GENESYS_CLIENT_SECRET", emptied.simulator.client_secret)
    path = emptied.write(query=MARCH)

    result = cli("run", path, "--fresh", "--fail-on-empty")
    plain = cli("run", path)

    assert result.exit_code == 5
    assert "error: no rows, where the last run had 6" in result.stderr
    assert plain.exit_code == 0
    assert "warning: no rows, where the last run had 6" in plain.stdout


def test_a_first_run_without_rows_fails_too(workspace_of: "WorkspaceOf") -> None:
    """There is nothing to keep, and still nothing is no success."""
    workspace = workspace_of(without_calls())

    with pytest.raises(DataError, match="no rows"):
        run(workspace, fail_on_empty=True)

    assert not (workspace.folder / "job.csv").exists()


def test_a_queue_of_the_job_without_rows_is_named(workspace_of: "WorkspaceOf") -> None:
    """By its name, also by later runs that fetch nothing."""
    workspace = workspace_of(only_sales())
    sections = {"query": {"queues": ["Sales", SUPPORT]}}
    first = run(workspace, sections=sections)
    again = run(workspace, sections=sections)
    stored = json.loads((workspace.folder / "store/job/run.json").read_text("utf-8"))

    warning = "queues without rows: 1 (Support)"
    assert first.warnings == again.warnings == (warning,)
    assert again.fetched == 0
    assert stored["empty_queues"]["names"] == ["Support"]
    with pytest.raises(DataError) as caught:
        run(workspace, sections=sections, fail_on_empty=True)
    assert str(caught.value) == warning


def test_other_parts_are_looked_at_again(workspace_of: "WorkspaceOf") -> None:
    """What the last report says of queues holds for its own parts only."""
    workspace = workspace_of(only_sales())
    sections = {"query": {"queues": ["Sales", "Support"]}}
    run(workspace, sections=sections)
    workspace.become(small_tenant(*TWO_QUEUES))
    workspace.environ["GENESYS_CLIENT_SECRET"] = workspace.simulator.client_secret

    assert run(workspace, sections=sections, fresh=True).warnings == ()


def test_queues_that_no_job_names_are_not_missed(workspace_of: "WorkspaceOf") -> None:
    """An org has many queues that are quiet."""
    workspace = workspace_of(only_sales())

    assert run(workspace, fail_on_empty=True).warnings == ()


def test_all_listed_queues_can_be_expected(workspace_of: "WorkspaceOf") -> None:
    """With `queues: all`, and then no output is written."""
    workspace = workspace_of(only_sales())
    sections = {"expect": {"queues": "all"}}

    with pytest.raises(DataError) as caught:
        run(workspace, sections=sections)

    assert str(caught.value) == "expect.queues: queues without rows: 1 (Support)"
    assert not (workspace.folder / "job.csv").exists()


@pytest.mark.parametrize(
    "rows", [ROWS, ">=6", "<=6", "1..", "6..6", "1..10", 0, ">= 1"], ids=str
)
def test_expected_rows_pass(workspace_of: "WorkspaceOf", rows: int | str) -> None:
    """Both ends are included."""
    workspace = workspace_of(small_tenant(*TWO_QUEUES))

    report = run(workspace, sections={"expect": {"rows": rows, "queues": "all"}})

    assert (report.rows, report.warnings) == (ROWS, ())


@pytest.mark.parametrize("rows", [7, ">=7", "<=5", "7..", "1..5"], ids=str)
def test_other_rows_keep_the_outputs(
    workspace_of: "WorkspaceOf", rows: int | str
) -> None:
    """The message has both numbers; `export` refuses them as `run` does."""
    workspace = workspace_of(small_tenant(*TWO_QUEUES))
    run(workspace)
    written = workspace.outputs()
    path = workspace.folder / "job.csv"
    path.write_text("kept", "utf-8")
    sections: dict[str, Any] = {"expect": {"rows": rows}}

    with pytest.raises(
        DataError, match=r"expect.rows: .* rows, the run has 6"
    ) as caught:
        run(workspace, sections=sections)
    with pytest.raises(DataError, match=r"expect.rows: .* rows, the run has 6"):
        workspace.export(query=MARCH, **sections)

    assert "with another `expect:`" in str(caught.value.hint)
    assert path.read_text("utf-8") == "kept"
    assert workspace.outputs() == {**written, "csv": b"kept"}


@pytest.mark.parametrize(
    ("expect", "problem"),
    [
        ({"rows": "many"}, "expect.rows: many is no number of rows"),
        ({"rows": -1}, "expect.rows: -1 is no number of rows"),
        ({"rows": "5..1"}, "expect.rows: 5..1 ends before it begins"),
        ({"rows": True}, "expect.rows"),
        ({"queues": "some"}, "expect.queues"),
        ({"queue": "all"}, "expect.queue"),
    ],
    ids=["word", "negative", "reversed", "true", "queues", "key"],
)
def test_a_wrong_expectation_is_refused(
    workspace: "Workspace", expect: dict[str, Any], problem: str
) -> None:
    """When the job is read, with its place."""
    with pytest.raises(JobError) as caught:
        workspace.job(expect=expect)

    assert problem in str(caught.value)


def test_queues_need_rows_by_queue(workspace: "Workspace") -> None:
    """Rows of another group name no queue."""
    with pytest.raises(JobError, match="needs aggregates grouped by queueId"):
        workspace.job(query={"group_by": ["mediaType"]}, expect={"queues": "all"})


def test_an_org_without_rows_is_named(workspace_of: "WorkspaceOf") -> None:
    """In the warnings; with the option no output is written, for none of them."""
    orgs = orgs_of(workspace_of, "north", "west")
    west = orgs.workspaces["west"]
    west.become(replace(tenant("west"), calls=()))
    orgs.environ["WEST_SECRET"] = west.simulator.client_secret

    with pytest.raises(DataError) as caught:
        gcbatch.run(orgs.job(), fail_on_empty=True)
    is_written = (orgs.folder / "job.csv").exists()
    report = orgs.run()

    assert str(caught.value) == "west: no rows"
    assert not is_written
    assert "west: no rows" in report.warnings
    assert report.rows > 0


def test_an_emptied_export_beside_others_is_named(workspace_of: "WorkspaceOf") -> None:
    """The rows of the run go on, and one of its tables has none any more."""
    workspace = workspace_of(small_tenant(*TWO_QUEUES))
    exports = [
        {
            "exporter": "csv",
            "table": name,
            "path": str(workspace.folder / f"{name}.csv"),
        }
        for name in ("intervals", "sla")
    ]
    gone = [
        replace(queue, id=some_id(number)) for number, queue in enumerate(TWO_QUEUES, 7)
    ]
    sections = {"exports": exports, "sla": {"include_deleted": False}}
    run(workspace, sections=sections)
    whole = small_tenant(*TWO_QUEUES)
    workspace.become(replace(whole, queues=tuple(gone)))
    workspace.environ["GENESYS_CLIENT_SECRET"] = workspace.simulator.client_secret

    with pytest.raises(DataError, match="csv sla: no rows, where the last run wrote 2"):
        run(workspace, sections=sections, fresh=True, fail_on_empty=True)
    report = run(workspace, sections=sections)

    assert report.rows == ROWS
    assert "csv sla: no rows, where the last run wrote 2" in report.warnings


def test_listed_tables_can_be_expected(workspace: "Workspace") -> None:
    """Their rows count in a job that lists alone."""
    path = workspace.write()
    content = json.loads(path.read_text("utf-8"))
    del content["query"]
    out = workspace.folder / "queues.csv"
    content["exports"] = [{"exporter": "csv", "table": "queues", "path": str(out)}]

    def listing(rows: str) -> gcbatch.Job:
        path.write_text(json.dumps({**content, "expect": {"rows": rows}}), "utf-8")
        return gcbatch.load_job(path, environ=workspace.environ)

    with pytest.raises(DataError, match=r"expect.rows: .*>=1000 rows, the run has"):
        gcbatch.run(listing(">=1000"))
    is_written = out.exists()
    gcbatch.run(listing(">=1"))

    assert not is_written
    assert out.exists()
