"""The wheel alone, in an environment outside the checkout: as `uvx` has it."""

import csv
import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.slow


def run(*command: str | Path, cwd: Path) -> str:
    """Run a command without any variable that names the checkout."""
    environ = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    done = subprocess.run(  # noqa: S603 - our own commands
        [*map(str, command)],
        cwd=cwd,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command of a wheel that is installed with what it depends on."""
    work = tmp_path_factory.mktemp("wheel")
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", "."]
    run(sys.executable, "-m", "pip", "wheel", *options, ROOT, cwd=work)
    (wheel,) = work.glob("gcbatch-*.whl")
    venv.create(work / "env", with_pip=True)
    scripts = work / "env" / ("Scripts" if os.name == "nt" else "bin")
    constraints = ["-c", str(ROOT / "constraints.txt"), "--no-compile", "--quiet"]
    run(scripts / "python", "-m", "pip", "install", *constraints, wheel, cwd=work)
    return scripts / "gcbatch"


def test_a_sample_runs(program: Path, tmp_path: Path) -> None:
    """Nothing outside the wheel is needed: not the checkout, nor an account."""
    assert run(program, "init", "--sample", cwd=tmp_path).startswith("wrote job.yaml")
    shown = run(program, "run", "job.yaml", cwd=tmp_path)

    assert "485 rows" in shown
    with (tmp_path / "out" / "sample.csv").open(encoding="utf-8", newline="") as file:
        assert len(list(csv.DictReader(file))) == 485
    assert "Retail banking" in (tmp_path / "out" / "sample.html").read_text("utf-8")


def test_it_has_its_exporters_and_templates(program: Path, tmp_path: Path) -> None:
    """Those without an extra are ready; templates and pages are there too."""
    listed = run(program, "exporters", cwd=tmp_path)
    for name in ("csv", "html", "json", "parquet", "sqlite", "xlsx"):
        assert any(line.split()[:1] == [name] for line in listed.splitlines())

    run(program, "init", "own.yaml", cwd=tmp_path)
    run(program, "exporters", "new", "own", cwd=tmp_path)
    assert "# Writing a job" in run(program, "schema", "--markdown", cwd=tmp_path)
