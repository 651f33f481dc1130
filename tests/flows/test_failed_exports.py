"""An export that fails keeps no other from being written, and is named."""

import asyncio
import json
import os
import signal
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

import gcbatch
from gcbatch import OutputError, load_job
from gcbatch.errors import JobError
from gcbatch.exporting import FileOptions, Receipt, Target
from gcbatch.locks import hold_folder
from gcbatch.simulator import Fault
from gcbatch.table import Table
from gcbatch.verifying.verifier import verify_org
from tests.flows.test_partial import ONE_AT_A_TIME, break_one

if TYPE_CHECKING:
    from tests.conftest import Cli, Workspace


class Broken:
    """An exporter that writes something, then fails."""

    api_version: ClassVar[int] = 1
    Options: ClassVar[type[FileOptions]] = FileOptions

    def __init__(self, options: FileOptions) -> None:
        self._path = Path(options.path)

    def export(self, tables: Mapping[str, Table], target: Target) -> Receipt:
        del tables
        target.stage(self._path).write_text("half")
        if self._path.name.startswith("job"):
            msg = "this job is not for me"
            raise JobError(msg, hint="ask another")
        msg = "it is shut"
        raise ValueError(msg)


def exports(workspace: "Workspace", *names: str) -> list[dict[str, Any]]:
    """Return exports; those that end with `.broken` fail."""
    kinds = {True: f"{__name__}:Broken", False: "csv"}
    return [
        {
            "exporter": kinds[name.endswith(".broken")],
            "table": "intervals",
            "path": str(workspace.folder / name),
        }
        for name in names
    ]


def test_the_others_are_written_and_each_failure_is_named(
    workspace: "Workspace",
) -> None:
    """Before and after it; what it wrote so far is dropped."""
    names = ("a.csv", "b.broken", "c.csv", "job.broken", "e.csv")

    with pytest.raises(OutputError) as failed:
        workspace.run(exports=exports(workspace, *names))

    kind = f"{__name__}:Broken"
    assert failed.value.problem.split("\n") == [
        f"exports[1] ({kind}): exporter {kind!r} failed: ValueError: it is shut",
        f"exports[3] ({kind}): this job is not for me",
    ]
    assert failed.value.hint == "the previous output is as it was; ask another"
    written = sorted(
        p.name for p in workspace.folder.glob("*.*") if p.suffix != ".yaml"
    )
    assert written == ["a.csv", "c.csv", "e.csv"]


def test_the_account_reports_both(workspace: "Workspace") -> None:
    """What was written, with its digest, and what was not; verify says so."""
    sections: dict[str, Any] = {"exports": exports(workspace, "b.broken", "c.csv")}
    with pytest.raises(OutputError):
        workspace.run(**sections)

    note = json.loads((workspace.folder / "store/job/run.json").read_text())

    assert [e["location"] for e in note["exports"]] == [str(workspace.folder / "c.csv")]
    assert [o["path"] for o in note["digests"]["outputs"]] == [
        str(workspace.folder / "c.csv")
    ]
    (failed,) = note["failed_exports"]
    assert (failed["number"], failed["tables"]) == (0, ["intervals"])
    flaws = verify_org(workspace.job(**sections), offline=True).output_flaws
    assert ["an export failed" in str(flaw) for flaw in flaws] == [True]


def test_what_was_written_is_not_written_again(workspace: "Workspace") -> None:
    """The next run goes on from there, as it does with parts."""
    with pytest.raises(OutputError):
        workspace.run(exports=exports(workspace, "b.broken", "c.csv"))

    again = workspace.run(exports=exports(workspace, "b.csv", "c.csv"))

    assert [export.unchanged for export in again.exports] == [False, True]


def test_a_failed_export_ends_with_6(workspace: "Workspace", cli: "Cli") -> None:
    """Whatever the reason, with a line for each; `export` does the same."""
    path = workspace.write(
        exports=exports(workspace, "job.broken", "b.broken", "c.csv")
    )

    for command in ("run", "export"):
        found = cli(command, path)

        assert found.exit_code == 6
        assert found.stderr.count("error: exports[") == 2
        assert (workspace.folder / "c.csv").exists()


def test_gaps_are_named_too(workspace: "Workspace") -> None:
    """A run that lacks something and could not write all says both."""
    break_one(workspace)
    sections = {**ONE_AT_A_TIME, "exports": exports(workspace, "b.broken", "c.csv")}

    with pytest.raises(OutputError) as failed:
        gcbatch.run(workspace.job(**sections), allow_partial=True)

    assert failed.value.missing.startswith("1999-08-02T21:00:00.000Z/")
    assert (workspace.folder / "c.csv").exists()


def of_orgs(workspace: "Workspace", **sections: Any) -> gcbatch.Job:
    """Return a job of two orgs, which are one by two names."""
    path = workspace.write(**sections)
    job = json.loads(path.read_text("utf-8"))
    org = job.pop("org")
    gone = {**org, "api_url": "http://127.0.0.1:9"}
    job["orgs"] = {"north": org, "south": {**gone, "name": "other"}}
    job["fetch"]["give_up"] = "PT1S"
    path.write_text(json.dumps(job), "utf-8")
    return load_job(path, environ=workspace.environ)


def test_over_orgs_failures_of_both_kinds_are_named(workspace: "Workspace") -> None:
    """An org that failed is not forgotten because an export failed too."""
    job = of_orgs(workspace, exports=exports(workspace, "b.broken", "c.csv"))

    with pytest.raises(OutputError) as failed:
        gcbatch.run(job)

    first, second = failed.value.problem.split("\n")
    assert first.startswith("exports[0] (")
    assert second.startswith("south: ")
    assert "north" in (workspace.folder / "c.csv").read_text()


def test_a_good_day_outlives_a_failed_fetch(workspace: "Workspace") -> None:
    """`--allow-partial` replaces days that came, and leaves the one that did not."""
    folder = workspace.folder / "days"
    export = {
        "exporter": "parquet",
        "table": "intervals",
        "path": str(folder),
        "partition_by": ["day"],
    }
    sections: dict[str, Any] = {**ONE_AT_A_TIME, "exports": [export]}
    workspace.run(**sections)
    before = {path: path.read_bytes() for path in folder.rglob("*.parquet")}
    fault = Fault("status", path="/api/v2/analytics/", status=400, nth=(2,), times=None)
    workspace.simulator.faults.add(fault)

    report = gcbatch.run(workspace.job(**sections), fresh=True, allow_partial=True)

    assert len(report.gaps) == 1
    assert {p: p.read_bytes() for p in folder.rglob("*.parquet")} == before
    assert len(before) == 7
    assert sum(Path(output.path).is_file() for output in report.outputs) == 6


@pytest.mark.parametrize("period", ["week", "total"])
def test_a_good_week_outlives_a_failed_day(workspace: "Workspace", period: str) -> None:
    """What is added up over a gap is lacking too, on whatever day it begins."""
    folder = workspace.folder / "days"
    export = {
        "exporter": "parquet",
        "table": "sla",
        "path": str(folder),
        "partition_by": ["day"],
    }
    sections: dict[str, Any] = {
        **ONE_AT_A_TIME,
        "sla": {"period": period},
        "exports": [export],
    }
    workspace.run(**sections)
    before = {path: path.read_bytes() for path in folder.rglob("*.parquet")}
    fault = Fault("status", path="/api/v2/analytics/", status=400, nth=(4,), times=None)
    workspace.simulator.faults.add(fault)

    report = gcbatch.run(workspace.job(**sections), fresh=True, allow_partial=True)

    assert len(report.gaps) == 1
    assert {p: p.read_bytes() for p in folder.rglob("*.parquet")} == before


class Quits:
    """An exporter that ends the process, as if all were well."""

    api_version: ClassVar[int] = 1
    Options: ClassVar[type[FileOptions]] = FileOptions

    def __init__(self, options: FileOptions) -> None:
        del options

    def export(self, tables: Mapping[str, Table], target: Target) -> Receipt:
        del tables, target
        raise SystemExit(0)


def test_an_exporter_cannot_end_the_run(workspace: "Workspace", cli: "Cli") -> None:
    """One that calls `sys.exit` failed; no exit code of its own counts."""
    quits = {
        "exporter": f"{__name__}:Quits",
        "table": "intervals",
        "path": str(workspace.folder / "a"),
    }
    path = workspace.write(exports=[quits, *exports(workspace, "c.csv")])

    found = cli("run", path)

    assert found.exit_code == 6
    assert "failed: SystemExit: 0" in found.stderr
    assert (workspace.folder / "c.csv").exists()


class Endless:
    """An exporter that reads its table until it is stopped."""

    api_version: ClassVar[int] = 1
    Options: ClassVar[type[FileOptions]] = FileOptions
    reached: ClassVar[threading.Event] = threading.Event()

    def __init__(self, options: FileOptions) -> None:
        del options

    def export(self, tables: Mapping[str, Table], target: Target) -> Receipt:
        del target
        self.reached.set()
        while True:
            for table in tables.values():
                table.read_all()


async def test_a_run_that_is_stopped_notes_no_failure(workspace: "Workspace") -> None:
    """What Ctrl-C keeps from being written did not fail; the last account stays."""
    workspace.run(exports=exports(workspace, "a.csv"))
    note = workspace.folder / "store" / "job" / "run.json"
    before = note.read_bytes()
    Endless.reached.clear()
    endless = {
        "exporter": f"{__name__}:Endless",
        "table": "intervals",
        "path": str(workspace.folder / "b"),
    }
    job = workspace.job(exports=[endless, *exports(workspace, "c.csv")])

    task = asyncio.create_task(gcbatch.arun(job))
    await asyncio.to_thread(Endless.reached.wait, 60)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.get_running_loop().shutdown_default_executor()  # the export's thread

    assert note.read_bytes() == before
    assert not (workspace.folder / "c.csv").exists()


async def test_a_run_that_waits_for_another_can_be_stopped(
    workspace: "Workspace",
) -> None:
    """Ctrl-C ends it, however long the other run holds the folder."""
    folder = workspace.folder / "days"
    folder.mkdir()
    export = {
        "exporter": "parquet",
        "table": "intervals",
        "path": str(folder),
        "partition_by": ["day"],
    }
    held = hold_folder(folder)
    assert held is not None
    task = asyncio.create_task(gcbatch.arun(workspace.job(exports=[export])))
    while not list(workspace.folder.glob(".days.*.part")):  # it has begun to write
        await asyncio.sleep(0.01)
        assert not task.done()

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.wait_for(asyncio.get_running_loop().shutdown_default_executor(), 30)
    os.close(held)

    assert list(folder.iterdir()) == []


class Interrupted:
    """An exporter during which Ctrl-C is pressed, and that then waits for the end."""

    api_version: ClassVar[int] = 1
    Options: ClassVar[type[FileOptions]] = FileOptions

    def __init__(self, options: FileOptions) -> None:
        self._path = Path(options.path)

    def export(self, tables: Mapping[str, Table], target: Target) -> Receipt:
        del tables
        if self._path.exists():
            os.kill(os.getpid(), signal.SIGINT)
            for _ in range(600):
                if target.is_stopped:
                    self._path.write_text("was told")
                    msg = "the wait was ended"
                    raise OutputError(msg)
                time.sleep(0.1)
        self._path.touch()
        return Receipt(str(self._path), 0)


def test_ctrl_c_ends_an_export_again(workspace: "Workspace") -> None:
    """As it ends a run: exporters are told so, even if their library waits."""
    path = workspace.folder / "waited"
    spec = {
        "exporter": f"{__name__}:Interrupted",
        "table": "intervals",
        "path": str(path),
    }
    workspace.run(exports=[spec])

    with pytest.raises(KeyboardInterrupt):
        gcbatch.export_job(workspace.job(exports=[spec]))

    assert path.read_text() == "was told"
