"""The image: what its Dockerfile does, without Docker, and a run with nothing mounted.

The steps are run with their folders below one of the test's own. What only an image
has, a base, a user and layers, is read.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from tests.support.pages import ROOT
from tests.support.s3_server import S3Bucket

pytestmark = pytest.mark.slow

DOCKERFILE: Final = (ROOT / "Dockerfile").read_text("utf-8")
ONLY_IN_AN_IMAGE: Final = ("useradd",)
"""Commands that change the system."""

Step = tuple[str, str]
"""An instruction, and what it says."""


def steps() -> list[Step]:
    """Return the instructions of the Dockerfile, in order."""
    whole = re.sub(r"\\\n\s*", "", DOCKERFILE)
    lines = [line for line in whole.splitlines() if line and not line.startswith("#")]
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in lines)]


def said(instruction: str) -> list[str]:
    return [rest for name, rest in steps() if name == instruction]


@dataclass(frozen=True)
class Image:
    """What the steps make.

    Args:
        root: Stands for `/`.
        workdir: Where containers start.
        entrypoint: The program.
    """

    root: Path
    workdir: Path
    entrypoint: tuple[str, ...]

    def run(self, *args: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run the entry point, as a container would: with its own PATH, and no home."""
        path = f"{self.root}/opt/gcbatch/bin:{os.environ['PATH']}"
        program = shutil.which(self.entrypoint[0], path=path)
        assert program is not None
        assert Path(program).is_relative_to(self.root)
        return subprocess.run(  # noqa: S603 - a command of ours
            [program, *self.entrypoint[1:], *args],
            cwd=self.workdir,
            env={"PATH": path, **environ},
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    """Run the steps."""
    root = tmp_path_factory.mktemp("image")
    for instruction, rest in steps():
        match instruction:
            case "COPY" if not rest.startswith("--from"):
                *names, target = rest.split()
                copy(names, inside(root, target), into=target.endswith("/"))
            case "RUN" if not rest.startswith(ONLY_IN_AN_IMAGE):
                run_step(rest, root)
            case "WORKDIR":
                inside(root, rest).mkdir(parents=True, exist_ok=True)
            case _:
                pass
    (entrypoint,) = said("ENTRYPOINT")
    return Image(root, inside(root, said("WORKDIR")[-1]), tuple(json.loads(entrypoint)))


def inside(root: Path, path: str) -> Path:
    """Return where a path of the image is."""
    return root / path.strip("/")


def copy(names: list[str], target: Path, *, into: bool) -> None:
    """Copy files and folders as COPY does, without what .dockerignore leaves out."""
    target.mkdir(parents=True, exist_ok=True)
    for name in names:
        assert is_sent(name), f".dockerignore leaves out {name}"
        if (ROOT / name).is_dir():
            leave = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, target, ignore=leave, dirs_exist_ok=True)
        else:
            assert into, name
            shutil.copy(ROOT / name, target / name)


def is_sent(name: str) -> bool:
    """Whether a file or folder of the repository's top is sent to a build."""
    return f"!{name}" in (ROOT / ".dockerignore").read_text("utf-8").splitlines()


def run_step(command: str, root: Path) -> None:
    """Run a command, with its folders below *root*."""
    for folder in ("/src", "/opt/gcbatch"):
        command = re.sub(
            rf'(?<![\w.]){folder}(?=[\s/"\[]|$)', f"{root}{folder}", command
        )
    first, *rest = shlex.split(command)
    program = sys.executable if first == "python" else first
    done = subprocess.run(  # noqa: S603 - a command of the Dockerfile
        [program, *rest],
        cwd=root,
        # Of this option pip takes "no" as "do not compile", which takes long.
        env={**os.environ, "PIP_NO_COMPILE": "no"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command}: {done.stderr}"


def test_it_is_made_of_named_parts() -> None:
    """A base without a host, no user of all rights, no cache, one program."""
    bases = {rest.split()[0] for rest in said("FROM")}
    installs = [rest for rest in said("RUN") if "pip install" in rest]

    assert bases == {"python:3.13-slim"}
    assert said("USER")[-1] not in ("root", "0")
    assert all("--no-cache-dir" in rest for rest in installs)
    assert "://" not in DOCKERFILE
    assert "PATH=/opt/gcbatch/bin:$PATH" in said("ENV")
    assert said("COPY")[-2:] == [
        "--from=build /opt/gcbatch /opt/gcbatch",
        "configs /srv/reports/configs",
    ]


def test_the_program_is_there(image: Image) -> None:
    """With all that it needs, and templates and pages that are no modules."""
    done = image.run("--version")

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("gcbatch ")
    (package,) = (image.root / "opt" / "gcbatch").glob("lib/*/site-packages/gcbatch")
    assert (package / "job" / "reference.md").is_file()
    scaffold = ROOT / "gcbatch" / "cli" / "scaffold"
    for template in scaffold.rglob("*"):
        copied = package / template.relative_to(ROOT / "gcbatch")
        assert copied.exists() or "__pycache__" in template.parts, template


def test_it_runs_the_quickstart_into_s3(image: Image, s3: S3Bucket) -> None:
    """With a job file and credentials, and nothing mounted."""
    kinds = {"csv": "csv", "parquet": "parquet", "json": "jsonl"}
    exports = [
        {"exporter": kind, "table": "intervals", "path": f"{s3.url}/intervals.{name}"}
        for kind, name in kinds.items()
    ]
    store = ["--set", f"fetch.store={s3.url}/store"]
    options = ["--set", f"exports={json.dumps(exports)}", *store]

    done = image.run("run", "configs/quickstart.yaml", *options, **s3.environ)

    assert done.returncode == 0, done.stderr
    assert {f"intervals.{name}" for name in kinds.values()} <= {*s3.keys()}
    assert s3.read("intervals.csv").count(b"\n") == 486
    assert {path.name for path in image.workdir.iterdir()} == {"configs"}
