"""Exports do not destroy each other, the store or what the job is made of."""

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gcbatch.errors import JobError, OutputError
from gcbatch.exporting.target import Target
from gcbatch.job.output_conflicts import refuse_shared_outputs

if TYPE_CHECKING:
    from tests.conftest import Workspace


def exports(*paths: Path | str, **options: Any) -> list[dict[str, Any]]:
    """Return exports to some paths; *options* are of the first."""
    made: list[dict[str, Any]] = [
        {"exporter": "parquet", "table": "intervals", "path": str(path)}
        for path in paths
    ]
    made[0] |= options
    return made


def test_two_to_one_path_are_refused(workspace: "Workspace") -> None:
    """However it is spelt; the message names the second's place."""
    first, second = workspace.folder / "o.out", workspace.folder / "x/../o.out"

    with pytest.raises(JobError, match=r"exports\[1\]\.path: .* another export"):
        workspace.job(exports=exports(first, second))


def test_one_inside_anothers_folder_is_refused(workspace: "Workspace") -> None:
    """A folder of partitions is one output."""
    folder = workspace.folder / "out"

    with pytest.raises(JobError, match="output of another export"):
        workspace.job(exports=exports(folder, folder / "o.csv", partition_by=["month"]))


def test_the_store_is_not_for_outputs(workspace: "Workspace") -> None:
    """Nor anything in it."""
    with pytest.raises(JobError, match="in the store"):
        workspace.job(exports=exports(workspace.folder / "store/job/plan.json"))


def test_inputs_are_not_overwritten(workspace: "Workspace") -> None:
    """The job file, the file of queues."""
    queues = workspace.folder / "queues.txt"
    queues.write_text("Stock trading\n")

    with pytest.raises(JobError, match="is the job file"):
        workspace.job(exports=exports(workspace.folder / "job.yaml"))
    with pytest.raises(JobError, match="is the file of queues"):
        workspace.job(query={"queues": {"file": str(queues)}}, exports=exports(queues))


@pytest.mark.parametrize("key", ["secret_access_key", "service_account"])
def test_keys_of_object_stores_are_not_overwritten(
    workspace: "Workspace", key: str
) -> None:
    """Their files are inputs too."""
    file = workspace.folder / "key"
    storage: dict[str, Any] = {"gs": {key: str(file)}}
    if key != "service_account":
        storage = {"s3": {key: {"file": str(file)}}}

    with pytest.raises(JobError, match="is the secret's file"):
        workspace.job(storage=storage, exports=exports(file))


def test_jobs_do_not_overwrite_each_other(workspace: "Workspace") -> None:
    """Both are named, before anything is asked."""
    path = workspace.folder / "same.parquet"
    jobs = [workspace.job(name, exports=exports(path)) for name in ("one", "two")]

    with pytest.raises(JobError, match=r"two and one both write to .*same\.parquet"):
        refuse_shared_outputs(jobs)


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    """What it points to is replaced."""
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to(tmp_path / "real")

    with Target() as target:
        target.stage(tmp_path / "link").write_text("new")

    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new"


def test_a_pipe_is_not_replaced(tmp_path: Path) -> None:
    """Nor a device: only files are."""
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(OutputError, match="no regular file"), Target() as target:
        target.stage(tmp_path / "pipe")


def test_who_could_read_a_file_still_can(tmp_path: Path) -> None:
    """And no other user: the replaced file's permissions stay."""
    path = tmp_path / "private.csv"
    path.write_text("old")
    path.chmod(0o600)

    with Target() as target:
        target.stage(path).write_text("new")

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
