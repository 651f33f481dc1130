"""A run over workers is the run of one process, only on more cores."""

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gcbatch.running import changes
from tests.conftest import WIDE
from tests.support.cluster_world import (
    HOURS,
    PartWatch,
    Run,
    aggregates_sections,
    command,
    details_sections,
    job_file,
    refused_count,
    tenant_with_conversations,
    token_count,
    until,
)
from tests.support.later_states import corrected, longer

if TYPE_CHECKING:
    from tests.conftest import Workspace, WorkspaceOf
    from tests.support.s3_server import S3Bucket

pytestmark = pytest.mark.cluster

SPREAD = ("--engine", "dask", "--workers", "4")


def local_outputs(workspace: "Workspace", job: Path) -> dict[str, bytes]:
    """Return what a run of one process writes, and leave its requests forgotten."""
    Run(workspace, job).end()
    workspace.simulator.request_log.clear()
    return workspace.outputs(job.stem)


@pytest.mark.parametrize("endpoint", ["aggregates", "details"])
def test_four_workers_write_the_same_bytes(
    workspace_of: "WorkspaceOf", endpoint: str
) -> None:
    """In every format; with one token, and each query asked once."""
    workspace = workspace_of(tenant_with_conversations())
    sections = (
        aggregates_sections()
        if endpoint == "aggregates"
        else details_sections(workspace)
    )
    expected = local_outputs(workspace, job_file(workspace, "local", sections))

    with PartWatch(workspace) as watch:
        Run(workspace, job_file(workspace, "spread", sections), *SPREAD).end()

    assert workspace.outputs("spread") == expected
    assert token_count(workspace) == 1
    assert watch.rewritten() == []
    questions = [entry.request for entry in workspace.data_requests]
    assert all(questions.count(question) == 1 for question in questions)
    assert len(questions) >= (HOURS if endpoint == "aggregates" else 20)


def test_workers_share_a_store_in_a_bucket(
    workspace_of: "WorkspaceOf", s3: "S3Bucket"
) -> None:
    """They need no folder in common; what they write is what one process writes."""
    on_disk = workspace_of()
    expected = local_outputs(on_disk, job_file(on_disk, "job", aggregates_sections()))
    workspace = workspace_of(bucket=s3)

    Run(workspace, job_file(workspace, "job", aggregates_sections()), *SPREAD).end()

    assert workspace.outputs() == expected
    assert token_count(workspace) == 1
    assert len([key for key in s3.keys() if key.endswith(".parquet")]) == HOURS  # noqa: SIM118 - a method
    workspace.simulator.request_log.clear()
    Run(workspace, job_file(workspace, "job", aggregates_sections())).end()
    assert workspace.data_requests == []


def test_ctrl_c_leaves_nothing_behind(workspace_of: "WorkspaceOf") -> None:
    """A terminal sends it to all processes: they end, and one reports it."""
    workspace = workspace_of(requests_allowed=60, window_s=6.0)
    run = Run(workspace, job_file(workspace, "job", aggregates_sections()), *SPREAD)
    until(lambda: len(workspace.parts) > 10)
    workers = run.workers()

    os.killpg(run.process.pid, signal.SIGINT)
    printed = run.end(code=130)

    assert len(workers) == 4
    until(lambda: not any(map(command, workers)))
    assert "interrupted" in printed
    assert "Traceback" not in printed
    assert not list(workspace.folder.rglob("*.part"))


def test_a_killed_worker_costs_nothing_but_time(workspace_of: "WorkspaceOf") -> None:
    """Its queries are asked by others; no part is written twice, no quota exceeded."""
    workspace = workspace_of(requests_allowed=120, window_s=6.0)
    job = job_file(workspace, "job", aggregates_sections())

    with PartWatch(workspace) as watch:
        run = Run(workspace, job, *SPREAD)
        for done in (40, 90):
            until(lambda done=done: len(workspace.parts) >= done)  # type: ignore[misc] # a default
            os.kill(run.workers()[0], signal.SIGKILL)
        run.end()

    assert len(workspace.parts) == HOURS
    assert watch.rewritten() == []
    assert refused_count(workspace) <= 2
    assert token_count(workspace) == 1
    spread = workspace.outputs("job")
    shutil.rmtree(workspace.folder / "store")
    workspace.simulator.quota.allowed = WIDE
    Run(workspace, job).end()
    assert workspace.outputs("job") == spread


def test_what_workers_learn_is_reported_once(workspace_of: "WorkspaceOf") -> None:
    """The remarks of all queries, on whichever worker, are added up."""
    workspace = workspace_of(max_results=200)
    job = job_file(workspace, "job", {"query": {"granularity": "PT15M"}})

    printed = Run(workspace, job, *SPREAD).end()

    assert len(re.findall(r"fetched in pieces: [567]", printed)) == 1
    assert printed.count("fetched in pieces") == 1


def test_a_token_must_not_travel_in_the_clear(workspace: "Workspace") -> None:
    """A scheduler on another machine needs TLS; the error has the way out."""
    options = ("--scheduler", "tcp://192.0.2.1:8786")

    printed = Run(
        workspace, job_file(workspace, "job", aggregates_sections()), *options
    ).end(code=2)

    assert "tcp://192.0.2.1:8786: would send the token without encryption" in printed
    assert "tls://" in printed
    assert workspace.data_requests == []


WITHOUT_DASK = """
import sys
sys.modules["distributed"] = None
from gcbatch.cli import main
main()
"""

LOCAL = """
import sys
from gcbatch.cli import app
app(standalone_mode=False)
found = sorted(m for m in sys.modules if m.split(".")[0] in ("dask", "distributed"))
sys.exit(f"imported: {found}" if found else 0)
"""


def run_code(
    workspace: "Workspace", code: str, *arguments: str
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", code, "run", *arguments],
        env=workspace.process_environ,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_extra_is_named_where_it_is_missing(workspace: "Workspace") -> None:
    """Exit code 2, and the command that installs it."""
    done = run_code(workspace, WITHOUT_DASK, str(workspace.write()), "--engine", "dask")

    assert done.returncode == 2
    assert "engine dask is not installed" in done.stderr
    assert "pip install 'gcbatch[dask]'" in done.stderr


def test_a_local_run_loads_nothing_of_dask(workspace: "Workspace") -> None:
    """It costs seconds and megabytes, which most runs have no use for."""
    done = run_code(workspace, LOCAL, str(workspace.write()), "--json")

    assert done.returncode == 0, done.stderr
    assert len(workspace.parts) == 7


@pytest.mark.parametrize(
    ("environ", "problem"),
    [
        ({}, "no certificates for TLS"),
        (
            {
                "DASK_DISTRIBUTED__COMM__TLS__CA_FILE": "/nowhere/ca.pem",
                "DASK_DISTRIBUTED__COMM__TLS__CLIENT__CERT": "/nowhere/cert.pem",
                "DASK_DISTRIBUTED__COMM__TLS__SCHEDULER__CERT": "/nowhere/cert.pem",
            },
            "are not usable",
        ),
    ],
)
def test_tls_without_certificates_is_reported(
    workspace: "Workspace", environ: dict[str, str], problem: str
) -> None:
    """The address asks for what this machine has not: exit 2, and the way out."""
    path = job_file(workspace, "job", aggregates_sections())
    command = [sys.executable, "-m", "gcbatch", "run", str(path)]
    done = subprocess.run(  # noqa: S603 - our own command
        [*command, "--scheduler", "tls://127.0.0.1:1"],
        env=workspace.process_environ | environ,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2
    assert problem in done.stderr
    assert "docs/several-machines.md" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("is_in_bucket", [False, True])
def test_workers_note_what_fetching_again_changed(
    workspace_of: "WorkspaceOf", s3: "S3Bucket", *, is_in_bucket: bool
) -> None:
    """As one process does, and the run says it."""
    found = []
    sections: dict[str, Any] = {"query": {"granularity": "PT15M"}}
    sections["fetch"] = {"chunk": "P1D"}
    for options in ((), SPREAD):
        workspace = workspace_of(bucket=s3 if is_in_bucket else None)
        job = job_file(workspace, "job", sections)
        Run(workspace, job).end()
        workspace.become(corrected(longer))
        printed = Run(workspace, job, "--fresh", *options).end()
        assert '"example": "' in printed
        table = changes(workspace.job(**sections)).read_all()
        found.append(table.select(["key", "column", "old", "new"]).to_pylist())

    alone, spread = ({tuple(row.values()) for row in rows} for rows in found)
    assert spread == alone
    assert len(found[0]) == len(found[1]) > 20
