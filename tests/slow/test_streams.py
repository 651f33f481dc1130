"""What is printed fails no command: its encoding, its reader, the disk it goes to."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from gcbatch.simulator import sample_tenant
from tests.conftest import Workspace, WorkspaceOf

JOB = "Süd→日本.yaml"
COMMANDS = (
    ["--help"],
    ["run", "--help"],
    ["--version"],
    ["check", JOB],
    ["plan", JOB],
    ["run", JOB],
    ["run", JOB, "--json"],
    ["export", JOB],
    ["export", JOB, "--json"],
    ["report", JOB],
    ["report", JOB, "--json"],
    ["verify", JOB],
    ["verify", JOB, "--json"],
    ["store", "ls", "--store", "store"],
    ["store", "prune", "--store", "store", "--older-than", "1000y"],
    ["exporters"],
    ["schema"],
    ["schema", "--markdown"],
    ["init", "日本.yaml"],
)
FAILING = (
    (["run", "→.yaml"], 2),
    (["run", JOB, "--set", "query.queues=['日本語']"], 2),
    (["run", JOB, "--日本"], 2),
    (["日本"], 2),
    (["init", JOB], 6),
)

ALL_IN_ONE = """
import json, os, sys
from pathlib import Path
from gcbatch.cli import main
codes = []
for arguments in json.loads(Path("commands.json").read_text("utf-8")):
    sys.argv = ["gcbatch", *(os.fsdecode(a.encode()) for a in arguments)]
    try:
        main()
    except SystemExit as exc:
        codes.append(exc.code or 0)
    except BaseException as exc:
        codes.append(repr(exc))
Path("codes.json").write_text(json.dumps(codes), "utf-8")
"""
"""Runs commands one after the other: a process for each would take a minute."""


@pytest.fixture
def named(workspace_of: WorkspaceOf) -> Workspace:
    """Start a simulator whose queues have names that few encodings can show."""
    tenant = sample_tenant()
    queues = [replace(q, name=f"{q.name} → 日本語 é") for q in tenant.queues]
    workspace = workspace_of(replace(tenant, queues=tuple(queues)))
    day = {"from": "1999-08-01", "to": "1999-08-02"}
    path = str(workspace.folder / "sla.csv")
    written = workspace.write(
        "south",
        query=day,
        sla={},
        exports=[{"exporter": "csv", "table": "sla", "path": path}],
    )
    written.rename(workspace.folder / JOB)
    return workspace


@pytest.mark.slow
@pytest.mark.parametrize(
    ("environ", "encoding"),
    [
        ({"PYTHONIOENCODING": "ascii"}, "ascii"),
        ({"PYTHONIOENCODING": "latin-1"}, "latin-1"),
        ({"PYTHONIOENCODING": "cp1252"}, "cp1252"),
        ({"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, "ascii"),
    ],
    ids=["ascii", "latin-1", "cp1252", "C"],
)
def test_no_encoding_decides_an_exit_code(
    named: Workspace, environ: dict[str, str], encoding: str
) -> None:
    """What cannot be shown is replaced, on standard output and standard error."""
    calls = [*COMMANDS, *(arguments for arguments, _ in FAILING)]
    (named.folder / "commands.json").write_text(json.dumps(calls), "utf-8")

    done = subprocess.run(  # noqa: S603 - our own commands
        [sys.executable, "-c", ALL_IN_ONE],
        cwd=named.folder,
        env={**named.process_environ, **environ},
        capture_output=True,
        timeout=120,
        check=True,
    )

    codes = json.loads((named.folder / "codes.json").read_text("utf-8"))
    assert codes == [0] * len(COMMANDS) + [code for _, code in FAILING]
    assert "Retail banking" in done.stdout.decode(encoding)
    assert "error: " in done.stderr.decode(encoding)
    assert b"Traceback" not in done.stderr


@pytest.mark.slow
def test_json_loses_no_character(named: Workspace) -> None:
    """Where the encoding lacks one, it is escaped."""
    sh(named, f"-m gcbatch run {JOB}")

    done = sh(named, f"-m gcbatch report {JOB} --json", PYTHONIOENCODING="ascii")

    names = {row["queue_name"] for row in json.loads(done.stdout)}
    assert "Retail banking → 日本語 é" in names


def sh(
    workspace: Workspace, arguments: str, **environ: str
) -> "subprocess.CompletedProcess[str]":
    """Run an interpreter from a shell, which redirects its streams."""
    return subprocess.run(  # noqa: S603 - our own commands
        ["/bin/bash", "-c", f"set -o pipefail; {sys.executable} {arguments}"],
        cwd=workspace.folder,
        env={**workspace.process_environ, **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


full = pytest.mark.skipif(
    not Path("/dev/full").exists(), reason="only Linux has a disk that is always full"
)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("option", "target", "reason"),
    [
        pytest.param("-u", "> /dev/full", "No space left on device", marks=full),
        ("", ">&-", "it is closed"),
        ("", "1< /dev/null", "Bad file descriptor"),
    ],
)
def test_a_run_loses_nothing_but_what_it_prints(
    named: Workspace, option: str, target: str, reason: str
) -> None:
    """Outputs and account are written; a line on standard error says what is not."""
    done = sh(named, f"{option} -m gcbatch run {JOB} {target}")

    logged = [line for line in done.stderr.splitlines() if "south: " not in line]
    assert done.returncode == 6
    assert logged == [f"error: standard output: cannot be written: {reason}"]
    assert (named.folder / "sla.csv").exists()
    assert json.loads(
        (named.folder / "store" / "south" / "run.json").read_text("utf-8")
    )


@pytest.mark.slow
@full
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ("--help > /dev/full", 6),
        ("schema > /dev/full", 6),
        ("no-such-command > /dev/full", 2),
        ("run missing.yaml > /dev/full", 2),
        ("exporters 2> /dev/full", 0),
        ("exporters 2>&-", 0),
        ("run missing.yaml 2> /dev/full", 2),
        ("run missing.yaml 2>&-", 2),
        ("exporters > /dev/full 2>&1", 6),
        ("exporters >&- 2>&- <&-", 6),
        ("schema | true", 0),
        ("schema | head -1", 0),
    ],
)
def test_full_and_closed_streams_have_a_code(
    workspace: Workspace, arguments: str, code: int
) -> None:
    """6 where standard output could not be written; a reader may leave."""
    done = sh(workspace, f"-m gcbatch {arguments}")

    assert done.returncode == code
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


@pytest.mark.slow
def test_no_file_comes_to_be_standard_output(workspace: Workspace) -> None:
    """Where the first descriptors are closed, what is opened next would have them."""
    code = (
        "import os; from gcbatch.cli.streams import tolerant_streams\n"
        "with tolerant_streams(): print(os.open('x', os.O_CREAT), file=open('y', 'w'))"
    )

    sh(workspace, f'-c "{code}" <&- >&- 2>&-')

    assert int((workspace.folder / "y").read_text()) > 2
