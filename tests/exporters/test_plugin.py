"""A third party's exporter, built and installed as anyone's, and its documentation."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLUGIN = ROOT / "tests" / "exporters" / "plugin"
GUIDE = ROOT / "docs" / "writing-an-exporter.md"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the plugin is installed in, built from a copy of its source."""
    work = tmp_path_factory.mktemp("plugin")
    leave = shutil.ignore_patterns("__pycache__", ".*")
    shutil.copytree(PLUGIN, work / "source", ignore=leave)
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--quiet"]
    site = work / "site"
    run("-m", "pip", "install", *options, "--target", str(site), str(work / "source"))
    return site


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
def test_it_is_found_once_installed(installed: Path) -> None:
    """By its entry point, with its package and version, without being imported."""
    code = (
        "import sys; from gcbatch.exporting import installed_exporters, load_exporter;"
        "print(*map(str, installed_exporters()), 'gcbatch_sqlite' in sys.modules);"
        "print(load_exporter('sqlite').__module__)"
    )

    listed, module = run("-c", code, path=installed).splitlines()

    assert "'sqlite' (gcbatch-sqlite 1.0.0)" in listed
    assert listed.endswith("False")
    assert module == "gcbatch_sqlite"


@pytest.mark.slow
def test_it_passes_the_conformance_suite(installed: Path) -> None:
    """Its own tests, run as its author would run them."""
    source = installed.parent / "source"

    found = run(
        "-m", "pytest", "-q", "-p", "no:cacheprovider", path=installed, cwd=source
    )

    assert re.search(r"^10 passed", found, re.MULTILINE)


@pytest.mark.slow
def test_it_refuses_what_it_cannot_keep(installed: Path) -> None:
    """A table whose rows belong to no day, before anything is asked."""
    code = (
        "from dataclasses import replace; from gcbatch import JobError;"
        "from gcbatch.exporting import load_exporter as load;"
        "from gcbatch.testing import sample_table\n"
        "exporter = load('sqlite')(load('sqlite').Options(path='history.db'))\n"
        "exporter.check({'sla': sample_table()})\n"
        "try: exporter.check({'queues': replace(sample_table(), time=None)})\n"
        "except JobError as exc: print(exc)"
    )

    reported = run("-c", code, path=installed)

    assert reported == "sqlite: queues has no column to tell ranges apart by\n"


def test_it_is_short() -> None:
    """The door is no work: 40 lines of code and no more."""
    text = (PLUGIN / "gcbatch_sqlite" / "__init__.py").read_text(encoding="utf-8")

    assert len([line for line in text.splitlines() if line.strip()]) <= 40


@pytest.mark.parametrize(
    "file",
    ["pyproject.toml", "gcbatch_sqlite/__init__.py", "tests/test_conformance.py"],
)
def test_the_guide_shows_its_real_code(file: str) -> None:
    """Readers copy the blocks: they are the files that the other tests run."""
    guide = GUIDE.read_text(encoding="utf-8")
    blocks = re.findall(r"(?ms)^`([\w./]+)`:\n\n```\w+\n(.*?)^```$", guide)

    assert dict(blocks)[file] == (PLUGIN / file).read_text(encoding="utf-8")
