"""`gcbatch schema --sql`: the definitions of tables in a database."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner, Result

from gcbatch.cli import app
from gcbatch.dialects import DIALECTS
from gcbatch.genesys import ENTITY_TABLES
from gcbatch.registry import module_names
from tests.support.sql_tables import JOBS, RANGE

Schema = Callable[..., Result]


@pytest.fixture
def schema(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Schema:
    """Run the command in a folder with the job `job.yaml`, of two orgs."""
    monkeypatch.chdir(tmp_path)
    query, period = JOBS["queues"]
    job = {
        "name": "both",
        "orgs": {"north": {"simulator": True}, "south": {"simulator": True}},
        "query": {**RANGE, **query},
        "sla": {"period": period},
    }
    Path("job.yaml").write_text(yaml.safe_dump(job), "utf-8")
    return lambda *args: CliRunner().invoke(app, ["schema", *args])


def tables_in(script: str) -> dict[str, list[str]]:
    """Return the columns of each table that SQLite creates by a script."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(script)
        names = connection.execute("SELECT name FROM sqlite_master").fetchall()
        return {
            name: [row[1] for row in connection.execute(f"PRAGMA table_info({name})")]
            for (name,) in names
        }


def test_a_job_has_its_own_columns(schema: Schema) -> None:
    """Those of its metrics and groups, and `org` first where it has several."""
    done = schema("--sql", "sqlite", "job.yaml")
    found = tables_in(done.stdout)

    assert set(found) == {"intervals", "sla", "changes", *ENTITY_TABLES}
    assert {columns[0] for columns in found.values()} == {"org"}
    assert {"queue_id", "media_type", "t_handle_sum_ms"} <= set(found["intervals"])
    assert done.exit_code == 0


def test_overrides_of_the_job_count(schema: Schema) -> None:
    """The columns are those of the job that would run."""
    done = schema("--sql", "sqlite", "job.yaml", "--set", "query.views=[]")
    less = schema("--sql", "sqlite", "--table", "intervals", "job.yaml", "--from", "x")

    assert done.exit_code == 0
    assert (less.exit_code, "--from: " in less.stderr) == (2, True)


def test_nothing_is_written(schema: Schema) -> None:
    """No store is made, and no request sent."""
    assert schema("--sql", "duckdb", "job.yaml").exit_code == 0
    assert [path.name for path in Path().iterdir()] == ["job.yaml"]


def test_tables_of_documents_need_no_job(schema: Schema) -> None:
    """They and the listed ones are the same in all jobs; a comment says the rest."""
    done = schema("--sql", "sqlite")
    folders = ("tables/conversations", "tables/users")

    assert sorted(tables_in(done.stdout)) == sorted(
        (
            "changes",
            *ENTITY_TABLES,
            *(n for folder in folders for n in module_names(folder)),
        )
    )
    assert "gcbatch schema --sql sqlite JOB" in done.stdout.split("CREATE")[0]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_one_table_in_every_dialect(schema: Schema, dialect: str) -> None:
    """Only its definition is printed, with its name, key and job as its comment."""
    done = schema("--sql", dialect, "--table", "sla", "job.yaml")

    assert done.stdout.count("CREATE TABLE ") == 1
    assert done.stdout.startswith("CREATE TABLE ")
    assert "gcbatch table sla; key: org, period_start, queue_id" in done.stdout
    assert "job: both" in done.stdout


@pytest.mark.parametrize(
    ("args", "problem"),
    [
        pytest.param(
            ["--sql", "postgres"],
            "--sql: unknown dialect 'postgres': did you mean postgresql?",
            id="a misspelt dialect",
        ),
        pytest.param(
            ["--sql", "sqlite", "--table", "segmnts"],
            "--table: unknown table 'segmnts': did you mean segments?",
            id="a misspelt table",
        ),
        pytest.param(
            ["--sql", "sqlite", "--table", "segments", "job.yaml"],
            "job.yaml: --table: unknown table 'segments'",
            id="a table of other jobs",
        ),
        pytest.param(
            ["--sql", "sqlite", "--table", "intervals"],
            "--table intervals: its columns follow from a job",
            id="a table that needs a job",
        ),
        pytest.param(
            ["--sql", "sqlite", "--from", "2026-10-01"],
            "schema: --from, --to and --set need JOB",
            id="an override of no job",
        ),
        pytest.param(
            ["--sql", "sqlite", "none.yaml"],
            "none.yaml: cannot be read",
            id="no such job",
        ),
        pytest.param(
            ["job.yaml"],
            "schema: JOB, --from, --to, --set and --table need --sql",
            id="a job without a dialect",
        ),
        pytest.param(
            ["--markdown", "--sql", "sqlite"],
            "--markdown: does not go with --sql",
            id="two formats",
        ),
    ],
)
def test_wrong_input(schema: Schema, args: list[str], problem: str) -> None:
    """It says what is wrong and what to do, and exits with 2."""
    done = schema(*args)
    first, second = done.stderr.splitlines()

    assert done.exit_code == 2
    assert first.startswith(f"error: {problem}")
    assert second.startswith("hint: ")
    assert done.stdout == ""


def test_the_help_names_every_dialect(schema: Schema) -> None:
    """It cannot import them: `--help` starts light."""
    shown = " ".join(schema("--help").stdout.replace("│", " ").split())

    assert [dialect for dialect in DIALECTS if dialect not in shown] == []
