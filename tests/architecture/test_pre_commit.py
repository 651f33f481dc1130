"""The hooks before a commit run the linters of .venv, at the pinned versions."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
CONFIG = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))
HOOKS: list[dict[str, Any]] = [
    hook for repo in CONFIG["repos"] for hook in repo["hooks"]
]
COMMANDS = [hook["entry"] for hook in HOOKS]


def test_nothing_is_downloaded() -> None:
    """All hooks are local, and run programs that are installed."""
    assert {repo["repo"] for repo in CONFIG["repos"]} == {"local"}
    assert {hook["language"] for hook in HOOKS} == {"system"}
    assert not [hook for hook in HOOKS if "additional_dependencies" in hook]


def test_the_hooks_are_the_linters() -> None:
    """They run what .ci/run runs, but change the format instead of refusing it."""
    assert COMMANDS == [
        ".venv/bin/ruff format",
        ".venv/bin/ruff check",
        ".venv/bin/mypy",
    ]


@pytest.mark.parametrize("command", COMMANDS)
def test_what_a_hook_runs_is_pinned(command: str) -> None:
    """By constraints.txt; the extra `dev` installs it."""
    tool = Path(command.split(maxsplit=1)[0]).name
    pins = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    with (ROOT / "pyproject.toml").open("rb") as file:
        extras = tomllib.load(file)["project"]["optional-dependencies"]

    assert [pin for pin in pins if pin.startswith(f"{tool}==")]
    assert [need for need in extras["dev"] if need.startswith(f"{tool}>=")]
