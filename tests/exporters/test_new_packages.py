"""Packages of `gcbatch exporters new`: built, installed and tested as anyone's."""

import csv
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.testing import Result

from gcbatch.cli.new_exporter import MAX_NAME, write_package
from tests.support.new_packages import module_name

if TYPE_CHECKING:
    from tests.conftest import Workspace

ROOT = Path(__file__).parents[2]
TEMPLATES = ROOT / "gcbatch" / "cli" / "scaffold"
GUIDE = ROOT / "docs" / "writing-an-exporter.md"
NAME = "call-lake"
KINDS = ("database", "file")
NAMES = ("x", NAME, "-".join(["abcd2"] * 5)[:MAX_NAME])


@pytest.fixture(scope="module", params=KINDS)
def package(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A folder with a new package in `source`, and the same installed in `site`."""
    work = tmp_path_factory.mktemp(request.param)
    write_package(NAME, request.param, work / "source")
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--quiet"]
    site = str(work / "site")
    run("-m", "pip", "install", *options, "--target", site, str(work / "source"))
    return work


def run(*command: str, path: Path | None = None, cwd: Path | None = None) -> str:
    """Run Python with this gcbatch, and with what is installed in *path*."""
    here = [*([str(path)] if path else []), str(ROOT), str(ROOT / "exporters")]
    done = subprocess.run(  # noqa: S603 - our own commands
        [sys.executable, *command],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(here)},
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_it_is_found_once_installed(package: Path) -> None:
    """By its entry point, with its package and version, without being imported."""
    code = (
        "import sys; from gcbatch.exporting import installed_exporters, load_exporter\n"
        f"print(*map(str, installed_exporters()), '{module_name(NAME)}' in sys.modules)"
        f"\nprint(load_exporter('{NAME}').api_version)"
    )

    listed, version = run("-c", code, path=package / "site").splitlines()

    assert f"'{NAME}' (gcbatch-{NAME} 0.1.0)" in listed
    assert listed.endswith("False")
    assert version == "2"


@pytest.mark.slow
def test_it_passes_its_own_tests(package: Path) -> None:
    """As written, run as its author would run them; the guide says how many pass."""
    options = ["-q", "-p", "no:cacheprovider"]

    done = run("-m", "pytest", *options, path=package / "site", cwd=package / "source")

    (passed,) = re.findall(r"^\d+ passed(?:, \d+ skipped)?", done, re.MULTILINE)
    assert f"{passed}\n" in GUIDE.read_text("utf-8")


@pytest.mark.slow
def test_types_are_right(package: Path) -> None:
    """By mypy's strict rules, with the package's own settings."""
    run("-m", "mypy", path=package / "site", cwd=package / "source")


@pytest.mark.skipif(find_spec("ruff") is None, reason="ruff is a tool of `dev` alone")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", NAMES)
def test_style_is_right(tmp_path: Path, kind: str, name: str) -> None:
    """Whatever the length of its name, and by the package's own settings."""
    write_package(name, kind, tmp_path / "new")

    for command in ("format --check", "check --no-cache"):
        run("-m", "ruff", *command.split(), ".", cwd=tmp_path / "new")


@pytest.mark.slow
def test_a_job_exports_with_it(
    package: Path,
    cli: Callable[..., Result],
    workspace: "Workspace",
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its rows are those of the csv export of the same run; a second run adds none."""
    monkeypatch.syspath_prepend(package / "site")
    ours = {"exporter": NAME, "table": "intervals", "path": "own"}
    plain = {"exporter": "csv", "table": "intervals", "path": "o.csv"}
    job = workspace.write(exports=[ours, plain])

    for _ in range(2):
        assert cli("run", job).exit_code == 0
    assert cli("export", job).exit_code == 0

    with (workspace.folder / "o.csv").open(encoding="utf-8", newline="") as file:
        expected = sorted(row["interval_start"] for row in csv.DictReader(file))
    assert expected
    assert sorted(starts(workspace.folder / "own")) == expected
    sys.modules.pop(module_name(NAME), None)


def starts(path: Path) -> list[str]:
    """Return the begins of the rows in an output, by a reader of its kind."""
    if path.read_bytes().startswith(b"SQLite"):
        with closing(sqlite3.connect(path)) as db:
            found = db.execute("SELECT interval_start FROM intervals")
            return [start for (start,) in found]
    with path.open(encoding="utf-8", newline="") as file:
        return [
            row["interval_start"]
            for row in csv.DictReader(file, None, dialect="excel-tab")
        ]


@pytest.mark.parametrize("kind", KINDS)
def test_no_name_of_the_templates_is_left(tmp_path: Path, kind: str) -> None:
    """Neither in a text nor in a path."""
    write_package(NAME, kind, tmp_path / "new")

    files = [path for path in (tmp_path / "new").rglob("*") if path.is_file()]
    texts = [f"{path}\n{path.read_text('utf-8')}" for path in files]
    assert len(texts) > 6
    assert not [text for text in texts if re.search("(?i)call.?history", text)]


def test_the_guide_shows_the_real_files() -> None:
    """Readers see what they get: the blocks are the templates."""
    guide = GUIDE.read_text("utf-8")
    blocks = re.findall(r"(?ms)^`([\w./]+)`:\n\n```\w+\n(.*?)^```$", guide)

    assert len(blocks) == 5
    for file, text in blocks:
        places = [TEMPLATES / kind / file for kind in ("any", "database")]
        places += [path.with_name(f"{path.name}.template") for path in places]
        (template,) = (path for path in places if path.is_file())
        assert text == template.read_text("utf-8"), file
