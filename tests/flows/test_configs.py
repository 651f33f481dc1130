"""Every job file that ships loads, explains itself, and those that can be run are."""

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml
from typer.testing import CliRunner, Result

from gcbatch import load_job, plan
from gcbatch.cli import app
from gcbatch.job.query import ENDPOINTS

ROOT = Path(__file__).parents[2]
CONFIGS = sorted((ROOT / "configs").glob("*.yaml"))
STARTER = ROOT / "gcbatch" / "cli" / "starter.yaml"
SCHEMA = ROOT / "configs" / "job.schema.json"
ENVIRON = {
    f"{whose}_CLIENT_{what}": f"{whose} {what}"
    for whose in ("GENESYS", "NORTH", "SOUTH")
    for what in ("ID", "SECRET")
}

every = pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
Cli = Callable[..., Result]


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Run a command in a folder of its own."""
    monkeypatch.chdir(tmp_path)

    def invoke(*args: object) -> Result:
        return CliRunner().invoke(app, [str(arg) for arg in args])

    return invoke


def test_there_are_the_jobs_that_people_ask_for() -> None:
    """A first try, a schedule, service levels, the tutorials, a year of everything."""
    assert {path.stem for path in CONFIGS} >= {
        "quickstart",
        "daily",
        "agents",
        "sla-daily",
        "sla-monthly",
        "interval-report",
        "multi-queue-backfill",
        "several-orgs",
        "dimensions",
    }


@every
def test_a_config_loads(path: Path) -> None:
    """With credentials in the environment, and no name but its file's."""
    job = load_job(path, environ=ENVIRON)

    assert job.name == path.stem
    assert job.exports


@every
def test_a_config_explains_itself(path: Path) -> None:
    """It begins with what it is for, says how to run it, and comments its keys."""
    lines = path.read_text("utf-8").splitlines()

    assert lines[0] == f"# yaml-language-server: $schema={SCHEMA.name}"
    assert lines[1] == "#"
    opening = lines[2 : lines.index("", 2)]
    assert len(opening) >= 2
    assert all(line.startswith("#") for line in opening)
    assert max(map(len, lines)) <= 92


@every
def test_a_config_is_read_by_any_yaml(path: Path) -> None:
    """Nothing in it needs our own reader: others read the same keys."""
    raw = yaml.safe_load(path.read_text("utf-8"))

    known = {"name", "org", "orgs", "query", "fetch", "sla", "exports"}
    assert set(raw) <= known | {"calendar", "local_time", "tables"}


@every
def test_commands_in_comments_name_the_file(path: Path) -> None:
    """A command in a comment names this file, and an option that exists."""
    text = path.read_text("utf-8")
    commands = re.findall(r"gcbatch (\w+) (configs/[\w.-]+)", text)

    assert all(ROOT / named == path for _, named in commands)
    assert {command for command, _ in commands} <= {"run", "plan", "report", "sql"}


def test_the_schema_is_the_one_that_is_printed(cli: Cli) -> None:
    """Editors check by what `gcbatch schema` says today."""
    printed = cli("schema")

    assert json.loads(SCHEMA.read_text("utf-8")) == json.loads(printed.stdout)


@every
def test_a_config_fits_the_schema(path: Path) -> None:
    """An editor that knows the schema marks nothing in it."""
    raw = yaml.safe_load(path.read_text("utf-8"))
    schema = json.loads(SCHEMA.read_text("utf-8"))
    properties = schema["$defs"]["QuerySection"]["properties"]

    assert set(raw) <= set(schema["properties"])
    if "query" in raw:  # not in a job of tables alone
        required = set(schema["$defs"]["QuerySection"]["required"])
        assert required <= set(raw["query"]) <= set(properties)
    assert properties["endpoint"]["enum"] == list(ENDPOINTS)
    known = schema["$defs"]["Export"]["properties"]["exporter"]["anyOf"][0]["enum"]
    assert {export["exporter"] for export in raw["exports"]} <= set(known)


def test_the_starter_loads(cli: Cli, tmp_path: Path) -> None:
    """What `gcbatch init` writes is a job, and is commented."""
    result = cli("init", "mine.yaml")

    assert result.exit_code == 0
    assert (tmp_path / "mine.yaml").read_bytes() == STARTER.read_bytes()
    job = load_job(tmp_path / "mine.yaml", environ=ENVIRON)
    assert job.name == "my-job"


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_quickstart_runs(cli: Cli, tmp_path: Path) -> None:
    """Without an account or a setting, it writes a week in three formats."""
    result = cli("run", ROOT / "configs" / "quickstart.yaml")

    assert result.exit_code == 0, result.output
    out = tmp_path / "out"
    written = {path.name for path in out.iterdir()}
    assert written == {"intervals.csv", "intervals.parquet", "intervals.jsonl"}
    assert len(rows_of(out / "intervals.csv")) == 485


def test_the_derived_tables_run(cli: Cli, tmp_path: Path) -> None:
    """As its comments say: a run, and a question about what it made."""
    config = ROOT / "configs" / "daily-sql.yaml"

    run = cli("run", config)
    asked = cli("sql", config, "FROM daily ORDER BY offered DESC LIMIT 5")

    assert run.exit_code == 0, run.output
    assert len(rows_of(tmp_path / "out" / "daily.csv")) == 41
    assert len(rows_of(tmp_path / "out" / "busiest.csv")) == 7
    assert "Retail banking" in asked.stdout.splitlines()[1]


def test_the_interval_report_runs(cli: Cli, tmp_path: Path) -> None:
    """As its comments say: a run, and the tutorial's table from the store."""
    config = ROOT / "configs" / "interval-report.yaml"
    run = cli("run", config)
    report = cli("report", config, "--period", "interval")

    assert run.exit_code == 0, run.output
    assert report.exit_code == 0, report.output
    days = rows_of(tmp_path / "out" / "interval-report-days.csv")
    assert len(days) == 14
    assert {row["target_pct"] for row in days} == {"80.0"}
    assert re.search(r"date +queue +offers +handled +abandoned", report.stdout)


@pytest.mark.parametrize("endpoint", ["interval-report", "queue-summary"])
def test_the_interval_report_does_for_either_tutorial(
    cli: Cli, tmp_path: Path, endpoint: str
) -> None:
    """Its endpoint can be changed as its comment says."""
    config = ROOT / "configs" / "interval-report.yaml"

    result = cli("run", config, "--set", f"query.endpoint={endpoint}")

    assert result.exit_code == 0, result.output
    days = rows_of(tmp_path / "out" / "interval-report-days.csv")
    assert sum(int(row["answered"]) for row in days) == 5_588 + 741


@pytest.mark.parametrize("name", ["sla-daily", "sla-monthly"])
def test_an_sla_config_runs_on_the_sample(cli: Cli, tmp_path: Path, name: str) -> None:
    """Pointed at the simulator and its week, all outputs are written."""
    raw = yaml.safe_load((ROOT / "configs" / f"{name}.yaml").read_text("utf-8"))
    raw["org"] = {"simulator": True}
    raw["query"] |= {"timezone": "Asia/Jerusalem"}
    job = tmp_path / "job.yaml"
    job.write_text(yaml.safe_dump(raw), "utf-8")

    result = cli("run", job, "--from", "1999-08-01", "--to", "1999-08-08")

    assert result.exit_code == 0, result.output
    for export in raw["exports"]:
        assert (tmp_path / export["path"]).stat().st_size > 0


def test_the_dimensions_run_on_the_sample(cli: Cli, tmp_path: Path) -> None:
    """Pointed at the simulator, a job of tables alone writes a file for each."""
    config = ROOT / "configs" / "dimensions.yaml"
    raw = yaml.safe_load(config.read_text("utf-8"))
    raw["org"] = {"simulator": True}
    job = tmp_path / "job.yaml"
    job.write_text(yaml.safe_dump(raw), "utf-8")

    result = cli("run", job)

    assert result.exit_code == 0, result.output
    out = tmp_path / "out" / "dimensions"
    ids = {path.stem: pq.read_table(path).column(0) for path in out.iterdir()}
    assert {table: len(column) for table, column in ids.items()} == {
        "queues": 6,
        "users": 22,
        "wrapup_codes": 6,  # two are deleted
    }


def test_the_readmes_job_is_one(tmp_path: Path) -> None:
    """It loads as it stands, and its exports would be made; asked of the simulator."""
    readme = (ROOT / "README.md").read_text("utf-8")
    (text,) = re.findall(r"```yaml\n(.*?)```", readme, re.DOTALL)
    path = tmp_path / "job.yaml"
    path.write_text(text, "utf-8")
    environ = {"GENESYS_CLIENT_ID": "id", "GENESYS_CLIENT_SECRET": "secret"}
    settings = {
        "org": "{simulator: true}",
        "query.queues": "[Retail banking]",
        "fetch.store": str(tmp_path / "store"),
    }

    whole = load_job(path, environ=environ)
    planned = plan(load_job(path, environ=environ, settings=settings))

    assert whole.own_org.region == "eu-west-1"
    assert planned.plan.queries
