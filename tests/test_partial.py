"""A run that cannot be completed says what is missing, and exports nothing unasked."""

from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

import gcbatch
from gcbatch.cli import app
from gcbatch.errors import OutOfReachError, ServiceError
from gcbatch.simulator import Fault

if TYPE_CHECKING:
    from tests.conftest import Bench

ONE_AT_A_TIME: dict[str, Any] = {"fetch": {"concurrency": 1}}


def break_one(bench: "Bench", nth: int = 3) -> None:
    """Have the service refuse one query for good."""
    bench.simulator.faults.add(Fault("status", status=400, nth=(nth,), times=None))


def test_what_is_missing_is_reported(bench: "Bench") -> None:
    """Windows by name, a few of them, and how many of all."""
    break_one(bench)

    with pytest.raises(ServiceError) as failed:
        bench.run(**ONE_AT_A_TIME)

    missing = failed.value.missing
    assert missing.startswith("5 of 7 queries: 1999-08-02T21:00:00.000Z/")
    assert not (bench.folder / "job.csv").exists()


def test_the_queues_of_a_gap_are_reported(bench: "Bench") -> None:
    """Where the job names queues; many are counted."""
    break_one(bench)
    names = [queue.name for queue in bench.simulator.tenant.queues]

    with pytest.raises(ServiceError) as failed:
        bench.run(**ONE_AT_A_TIME, query={"queues": names})

    assert " of queues " in failed.value.missing
    assert " and 3 more" in failed.value.missing


def test_a_damaged_part_that_cannot_be_had_is_a_gap(bench: "Bench") -> None:
    """It is found when it is read; the others are exported as if it had failed."""
    bench.run()
    part = bench.parts[2]
    content = bytearray(part.read_bytes())
    content[100] ^= 1
    part.write_bytes(content)
    break_one(bench, nth=1)

    report = gcbatch.run(bench.job(), allow_partial=True)

    assert len(report.gaps) == 1
    assert report.tables["intervals"].read_all().num_rows > 0


def test_a_partial_run_goes_on(bench: "Bench") -> None:
    """One query fails, the others are exported; the gap is in the report."""
    break_one(bench)

    report = gcbatch.run(bench.job(**ONE_AT_A_TIME), allow_partial=True)

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
    assert (bench.folder / "job.csv").exists()


def test_the_next_run_fills_the_gap(bench: "Bench") -> None:
    """And its outputs are those of an undisturbed run."""
    bench.run("other")
    break_one(bench)
    gcbatch.run(bench.job(**ONE_AT_A_TIME), allow_partial=True)
    bench.simulator.faults.clear()

    report = bench.run()

    assert (report.fetched, report.gaps) == (1, ())
    assert bench.outputs() == bench.outputs("other")


def test_a_partial_run_exits_5(bench: "Bench", monkeypatch: pytest.MonkeyPatch) -> None:
    """After exporting, with a line for each gap."""
    break_one(bench)
    for name, value in bench.environ.items():
        monkeypatch.setenv(name, value)

    result = CliRunner().invoke(
        app, ["run", str(bench.write(**ONE_AT_A_TIME)), "--allow-partial"]
    )

    assert result.exit_code == 5
    assert "missing 1999-08-02T21:00:00.000Z/" in result.stderr
    assert (bench.folder / "job.csv").exists()


def test_a_partial_run_does_not_try_a_dead_address_query_by_query(
    bench: "Bench",
) -> None:
    """If no request is answered, there is nothing to continue with."""
    org = {"api_url": "http://127.0.0.1:9"}
    job = bench.job(org=org, fetch={"give_up": "PT1S"}, query={"group_by": []})

    with pytest.raises(OutOfReachError):
        gcbatch.run(job, allow_partial=True)


def test_a_partial_run_is_not_what_export_takes(bench: "Bench") -> None:
    """The last whole run is."""
    break_one(bench)
    gcbatch.run(bench.job(**ONE_AT_A_TIME), allow_partial=True)

    with pytest.raises(gcbatch.DataError, match="holds no run"):
        bench.export()
