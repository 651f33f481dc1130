"""The command `init`: a sample that runs, options for scripts, questions for people."""

import csv
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from typer.testing import CliRunner, Result

from gcbatch.cli import app
from gcbatch.cli.init import _chosen_queues
from gcbatch.cli.new_job import starter_text
from gcbatch.job import load_job
from tests.support.terminals import on_terminal

if TYPE_CHECKING:
    from tests.conftest import Workspace

Init = Callable[..., Result]
CREDENTIALS = {"GENESYS_CLIENT_ID": "an-id", "GENESYS_CLIENT_SECRET": "a-secret"}


@pytest.fixture
def gcbatch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Init:
    """Run a command in an empty folder, without credentials and without a terminal."""
    monkeypatch.chdir(tmp_path)
    for name in CREDENTIALS:
        monkeypatch.delenv(name, raising=False)
    return lambda *args: CliRunner().invoke(app, [*args])


def test_a_sample_runs_as_it_is(gcbatch: Init) -> None:
    """No account and no setting: rows, service levels and a page."""
    written = gcbatch("init", "--sample")
    assert written.stdout == "wrote job.yaml; next: gcbatch run job.yaml\n"

    done = gcbatch("run", "job.yaml")

    assert done.exit_code == 0, done.output
    with Path("out/sample.csv").open(encoding="utf-8", newline="") as file:
        assert len(list(csv.DictReader(file))) == 485
    assert {p.name for p in Path("out").iterdir()} == {
        "sample.csv",
        "sample-sla.csv",
        "sample.html",
    }


def test_options_fill_in_the_job(gcbatch: Init) -> None:
    """For scripts: nothing is asked, and comments stay in their column."""
    done = gcbatch(
        "init", "mine.yaml", "--region", "https://apps.mypurecloud.de/directory/",
        "--timezone", "Europe/Berlin", "--name", "sales", "--queue", "Back office",
        "--queue", "A, B: 1", "--queue", "true",
    )  # fmt: skip

    assert done.exit_code == 0, done.output
    text = Path("mine.yaml").read_text("utf-8")
    job = load_job(Path("mine.yaml"), environ=CREDENTIALS)
    assert job.name == "sales"
    assert job.own_org.region == "eu-central-1"
    assert job.query.timezone == "Europe/Berlin"
    assert job.query.queues == ("Back office", "A, B: 1", "true")
    assert [e.options["path"] for e in job.exports] == [
        "out/sales.csv",
        "out/sales.parquet",
    ]
    columns = {line.index("#") for line in text.splitlines()[3:8] if "#" in line}
    assert columns == {33}


def test_without_options_it_is_the_template(gcbatch: Init) -> None:
    """No terminal means no question; how to sign in is said, as nothing is set."""
    done = gcbatch("init")

    assert done.exit_code == 0
    assert Path("job.yaml").read_text("utf-8") == starter_text()
    assert "client credentials" in done.stdout
    assert "analytics:conversationAggregate:view" in done.stdout


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--region", "europe"), "--region: unknown region 'europe'"),
        (("--timezone", "IST"), "--timezone: unknown time zone 'IST': did you mean"),
        (("--name", "a b"), "name: must be letters, digits"),
        (("--queue", "A", "--queue", "A"), "queues: named more than once: A"),
        (("--sample", "--region", "eu-west-1"), "--sample has its own region"),
    ],
)
def test_options_that_make_no_job_are_refused(
    gcbatch: Init, options: tuple[str, ...], said: str
) -> None:
    """With what is wrong, and no file is left."""
    done = gcbatch("init", *options)

    assert done.exit_code == 2
    assert said in done.stderr
    assert not Path("job.yaml").exists()


@pytest.mark.parametrize("option", [(), ("--sample",)])
def test_no_file_is_overwritten(gcbatch: Init, option: tuple[str, ...]) -> None:
    """Nor a folder; the hint names the way out, and not the same command."""
    Path("job.yaml").mkdir()

    done = gcbatch("init", *option)

    assert done.exit_code == 6
    assert done.stderr == ("error: job.yaml: exists already\nhint: name another path\n")


def asked(folder: Path, *answers: str, **environ: str) -> tuple[int, str]:
    """Run `init` on a terminal."""
    known = {k: v for k, v in os.environ.items() if k not in CREDENTIALS}
    return on_terminal(
        [sys.executable, "-m", "gcbatch", "init"],
        answers,
        cwd=folder,
        environ={**known, "TZ": "Europe/Dublin", **environ},
    )


def written(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((folder / "job.yaml").read_text("utf-8"))
    return found


def test_a_terminal_is_asked_until_the_answers_are_good(tmp_path: Path) -> None:
    """A wrong answer is met with what may be meant."""
    code, shown = asked(
        tmp_path, "europe", "login.mypurecloud.jp", "IST", "Asia/Jerusalem"
    )

    assert code == 0, shown
    assert "unknown region 'europe'; there are us-east-1" in shown
    assert "did you mean one of Europe/Dublin, Asia/Kolkata, Asia/Jerusalem?" in shown
    job = written(tmp_path)
    assert job["org"]["region"] == "ap-northeast-1"
    assert job["query"]["timezone"] == "Asia/Jerusalem"


def test_an_empty_answer_takes_what_is_shown(tmp_path: Path) -> None:
    """The time zone is that of the machine."""
    code, shown = asked(tmp_path, "", "", TZ="America/Chicago")

    assert code == 0, shown
    assert "time zone [America/Chicago]: " in shown
    assert written(tmp_path)["query"]["timezone"] == "America/Chicago"
    assert written(tmp_path)["org"]["region"] == "eu-west-1"


def test_the_end_of_input_is_an_empty_answer(tmp_path: Path) -> None:
    """Ctrl-D takes the defaults; nothing waits for ever."""
    code, shown = asked(tmp_path, "\x04", "\x04\x04")

    assert code == 0, shown
    assert written(tmp_path)["org"]["region"] == "eu-west-1"


@pytest.mark.parametrize(
    ("answer", "chosen"),
    [
        ("", []),
        ("2, retail BANKING", ["Internet support", "Retail banking"]),
        ("Salez\n1,1", ["Call-backs"]),
    ],
)
def test_queues_of_the_org_are_offered(
    workspace: "Workspace",
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    answer: str,
    chosen: list[str],
) -> None:
    """By number or name, in any case; an unknown one is asked for again."""
    answers = iter(answer.split("\n"))
    monkeypatch.setattr("builtins.input", lambda _: next(answers))

    assert _chosen_queues(load_job(workspace.write(), environ=workspace.environ)) == (
        chosen
    )

    shown = capsys.readouterr().out
    assert "   2  Internet support\n" in shown
    assert ("unknown queue 'Salez'" in shown) == ("Salez" in answer)
