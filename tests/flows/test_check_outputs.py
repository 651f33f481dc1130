"""What `check` says of places that an export could not write to."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner, Result

from gcbatch import OutputError
from gcbatch.cli import app
from gcbatch.exporting import require_writable
from tests.support.ports import free_port

if TYPE_CHECKING:
    from tests.conftest import Workspace

Check = Callable[..., Result]


@pytest.fixture
def check(workspace: "Workspace", monkeypatch: pytest.MonkeyPatch) -> Check:
    """Run `check` on a job with some exports."""
    monkeypatch.chdir(workspace.folder)
    for name, value in workspace.environ.items():
        monkeypatch.setenv(name, value)

    def run(*exports: dict[str, Any], **sections: Any) -> Result:
        full = [{"table": "intervals", **one} for one in exports]
        job = workspace.write(exports=full, **sections)
        return CliRunner().invoke(app, ["check", str(job)])

    return run


def errors(result: Result) -> list[str]:
    return [line for line in result.stderr.splitlines() if line.startswith("error: ")]


def test_each_place_that_cannot_be_written_is_named(check: Check) -> None:
    """With the export; credentials are tried all the same, and nothing is written."""
    Path("file").touch()
    Path("folder").mkdir()
    before = sorted(Path().rglob("*"))

    result = check(
        {"exporter": "csv", "path": "new/deep/o.csv"},
        {"exporter": "csv", "path": "folder"},
        {"exporter": "json", "path": "file/o.jsonl"},
        {"exporter": "sqlite", "path": "file/o.db"},
        fetch={"store": "file/store"},
    )

    assert result.exit_code == 6
    in_file = "cannot be written: file is a file, not a folder"
    assert errors(result) == [
        f"error: fetch.store: file/store: {in_file}",
        "error: exports[1]: folder: is a folder",
        f"error: exports[2]: file/o.jsonl: {in_file}",
        f"error: exports[3]: file/o.db: {in_file}",
    ]
    assert "credentials and permission are good" in result.stdout
    assert sorted(p for p in Path().rglob("*") if p.name != "job.yaml") == before


def test_places_that_can_be_written_are_good(check: Check) -> None:
    """Also missing folders, files that are there, and links to such."""
    Path("old.csv").write_text("x", "utf-8")
    Path("link.csv").symlink_to("old.csv")
    sqlite3.connect("old.db").close()

    result = check(
        {"exporter": "csv", "path": "new/deep/o.csv"},
        {"exporter": "csv", "path": "link.csv"},
        {"exporter": "sqlite", "path": "old.db"},
        {"exporter": "sqlite", "path": "new/o.db"},
        {"exporter": "parquet", "path": "parts", "partition_by": ["day"]},
    )

    assert result.exit_code == 0, result.stderr
    assert "exports: all could be written now" in result.stdout
    assert not Path("new").exists()


def test_a_job_without_exports_has_a_warning(check: Check) -> None:
    """It is valid, and nothing would be written for anyone to read."""
    result = check()

    assert result.exit_code == 0
    assert "warning: the job has no exports: a run only fills the store" in (
        result.stderr
    )


def test_a_database_out_of_reach_is_said(check: Check) -> None:
    """No server listens there, or the file is no database."""
    Path("no.db").write_bytes(b"no database" * 100)
    uri = f"postgresql://loader@127.0.0.1:{free_port()}/reports"

    result = check(
        {"exporter": "postgres", "uri": uri},
        {"exporter": "sqlite", "path": "no.db"},
    )

    assert result.exit_code == 6
    server, file = errors(result)  # each with its place
    assert server.startswith("error: exports[0]: ")
    assert "127.0.0.1" in server
    assert file.startswith("error: exports[1]: no.db: ")


def test_wrong_credentials_are_said_too(
    check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One command finds both; its exit code is the higher one."""
    monkeypatch.setenv("GENESYS_CLIENT_SECRET", "hunter2")
    Path("folder").mkdir()

    result = check({"exporter": "csv", "path": "folder"})

    assert result.exit_code == 6
    output, credentials = errors(result)
    assert "folder: is a folder" in output
    assert "401" in credentials


@pytest.fixture
def without_rights(tmp_path: Path) -> Iterator[Path]:
    """Yield a folder that this process may not write to."""
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o555)
    if os.geteuid() == 0:
        for above in (folder, *folder.parents[:-2]):
            above.chmod(above.stat().st_mode | 0o055)
        os.seteuid(65534)
        try:
            yield folder
        finally:
            os.seteuid(0)
    else:
        yield folder


@pytest.mark.parametrize("name", ["o.csv", "deep/er/o.csv"])
@pytest.mark.skipif(os.name == "nt", reason="Windows has other rights")
def test_a_folder_without_permission_is_refused(
    without_rights: Path, name: str
) -> None:
    """The nearest folder that exists decides, and is named."""
    with pytest.raises(OutputError) as caught:
        require_writable(without_rights / name)

    assert caught.value.problem == (
        f"{without_rights / name}: cannot be written: no permission to write to "
        f"{without_rights}"
    )
    assert caught.value.hint == "check the folder and its permissions"


def test_what_is_no_regular_file_is_refused(tmp_path: Path) -> None:
    """An export renames a file into its place, which would replace a device."""
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(OutputError, match="pipe: is no regular file"):
        require_writable(tmp_path / "pipe")
    with pytest.raises(OutputError, match="pipe: is a file, not a folder"):
        require_writable(tmp_path / "pipe", "folder")
