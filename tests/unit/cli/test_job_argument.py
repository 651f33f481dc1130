"""What a process does about its memory."""

import pytest

from gcbatch.cli.job_argument import JEMALLOC, MEMORY_POOL, use_jemalloc

CHOSEN = {MEMORY_POOL: "jemalloc", JEMALLOC: "narenas:1"}
OWN = {MEMORY_POOL: "system", JEMALLOC: "narenas:4"}


@pytest.mark.parametrize(
    ("platform", "before", "expected"),
    [
        pytest.param("linux", {}, CHOSEN, id="Linux has it"),
        pytest.param("darwin", {}, CHOSEN, id="macOS has it"),
        pytest.param("win32", {}, {}, id="Windows has it not"),
        pytest.param("linux", OWN, OWN, id="the user's word wins"),
    ],
)
def test_arrow_gives_memory_back(
    platform: str, before: dict[str, str], expected: dict[str, str]
) -> None:
    """Where it can, unless the environment says otherwise."""
    environ = dict(before)

    use_jemalloc(environ, platform)

    assert environ == expected
