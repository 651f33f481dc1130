"""Runs whose database is in use: one clear message, nothing lost, nothing twice."""

import subprocess
import sys
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner, Result

from gcbatch.cli import app
from gcbatch_exporters.databases import waiting
from tests.support.destinations import DATABASES, FILES, place_of
from tests.support.loads import LoadedJob, calls_left_out
from tests.support.readers import duckdb_reader, sqlite_reader
from tests.support.several_orgs import tenant

if TYPE_CHECKING:
    from tests.conftest import WorkspaceOf

NORTH = tenant("north")


def reader_of(exporter: str, folder: Path) -> AbstractContextManager[object]:
    if exporter == "sqlite":
        return sqlite_reader(folder / "genesys.db")
    return duckdb_reader(folder / "genesys.duckdb")


@pytest.mark.parametrize("exporter", FILES)
def test_a_reader_that_stays(
    workspace_of: "WorkspaceOf",
    exporter: str,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The run ends with 6, its other exports are written, and the next run is right."""
    load = LoadedJob(workspace_of(NORTH), place_of(exporter, request))
    load.run()
    before = load.state()
    load.workspace.become(calls_left_out(NORTH, 1))
    path = load.workspace.write(**load.sections())
    monkeypatch.setattr(waiting, "MAX_WAIT_S", 0.3)
    for name, value in load.workspace.environ.items():
        monkeypatch.setenv(name, value)

    def run(*options: str) -> Result:
        return CliRunner().invoke(app, ["run", str(path), *options])

    with reader_of(exporter, load.folder):
        ended = run("--fresh")

    assert ended.exit_code == 6
    assert ended.stderr.count("another program has kept it") == 1
    assert load.state() == before != load.exported()
    assert run().exit_code == 0
    assert load.state() == load.exported()


@pytest.mark.slow
@pytest.mark.parametrize("exporter", DATABASES)
def test_two_processes_at_once_leave_one_copy(
    workspace_of: "WorkspaceOf", exporter: str, request: pytest.FixtureRequest
) -> None:
    """One waits for the other."""
    load = LoadedJob(workspace_of(NORTH), place_of(exporter, request))
    load.run()
    expected = load.state()
    path = load.workspace.write(**load.sections())
    command = [sys.executable, "-m", "gcbatch", "export", str(path)]
    environ = load.workspace.process_environ

    runs = [
        subprocess.Popen(command, env=environ, cwd=load.folder, stderr=subprocess.PIPE)  # noqa: S603 - our own
        for _ in range(3)
    ]
    errors = [one.communicate()[1] for one in runs]

    assert [one.returncode for one in runs] == [0, 0, 0], errors
    assert load.state() == expected == load.exported()
