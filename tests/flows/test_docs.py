"""The commands and links of the pages work as they are printed."""

import ast
import asyncio
import json
import re
import shlex
import shutil
import tomllib
from collections.abc import Iterator
from importlib.util import find_spec
from inspect import iscoroutine
from pathlib import Path
from typing import Any, Final

import pytest
import typer
import yaml
from typer.testing import CliRunner, Result

from gcbatch import errors, load_job
from gcbatch.cli import app
from tests.support.pages import (
    PAGES,
    ROOT,
    Block,
    anchors_of,
    asides,
    blocks,
    links_of,
    place_of,
)
from tests.support.requirements import require

ENVIRON = {
    f"{whose}{what}": f"{whose} {what}"
    for whose in ("GENESYS_CLIENT_", "NORTH_", "SOUTH_", "STORAGE_")
    for what in ("ID", "SECRET")
} | {"PG_PASSWORD": "PG PASSWORD"}

NOT_RUN: Final = {
    "python3 -m venv": "makes an environment: .ci/run runs these lines as they stand",
    "python -m benchmarks": "takes minutes: test_benchmarks.py runs it small",
    "pip install": "needs an index: test_new_packages.py installs without",
    "pytest": "test_new_packages.py runs the exporter's tests",
    "cd ": "likewise",
    "python -m build": "needs an index: test_new_packages.py builds the exporter",
    "twine upload": "publishes",
    "docker ": "needs Docker; test_image.py runs the steps of its build",
    "export ": "the tests give what the commands need",
    "for role in": "settings of Dask, likewise",
    "done": "ends it",
    "ssh ": "needs machines: cluster_world.py starts such workers on this one",
    "gcbatch run --scheduler": "likewise; test_cluster_deaths.py runs it",
    "sqlite3 ": "SQLite's program: test_databases.py reads in WAL mode meanwhile",
    "gcbatch simulate": "serves until Ctrl-C: test_cli.py starts and stops it",
}
"""Commands that are only read, by how they begin."""

NO_JOB: Final = {
    "apiVersion:": "a manifest of Kubernetes",
    "exports:\n  - {exporter: call-history": "test_new_packages.py installs such",
    'exports:\n  - {exporter: "gcbatch_call_history:': "test_one_file_each runs such",
}
"""Blocks of YAML that are no piece of a job, or cannot be checked as one."""

NOT_EXECUTED: Final = {
    '"""The exporter': "of a package that test_new_packages.py installs and runs",
    '"""Loads one table': "likewise",
    '"""Reads the database back': "likewise",
    "import deltalake\n": "test_delta_owners.py compacts and vacuums a loaded table",
}
"""Blocks of Python that are only compiled."""

FRAMES: Final = ("pandas", "polars")

OF_OTHERS: Final = {
    "--nthreads 64": "dask worker",
    "--rounds 9": "benchmarks",
    "--quick": "benchmarks",
}
"""Options in the prose that are not gcbatch's."""


def is_among(text: str, reasons: dict[str, str]) -> bool:
    """Say whether a text begins as one that is left out."""
    return text.startswith(tuple(reasons))


SHELL = blocks("sh", "console", "cron")
YAML = blocks("yaml")
PYTHON = blocks("python")

each_page = pytest.mark.parametrize("page", PAGES, ids=place_of)


def each(found: list[Block]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("block", found, ids=str)


def test_every_block_is_of_a_kind_that_is_tried() -> None:
    """A plain block is an answer, a table or a drawing: it holds no command."""
    kinds = {"", "sh", "console", "cron", "yaml", "python", "toml", "dockerfile"}
    kinds |= {"sql"}  # of services that cannot be run here: see below

    assert {block.kind for block in blocks()} <= kinds
    assert not [b for b in blocks("") if re.match(r"gcbatch \S|\$ ", b.text)]


RUN_ELSEWHERE: Final = "docs/databases.md"
"""Its statements are run on a server: tests/exporters/test_postgres_access.py."""


@each([block for block in blocks("sql") if block.page != RUN_ELSEWHERE])
def test_sql_is_said_to_be_untested(block: Block) -> None:
    """Each load stands below the words, and names the source and its date."""
    page = (ROOT / block.page).read_text("utf-8")
    section = next(s for s in page.split("\n## ") if block.text in s)
    own = next(s for s in section.split("\n### ") if block.text in s)
    is_load = own != section or "\n### " in section

    assert not is_load or "Not run by us." in own
    assert not is_load or re.search(r"(?s)\nSource: .*read\s\d{4}-\d\d-\d\d", own)


def test_what_is_left_out_is_there() -> None:
    """An entry that nothing begins with any more goes."""
    texts = [block.text for block in blocks()]
    commands = [command for block in SHELL for command in block.commands()]

    for reasons, of_which in (
        (NOT_RUN, commands),
        (NO_JOB, texts),
        (NOT_EXECUTED, texts),
    ):
        assert not [s for s in reasons if not any(t.startswith(s) for t in of_which)]


# commands


def invoke(arguments: str) -> Result:
    """Run a command in this process; where its output goes is left out."""
    words = shlex.split(arguments, comments=True)
    ends = [n for n, word in enumerate(words) if word[:1] in (">", "|") or "2>" in word]
    return CliRunner().invoke(app, words[: ends[0]] if ends else words)


@each(SHELL)
def test_commands_are_understood(block: Block) -> None:
    """Subcommands and options exist; those of containers too."""
    reported = [c[8:] for c in block.commands() if c.startswith("gcbatch ")]
    reported += re.findall(r" gcbatch:1 (\w.*)$", block.text, re.MULTILINE)
    for command in reported:
        asked = invoke(f"{command.partition(' #')[0].partition(' >')[0]} --help")

        assert asked.exit_code == 0, f"{command}: {asked.output}"


@pytest.fixture
def work_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with a store and the credentials of the environment."""
    monkeypatch.chdir(tmp_path)
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)
    assert CliRunner().invoke(app, ["init", "first.yaml"]).exit_code == 0
    tame(tmp_path / "first.yaml")
    assert CliRunner().invoke(app, ["run", "first.yaml"]).exit_code == 0
    return tmp_path


def tame(job: Path) -> None:
    """Point a job that asks a real org at the simulator and its week."""
    text = job.read_text("utf-8").replace("region: eu-west-1", "simulator: true")
    text = text.replace("from: today-7d", "from: 1999-08-01")
    job.write_text(text.replace("to: today ", "to: 1999-08-08 "), "utf-8")


@pytest.mark.slow
@each(SHELL)
def test_commands_do_what_they_say(block: Block, work_folder: Path) -> None:
    """One after the other, in one folder, asked of the simulator; none fails."""
    for command in block.commands():
        if is_among(command, NOT_RUN):
            continue
        assert command.startswith("gcbatch ")
        for name in re.findall(r"\S+\.yaml", command):
            if "gcbatch init" not in command:
                shutil.copy(work_folder / "first.yaml", work_folder / name)

        done = invoke(command.removeprefix("gcbatch "))

        assert done.exit_code == 0, f"{command}: {done.output}"


def commands_of(group: Any, above: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every command that ships, by its words."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands_of(command, f"{above}{name} ")
        else:
            yield above + name, command


COMMANDS: Final = dict(commands_of(typer.main.get_command(app)))
ALL_PAGES: Final = "\n".join(page.read_text("utf-8") for page in PAGES)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_documented(command: str) -> None:
    """In the table of commands, and each of its options somewhere."""
    table = (ROOT / "docs" / "commands.md").read_text("utf-8")
    table = table.partition("## The commands")[2].partition("\n## ")[0]
    options = {o for p in COMMANDS[command].params for o in p.opts if o[:2] == "--"}

    assert f"`gcbatch {command}" in table
    assert not [o for o in options - {"--help"} if not re.search(rf"{o}\b", ALL_PAGES)]


@each_page
def test_commands_in_the_prose_exist(page: Path) -> None:
    """`gcbatch X`, `run --fresh` and `--json` alike."""
    options = {o for c in COMMANDS.values() for p in c.params for o in p.opts}
    options |= {"--version", "--help"}
    first_words = {name.split()[0] for name in COMMANDS}
    for aside in asides(page):
        head, _, rest = aside.partition(" ")
        if head == "gcbatch" and rest:
            assert invoke(f"{rest.partition(' >')[0]} --help").exit_code == 0, aside
        elif head in first_words and rest.startswith("--"):
            assert invoke(f"{aside} --help").exit_code == 0, aside
        elif head.startswith("--") and aside not in OF_OTHERS:
            assert head in options, aside


def codes() -> set[int]:
    """Return every code that gcbatch ends with."""
    ours = [e for e in vars(errors).values() if isinstance(e, type)]
    found = {e.exit_code for e in ours if issubclass(e, errors.GcbatchError)}
    return found | {0, 7, 130, 143}


def test_every_exit_code_is_documented() -> None:
    """The table has them all, and no page speaks of another."""
    table = (ROOT / "docs" / "commands.md").read_text("utf-8")
    table = table.partition("## Exit codes")[2].partition("\n## ")[0]
    spoken = re.findall(
        r"(?i)\b(?:exits?|ends?|exit codes?)(?: is| with)? (\d+)", ALL_PAGES
    )

    assert {int(c) for c in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)} == codes()
    assert {int(code) for code in spoken} <= codes()


def test_every_key_of_a_run_report_is_documented(work_folder: Path) -> None:
    """The table of docs/verify.md has all of run.json, and nothing else."""
    page = (ROOT / "docs" / "verify.md").read_text("utf-8")
    table = page.partition("## The run report")[2]
    keys = " ".join(re.findall(r"^\|(.*?)\|", table, re.MULTILINE))
    reported = re.findall(r"`(\w+)`", keys)
    (report,) = work_folder.glob(".gcbatch/*/run.json")

    assert sorted(reported) == sorted(json.loads(report.read_text("utf-8")))


def test_the_readmes_commands_need_no_activated_environment() -> None:
    """Each names its program by its path, or is one that every system has."""
    lines = [
        line
        for block in SHELL
        if block.page == "README.md"
        for line in block.text.splitlines()
    ]

    assert len(lines) >= 7
    starts = ("python3 -m venv .venv && .venv/bin/", ".venv/bin/gcbatch ", "export ")
    assert not [line for line in lines if not line.startswith(starts)]


def test_the_readmes_picture_is_small() -> None:
    """It is a PNG, and below 150 kB."""
    picture = (ROOT / "docs" / "report.png").read_bytes()

    assert picture.startswith(b"\x89PNG")
    assert len(picture) < 150_000


def test_decisions_are_listed_and_have_their_headings() -> None:
    """Numbers have no gap; each record has its row in the index."""
    folder = ROOT / "docs" / "decisions"
    records = sorted(folder.glob("[0-9]*.md"))
    listed = [link for link in links_of(folder / "README.md") if link[0] != "."]

    assert [int(path.name[:4]) for path in records] == [*range(1, len(records) + 1)]
    assert listed == [path.name for path in records]
    for path in records:
        headings = re.findall(r"^## (.*)$", path.read_text("utf-8"), re.MULTILINE)

        assert headings == ["Context", "Decision", "Measured", "Rejected"], path.name


def test_the_glossary_is_sorted() -> None:
    """Each word has one row, in the order of the alphabet."""
    page = (ROOT / "docs" / "glossary.md").read_text("utf-8")
    words = re.findall(r"^\| ([a-z][^|]*) \|", page.partition("|---|")[2], re.MULTILINE)

    assert len(words) > 30
    assert words == sorted(set(words))


def test_the_readmes_error_is_the_one_that_is_printed(tmp_path: Path) -> None:
    """It is that of its own job, with the error in the line that it names."""
    (job,) = (b for b in YAML if b.page == "README.md")
    errors_of_readme = (
        b.text.strip()
        for b in blocks("")
        if b.page == "README.md" and b.text.startswith("error: ")
    )
    (reported,) = errors_of_readme
    path = tmp_path / "job.yaml"
    path.write_text(job.text.replace("nOffered", "nOfered"), "utf-8")

    done = CliRunner(env=ENVIRON).invoke(app, ["check", str(path)])

    assert done.stderr.splitlines()[0] == reported.replace("job.yaml", str(path))


# YAML


def whole(piece: dict[str, Any]) -> dict[str, Any]:
    """Return a job of which *piece* is a part."""
    job: dict[str, Any] = {"name": "piece", **piece}
    job["query"] = {"from": "2026-01-01", "to": "2026-02-01", **piece.get("query", {})}
    if "orgs" not in job:
        job["org"] = {"simulator": True}
    if "details" not in job["query"].get("endpoint", ""):
        job.setdefault("sla", {})
    return job


@each([block for block in YAML if not is_among(block.text, NO_JOB)])
def test_jobs_load(block: Block, tmp_path: Path) -> None:
    """A whole one as it stands; a piece of one within the least that a job needs."""
    data = yaml.safe_load(block.text)
    path = tmp_path / "job.yaml"
    text = block.text if "name" in data else yaml.safe_dump(whole(data))
    path.write_text(text, "utf-8")

    job = load_job(path, environ=ENVIRON)

    assert job.per_org()


MANIFESTS = [block for block in YAML if block.text.startswith("apiVersion:")]


@each(MANIFESTS)
def test_manifests_call_what_is_there(block: Block) -> None:
    """Arguments of the image are a command, and codes that end a job exist."""
    manifest = yaml.safe_load(block.text)

    def inside(value: Any, key: str) -> Iterator[Any]:
        for inner in value.values() if isinstance(value, dict) else value:
            if isinstance(inner, (dict, list)):
                yield from inside(inner, key)
        if isinstance(value, dict) and key in value:
            yield value[key]

    for arguments in inside(manifest, "args"):
        assert invoke(shlex.join([*arguments, "--help"])).exit_code == 0
    for values in inside(manifest, "values"):
        assert set(values) < codes()
    assert {*inside(manifest, "image")} == {"gcbatch:1"}


@each(blocks("toml"))
def test_toml_is_toml(block: Block) -> None:
    """tests/exporters/test_new_packages.py installs the one that there is."""
    assert tomllib.loads(block.text)


# Python


@pytest.mark.slow
@each(PYTHON)
def test_python_runs(
    block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the configs are; `await` works as in a notebook."""
    shutil.copytree(ROOT / "configs", tmp_path / "configs")
    monkeypatch.chdir(tmp_path)
    top_level_await = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    code = compile(block.text, str(block), "exec", flags=top_level_await)
    if is_among(block.text, NOT_EXECUTED):
        return
    if any(f"import {name}\n" in block.text and not find_spec(name) for name in FRAMES):
        require("GCBATCH_REQUIRE_FRAMES", "data frames are extras, not tools")

    done = eval(code, {"__name__": "page"})  # noqa: S307 - our own pages
    if iscoroutine(done):
        asyncio.run(done)


# links and files


@each_page
def test_links_lead_somewhere(page: Path) -> None:
    """To a file that is there, and to a heading that it has."""
    for link in links_of(page):
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page

        assert target.exists(), link
        assert not anchor or anchor in anchors_of(target), link


def test_pages_that_messages_name_are_there() -> None:
    """Hints and comments say `docs/simulator.md`, never a page of former days."""
    sources = [*ROOT.glob("gcbatch/**/*.py"), *ROOT.glob("exporters/**/*.py")]
    sources += [*ROOT.glob("configs/*.yaml"), ROOT / "gcbatch" / "cli" / "starter.yaml"]
    named = {
        name
        for path in sources
        for name in re.findall(r"docs/[\w-]+\.md", path.read_text("utf-8"))
    }

    assert named
    assert not [name for name in named if not (ROOT / name).is_file()]


def test_every_page_is_linked() -> None:
    """The README's table leads to all that are in docs."""
    led_to = {link.partition("#")[0] for link in links_of(ROOT / "README.md")}

    assert {place_of(page) for page in (ROOT / "docs").glob("*.md")} <= led_to
