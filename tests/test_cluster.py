"""A run over workers is the run of one process, only on more cores."""

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.cluster_world import (
    HOURS,
    Run,
    Watch,
    aggregates,
    command,
    details,
    job_file,
    refused,
    talkative,
    tokens,
    until,
)
from tests.conftest import WIDE

if TYPE_CHECKING:
    from tests.conftest import Bench, BenchOf

pytestmark = pytest.mark.slow

SPREAD = ("--engine", "dask", "--workers", "4")


def local_outputs(bench: "Bench", job: Path) -> dict[str, bytes]:
    """Return what a run of one process writes, and leave its requests forgotten."""
    Run(bench, job).end()
    bench.simulator.request_log.clear()
    return bench.outputs(job.stem)


@pytest.mark.parametrize("endpoint", ["aggregates", "details"])
def test_four_workers_write_the_same_bytes(bench_of: "BenchOf", endpoint: str) -> None:
    """In every format; with one token, and each query asked once."""
    bench = bench_of(talkative())
    sections = aggregates() if endpoint == "aggregates" else details(bench)
    expected = local_outputs(bench, job_file(bench, "local", sections))

    with Watch(bench) as watch:
        Run(bench, job_file(bench, "spread", sections), *SPREAD).end()

    assert bench.outputs("spread") == expected
    assert tokens(bench) == 1
    assert watch.rewritten() == []
    questions = [entry.request for entry in bench.data_requests]
    assert all(questions.count(question) == 1 for question in questions)
    assert len(questions) >= (HOURS if endpoint == "aggregates" else 20)


def test_ctrl_c_leaves_nothing_behind(bench_of: "BenchOf") -> None:
    """A terminal sends it to all processes: they end, and one reports it."""
    bench = bench_of(requests_allowed=60, window_s=6.0)
    run = Run(bench, job_file(bench, "job", aggregates()), *SPREAD)
    until(lambda: len(bench.parts) > 10)
    workers = run.workers()

    os.killpg(run.process.pid, signal.SIGINT)
    printed = run.end(code=130)

    assert len(workers) == 4
    until(lambda: not any(map(command, workers)))
    assert "interrupted" in printed
    assert "Traceback" not in printed
    assert not list(bench.folder.rglob("*.part"))


def test_a_killed_worker_costs_nothing_but_time(bench_of: "BenchOf") -> None:
    """Its queries are asked by others; no part is written twice, no quota exceeded."""
    bench = bench_of(requests_allowed=120, window_s=6.0)
    job = job_file(bench, "job", aggregates())

    with Watch(bench) as watch:
        run = Run(bench, job, *SPREAD)
        for done in (40, 90):
            until(lambda done=done: len(bench.parts) >= done)  # type: ignore[misc] # a default
            os.kill(run.workers()[0], signal.SIGKILL)
        run.end()

    assert len(bench.parts) == HOURS
    assert watch.rewritten() == []
    assert refused(bench) <= 2
    assert tokens(bench) == 1
    spread = bench.outputs("job")
    shutil.rmtree(bench.folder / "store")
    bench.simulator.quota.allowed = WIDE
    Run(bench, job).end()
    assert bench.outputs("job") == spread


def test_what_workers_learn_is_reported_once(bench_of: "BenchOf") -> None:
    """The remarks of all queries, on whichever worker, are added up."""
    bench = bench_of(max_results=200)
    job = job_file(bench, "job", {"query": {"granularity": "PT15M"}})

    printed = Run(bench, job, *SPREAD).end()

    assert len(re.findall(r"fetched in pieces: [567]", printed)) == 1
    assert printed.count("fetched in pieces") == 1


def test_a_token_must_not_travel_in_the_clear(bench: "Bench") -> None:
    """A scheduler on another machine needs TLS; the error has the way out."""
    options = ("--scheduler", "tcp://192.0.2.1:8786")

    printed = Run(bench, job_file(bench, "job", aggregates()), *options).end(code=2)

    assert "tcp://192.0.2.1:8786: would send the token without encryption" in printed
    assert "tls://" in printed
    assert bench.data_requests == []


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
    bench: "Bench", code: str, *arguments: str
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", code, "run", *arguments],
        env=bench.process_environ,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_extra_is_named_where_it_is_missing(bench: "Bench") -> None:
    """Exit code 2, and the command that installs it."""
    done = run_code(bench, WITHOUT_DASK, str(bench.write()), "--engine", "dask")

    assert done.returncode == 2
    assert "engine dask is not installed" in done.stderr
    assert "pip install 'gcbatch[dask]'" in done.stderr


def test_a_local_run_loads_nothing_of_dask(bench: "Bench") -> None:
    """It costs seconds and megabytes, which most runs have no use for."""
    done = run_code(bench, LOCAL, str(bench.write()), "--json")

    assert done.returncode == 0, done.stderr
    assert len(bench.parts) == 7


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
    bench: "Bench", environ: dict[str, str], problem: str
) -> None:
    """The address asks for what this machine has not: exit 2, and the way out."""
    path = job_file(bench, "job", aggregates())
    command = [sys.executable, "-m", "gcbatch", "run", str(path)]
    done = subprocess.run(  # noqa: S603 - our own command
        [*command, "--scheduler", "tls://127.0.0.1:1"],
        env=bench.process_environ | environ,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2
    assert problem in done.stderr
    assert "docs/several-machines.md" in done.stderr
    assert "Traceback" not in done.stderr
