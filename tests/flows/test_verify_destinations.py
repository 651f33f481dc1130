"""Checking what databases hold, against the tables of the last run."""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from pydantic import BaseModel
from typer.testing import CliRunner

import gcbatch
from gcbatch import DataError, Job, OutputError, Table
from gcbatch.cli import app
from gcbatch.exporting import Mismatch, Options, Receipt, Target
from gcbatch.verifying import (
    Destination,
    DestinationsResult,
    verify,
)
from gcbatch.verifying.result import MAX_LISTED
from tests.flows.test_partial import ONE_AT_A_TIME, break_one
from tests.support.several_orgs import orgs_of

if TYPE_CHECKING:
    from tests.conftest import Cli, Workspace, WorkspaceOf

DATABASE = "genesys.db"


def export_to(
    folder: Path, file: str = DATABASE, *, table: str = "intervals", **more: Any
) -> dict[str, Any]:
    path = str(folder / file)
    return {"exporter": "sqlite", "table": table, "path": path, **more}


def exports(workspace: "Workspace", *specs: dict[str, Any]) -> dict[str, Any]:
    """Return the exports of a job; one to SQLite if none are given."""
    return {"exports": [*specs] or [export_to(workspace.folder)]}


def change(folder: Path, statement: str, name: str = DATABASE) -> int:
    """Change the database by hand; return how many rows were."""
    with closing(sqlite3.connect(folder / name)) as db:
        changed = db.execute(statement).rowcount
        db.commit()
    return changed


def compared(job: Job) -> DestinationsResult:
    return verify(job, offline=True).destinations


def only(result: DestinationsResult) -> Destination:
    (found,) = result.destinations
    return found


def problems(result: DestinationsResult) -> list[str]:
    return [str(m) for one in result.destinations for m in one.mismatches]


class TestWhatDiffers:
    def test_an_intact_destination_is_good(self, workspace: "Workspace") -> None:
        """All rows are compared; exports to files are not among the destinations."""
        path = str(workspace.folder / "job.csv")
        csv = {"exporter": "csv", "table": "intervals", "path": path}
        sections = exports(workspace, csv, export_to(workspace.folder))
        report = workspace.run(**sections)

        found = only(compared(workspace.job(**sections)))

        assert found.location == f"{workspace.folder / DATABASE}: intervals"
        assert found.rows == report.exports[1].rows > 0
        assert not found.differing
        assert not found.left_out

    @pytest.mark.parametrize(
        ("statement", "problem"),
        [
            ("UPDATE {t} SET n_offered = n_offered + 1", "n_offered: the sum is "),
            ("UPDATE {t} SET queue_name = 'x'", "queue_name: a value differs"),
            ("UPDATE {t} SET n_offered = n_offered + 0.5", "n_offered: the sum is "),
            ("UPDATE {t} SET n_offered = 'many'", "n_offered: the sum is "),
            (
                "UPDATE {t} SET interval_end = replace(interval_end, 'Z', '001Z')",
                "interval_end: a value differs",
            ),
            ("DELETE FROM {t}", "rows, expected "),
        ],
    )
    def test_a_row_is_named_by_its_day(
        self, workspace: "Workspace", statement: str, problem: str
    ) -> None:
        """Edited or lost; the day is that of the job's zone."""
        sections = exports(workspace)
        workspace.run(**sections)
        where = (
            " WHERE rowid = (SELECT min(rowid) FROM intervals "
            "WHERE interval_start >= '1999-08-02T21:00:00.000Z')"
        )
        assert change(workspace.folder, statement.format(t="intervals") + where) == 1

        (found,) = only(compared(workspace.job(**sections))).mismatches

        assert str(found.day) == "1999-08-03"  # Jerusalem is at +3
        assert problem in found.problem

    def test_an_added_row_is_found(self, workspace: "Workspace") -> None:
        """A copy of another one."""
        sections = exports(workspace)
        workspace.run(**sections)
        change(
            workspace.folder, "INSERT INTO intervals SELECT * FROM intervals LIMIT 1"
        )

        assert len(problems(compared(workspace.job(**sections)))) == 1

    def test_rows_of_other_ranges_are_not_compared(
        self, workspace: "Workspace"
    ) -> None:
        """The destination keeps what an earlier range had, whatever became of it."""
        sections = exports(workspace)
        workspace.run(**sections)
        narrow = {**sections, "query": {"from": "1999-08-03", "to": "1999-08-04"}}
        workspace.run(**narrow)
        change(
            workspace.folder,
            "DELETE FROM intervals WHERE interval_start < '1999-08-02'",
        )

        assert problems(compared(workspace.job(**narrow))) == []

    def test_a_wider_range_is_compared_as_a_whole(self, workspace: "Workspace") -> None:
        """Of a job that ran with a narrower one before."""
        sections = exports(workspace)
        narrow = {**sections, "query": {"from": "1999-08-03", "to": "1999-08-04"}}
        workspace.run(**narrow)
        workspace.run(**sections)

        found = only(compared(workspace.job(**sections)))

        assert not found.differing
        assert found.rows == workspace.export(**sections).exports[0].rows

    @pytest.mark.parametrize("period", ["total", "day"])
    def test_service_levels_are_compared(
        self, workspace: "Workspace", period: str
    ) -> None:
        """With a period of the export's own; totals have no day."""
        spec = export_to(workspace.folder, table="sla", period=period)
        sections = {**exports(workspace, spec), "sla": {"target": 80}}
        workspace.run(**sections)
        assert problems(compared(workspace.job(**sections))) == []

        change(
            workspace.folder,
            "UPDATE sla SET compliance_met = 2 WHERE rowid = "
            "(SELECT min(rowid) FROM sla WHERE compliance_met)",
        )
        (found,) = only(compared(workspace.job(**sections))).mismatches

        assert (found.day is None) == (period == "total")

    def test_listed_tables_are_compared(self, workspace: "Workspace") -> None:
        """They have no time."""
        sections = exports(workspace, export_to(workspace.folder, table="queues"))
        workspace.run(**sections)
        assert problems(compared(workspace.job(**sections))) == []

        assert change(workspace.folder, "DELETE FROM queues WHERE rowid = 1") == 1
        (found,) = only(compared(workspace.job(**sections))).mismatches

        assert found.day is None

    def test_two_exports_are_two_destinations(self, workspace: "Workspace") -> None:
        """Of one table; only one differs."""
        sections = exports(
            workspace,
            export_to(workspace.folder),
            export_to(workspace.folder, "copy.db", name="copy"),
        )
        workspace.run(**sections)
        change(
            workspace.folder,
            "UPDATE copy SET n_offered = -1 WHERE rowid = 1",
            "copy.db",
        )

        one, copy = compared(workspace.job(**sections)).destinations

        assert not one.differing
        assert copy.differing.total() == 1

    def test_export_repairs_it(self, workspace: "Workspace") -> None:
        """As the hint says: also where the ledger says that nothing changed."""
        sections = exports(workspace)
        workspace.run(**sections)
        change(workspace.folder, "UPDATE intervals SET n_offered = -1")
        assert problems(compared(workspace.job(**sections)))

        workspace.export(**sections)

        assert problems(compared(workspace.job(**sections))) == []


class TestWhatIsNotCompared:
    """It could differ without anybody's fault; the result says why not."""

    def test_after_a_run_with_gaps(self, workspace: "Workspace") -> None:
        """The destination keeps what it had of the gap."""
        sections: dict[str, Any] = {**exports(workspace), **ONE_AT_A_TIME}
        workspace.run(**sections)
        break_one(workspace)
        gcbatch.run(workspace.job(**sections), fresh=True, allow_partial=True)

        found = only(compared(workspace.job(**sections)))

        assert found.left_out == {
            "": "the last run's report has gaps: 1, so the outputs are not complete"
        }
        assert found.rows is None

    def test_with_a_damaged_part(self, workspace: "Workspace") -> None:
        """What a run would fetch again may be other rows."""
        sections = exports(workspace)
        workspace.run(**sections)
        workspace.parts[0].unlink()

        found = only(compared(workspace.job(**sections)))

        assert found.left_out == {"": "parts are missing or damaged"}

    def test_an_export_that_was_added_since(self, workspace: "Workspace") -> None:
        """Nor one whose path has changed; the others are compared."""
        sections = exports(workspace)
        workspace.run(**sections)
        new = export_to(workspace.folder, "new.db", table="queues")
        moved = export_to(workspace.folder, "moved.db")
        sections = exports(workspace, moved, new, export_to(workspace.folder))

        first, second, third = compared(workspace.job(**sections)).destinations

        why = {"": "the last run did not write it"}
        assert (first.left_out, second.left_out, third.left_out) == (why, why, {})

    def test_a_name_that_begins_as_another(self, workspace: "Workspace") -> None:
        """A table `intervals_2` is not in the place `intervals`."""
        sections = exports(workspace)
        workspace.run(**sections)
        longer = exports(workspace, export_to(workspace.folder, name="intervals_2"))

        found = only(compared(workspace.job(**longer)))

        assert found.location.endswith(": intervals_2")
        assert found.left_out == {"": "the last run did not write it"}

    def test_an_export_that_failed(self, workspace: "Workspace") -> None:
        """The report of that run says why."""
        sections = exports(workspace)
        (workspace.folder / DATABASE).mkdir()
        with pytest.raises(OutputError):
            workspace.run(**sections)

        found = only(compared(workspace.job(**sections)))

        assert found.left_out == {"": "the last run did not write it"}

    def test_a_destination_that_is_away(self, workspace: "Workspace") -> None:
        """It is an error, with the exit code of destinations."""
        sections = exports(workspace)
        workspace.run(**sections)
        (workspace.folder / DATABASE).unlink()

        result = compared(workspace.job(**sections))

        (error,) = result.errors
        assert error.exit_code == OutputError.exit_code
        assert DATABASE in error.problem


class TestSeveralOrgs:
    def test_the_org_is_named(self, workspace_of: "WorkspaceOf") -> None:
        """And its day; the other org's rows agree."""
        two = orgs_of(workspace_of, "north", "west")
        sections: dict[str, Any] = {"exports": [export_to(two.folder)]}
        two.run(**sections)
        change(
            two.folder,
            "UPDATE intervals SET n_offered = 99 WHERE org = 'west' "
            "AND interval_start LIKE '2026-03-03%'",
        )

        result = compared(two.job(**sections))

        (found,) = only(result).mismatches
        assert (found.org, str(found.day)) == ("west", "2026-03-03")
        assert result.is_good("north")
        assert not result.is_good("west")
        assert result.to_json("north")[0]["mismatches"] == []

    def test_orgs_in_different_zones(self, workspace_of: "WorkspaceOf") -> None:
        """They have no day in common: UTC's are named."""
        two = orgs_of(workspace_of, "north", "west")
        own = {"west": {"timezone": "America/New_York"}}
        sections: dict[str, Any] = {"exports": [export_to(two.folder)], "own": own}
        two.run(**sections)
        assert problems(compared(two.job(**sections))) == []

        statement = (
            "DELETE FROM intervals WHERE org = 'west' "
            "AND interval_start LIKE '2026-03-03%'"
        )
        assert change(two.folder, statement)
        (found,) = only(compared(two.job(**sections))).mismatches

        assert str(found.day) == "2026-03-03"

    def test_an_org_that_failed_keeps_its_rows(
        self, workspace_of: "WorkspaceOf"
    ) -> None:
        """They are compared with those of its last run: they are still there."""
        two = orgs_of(workspace_of, "north", "west")
        sections: dict[str, Any] = {"exports": [export_to(two.folder)]}
        two.run(**sections)
        two.environ["WEST_SECRET"] = "wrong"
        assert gcbatch.run(two.job(**sections), fresh=True).failures

        found = only(compared(two.job(**sections)))

        assert not found.differing
        assert not found.left_out

    def test_an_org_that_never_ran_is_left_out(
        self, workspace_of: "WorkspaceOf"
    ) -> None:
        """The other one is compared."""
        two = orgs_of(workspace_of, "north", "west")
        sections: dict[str, Any] = {"exports": [export_to(two.folder)]}
        two.environ["WEST_SECRET"] = "wrong"
        two.run(**sections)

        found = only(compared(two.job(**sections)))

        assert found.left_out == {"west": "it could not be checked"}
        assert found.rows
        assert not found.differing


class Odd:
    """A plugin whose verify finds much, or breaks."""

    api_version: ClassVar[int] = 2
    Options: ClassVar[type[BaseModel]] = Options

    def __init__(self, options: BaseModel) -> None:
        del options

    def export(self, tables: Mapping[str, Table], target: Target) -> Receipt:
        del tables, target
        return Receipt("the moon", 0)

    def verify(self, tables: Mapping[str, Table]) -> Iterator[Mismatch]:
        for _ in range(MAX_LISTED + 5):
            yield Mismatch(next(iter(tables)), "", None, "is far away")
        msg = "no signal"
        raise ValueError(msg)


def test_a_plugin_that_breaks_is_named(workspace: "Workspace") -> None:
    """What it found until then counts; the list is bounded."""
    spec = {"exporter": f"{__name__}:Odd", "table": "intervals"}
    sections = exports(workspace, spec)
    workspace.run(**sections)

    result = compared(workspace.job(**sections))

    found = only(result)
    assert found.location == "the moon"
    assert found.differing.total() == MAX_LISTED + 5
    assert len(found.mismatches) == MAX_LISTED
    differing, failure = result.errors
    assert isinstance(differing, DataError)
    assert differing.problem == (
        f"job: the moon: {MAX_LISTED + 5:,} days differ, first is far away"
    )
    assert "Odd' failed: ValueError: no signal" in failure.problem


class TestTheCommand:
    def test_says_what_was_compared(self, workspace: "Workspace", cli: "Cli") -> None:
        """A line for each destination; exit 0. It sends no request for it."""
        job = workspace.write(**exports(workspace))
        assert cli("run", job).exit_code == 0

        result = cli("verify", job, "--offline")

        assert result.exit_code == 0, result.output
        (line,) = (li for li in result.stdout.splitlines() if li.startswith("sqlite"))
        assert line.startswith(f"sqlite, {workspace.folder / DATABASE}: intervals: ")
        assert line.endswith(" rows compared, no day differs")

    def test_names_the_first_day_and_says_what_to_do(
        self, workspace: "Workspace", cli: "Cli"
    ) -> None:
        """In one line; exit 5. The screen has all of them."""
        job = workspace.write(**exports(workspace))
        cli("run", job)
        change(workspace.folder, "DELETE FROM intervals WHERE rowid IN (1, 100)")

        result = cli("verify", job, "--offline")

        assert result.exit_code == 5
        (error,) = (li for li in result.stderr.splitlines() if "error: " in li)
        assert ": intervals: 2 days differ, first 1999-08-01: " in error
        assert "hint: `gcbatch export JOB` writes the rows again" in result.stderr
        assert result.stdout.count("\n  1999-08-0") == 2

    def test_prints_it_as_json(self, workspace: "Workspace", cli: "Cli") -> None:
        """Keys are added, and `good` counts it."""
        job = workspace.write(**exports(workspace))
        cli("run", job)
        assert json.loads(cli("verify", job, "--offline", "--json").stdout)["good"]
        change(workspace.folder, "DELETE FROM intervals WHERE rowid = 1")

        result = json.loads(cli("verify", job, "--offline", "--json").stdout)

        assert result["good"] is False
        (found,) = result["destinations"]
        (mismatch,) = found.pop("mismatches")
        assert " rows, expected " in mismatch.pop("problem")
        assert mismatch == {"table": "intervals", "org": "", "day": "1999-08-01"}
        assert found.pop("rows") > 0
        assert found == {
            "exporter": "sqlite",
            "tables": ["intervals"],
            "location": f"{workspace.folder / DATABASE}: intervals",
            "differing": 1,
            "not_compared": None,
            "error": None,
        }

    def test_a_missing_database_exits_with_6(
        self, workspace: "Workspace", cli: "Cli"
    ) -> None:
        """If nothing else is wrong; the screen says that it was not compared."""
        job = workspace.write(**exports(workspace))
        cli("run", job)
        (workspace.folder / DATABASE).unlink()

        result = cli("verify", job, "--offline")

        assert result.exit_code == 6
        assert ": not compared: " in result.stdout

    def test_gives_each_org_its_own(
        self, workspace_of: "WorkspaceOf", monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A list of orgs, as always; the screen says it once."""
        two = orgs_of(workspace_of, "north", "west")
        sections: dict[str, Any] = {"exports": [export_to(two.folder)]}
        two.run(**sections)
        change(two.folder, "DELETE FROM intervals WHERE org = 'west' AND rowid > 5")
        for name, value in two.environ.items():
            monkeypatch.setenv(name, value)
        job = str(two.write(**sections))

        screen = CliRunner().invoke(app, ["verify", job, "--offline"])
        as_json = CliRunner().invoke(app, ["verify", job, "--offline", "--json"])

        assert screen.exit_code == as_json.exit_code == 5
        assert screen.stdout.count("sqlite, ") == 1
        north, west = json.loads(as_json.stdout)
        assert north["good"]
        assert north["destinations"][0]["mismatches"] == []
        assert not west["good"]
        assert west["destinations"][0]["mismatches"]
