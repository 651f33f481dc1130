"""What a process does about its memory."""

import pytest

from gcbatch.cli.job_argument import MEMORY_POOL, use_jemalloc


@pytest.mark.parametrize(
    ("platform", "before", "expected"),
    [
        pytest.param("linux", {}, {MEMORY_POOL: "jemalloc"}, id="Linux has it"),
        pytest.param("darwin", {}, {MEMORY_POOL: "jemalloc"}, id="macOS has it"),
        pytest.param("win32", {}, {}, id="Windows has it not"),
        pytest.param(
            "linux",
            {MEMORY_POOL: "system"},
            {MEMORY_POOL: "system"},
            id="the user's word wins",
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
