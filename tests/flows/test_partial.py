"""A run that cannot be completed says what is missing, and exports nothing unasked."""

from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

import gcbatch
from gcbatch.cli import app
from gcbatch.errors import OutOfReachError, ServiceError
from gcbatch.simulator import Fault

if TYPE_CHECKING:
    from tests.conftest import Workspace

ONE_AT_A_TIME: dict[str, Any] = {"fetch": {"concurrency": 1}}


def break_one(workspace: "Workspace", nth: int = 3) -> None:
    """Have the service refuse one query for good."""
    workspace.simulator.faults.add(Fault("status", status=400, nth=(nth,), times=None))


def test_what_is_missing_is_reported(workspace: "Workspace") -> None:
    """Windows by name, a few of them, and how many of all."""
    break_one(workspace)

    with pytest.raises(ServiceError) as failed:
        workspace.run(**ONE_AT_A_TIME)

    missing = failed.value.missing
    assert missing.startswith("5 of 7 queries: 1999-08-02T21:00:00.000Z/")
    assert not (workspace.folder / "job.csv").exists()


def test_the_queues_of_a_gap_are_reported(workspace: "Workspace") -> None:
    """Where the job names queues; many are counted."""
    break_one(workspace)
    names = [queue.name for queue in workspace.simulator.tenant.queues]

    with pytest.raises(ServiceError) as failed:
        workspace.run(**ONE_AT_A_TIME, query={"queues": names})

    assert " of queues " in failed.value.missing
    assert " and 3 more" in failed.value.missing


def test_a_damaged_part_that_cannot_be_had_is_a_gap(workspace: "Workspace") -> None:
    """It is found when it is read; the others are exported as if it had failed."""
    workspace.run()
    part = workspace.parts[2]
    content = bytearray(part.read_bytes())
    content[100] ^= 1
    part.write_bytes(content)
    break_one(workspace, nth=1)

    report = gcbatch.run(workspace.job(), allow_partial=True)

    assert len(report.gaps) == 1
    assert report.tables["intervals"].read_all().num_rows > 0


def test_a_partial_run_goes_on(workspace: "Workspace") -> None:
    """One query fails, the others are exported; the gap is in the report."""
    break_one(workspace)

    report = gcbatch.run(workspace.job(**ONE_AT_A_TIME), allow_partial=True)

    assert [str(gap.window.start.date()) for gap in report.gaps] == ["1999-08-02"]
    assert len(report.to_json()["gaps"]) == 1
    assert any("400" in warning for warning in report.warnings)
    starts = report.tables["intervals"].read_all()["interval_start"].to_pylist()
    assert not [
        t
        for t in starts
        if report.gaps[0].window.start <= t < report.gaps[0].window.end
    ]
    assert starts
    assert (workspace.folder / "job.csv").exists()


def test_the_next_run_fills_the_gap(workspace: "Workspace") -> None:
    """And its outputs are those of an undisturbed run."""
    workspace.run("other")
    break_one(workspace)
    gcbatch.run(workspace.job(**ONE_AT_A_TIME), allow_partial=True)
    workspace.simulator.faults.clear()

    report = workspace.run()

    assert (report.fetched, report.gaps) == (1, ())
    assert workspace.outputs() == workspace.outputs("other")


def test_a_partial_run_exits_5(
    workspace: "Workspace", monkeypatch: pytest.MonkeyPatch
) -> None:
    """After exporting, with a line for each gap."""
    break_one(workspace)
    for name, value in workspace.environ.items():
        monkeypatch.setenv(name, value)

    result = CliRunner().invoke(
        app, ["run", str(workspace.write(**ONE_AT_A_TIME)), "--allow-partial"]
    )

    assert result.exit_code == 5
    assert "missing 1999-08-02T21:00:00.000Z/" in result.stderr
    assert (workspace.folder / "job.csv").exists()


def test_a_partial_run_does_not_try_a_dead_address_query_by_query(
    workspace: "Workspace",
) -> None:
    """If no request is answered, there is nothing to continue with."""
    org = {"api_url": "http://127.0.0.1:9"}
    job = workspace.job(org=org, fetch={"give_up": "PT1S"}, query={"group_by": []})

    with pytest.raises(OutOfReachError):
        gcbatch.run(job, allow_partial=True)


def test_a_partial_run_is_not_what_export_takes(workspace: "Workspace") -> None:
    """The last whole run is."""
    break_one(workspace)
    gcbatch.run(workspace.job(**ONE_AT_A_TIME), allow_partial=True)

    with pytest.raises(gcbatch.DataError, match="holds no run"):
        workspace.export()
