"""Mutated job files: good, or refused with what is wrong; never a traceback."""

import copy
import io
import json
import os
import random
import re
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from typer.main import get_command

from gcbatch.cli import app

pytestmark = pytest.mark.chaos

FILES = int(os.environ.get("GCBATCH_CHAOS_JOB_FILES", "10000"))
CHUNKS = 10
SLOWEST_S = 5.0
CONFIGS = sorted((Path(__file__).parents[2] / "configs").glob("*.yaml"))
SECRET = "Marked-s3cret"
COMMAND = get_command(app)
"""The command line, put together once: that takes as long as reading a job."""

PIECES = (
    "", " ", "\t", "\n", "\n\n", "  ", ":", ": ", "-", "- ", "#", "&a ", "*a", "<<: *a",
    "!!python/object:os.system ", "!!binary ", "!!set ", "!!timestamp ", "---\n", "...",
    "'", '"', "|\n", ">\n", "? ", "[", "]", "{", "}", ",", "%YAML 1.1\n", "\x00",
    "\x85", "\u2028", "\ufeff", "\ud7ff", "😀", "é", "null", "~", "true", "0", "-1",
    "1e999", ".nan", ".inf", "0x1f", "9" * 400, "1999-02-30", "0001-01-01",
    "9999-12-31", "P1D", "P99999999999D", "PT0S", "P-1D", "PT1H", "today-99999999d",
    "now-1h", "${HOME}", "${", "$" * 9, "../../etc/passwd",
    "/dev/null", "a" * 300, SECRET, "simulator: true", "interval-report",
    "queue-summary", "user-aggregates", "mediaType", "sla", "total",
    "http://user:pw@[::1", "https://",
)  # fmt: skip
"""What is put into a text; some of it means something in YAML or to us."""

VALUES = st.one_of(
    st.sampled_from([p for p in PIECES if p.isprintable()]),
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=12),
    st.recursive(
        st.sampled_from(["a", 1, None, "queueId", {"lt": 5}, [[]]]),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["type", "from", "file", "x"]), inner)
        ),
        max_leaves=6,
    ),
)
TEXT_STEPS = st.tuples(
    st.sampled_from(
        ["insert", "cut", "double line", "drop line", "swap lines", "indent"]
    ),
    st.integers(0, 4000),
    st.integers(0, 40),
    st.sampled_from(PIECES),
)
DATA_STEPS = st.tuples(
    st.sampled_from(["replace", "drop", "rename", "double", "add", "wrap"]),
    st.integers(0, 500),
    VALUES,
)


@dataclass(frozen=True)
class Shown:
    """What a command said, and the code that it ended with."""

    code: object
    out: str
    err: str


def _exported(path: Path) -> Shown:
    """Export a job; whatever is no exit is raised."""
    out, err = io.StringIO(), io.StringIO()
    with (
        redirect_stdout(out),
        redirect_stderr(err),
        pytest.raises(SystemExit) as ended,
    ):
        COMMAND.main(["export", str(path)], prog_name="gcbatch")
    return Shown(ended.value.code, out.getvalue(), err.getvalue())


@cache
def _texts() -> tuple[str, ...]:
    """Return the shipped jobs without their comments, which nothing depends on."""
    texts = [path.read_text("utf-8") for path in CONFIGS]
    return tuple(
        re.sub(r"^#.*\n|^\n|\s+#.*$", "", t, flags=re.MULTILINE) for t in texts
    )


@cache
def _data_of(text: str) -> Any:
    return yaml.load(text, yaml.BaseLoader)  # noqa: S506 - text only


def _places(data: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return where values are, from the top."""
    inner: list[tuple[Any, Any]] = []
    if isinstance(data, dict):
        inner = list(data.items())
    elif isinstance(data, list):
        inner = list(enumerate(data))
    return [here, *(p for key, value in inner for p in _places(value, (*here, key)))]


def _text_mutated(text: str, steps: list[tuple[str, int, int, str]]) -> str:
    for how, where, length, piece in steps:
        at = where % (len(text) + 1)
        lines = text.splitlines(keepends=True) or [""]
        line = where % len(lines)
        match how:
            case "insert":
                text = text[:at] + piece + text[at:]
            case "cut":
                text = text[:at] + text[at + length :]
            case "double line":
                text = "".join([*lines[: line + 1], *lines[line:]])
            case "drop line":
                text = "".join([*lines[:line], *lines[line + 1 :]])
            case "swap lines":
                other = length % len(lines)
                lines[line], lines[other] = lines[other], lines[line]
                text = "".join(lines)
            case _:
                lines[line] = " " * (length % 9) + lines[line].lstrip(" ")
                text = "".join(lines)
    return text


def _data_mutated(text: str, steps: list[tuple[str, int, Any]]) -> str:
    data: Any = {"top": copy.deepcopy(_data_of(text))}
    for how, where, drawn in steps:
        value = copy.deepcopy(drawn)
        places = [place for place in _places(data) if place]
        *way, key = places[where % len(places)]
        holder = data
        for part in way:
            holder = holder[part]
        match how:
            case "drop" if way:
                del holder[key]
            case "rename" if isinstance(holder, dict) and way:
                holder[str(value)[:20]] = holder.pop(key)
            case "double":
                holder[key] = [holder[key], copy.deepcopy(holder[key])]
            case "add" if isinstance(holder[key], dict):
                holder[key][str(value)[:20]] = value
            case "wrap":
                holder[key] = {"from": holder[key]}
            case _:
                holder[key] = value
    return json.dumps(data["top"], indent=1, ensure_ascii=False)  # JSON is YAML


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_a_mutated_job_file_is_good_or_refused(
    chunk: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    tell: Callable[[str, Mapping[str, int]], None],
) -> None:
    """Exit 2 with every problem, or good as far as a file can be; never a traceback.

    The command is `export` of a job that never ran: it loads and checks all that can
    be without a request, and a good file ends there.
    """
    monkeypatch.chdir(tmp_path)
    for name in ("GENESYS_CLIENT_ID", "GENESYS_CLIENT_SECRET"):
        monkeypatch.setenv(name, SECRET)
    reported: Counter[str] = Counter()
    path = tmp_path / "job.yaml"

    def check(text: str) -> None:
        path.write_text(text, "utf-8", errors="surrogatepass")
        began = time.monotonic()
        said = _exported(path)
        took_s = time.monotonic() - began
        assert took_s < SLOWEST_S
        assert SECRET not in said.out + said.err or SECRET in text
        if said.code == 5 and "holds no run" in said.err:
            reported["good"] += 1
            return
        assert said.code == 2, said
        assert re.match(r"error: ", said.err)
        assert said.err.count("hint: ") <= 1
        assert "Traceback" not in said.out + said.err
        reported["refused"] += 1

    usual = settings(
        max_examples=FILES // CHUNKS,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    texts = st.sampled_from(_texts())

    @seed(chunk)
    @usual
    @given(texts, st.lists(TEXT_STEPS, min_size=1, max_size=4))
    def of_text(text: str, steps: list[tuple[str, int, int, str]]) -> None:
        check(_text_mutated(text, steps))

    @seed(chunk)
    @usual
    @given(texts, st.lists(DATA_STEPS, min_size=1, max_size=4))
    def of_data(text: str, steps: list[tuple[str, int, Any]]) -> None:
        check(_data_mutated(text, steps))

    (of_text, of_data)[chunk % 2]()

    tell("job files", reported)


def test_bytes_at_random_are_refused(
    tmp_path: Path, tell: Callable[[str, Mapping[str, int]], None]
) -> None:
    """What is no text at all is refused like any other file."""
    chance = random.Random(7)  # noqa: S311 - of bytes, not of secrets
    reported: Counter[str] = Counter()
    for _ in range(300):
        path = tmp_path / "job.yaml"
        path.write_bytes(chance.randbytes(chance.randint(0, 400)))
        said = _exported(path)
        assert said.code == 2, said
        assert said.err.startswith("error: ")
        reported["refused"] += 1
    tell("job files", reported)
