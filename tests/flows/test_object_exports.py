"""Exports to an object store: the files of a disk, as objects of a real S3 server."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Final

import pytest
from pydantic import BaseModel
from typer.testing import Result

from gcbatch.errors import JobError, OutputError
from gcbatch.exporting import Options, Receipt, Target
from gcbatch.job import Job
from gcbatch.running import run
from gcbatch.table import Table
from gcbatch.verifying import verify_org
from tests.conftest import STORAGE, Workspace
from tests.support.object_requests import requests_of
from tests.support.s3_server import READER, S3Bucket

Cli = Callable[..., Result]

KINDS: Final = ("csv", "json", "parquet", "xlsx", "html")
"""The exporters of one file."""


def exports_to(place: str) -> list[dict[str, Any]]:
    """Return an export of each kind to a folder or a URL."""
    return [
        {"exporter": kind, "table": "intervals", "path": f"{place}/intervals.{kind}"}
        for kind in KINDS
    ]


@pytest.fixture
def job(workspace: Workspace, s3: S3Bucket) -> Callable[..., Job]:
    """Make jobs that export into the bucket."""

    def make(who: str | None = None, **sections: Any) -> Job:
        workspace.environ |= s3.environ if who is None else s3.environ_of(who)
        sections = {"exports": exports_to(f"{s3.url}/out"), **sections}
        return workspace.job(storage=STORAGE, **sections)

    return make


class TestFiles:
    def test_objects_are_the_files_of_a_disk(
        self, workspace: Workspace, s3: S3Bucket, job: Callable[..., Job]
    ) -> None:
        """Byte for byte, from every exporter of files."""
        run(workspace.job(exports=exports_to(str(workspace.folder / "out"))))
        report = run(job())

        for kind in KINDS:
            on_disk = (workspace.folder / "out" / f"intervals.{kind}").read_bytes()
            assert s3.read(f"out/intervals.{kind}") == on_disk
        assert [e.location for e in report.exports] == [
            f"{s3.url}/out/intervals.{kind}" for kind in KINDS
        ]
        assert not (workspace.folder / "s3:").exists()

    def test_what_is_unchanged_is_not_written_again(
        self, s3: S3Bucket, job: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A request for each object shows it, and nothing is downloaded."""
        run(job())
        sent = requests_of(monkeypatch)
        again = run(job())

        assert all(e.unchanged for e in again.exports)
        assert sum(sent) == len(KINDS)
        assert len(s3.keys()) == len(KINDS)

    def test_an_object_that_others_changed_is_written_again(
        self, s3: S3Bucket, job: Callable[..., Job]
    ) -> None:
        """Its ETag is not that of the last run."""
        run(job())
        right = s3.read("out/intervals.csv")
        s3.open().put("out/intervals.csv", b"changed")
        s3.open().delete(["out/intervals.json"])
        again = run(job())

        changed = [e.exporter for e in again.exports if not e.unchanged]
        assert changed == ["csv", "json"]
        assert s3.read("out/intervals.csv") == right

    def test_verify_finds_a_changed_object(
        self, s3: S3Bucket, job: Callable[..., Job]
    ) -> None:
        """And one that is gone; the others are as they were written."""
        run(job())
        assert verify_org(job(), offline=True).output_flaws == []
        s3.open().put("out/intervals.csv", b"changed")
        s3.open().delete(["out/intervals.json"])

        flaws = verify_org(job(), offline=True).output_flaws
        found = {flaw.path: flaw.problem for flaw in flaws}

        assert found == {
            f"{s3.url}/out/intervals.csv": "output has changed since it was written",
            f"{s3.url}/out/intervals.json": "output is missing",
        }

    def test_an_exporter_of_anyone_writes_objects_too(
        self, s3: S3Bucket, job: Callable[..., Job]
    ) -> None:
        """It has a Path of its own, knows of no object store, and stages its file."""
        path = f"{s3.url}/any/rows.txt"
        export = {"exporter": f"{__name__}:Counting", "table": "intervals"}
        run(job(exports=[{**export, "path": path}]))

        assert int(s3.read("any/rows.txt")) > 0

    def test_a_failed_export_leaves_the_object(
        self, s3: S3Bucket, job: Callable[..., Job]
    ) -> None:
        """Nothing is written before all is written."""
        export = {"exporter": f"{__name__}:Counting", "table": "intervals"}
        export["path"] = f"{s3.url}/any/rows.txt"
        s3.open().put("any/rows.txt", b"old")

        with pytest.raises(OutputError, match="half"):
            run(job(exports=[{**export, "fails": True}]))

        assert s3.read("any/rows.txt") == b"old"


class CountingOptions(Options):
    """A plugin's options, whose path is a Path."""

    path: Path
    fails: bool = False


class Counting:
    """A plugin that writes the number of rows."""

    api_version: ClassVar[int] = 2
    Options: ClassVar[type[BaseModel]] = CountingOptions

    def __init__(self, options: CountingOptions) -> None:
        self._options = options

    def export(self, tables: Mapping[str, Table], target: Target) -> Receipt:
        (table,) = tables.values()
        staged = target.stage(self._options.path)
        rows = sum(batch.num_rows for batch in table)
        staged.write_text(str(rows), "utf-8")
        if self._options.fails:
            msg = "half of it is written"
            raise OutputError(msg)
        return Receipt(str(self._options.path), rows)


class TestRefused:
    def test_credentials_that_only_read(
        self, s3: S3Bucket, job: Callable[..., Job]
    ) -> None:
        """The message names the object and the permission; nothing is written."""
        with pytest.raises(OutputError) as failed:
            run(job(READER, exports=exports_to(f"{s3.url}/out")[:1]))

        assert f"{s3.url}/out/intervals.csv: cannot be written: s3:PutObject is" in str(
            failed.value
        )
        assert s3.keys() == []

    def test_a_wrong_secret(
        self, s3: S3Bucket, cli: Cli, workspace: Workspace, monkeypatch: Any
    ) -> None:
        """One message, exit code 6; the parts are stored, no secret is shown."""
        secret = "wrong/secret+of+a+key"
        for name, value in {**s3.environ, "AWS_SECRET_ACCESS_KEY": secret}.items():
            monkeypatch.setenv(name, value)
        workspace.write(exports=exports_to(f"{s3.url}/out")[:1])

        done = cli("run", "job.yaml")

        assert done.exit_code == 6
        assert "the secret key is wrong" in done.output
        assert secret not in done.output
        assert len(workspace.parts) == 7
        for file in workspace.folder.rglob("*.json"):
            assert secret not in file.read_text("utf-8")

    def test_a_secret_in_the_job_file(self, workspace: Workspace) -> None:
        """It must not be there, and the message does not repeat it."""
        with pytest.raises(JobError) as failed:
            workspace.job(storage={"s3": {"secret_access_key": "AbC/dEf+123"}})

        assert "storage.s3.secret_access_key: must not be in the file" in str(
            failed.value
        )
        assert "AbC/dEf+123" not in str(failed.value)

    def test_a_service_without_encryption(self, workspace: Workspace) -> None:
        """Plain http is for this machine alone."""
        with pytest.raises(JobError, match=r"storage\.s3\.endpoint: .* unencrypted"):
            workspace.job(storage={"s3": {"endpoint": "http://objects.example"}})

    def test_a_bucket_without_a_place_in_it(self, workspace: Workspace) -> None:
        """An object needs a name."""
        export = {"exporter": "csv", "table": "intervals", "path": "s3://bucket"}

        with pytest.raises(JobError, match="is a bucket; name a place in it"):
            workspace.job(exports=[export])

    @pytest.mark.parametrize("path", [" s3://bucket/a.csv", "s3:bucket/a", "S3://b/a"])
    def test_what_was_meant_as_a_url(self, workspace: Workspace, path: str) -> None:
        """It makes no folder of this name, as if it were a path."""
        export = {"exporter": "csv", "table": "intervals", "path": path}

        with pytest.raises(JobError, match="is no address of an object; write s3://"):
            workspace.job(exports=[export])

    def test_without_the_extra(
        self, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The job is refused with the command that installs it."""
        monkeypatch.setattr("gcbatch.exporting.local_path.find_spec", lambda _: None)

        with pytest.raises(JobError, match=r"pip install 'gcbatch\[objects\]'"):
            workspace.job(exports=exports_to("s3://bucket/out")[:1])

    def test_two_exports_to_one_object(self, workspace: Workspace) -> None:
        """However their URLs are written."""
        one = {"exporter": "csv", "table": "intervals", "path": "s3://bucket/a.csv"}

        with pytest.raises(JobError, match="is the output of another export too"):
            workspace.job(exports=[one, {**one, "path": "s3:/bucket/a.csv"}])

    def test_an_export_into_the_store(self, workspace: Workspace) -> None:
        """Its objects are those of the store alone."""
        one = {"exporter": "csv", "table": "intervals", "path": "s3://bucket/g/a.csv"}

        with pytest.raises(JobError, match="is in the store; write elsewhere"):
            workspace.job(fetch={"store": "s3://bucket/g"}, exports=[one])

    @pytest.mark.parametrize("top", ["s3://bucket/g", "lake"])
    def test_a_folder_that_has_the_store_in_it(
        self, workspace: Workspace, top: str
    ) -> None:
        """Whoever reads all of the folder would read parts too."""
        one = {
            "exporter": "parquet",
            "table": "intervals",
            "path": top,
            "partition_by": ["day"],
        }

        with pytest.raises(JobError, match="has the store in it; write elsewhere"):
            workspace.job(fetch={"store": f"{top}/store"}, exports=[one])


def test_secrets_are_in_no_file_of_the_run(
    workspace: Workspace, s3: S3Bucket, job: Callable[..., Job]
) -> None:
    """Neither in run.json nor in the report."""
    report = run(job(exports=exports_to(f"{s3.url}/out")[:2]))

    secret = s3.environ["AWS_SECRET_ACCESS_KEY"]
    assert secret not in json.dumps(report.to_json())
    for file in workspace.folder.rglob("*.json"):
        assert secret not in file.read_text("utf-8")
