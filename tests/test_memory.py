"""What a process does about its memory."""

import pytest

from gcbatch.cli.memory import CHOICE, use_jemalloc


@pytest.mark.parametrize(
    ("platform", "before", "expected"),
    [
        pytest.param("linux", {}, {CHOICE: "jemalloc"}, id="Linux has it"),
        pytest.param("darwin", {}, {CHOICE: "jemalloc"}, id="macOS has it"),
        pytest.param("win32", {}, {}, id="Windows has it not"),
        pytest.param(
            "linux", {CHOICE: "system"}, {CHOICE: "system"}, id="the user's word wins"
        ),
    ],
)
def test_arrow_gives_memory_back(
    platform: str, before: dict[str, str], expected: dict[str, str]
) -> None:
    """Where it can, unless the environment says otherwise."""
    environ = dict(before)

    use_jemalloc(environ, platform)

    assert environ == expected
