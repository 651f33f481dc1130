"""Commands on a job of several orgs: what they print, and their exit codes."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from typer.testing import CliRunner, Result

from gcbatch.cli import app
from gcbatch.simulator import Fault, Faults
from tests.support.several_orgs import DAYS, Orgs, damage_rows, orgs_of

if TYPE_CHECKING:
    from tests.conftest import WorkspaceOf

ROOT = Path(__file__).parents[2]
Cli = Callable[..., Result]


@pytest.fixture
def two(workspace_of: "WorkspaceOf") -> Orgs:
    """Start two orgs."""
    return orgs_of(workspace_of, "north", "west")


@pytest.fixture
def cli(two: Orgs, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Run a command in this process, with the secrets in the environment."""
    monkeypatch.chdir(two.folder)

    def invoke(*args: object) -> Result:
        for name, value in two.environ.items():
            monkeypatch.setenv(name, value)
        return CliRunner().invoke(app, [str(arg) for arg in args])

    return invoke


def errors(result: Result) -> list[str]:
    return [line for line in result.stderr.splitlines() if line.startswith("error: ")]


def report_of(result: Result) -> Any:
    return json.loads(result.stdout)


class TestRun:
    def test_names_the_org_with_a_wrong_secret(self, two: Orgs, cli: Cli) -> None:
        """Exit 3, one message with the org and a hint; the other's rows are shown."""
        job = two.write(sla={})
        two.environ["WEST_SECRET"] = "wrong"

        result = cli("run", job)

        assert result.exit_code == 3
        (error,) = errors(result)
        assert error.startswith("error: west: ")
        assert result.stderr.count("hint: ") == 1
        assert "Traceback" not in result.output
        assert "north: Support" in result.stdout

    def test_is_quiet_where_all_is_well(self, two: Orgs, cli: Cli) -> None:
        """Exit 0; queues are shown with their org, worst first."""
        result = cli("run", two.write(sla={"target": 80}))

        assert result.exit_code == 0, result.output
        assert errors(result) == []
        places = [
            result.stdout.index(queue)
            for queue in ("west: Sales", "west: Support", "north: Sales")
        ]
        assert places == sorted(places)

    def test_the_worst_code_counts(self, two: Orgs, cli: Cli) -> None:
        """Of a wrong secret (3) and a query that is refused (4)."""
        two.environ["NORTH_SECRET"] = "wrong"
        two.workspaces["west"].simulator.faults = Faults(
            Fault("status", status=400, path="/api/v2/analytics/", times=None)
        )

        result = cli("run", two.write())

        assert result.exit_code == 4
        assert [line[7:13] for line in errors(result)] == ["north:", "west: "]

    def test_as_json(self, two: Orgs, cli: Cli) -> None:
        """One report of all, with what failed under the org's name."""
        two.environ["WEST_SECRET"] = "wrong"

        result = cli("run", two.write(), "--json")

        assert result.exit_code == 3
        report = report_of(result)
        assert (report["job"], report["rows"]) == ("job", 4 * DAYS)
        assert report["failures"]["west"]["exit_code"] == 3

    def test_as_json_where_all_fail(self, two: Orgs, cli: Cli) -> None:
        """The job's error, which names the orgs."""
        two.environ |= {"NORTH_SECRET": "wrong", "WEST_SECRET": "wrong"}

        result = cli("run", two.write(), "--json")

        assert result.exit_code == report_of(result)["exit_code"] == 3
        assert [
            line.split(":")[0] for line in report_of(result)["error"].split("\n")
        ] == [
            "north",
            "west",
        ]

    def test_allow_partial(self, two: Orgs, cli: Cli) -> None:
        """Exit 5; what is missing is shown with its org."""
        two.workspaces["west"].simulator.faults = Faults(
            Fault("status", status=400, path="/api/v2/analytics/", times=1)
        )
        job = two.write()

        result = cli("run", job, "--allow-partial")

        assert result.exit_code == 5
        (error,) = errors(result)
        assert error.startswith(f"error: {job}: west: missing 2026-03-")

    def test_fail_on_breach(self, two: Orgs, cli: Cli) -> None:
        """Exit 7 for misses of any org; an org that failed is not hidden by them."""
        job = two.write(sla={"target": 80, "period": "total"})

        missed = cli("run", job, "--fail-on-breach")
        two.environ["NORTH_SECRET"] = "wrong"
        failed = cli("run", job, "--fail-on-breach", "--fresh")

        assert missed.exit_code == 7
        assert "targets missed: 2" in missed.stderr
        assert failed.exit_code == 7
        assert errors(failed)[0].startswith("error: north: ")

    def test_beside_another_job(self, two: Orgs, cli: Cli) -> None:
        """Each is done as far as it can be, and the highest code counts."""
        two.environ["WEST_SECRET"] = "wrong"
        both = two.write("both")
        one = two.write("one", orgs={"north": two.sections()["north"]})

        result = cli("run", both, one, "--json")

        assert result.exit_code == 3
        assert [list(report["failures"]) for report in report_of(result)] == [
            ["west"],
            [],
        ]

    def test_with_both_org_and_orgs(self, two: Orgs, cli: Cli) -> None:
        """Exit 2, with the line."""
        job = two.write()
        content = json.loads(job.read_text("utf-8")) | {"org": {"simulator": True}}
        job.write_text(json.dumps(content, indent=1), "utf-8")

        result = cli("run", job)

        assert result.exit_code == 2
        (error,) = errors(result)
        assert error == (f"error: {job}:3: org: give either org or orgs")


class TestWithoutARun:
    def test_check(self, two: Orgs, cli: Cli) -> None:
        """A line for each org that is good, a message for each that is not."""
        two.environ["NORTH_SECRET"] = "wrong"

        result = cli("check", two.write())

        assert result.exit_code == 3
        assert "west: conversation-aggregates: credentials" in result.stdout
        assert "north: conversation" not in result.stdout
        assert errors(result)[0].startswith("error: north: ")

    def test_plan(self, two: Orgs, cli: Cli) -> None:
        """Each org's windows and price, without a data request."""
        result = cli("plan", two.write(own={"west": {"requests_per_minute": 2}}))

        assert result.exit_code == 0, result.output
        assert "job@north: conversation-aggregates" in result.stdout
        assert "1.5 minutes at 2 requests a minute" in result.stdout
        assert two.requests("/analytics/") == {"north": [], "west": []}

    def test_plan_as_json(self, two: Orgs, cli: Cli) -> None:
        """A list by org; one that cannot be planned is in it with its error."""
        two.environ["NORTH_SECRET"] = "wrong"

        result = cli("plan", two.write(), "--json")

        assert result.exit_code == 3
        north, west = report_of(result)
        assert (north["job"], north["org"], north["exit_code"]) == ("job", "north", 3)
        assert (west["job"], west["org"], west["requests"]) == ("job", "west", DAYS)

    def test_one_org_is_a_list_of_one(self, two: Orgs, cli: Cli) -> None:
        """The shape goes by the job file, not by how many orgs there are today."""
        job = two.write(orgs={"north": two.sections()["north"]})

        assert len(report_of(cli("plan", job, "--json"))) == 1

    @pytest.mark.parametrize("command", ["export", "report", "verify"])
    def test_before_any_run(self, two: Orgs, cli: Cli, command: str) -> None:
        """Exit 5, with every org named."""
        result = cli(command, two.write(sla={}))

        assert result.exit_code == 5
        assert [line[7:13] for line in errors(result)] == ["north:", "west: "]


class TestAfterARun:
    def test_export_and_report_ask_nothing(self, two: Orgs, cli: Cli) -> None:
        """All comes from the store, the same as after the run."""
        job = two.write(sla={"period": "total"})
        ran = cli("run", job)
        written = two.workspaces["north"].outputs()
        two.forget()

        exported = cli("export", job)
        reported = cli("report", job)

        assert (exported.exit_code, reported.exit_code) == (0, 0)
        assert two.requests("/") == {"north": [], "west": []}
        assert two.workspaces["north"].outputs() == written
        names, _, table = reported.stdout.partition("\n")
        assert names in ran.stdout.splitlines()
        assert table in ran.stdout

    def test_report_as_json(self, two: Orgs, cli: Cli) -> None:
        """Rows with their org, as the table has them."""
        job = two.write(sla={})
        cli("run", job)

        rows = report_of(cli("report", job, "--json"))

        assert [(row["org"], row["queue_name"]) for row in rows] == [
            ("north", "Support"),
            ("north", "Sales"),
            ("west", "Support"),
            ("west", "Sales"),
        ]

    def test_an_org_that_is_not_there(self, two: Orgs, cli: Cli) -> None:
        """Export and report do what they can, name the org, and exit 5."""
        job = two.write(sla={})
        cli("run", job)
        (two.folder / "store/job@west/plan.json").unlink()

        for command in (("export", job), ("report", job), ("report", job, "--json")):
            result = cli(*command)

            assert result.exit_code == 5, command
            assert [line[7:12] for line in errors(result)] == ["west:"]
            assert "north" in result.stdout or command[0] == "export"

    def test_export_reports_failures_as_json(self, two: Orgs, cli: Cli) -> None:
        """With the message and the exit code."""
        job = two.write()
        cli("run", job)
        damage_rows(two.parts("west")[0])

        result = cli("export", job, "--json")

        assert result.exit_code == 5
        assert report_of(result)["failures"]["west"]["exit_code"] == 5
        assert report_of(result)["rows"] == 4 * DAYS

    def test_verify(self, two: Orgs, cli: Cli) -> None:
        """Each org with its own parts, the outputs of all and its own totals."""
        job = two.write()
        cli("run", job)

        result = cli("verify", job, "--json")

        assert result.exit_code == 0, result.output
        found = report_of(result)
        assert [one["org"] for one in found] == ["north", "west"]
        for one in found:
            assert (one["good"], one["parts"], one["outputs"]) == (True, DAYS, 3)
            assert one["totals"]["differing"] == 0

    def test_verify_reports_whose_part_is_damaged(self, two: Orgs, cli: Cli) -> None:
        """The other org is good; the exit code is 5."""
        job = two.write()
        cli("run", job)
        damage_rows(two.parts("west")[0])

        result = cli("verify", job, "--offline")

        assert result.exit_code == 5
        (error,) = errors(result)
        assert "job@west" in error
        assert "damaged" in error

    def test_verify_takes_the_worst_code(self, two: Orgs, cli: Cli) -> None:
        """An org that never ran (5) does not hide a secret that is wrong (3)."""
        job = two.write()
        cli("run", job)
        (two.folder / "store/job@north/plan.json").unlink()
        two.environ["WEST_SECRET"] = "wrong"

        result = cli("verify", job, "--json")

        assert result.exit_code == 5
        assert len(errors(result)) == 2
        assert [one["org"] for one in report_of(result)] == ["north", "west"]
        assert report_of(result)[0]["exit_code"] == 5

    def test_store_ls_and_prune(self, two: Orgs, cli: Cli) -> None:
        """Each org is listed and pruned by its own folder."""
        cli("run", two.write())
        store = ("--store", two.folder / "store")

        listed = report_of(cli("store", "ls", *store, "--json"))
        of_job = report_of(cli("store", "ls", "job", *store, "--json"))
        of_org = report_of(cli("store", "ls", "job@west", *store, "--json"))
        pruned = report_of(
            cli("store", "prune", "--older-than", "1d", *store, "--json")
        )

        assert [one["job"] for one in listed] == ["job@north", "job@west"]
        assert [one["parts"] for one in listed] == [DAYS, DAYS]
        assert of_job == listed
        assert of_org == listed[1:]
        assert pruned["emptied"] == ["job@north", "job@west"]
        assert list((two.folder / "store").iterdir()) == []


def test_the_config_runs(two: Orgs, cli: Cli) -> None:
    """configs/several-orgs.yaml, pointed at the simulators, writes all its outputs."""
    config = ROOT / "configs" / "several-orgs.yaml"
    raw = yaml.safe_load(config.read_text("utf-8"))
    sections = two.sections()
    for org, section in zip(raw["orgs"].values(), sections.values(), strict=True):
        del org["region"]
        org.update(section)
    job = two.folder / "several.yaml"
    job.write_text(yaml.safe_dump(raw), "utf-8")

    result = cli("run", job, "--from", "2026-03-02", "--to", "2026-03-05")

    assert result.exit_code == 0, result.output
    assert len(list(two.folder.glob("out/orgs/org=*/day=*/data.parquet"))) == 2 * DAYS
    for name in ("orgs-sla.csv", "orgs.html"):
        assert (two.folder / "out" / name).stat().st_size > 0
