"""Whatever a job names, gcbatch ends: no pipe, device or number of things holds it."""

import json
import os
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gcbatch import load_job
from gcbatch.atomic_files import open_regular, read_bounded
from gcbatch.errors import DataError, JobError, OutputError
from gcbatch.exporting import FileOptions
from gcbatch.fetching.observer import Observer
from gcbatch.job.job import Job
from gcbatch.job.output_conflicts import output_conflicts, refuse_shared_outputs
from gcbatch.job.yaml_document import read_yaml
from gcbatch.running.job_run import JobRun
from gcbatch.running.queue_file import MAX_BYTES
from gcbatch.verifying.verifier import verify_org

if TYPE_CHECKING:
    from tests.conftest import Workspace

if sys.platform == "win32":
    pytest.skip("Windows has no pipes and devices in folders", allow_module_level=True)

Make = Callable[[Path], object]


def zero(path: Path) -> None:
    """Link to a device that never ends."""
    path.symlink_to("/dev/zero")


ENDLESS = [
    pytest.param(os.mkfifo, id="pipe"),
    pytest.param(zero, id="device"),
    pytest.param(Path.mkdir, id="folder"),
]


@pytest.mark.parametrize("make", ENDLESS)
def test_only_regular_files_are_read(tmp_path: Path, make: Make) -> None:
    """Whatever else there is, opening it does not wait."""
    make(tmp_path / "x")

    with pytest.raises(OSError, match=r"no regular file|a folder"):
        open_regular(tmp_path / "x")


def test_a_link_to_a_file_is_read(tmp_path: Path) -> None:
    """As secrets are in a container."""
    (tmp_path / "real").write_bytes(b"content")
    (tmp_path / "link").symlink_to(tmp_path / "real")

    assert read_bounded(tmp_path / "link", 7) == b"content"
    with pytest.raises(OSError, match="longer than 6 bytes"):
        read_bounded(tmp_path / "link", 6)


def test_a_job_file_may_be_a_pipe(tmp_path: Path) -> None:
    """A shell hands over what a command prints as one."""
    path, text = tmp_path / "x", "name: piped\n"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_text, args=(text,))
    writer.start()

    found = read_yaml(path)

    writer.join()
    assert found.data == {"name": "piped"}


@pytest.mark.parametrize("make", ENDLESS)
def test_a_file_of_queues_that_is_none(workspace: "Workspace", make: Make) -> None:
    """Is named with its key."""
    path = workspace.folder / "queues"
    make(path)

    with pytest.raises(JobError, match=rf"query\.queues\.file: {path}: cannot be read"):
        workspace.run(query={"queues": {"file": str(path)}})


def test_a_file_of_queues_is_bounded(workspace: "Workspace") -> None:
    """It is not read to its end."""
    path = workspace.folder / "queues"
    with path.open("wb") as file:
        file.truncate(MAX_BYTES + 1)

    with pytest.raises(JobError, match="cannot be read: longer than 16,777,216 bytes"):
        workspace.run(query={"queues": {"file": str(path)}})


@pytest.mark.parametrize("make", ENDLESS)
def test_a_secrets_file_that_is_none(workspace: "Workspace", make: Make) -> None:
    """Is named with its key."""
    path = workspace.folder / "secret"
    make(path)

    with pytest.raises(JobError, match=r"client_secret\.file: .*: cannot be read: "):
        workspace.run(org={"client_secret": {"file": str(path)}})


@pytest.mark.parametrize("make", [os.mkfifo, zero])
def test_what_is_no_part_is_fetched_again(workspace: "Workspace", make: Make) -> None:
    """As a damaged one is."""
    whole = workspace.run("other")
    workspace.run()
    part = next(path for path in workspace.parts if path.parts[-3] == "job")
    part.unlink()
    make(part)

    assert workspace.run().fetched == 1
    assert part.is_file()
    assert workspace.outputs() == workspace.outputs("other")
    assert whole.gaps == ()


@pytest.mark.parametrize("make", ENDLESS)
def test_export_and_verify_do_not_wait_for_a_part(
    workspace: "Workspace", make: Make
) -> None:
    """They name it."""
    workspace.run()
    part = workspace.parts[0]
    part.unlink()
    make(part)

    flaws = verify_org(workspace.job(), offline=True).part_flaws

    assert [flaw.path for flaw in flaws] == [str(part)]
    with pytest.raises(DataError, match="its part is damaged"):
        workspace.export()


@pytest.mark.one_in(5)
@pytest.mark.parametrize("make", ENDLESS)
@pytest.mark.parametrize(
    "name", ["run.json", "plan.json", "fresh.json", "users.parquet"]
)
def test_what_a_run_keeps_is_taken_for_none(
    workspace: "Workspace", name: str, make: Make
) -> None:
    """No caller waits for it; a folder in its place cannot be written, and is named."""
    workspace.run()
    path = workspace.folder / "store" / "job" / name
    path.unlink(missing_ok=True)
    make(path)

    try:
        assert workspace.run().gaps == ()
    except OutputError as exc:
        assert path.is_dir()
        assert "cannot be written: Is a directory" in exc.problem  # noqa: PT017


@pytest.mark.parametrize("make", ENDLESS)
def test_an_output_that_is_no_file_is_named(workspace: "Workspace", make: Make) -> None:
    """By the run that would write it, and by verify."""
    workspace.run()
    path = workspace.folder / "job.csv"
    path.unlink()
    make(path)

    flaws = verify_org(workspace.job(), offline=True).output_flaws

    assert [flaw.path for flaw in flaws] == [str(path)]
    with pytest.raises(OutputError, match=r": is (no regular file|a folder)"):
        workspace.run()


OBJECTS = ["s3://bucket/out.csv", "gs://bucket/out", "s3:/bucket/out.csv"]
OTHERS = ["abfss://container@account/x", "S3A://bucket/x"]


def at_key(key: str, value: str, folder: Path) -> dict[str, Any]:
    """Return a job's sections with a path at one key."""
    exports = [{"exporter": "csv", "table": "intervals", "path": str(folder / "x.csv")}]
    match key:
        case "exports[0].path":
            exports[0]["path"] = value
        case "fetch.store":
            return {"fetch": {"store": value}, "exports": exports}
        case "query.queues.file":
            return {"query": {"queues": {"file": value}}, "exports": exports}
        case "org.client_secret.file":
            return {"org": {"client_secret": {"file": value}}, "exports": exports}
        case _:
            raise KeyError(key)
    return {"exports": exports}


KEYS = ["exports[0].path", "fetch.store", "query.queues.file", "org.client_secret.file"]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *((key, value) for key in KEYS[:2] for value in OTHERS),
        *((key, value) for key in KEYS[2:] for value in (*OBJECTS, *OTHERS)),
    ],
)
def test_a_url_is_no_path(workspace: "Workspace", key: str, value: str) -> None:
    """It is refused with the job, with a way out; nothing is written to `s3:`."""
    with pytest.raises(JobError, match="is a URL, not a path; ") as failed:
        workspace.job(**at_key(key, value, workspace.folder))

    assert f": {key}: " in failed.value.problem


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("", "must not be empty"),
        ("  ", "must not be empty"),
        ("file:///srv/out.csv", "write the path alone"),
        (f"out/{'窓' * 86}.csv", "longer than the 255 bytes of a name"),
    ],
)
def test_a_path_that_is_none(
    workspace: "Workspace", key: str, value: str, problem: str
) -> None:
    """An empty one would be the current folder."""
    with pytest.raises(JobError, match=problem):
        workspace.job(**at_key(key, value, workspace.folder))


@pytest.mark.parametrize(
    "path",
    ["C:\\out\\x.csv", "c:/out/x.csv", "out/a:b.csv", "2026-10-01T09:00.csv", "a:b"],
)
def test_drives_and_colons_are_paths(path: str) -> None:
    """A letter of Windows is no scheme."""
    assert str(FileOptions.model_validate({"path": path}).path) == str(Path(path))


@pytest.mark.parametrize("key", ["name", "orgs"])
@pytest.mark.parametrize("name", ["CON", "nul", "aux.daily", "COM1", "daily."])
def test_a_name_is_a_folder_on_every_system(
    tmp_path: Path, key: str, name: str
) -> None:
    """A job that is moved to Windows has a place in the store there."""
    job = job_of("orgs", 1, tmp_path)
    job |= {"orgs": {name: {"simulator": True}}} if key == "orgs" else {"name": name}
    path = tmp_path / "job.yaml"
    path.write_text(json.dumps(job), "utf-8")

    with pytest.raises(JobError, match=r"is a device on Windows|ends with a dot"):
        load_job(path, environ={})


def job_of(kind: str, number: int, folder: Path) -> dict[str, Any]:
    """Return a job with many of something."""
    zones = ("UTC", "Europe/Dublin", "Asia/Tokyo")
    simulated: dict[str, Any] = {"simulator": True}
    query = {"from": "2026-10-01", "to": "2026-10-02", "metrics": ["nOffered"]}
    exports = [
        {"exporter": "csv", "table": "intervals", "path": str(folder / f"{n}.csv")}
        for n in range(number if "exports" in kind else 1)
    ]
    job = {"name": "job", "org": simulated, "query": query, "exports": exports}
    if kind == "wrong exports":
        for export in exports:
            export |= {"tables": [], "path": ""}  # type: ignore[dict-item]
    if kind == "orgs":
        del job["org"]
        job["orgs"] = {
            f"o{n}": {**simulated, "timezone": zones[n % 3]} for n in range(number)
        }
    if kind == "targets":
        del query["metrics"]
        job["sla"] = {"targets": {f"queue {n}": 80 for n in range(number)}}
    if kind == "queues":
        query["queues"] = [f"queue {n}" for n in range(number)]
    return job


def calls_to(work: Callable[[], object]) -> int:
    """Return how many functions of Python are called, which no other load changes."""
    count = 0

    def count_call(frame: object, event: str, argument: object) -> None:
        nonlocal count
        del frame, argument
        count += event in ("call", "c_call")

    sys.setprofile(count_call)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.one_in(3)
@pytest.mark.parametrize(
    "kind", ["exports", "wrong exports", "orgs", "targets", "queues"]
)
def test_a_long_job_is_read_in_steps_of_its_length(tmp_path: Path, kind: str) -> None:
    """Four times as long takes about four times as much, not sixteen times."""

    def load(number: int) -> None:
        path = tmp_path / f"{number}.yaml"
        path.write_text(json.dumps(job_of(kind, number, tmp_path)), "utf-8")
        try:
            job = load_job(path, environ={})
        except JobError as exc:
            assert len(exc.problem.split("\n")) >= number  # noqa: PT017
            return
        refuse_shared_outputs([job])
        JobRun(job, Observer()).exporters()

    load(4)  # what is loaded once
    small, large = (calls_to(partial(load, n)) for n in (100, 400))

    assert large < 5 * small


def test_outputs_are_compared_in_steps_of_their_number(tmp_path: Path) -> None:
    """Of one job and of several, files and folders of partitions."""
    few, many = (job_of("exports", number, tmp_path) for number in (100, 400))
    for job in (few, many):
        for export in job["exports"][::2]:
            export |= {"exporter": "parquet", "partition_by": ["day"]}
    small, large = (Job.model_validate(job) for job in (few, many))

    def compare(job: Job) -> None:
        assert list(output_conflicts(job, tmp_path / "job.yaml")) == []
        refuse_shared_outputs(
            [
                job.model_copy(update={"name": str(n), "exports": (export,)})
                for n, export in enumerate(job.exports)
            ]
        )

    compare(small)  # what is loaded once

    assert calls_to(partial(compare, large)) < 5 * calls_to(partial(compare, small))
