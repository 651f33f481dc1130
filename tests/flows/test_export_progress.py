"""Progress of exports, of a run and of exporting again."""

import threading
from pathlib import Path
from typing import TYPE_CHECKING

import gcbatch
from gcbatch import RunReport, arun, load_job
from gcbatch.fetching import Observer
from gcbatch.query import Query
from tests.support.details_world import World, tenant_with_conversations
from tests.support.several_orgs import orgs_of

if TYPE_CHECKING:
    import pytest

    from tests.conftest import Cli, Workspace, WorkspaceOf


class Heard(Observer):
    """Notes what it receives, in order."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str, int]] = []
        self.threads: set[int] = set()

    def fetched(self, query: Query, rows: int) -> None:
        del query
        self.said.append(("fetched", "", rows))

    def exporting(self, export: str, rows: int) -> None:
        self.threads.add(threading.get_ident())
        self.said.append(("exporting", export, rows))

    def exported(self, export: str, rows: int) -> None:
        self.said.append(("exported", export, rows))

    @property
    def ended(self) -> dict[str, int]:
        return {export: rows for what, export, rows in self.said if what == "exported"}


def test_a_run_reports_its_exports(workspace: "Workspace") -> None:
    """Each from its begin to its end, after what was fetched."""
    heard = Heard()

    report = gcbatch.run(workspace.job(), observer=heard)

    rows = report.exports[0].rows
    names = [f"{kind} intervals" for kind in ("csv", "json", "parquet")]
    assert heard.ended == dict.fromkeys(names, rows)
    assert [
        n for what, n, count in heard.said if (what, count) == ("exporting", 0)
    ] == names
    assert {what for what, *_ in heard.said[:7]} == {"fetched"}


def test_what_is_unchanged_is_not_reported(workspace: "Workspace") -> None:
    """Nothing is read of it for an export."""
    workspace.run()
    heard = Heard()

    gcbatch.run(workspace.job(), observer=heard)

    assert heard.said == []


def test_export_reports_too(workspace: "Workspace") -> None:
    """It writes what is unchanged again."""
    workspace.run()
    heard = Heard()

    gcbatch.export_job(workspace.job(), observer=heard)

    assert len(heard.ended) == 3


def test_orgs_are_exported_together(workspace_of: "WorkspaceOf") -> None:
    """With the rows of all of them."""
    two = orgs_of(workspace_of, "north", "west")
    heard = Heard()

    report = gcbatch.run(two.job(), observer=heard)

    assert set(heard.ended.values()) == {report.exports[0].rows}


def test_exports_side_by_side_report_each(tmp_path: Path) -> None:
    """They run in threads, and share one pass over the documents."""
    names = ("conversations", "participants", "segments")
    world = World(tmp_path, tenant_with_conversations(200))
    heard = Heard()

    async def work() -> RunReport:
        path = world.write(tables=names)
        job = load_job(path, environ={"SECRET": world.simulator.client_secret})
        return await arun(job, observer=heard)

    report = world.in_time(work)

    assert heard.ended == {
        f"csv {export.tables[0]}": export.rows for export in report.exports
    }
    assert min(heard.ended.values()) >= 200
    assert len(heard.threads) == len(names)


def test_the_command_logs_a_long_export(
    workspace: "Workspace", cli: "Cli", monkeypatch: "pytest.MonkeyPatch"
) -> None:
    """On standard error, with `--json` as without; a short one is not worth a line."""
    job = workspace.write()
    cli("run", job)

    assert cli("export", job).stderr == ""

    monkeypatch.setattr("gcbatch.cli.progress.SECONDS_BETWEEN_LINES", 0.0)
    logged = cli("export", job, "--json")

    assert "csv intervals: " in logged.stderr
    assert logged.stdout.startswith("{")
