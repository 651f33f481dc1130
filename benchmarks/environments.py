"""A separate environment for each peer: their dependencies exclude each other.

Each has an extra of pyproject.toml, at the versions of constraints-NAME.txt in the
folder of the peers. It is made when it is first needed, in a folder that git ignores.
"""

import subprocess
import sys
import tomllib
import venv
from functools import cache
from pathlib import Path
from typing import Final

__all__ = ["FOLDER", "ROOT", "NotInstalledError", "python_of", "versions"]

ROOT: Final = Path(__file__).parent.parent
FOLDER: Final = ROOT / ".benchmarks"
"""For what the benchmarks make once; git ignores it."""

CONSTRAINTS: Final = ROOT / "benchmarks" / "peers"


class NotInstalledError(Exception):
    """A peer's environment cannot be made; has the reason."""


def python_of(name: str) -> Path:
    """Return the Python of an environment, which is made if it is missing.

    Args:
        name: The name of the extra, without `bench-`; `plot` is the extra `bench`.

    Raises:
        NotInstalledError: If its packages cannot be installed; has pip's first error.
    """
    python, problem = _made(name)
    if problem:
        raise NotInstalledError(problem)
    return python


@cache
def _made(name: str) -> tuple[Path, str]:
    """Make an environment once; return its Python, and the reason if that failed."""
    folder, constraints = FOLDER / name, CONSTRAINTS / f"constraints-{name}.txt"
    python = folder / "bin" / "python"
    wanted = _requirements(name)
    made = folder / "made-of.txt"
    recipe = "\n".join([*wanted, constraints.read_text("utf-8")])
    if made.exists() and made.read_text("utf-8") == recipe:
        return python, ""
    print(f"making an environment for {name}: {folder}", flush=True)
    venv.create(folder, clear=True, with_pip=True)
    done = subprocess.run(
        [python, "-m", "pip", "install", "--quiet", "-c", constraints, *wanted],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        lines = done.stderr.splitlines()
        return python, next(filter(_is_error, lines), "pip failed")
    made.write_text(recipe, "utf-8")
    return python, ""


def _is_error(line: str) -> bool:
    return line.startswith("ERROR:")


def _requirements(name: str) -> list[str]:
    extra = "bench" if name == "plot" else f"bench-{name}"
    with (ROOT / "pyproject.toml").open("rb") as file:
        extras = tomllib.load(file)["project"]["optional-dependencies"]
    found: list[str] = extras[extra]
    return found


def versions(name: str | None, packages: tuple[str, ...]) -> list[str]:
    """Return packages with their versions, as `dlt 1.31.0`.

    Args:
        name: The name of the environment; None is this one.
        packages: Their names.
    """
    python = sys.executable if name is None else python_of(name)
    code = "import sys, importlib.metadata as m\nfor p in sys.argv[1:]:"
    code += "print(p, m.version(p))"
    command = [python, "-I", "-c", code, *packages]
    return subprocess.run(
        command, capture_output=True, text=True, check=True
    ).stdout.splitlines()
