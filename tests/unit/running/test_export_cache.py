"""A run leaves outputs as they are where it would only write the same again."""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from gcbatch import OutputError, export_job, load_job, run
from gcbatch.exporting import FileOptions, Receipt, Target
from gcbatch.exporting.discovery import find_exporter
from gcbatch.running.export_cache import ExportFingerprints
from gcbatch.running.pipeline import tables_of
from gcbatch.simulator import sample_tenant
from gcbatch.store.store import Store
from gcbatch.table import StoppedError, Table
from gcbatch.tables.catalog import Catalog
from gcbatch.verifying.verifier import verify_org
from gcbatch_exporters.csv import CsvExporter, CsvOptions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.conftest import Workspace

Change = Callable[["Workspace", Path], dict[str, Any]]

TARGETS: dict[str, Any] = {"sla": {"period": "day", "target": 80}}


def csv(workspace: "Workspace", **options: Any) -> dict[str, Any]:
    """Return one export of a job: `sla`, by day."""
    path = str(workspace.folder / "sla.csv")
    return {"exporter": "csv", "table": "sla", "path": path, **options}


def inode(path: Path) -> int:
    """Return what changes with every file that is put in place."""
    return path.stat().st_ino


def test_a_run_of_what_is_done_writes_nothing(workspace: "Workspace") -> None:
    """The file stays, and the report lists it as before."""
    exports = [csv(workspace)]
    first = workspace.run(**TARGETS, exports=exports)
    path = workspace.folder / "sla.csv"
    before = inode(path)

    second = workspace.run(**TARGETS, exports=exports)

    assert inode(path) == before
    assert [e.unchanged for e in (*first.exports, *second.exports)] == [False, True]
    assert second.exports[0].rows == first.exports[0].rows > 0
    assert second.exports[0].location == first.exports[0].location
    assert second.outputs == first.outputs
    third = workspace.run(**TARGETS, exports=exports)
    assert third.exports[0].unchanged


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda _, p: (p.write_text("", "utf-8"), {})[1], id="emptied"),
        pytest.param(lambda _, p: (p.unlink(), {})[1], id="removed"),
        pytest.param(lambda b, _: {"exports": [csv(b, bom=True)]}, id="option"),
        pytest.param(lambda b, _: {"exports": [csv(b, period="week")]}, id="period"),
        pytest.param(lambda b, _: {"exports": [csv(b, table="intervals")]}, id="table"),
        pytest.param(lambda *_: {"sla": {"target": 90}}, id="target"),
        pytest.param(
            lambda *_: {"query": {"to": "1999-08-07"}}, id="range, all of it stored"
        ),
        pytest.param(
            lambda *_: {"query": {"timezone": "Asia/Tokyo"}, "fetch": {}}, id="zone"
        ),
    ],
)
def test_what_would_be_other_is_written(workspace: "Workspace", change: Change) -> None:
    """Whatever determines an output, or has happened to it, counts."""
    sections: dict[str, Any] = {**TARGETS, "exports": [csv(workspace)]}
    workspace.run(**sections)
    path = workspace.folder / "sla.csv"
    reported = change(workspace, path)

    again = workspace.run(**{**sections, **reported})

    assert not again.exports[0].unchanged
    fresh = path.read_bytes()
    path.unlink()
    assert not workspace.run(**{**sections, **reported}).exports[0].unchanged
    assert path.read_bytes() == fresh


def test_a_link_that_is_gone_or_another_is_written(workspace: "Workspace") -> None:
    """What the job names counts, not what a link once pointed to."""
    sections: dict[str, Any] = {**TARGETS, "exports": [csv(workspace)]}
    path, target = workspace.folder / "sla.csv", workspace.folder / "v1.csv"
    path.symlink_to(target)
    workspace.run(**sections)
    whole = path.read_bytes()
    assert workspace.run(**sections).exports[0].unchanged

    path.unlink()
    workspace.run(**sections)
    assert path.read_bytes() == whole
    path.unlink()
    path.write_text("foreign", "utf-8")
    workspace.run(**sections)
    assert path.read_bytes() == whole


class Foreign:
    """An exporter in whose time another process writes to the output before."""

    api_version: ClassVar[int] = 1
    Options: ClassVar[type[FileOptions]] = FileOptions

    def __init__(self, options: FileOptions) -> None:
        self._path = Path(options.path)

    def export(self, tables: "Mapping[str, Table]", target: Target) -> Receipt:
        del tables, target
        self._path.write_text("foreign rows", "utf-8")
        return Receipt(str(self._path), 0)


def test_what_another_wrote_meanwhile_is_not_taken_for_ours(
    workspace: "Workspace",
) -> None:
    """The digest is of what was written, not of what is there afterwards."""
    second = csv(workspace, exporter=f"{__name__}:Foreign", path="elsewhere")
    both = workspace.write("both", **TARGETS, exports=[csv(workspace), second])
    job = load_job(both, environ=workspace.environ)
    ours, theirs = job.exports
    theirs = theirs.model_copy(update={"path": str(workspace.folder / "sla.csv")})
    run(job.model_copy(update={"exports": (ours, theirs)}))
    path = workspace.folder / "sla.csv"
    assert path.read_text("utf-8") == "foreign rows"

    again = run(job.model_copy(update={"exports": (ours,)}))

    assert not again.exports[0].unchanged
    assert path.read_text("utf-8") != "foreign rows"


def test_a_pipe_in_the_place_of_an_output_is_refused(workspace: "Workspace") -> None:
    """No program waits for its output."""
    sections: dict[str, Any] = {**TARGETS, "exports": [csv(workspace)]}
    workspace.run(**sections)
    path = workspace.folder / "sla.csv"
    path.unlink()
    os.mkfifo(path)

    with pytest.raises(OutputError, match="is no regular file"):
        workspace.run(**sections)


def test_a_stop_is_heard_while_parts_are_checked(
    workspace: "Workspace", monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C does not wait for all of them."""
    sections: dict[str, Any] = {**TARGETS, "exports": [csv(workspace)]}
    workspace.run(**sections)
    stop, checked = Event(), list[str]()

    def check(_store: Store, digest: str) -> None:
        checked.append(digest)
        stop.set()

    monkeypatch.setattr(Store, "check", check)
    entry = find_exporter("csv")
    job = load_job(workspace.write(**sections), environ=workspace.environ)
    catalog = tables_of(job)
    assert isinstance(catalog, Catalog)
    exporter = CsvExporter(CsvOptions(path=workspace.folder / "sla.csv"))

    with pytest.raises(StoppedError):
        ExportFingerprints([catalog.source], stop).of(job.exports[0], exporter, entry)

    assert len(checked) == 1


def test_other_parts_are_exported(workspace: "Workspace") -> None:
    """A part that is fetched again has another seal, whatever it says."""
    exports = [csv(workspace)]
    workspace.run(**TARGETS, exports=exports)
    workspace.parts[0].unlink()

    again = workspace.run(**TARGETS, exports=exports)

    assert again.fetched == 1
    assert not again.exports[0].unchanged


def test_a_damaged_part_is_found_all_the_same(workspace: "Workspace") -> None:
    """It is fetched again, though the output could have stayed."""
    exports = [csv(workspace)]
    workspace.run(**TARGETS, exports=exports)
    part = workspace.parts[0]
    content = bytearray(part.read_bytes())
    content[len(content) // 2] ^= 1
    part.write_bytes(content)

    again = workspace.run(**TARGETS, exports=exports)

    assert again.fetched == 1
    assert part.read_bytes() != bytes(content)


def test_exporting_again_writes_in_any_case(workspace: "Workspace") -> None:
    """Whoever says so wants it."""
    exports = [csv(workspace)]
    workspace.run(**TARGETS, exports=exports)
    path = workspace.folder / "sla.csv"
    before = inode(path)

    report = export_job(
        load_job(workspace.write(**TARGETS, exports=exports), environ=workspace.environ)
    )

    assert inode(path) != before
    assert not report.exports[0].unchanged


def test_what_stayed_is_still_verified(workspace: "Workspace") -> None:
    """The account of the second run has the digests of the first one's files."""
    exports = [csv(workspace)]
    workspace.run(**TARGETS, exports=exports)
    workspace.run(**TARGETS, exports=exports)
    job = load_job(
        workspace.write(**TARGETS, exports=exports), environ=workspace.environ
    )

    assert not verify_org(job, offline=True).output_flaws
    (workspace.folder / "sla.csv").write_text("", "utf-8")
    assert verify_org(job, offline=True).output_flaws


def test_only_the_export_that_changed_is_written(workspace: "Workspace") -> None:
    """The others of the job stay."""
    other = csv(workspace, path=str(workspace.folder / "other.csv"))
    workspace.run(**TARGETS, exports=[csv(workspace), other])
    (workspace.folder / "other.csv").unlink()

    again = workspace.run(**TARGETS, exports=[csv(workspace), other])

    assert [e.unchanged for e in again.exports] == [True, False]
    assert len(again.outputs) == 2


def test_listed_entities_stay_until_they_are_listed_again(
    workspace: "Workspace",
) -> None:
    """The checksum of the stored listing shows a change."""
    exports = [csv(workspace, table="queues")]
    workspace.run(**TARGETS, exports=exports)

    again = workspace.run(**TARGETS, exports=exports).exports[0]
    workspace.become(replace(sample_tenant(), queues=sample_tenant().queues[1:]))
    newest = workspace.run(**TARGETS, exports=exports, fresh=True).exports[0]

    assert (again.unchanged, newest.unchanged) == (True, False)


class Clock:
    """An exporter that does not say that it is deterministic."""

    api_version: ClassVar[int] = 1
    Options: ClassVar[type[FileOptions]] = FileOptions
    runs: ClassVar[int] = 0

    def __init__(self, options: FileOptions) -> None:
        self._path = Path(options.path)

    def export(self, tables: "Mapping[str, Table]", target: Target) -> Receipt:
        del tables
        type(self).runs += 1
        target.stage(self._path).write_text(str(self.runs), "utf-8")
        return Receipt(str(self._path), self.runs)


def test_an_exporter_that_does_not_say_so_is_called(
    workspace: "Workspace", monkeypatch: pytest.MonkeyPatch
) -> None:
    """As is one that has just this name: it is still being written."""
    monkeypatch.setattr(Clock, "runs", 0)
    exports = [csv(workspace, exporter=f"{__name__}:Clock")]

    workspace.run(**TARGETS, exports=exports)
    monkeypatch.setattr(Clock, "deterministic", True, raising=False)
    again = workspace.run(**TARGETS, exports=exports)

    assert Clock.runs == 2
    assert not again.exports[0].unchanged


@pytest.mark.parametrize(
    "note",
    [
        pytest.param("{}", id="empty"),
        pytest.param('{"exports": [], "digests": {"outputs": []}}', id="nothing"),
        pytest.param('{"exports": [3], "digests": null}', id="nonsense"),
    ],
)
def test_an_account_of_another_shape_is_none(workspace: "Workspace", note: str) -> None:
    """As of an older release, or written by someone else."""
    sections: dict[str, Any] = {**TARGETS, "exports": [csv(workspace)]}
    workspace.run(**sections)
    (workspace.folder / "store" / "job" / "run.json").write_text(note, "utf-8")

    assert not workspace.run(**sections).exports[0].unchanged


def test_an_account_of_a_newer_release_counts(workspace: "Workspace") -> None:
    """It may say more of a file: keys are added, and those known mean the same."""
    sections: dict[str, Any] = {**TARGETS, "exports": [csv(workspace)]}
    workspace.run(**sections)
    path = workspace.folder / "store" / "job" / "run.json"
    note = json.loads(path.read_text("utf-8"))
    note["digests"]["outputs"][0]["newer"] = 1
    path.write_text(json.dumps(note), "utf-8")

    assert verify_org(workspace.job(**sections), offline=True).output_flaws == []
    assert workspace.run(**sections).exports[0].unchanged


def test_the_json_has_it(workspace: "Workspace") -> None:
    """Programs can see what was left."""
    sections: dict[str, Any] = {**TARGETS, "exports": [csv(workspace)]}
    workspace.run(**sections)
    reported = json.loads(json.dumps(workspace.run(**sections).to_json()))

    assert reported["exports"][0]["unchanged"] is True
    assert reported["exports"][0]["files"] == [str(workspace.folder / "sla.csv")]


def test_orgs_are_marked_together(workspace: "Workspace") -> None:
    """What one of several orgs fetched again is in the output of all."""
    path = workspace.write(**TARGETS, exports=[csv(workspace)])
    job = json.loads(path.read_text("utf-8"))
    org = job.pop("org")
    job["orgs"] = {"north": org, "south": {**org, "name": "other"}}
    path.write_text(json.dumps(job), "utf-8")
    loaded = load_job(path, environ=workspace.environ)
    run(loaded)

    assert run(loaded).exports[0].unchanged
    next(p for p in workspace.parts if "south" in str(p)).unlink()
    assert not run(loaded).exports[0].unchanged
