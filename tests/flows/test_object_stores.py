"""Runs with their store in a bucket of a real S3 server: the tests of those on disk."""

import json
from functools import partial

import pytest
from typer.testing import CliRunner

from gcbatch.cli import app
from gcbatch.verifying import verify_org
from tests.conftest import Workspace, WorkspaceOf
from tests.flows.test_runs import (  # noqa: F401 - collected here too
    TestAgain,
    TestInterrupted,
    TestSettling,
    TestSeveralJobs,
)
from tests.support.object_requests import requests_of
from tests.support.s3_server import S3Bucket


@pytest.fixture
def workspace_of(workspace_of: WorkspaceOf, s3: S3Bucket) -> WorkspaceOf:
    """Start simulators, and let the stores be in the bucket."""
    return partial(workspace_of, bucket=s3)


@pytest.fixture
def workspace(workspace_of: WorkspaceOf) -> Workspace:
    """Start a simulator of the sample week."""
    return workspace_of()


def test_outputs_are_those_of_a_run_on_disk(
    workspace: Workspace, workspace_of: WorkspaceOf
) -> None:
    """Byte for byte; and no folder of a store is on this disk."""
    on_disk = workspace_of(bucket=None)
    on_disk.run()

    workspace.run()

    assert workspace.outputs() == on_disk.outputs()
    assert not list(workspace.folder.rglob("*store*"))
    assert verify_org(workspace.job()).is_good


def test_a_run_of_what_is_done_makes_few_requests(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A listing, the index, the last report; then the report is written."""
    workspace.run()
    sent = requests_of(monkeypatch)
    report = workspace.run()

    assert report.fetched == 0
    assert sum(sent) == 4
    assert report.object_requests == 3


def test_several_orgs_have_their_stores_in_one_bucket(
    workspace: Workspace, s3: S3Bucket
) -> None:
    """The folder of each has its name."""
    org = {
        "api_url": workspace.simulator.url,
        "login_url": workspace.simulator.url,
        "client_id": workspace.simulator.client_id,
        "client_secret": "${GENESYS_CLIENT_SECRET}",
    }
    report = workspace.run(org=None, orgs={"north": org, "south": org})

    folders = {key.split("/")[2] for key in s3.keys()}  # noqa: SIM118 - a method
    assert folders == {"job@north", "job@south"}
    assert report.object_requests > 0


class TestCommands:
    @pytest.fixture(autouse=True)
    def environ(self, workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(workspace.folder)
        for name, value in workspace.environ.items():
            monkeypatch.setenv(name, value)

    def test_the_store_is_listed(self, workspace: Workspace, s3: S3Bucket) -> None:
        """By its URL, or by a job file that says more of the object store."""
        workspace.run()
        url = f"{s3.url}/{workspace.folder.name}/store"

        for place in (["--store", url], ["--job", "job.yaml"]):
            done = CliRunner().invoke(app, ["store", "ls", *place, "--json"])
            (job,) = json.loads(done.output)
            assert (job["job"], job["parts"], job["provisional"]) == ("job", 7, 0)

    def test_old_parts_are_removed(self, workspace: Workspace, s3: S3Bucket) -> None:
        """With all that names people, on this machine too; objects of others stay."""
        cache = workspace.folder / "cache"
        workspace.run(fetch={"cache": str(cache)})
        s3.open().put("others/file", b"x")

        asked = ["store", "prune", "--older-than", "1y", "--job", "job.yaml"]
        tried = CliRunner().invoke(app, [*asked, "--dry-run"])
        before, copies = s3.keys(), [*cache.iterdir()]
        done = CliRunner().invoke(app, asked)

        assert (tried.exit_code, done.exit_code) == (0, 0)
        assert len(before) > 8
        assert len(copies) >= 7
        assert [*cache.iterdir()] == []
        assert s3.keys() == ["others/file"]

    @pytest.mark.parametrize(
        ("place", "problem"),
        [
            (["--store", "s3://bucket"], "is a bucket; name a place in it"),
            (["--store", "ftp://host/x"], "is a URL, not a path"),
            (["--store", "a", "--job", "job.yaml"], "both name a store"),
        ],
    )
    def test_wrong_places_are_refused(self, place: list[str], problem: str) -> None:
        """With the cause, and exit code 2."""
        done = CliRunner().invoke(app, ["store", "ls", *place])

        assert done.exit_code == 2
        assert problem in done.output
