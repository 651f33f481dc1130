"""The history of runs: each run once, whatever became of it."""

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from gcbatch.errors import GcbatchError
from gcbatch.running import runs_of
from gcbatch.running.history import MAX_RUNS, note_failure
from gcbatch.simulator import Fault
from gcbatch.store import Store
from tests.support.later_states import corrected, longer

if TYPE_CHECKING:
    from tests.conftest import Cli, Workspace

DAYS: dict[str, Any] = {"query": {"from": "1999-08-01", "to": "1999-08-03"}}


def test_each_run_is_listed_with_its_figures(workspace: "Workspace") -> None:
    """First fetch, nothing to do, corrections; the newest is the last."""
    first = workspace.run(**DAYS)
    done = workspace.run(**DAYS)
    workspace.become(corrected(longer))
    again = workspace.run(fresh=True, **DAYS)

    runs = runs_of(workspace.job(**DAYS))

    reports = (first, done, again)
    assert [run.started_at for run in runs] == sorted(
        r.started_at.replace(microsecond=r.started_at.microsecond // 1000 * 1000)
        for r in reports
    )
    assert [run.requests for run in runs] == [r.requests for r in reports]
    assert [run.rows for run in runs] == [r.rows for r in reports]
    assert [run.fetched for run in runs] == [2, 0, 2]
    assert [run.exit for run in runs] == [0, 0, 0]
    corrections = sum(change.count for change in again.changes)
    assert [run.corrections for run in runs] == [0, 0, corrections]
    assert corrections > 0
    assert first.window is not None
    assert {(run.start, run.end) for run in runs} == {
        (first.window.start, first.window.end)
    }


def test_a_failed_run_is_listed_with_its_error(workspace: "Workspace") -> None:
    """And the report of the run before it stays."""
    workspace.run(**DAYS)
    before = (workspace.folder / "store/job/run.json").read_bytes()
    workspace.simulator.faults.add(Fault("status", status=403, times=None))
    with pytest.raises(GcbatchError) as caught:
        workspace.run(fresh=True, **DAYS)

    runs = runs_of(workspace.job(**DAYS))

    assert [run.exit for run in runs] == [0, caught.value.exit_code]
    assert runs[1].error
    assert (workspace.folder / "store/job/run.json").read_bytes() == before


def test_a_run_with_a_failed_export_is_listed_once(workspace: "Workspace") -> None:
    """With 6, though it fetched all."""
    (workspace.folder / "job.csv").mkdir()
    with pytest.raises(GcbatchError):
        workspace.run(**DAYS)

    (run,) = runs_of(workspace.job(**DAYS))

    assert (run.exit, run.fetched) == (6, 2)
    assert "exports[0] (csv)" in run.error


def test_the_history_is_bounded(workspace: "Workspace") -> None:
    """The oldest runs go first, of both kinds."""
    workspace.run(**DAYS)
    path = workspace.folder / "store/job/run.json"
    note = json.loads(path.read_text("utf-8"))
    note["runs"] = [dict(note["runs"][0]) for _ in range(2 * MAX_RUNS)]
    for number, run in enumerate(note["runs"]):
        run["rows"] = number
        run["started_at"] = f"1999-01-01T00:{number // 60:02}:{number % 60:02}.000Z"
    path.write_text(json.dumps(note), "utf-8")
    store = Store(workspace.folder / "store", "job")
    for _ in range(MAX_RUNS + 5):
        note_failure(store, datetime(1998, 1, 1, tzinfo=UTC), GcbatchError("no"))

    workspace.run(**DAYS)

    kept = json.loads(path.read_text("utf-8"))["runs"]
    failed = store.read_note("failed.json")
    assert len(kept) == MAX_RUNS
    assert kept[0]["rows"] == MAX_RUNS + 1
    assert failed is not None
    assert len(failed["runs"]) == MAX_RUNS
    assert len(runs_of(workspace.job(**DAYS))) == MAX_RUNS


def test_two_runs_at_once_are_both_listed(
    workspace: "Workspace", monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that finds another's report in the place of the last one keeps that."""
    workspace.run(**DAYS)
    write = Store.write_file_if
    others: list[str] = []

    def write_after_another(store: Store, name: str, fill: Any, stamp: Any) -> bool:
        if name == "run.json" and not others:
            others.append(name)
            workspace.run(**DAYS)
        return write(store, name, fill, stamp)

    monkeypatch.setattr(Store, "write_file_if", write_after_another)
    workspace.run(**DAYS)

    assert len(runs_of(workspace.job(**DAYS))) == 3


def test_what_is_no_run_is_left_out(workspace: "Workspace") -> None:
    """Notes that another program has changed are no error."""
    workspace.run(**DAYS)
    path = workspace.folder / "store/job/run.json"
    note = json.loads(path.read_text("utf-8"))
    note["runs"] += [7, None, {"started_at": "soon"}]
    path.write_text(json.dumps(note), "utf-8")

    assert len(runs_of(workspace.job(**DAYS))) == 1


def test_the_command_lists_runs(workspace: "Workspace", cli: "Cli") -> None:
    """A line for each; with --json as plain data; exports say that they are."""
    job = workspace.write(**DAYS)
    none = cli("runs", job)
    workspace.run(**DAYS)
    workspace.export(**DAYS)

    screen = cli("runs", job)
    listed = json.loads(cli("runs", job, "--json").stdout)

    assert "no run has ended yet" in none.stdout
    assert "2 of 2" in screen.stdout
    assert [run["kind"] for run in listed] == ["run", "export"]
    assert [run["exit"] for run in listed] == [0, 0]
    assert listed[0]["from"] == "1999-07-31T21:00:00.000Z"
