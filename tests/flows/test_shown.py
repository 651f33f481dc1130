"""What others wrote is shown as text: no terminal acts on it, no line is forged."""

import csv
import io
import json
import logging
import unicodedata
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.text import Text
from typer.testing import CliRunner

from gcbatch.cli import app
from gcbatch.cli.logs import LogFormat, logging_to_stderr
from gcbatch.cli.output import print_json, print_screen, say, say_error
from gcbatch.cli.screens.grid import rows_screen
from gcbatch.errors import DataError, JobError
from gcbatch.simulator import Fault, Faults, sample_tenant
from gcbatch.text import fits_id, one_line, plain_json

if TYPE_CHECKING:
    from tests.conftest import WorkspaceOf

EVIL: Final = (
    "\x1b[31mred\x07\x9b2J",
    "one\nerror: forged\r\n1999-08-01 forged",
    "left\u2028error: forged\u2029\x85end",
    "\u202egnp.exe\u2066\u200f",
    "[red]brackets[/red] :warning: [link=https://example.com]x[/link]",
)
"""Escape codes, new lines of all kinds, changes of direction, markup."""

evil = pytest.mark.parametrize(
    "text", EVIL, ids=["esc", "lines", "more", "bidi", "tag"]
)


def check_harmless(shown: str) -> None:
    """Assert that a terminal shows all of a text, and does nothing for it."""
    acting = {c for c in shown if unicodedata.category(c)[0] in "CZ"} - {" ", "\n"}
    assert acting == set()
    forged = ("error: forged", "1999-08-01 forged")
    assert not [line for line in shown.splitlines() if line.startswith(forged)]


@evil
def test_errors_are_shown_as_they_are_counted(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A line for each problem, and none that their words make."""
    say_error(JobError([f"a {text} b", "c"], hint=f"try {text}"))
    say(f"{text}!")

    reported = capsys.readouterr()
    check_harmless(reported.out + reported.err)
    assert [line[:6] for line in reported.err.splitlines()] == [
        "error:",
        "error:",
        "hint: ",
    ]
    assert len(reported.out.splitlines()) == 1


@given(text=st.text())
def test_an_errors_words_are_one_line(text: str) -> None:
    """Whoever shows it, also other programs than the command."""
    error = DataError(text, hint=text)

    assert error.problem.isprintable()
    assert str(error) == error.problem
    assert (error.hint or "").isprintable()


@evil
@pytest.mark.parametrize("kind", LogFormat)
def test_log_lines_are_not_forged(
    text: str, kind: LogFormat, capsys: pytest.CaptureFixture[str]
) -> None:
    """A record is a line; what a traceback says is indented."""
    with logging_to_stderr(kind, verbose=True):
        log = logging.getLogger("gcbatch.test")
        log.info("took %s", text)
        try:
            raise ValueError(text)  # noqa: TRY301 - what is logged
        except ValueError:
            log.exception("failed")

    reported = capsys.readouterr().err
    check_harmless(reported)
    lines = [line for line in reported.splitlines() if not line.startswith("    ")]
    assert len(lines) == 2
    if kind is LogFormat.JSON:
        assert [json.loads(line)["logger"] for line in lines] == ["gcbatch.test"] * 2


@evil
def test_screens_show_names_as_text(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """In cells and in lines; brackets are brackets."""
    print_screen(rows_screen([{"name": text, text: "x"}]))
    print_screen(Text(f"warning: {one_line(text)}"))

    reported = capsys.readouterr().out
    assert not [c for c in reported if not c.isprintable() and c != "\n"]
    if "[red]" in text:
        assert reported.count(text) == 3


@given(
    content=st.recursive(
        st.text(), lambda s: st.lists(s) | st.dictionaries(st.text(), s)
    )
)
def test_json_is_the_same_data(content: Any) -> None:
    """What no terminal may see is escaped, which reads as it was."""
    text = plain_json(content, indent=2)

    assert json.loads(text) == content
    assert all(c.isprintable() or c == "\n" for c in text)


def test_json_on_a_screen_is_harmless(capsys: pytest.CaptureFixture[str]) -> None:
    """It is printed so."""
    print_json({text: text for text in EVIL})

    reported = capsys.readouterr().out
    check_harmless(reported)
    assert list(json.loads(reported)) == list(EVIL)


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("5f8a2b0e-1c3d-4e5f-8a9b-0c1d2e3f4a5b", True),
        ("a/1", True),
        ("dGVzdA==", True),
        ("", False),
        ("..", False),
        ("../../users", False),
        ("a b", False),
        ("a\n", False),
        ("a" * 129, False),
        ("[hidden]", False),
        ("ä", False),
    ],
)
def test_ids_have_a_pattern(text: str, *, fits: bool) -> None:
    """What may go into an address, a header and a line of a log."""
    assert fits_id(text) is fits


def test_queues_with_evil_names_are_shown_and_exported(
    workspace_of: "WorkspaceOf", monkeypatch: pytest.MonkeyPatch
) -> None:
    """Screens, errors and logs are harmless; tables have the names as they are."""
    sample = sample_tenant()
    names = [*EVIL, *(queue.name for queue in sample.queues[len(EVIL) :])]
    queues = tuple(
        replace(queue, name=name)
        for queue, name in zip(sample.queues, names, strict=True)
    )
    fault = Fault("status", status=503, body=json.dumps({"message": EVIL[1]}).encode())
    workspace = workspace_of(replace(sample, queues=queues), faults=Faults(fault))
    monkeypatch.setenv("GENESYS_CLIENT_SECRET", workspace.simulator.client_secret)
    monkeypatch.setattr("gcbatch.genesys.retry_rules.backoff_s", lambda _: 0.0)
    day = {"from": "1999-08-01", "to": "1999-08-03"}
    job = str(workspace.write(query=day, sla={}))
    unknown = str(
        workspace.write("unknown", query={**day, "queues": ["gnp.exe", "re"]})
    )

    results = [
        CliRunner().invoke(app, arguments)
        for arguments in (
            ["run", "-v", job],
            ["report", job, "--period", "day"],
            ["report", job, "--json"],
            ["plan", job],
            ["run", unknown],
        )
    ]

    check_harmless("\n".join(r.output + r.stderr for r in results))
    assert [result.exit_code for result in results] == [0, 0, 0, 0, 2]
    exported = csv.DictReader(io.StringIO(_text_of(workspace.folder / "job.csv")))
    stored = (
        pq.read_table(workspace.folder / "job.parquet").column("queue_name").to_pylist()
    )
    assert {row["queue_name"] for row in exported} == set(stored)
    assert set(EVIL) & set(stored)


def _text_of(path: Path) -> str:
    return path.read_bytes().decode()
