"""What a cluster loses on the way, a run makes good: real processes, killed."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.cluster_world import (
    HOURS,
    Run,
    Standing,
    Watch,
    aggregates,
    command,
    free_port,
    job_file,
    refused,
    standing,
    tokens,
    until,
    used,
)
from tests.conftest import WIDE

if TYPE_CHECKING:
    from tests.conftest import Bench, BenchOf

pytestmark = pytest.mark.cluster

SPREAD = ("--engine", "dask", "--workers", "4")


def check_outputs(bench: "Bench", job: Path) -> None:
    """Check that outputs are what one process writes that fetches everything."""
    spread = bench.outputs(job.stem)
    shutil.rmtree(bench.folder / "store")
    bench.simulator.quota.allowed = WIDE
    Run(bench, job).end()

    assert bench.outputs(job.stem) == spread


def test_four_workers_use_a_tight_quota(bench_of: "BenchOf") -> None:
    """30 requests per 6 s: 90 % of them used, at most 2 refused, one token."""
    bench = bench_of(requests_allowed=30, window_s=6.0)
    five_days = aggregates()
    five_days["query"]["to"] = "1999-08-06"

    Run(bench, job_file(bench, "job", five_days), *SPREAD).end()

    assert used(bench, 30) >= 0.9
    assert refused(bench) <= 2
    assert tokens(bench) == 1
    assert len(bench.parts) == 5 * 24


def test_the_process_that_runs_the_job_is_killed(bench_of: "BenchOf") -> None:
    """Its workers go with it; another run goes on from there."""
    bench = bench_of(requests_allowed=60, window_s=6.0)
    job = job_file(bench, "job", aggregates())
    with Watch(bench) as watch:
        first = Run(bench, job, *SPREAD)
        until(lambda: len(bench.parts) >= 50)
        workers = first.workers()

        first.kill()
        until(lambda: not any(map(command, workers)), timeout_s=10)
        sent = len(bench.data_requests)
        parts = len(bench.parts)
        Run(bench, job, *SPREAD).end()

    assert len(workers) == 4
    assert len(bench.data_requests) == sent + HOURS - parts
    assert watch.rewritten() == []
    assert refused(bench) <= 2
    check_outputs(bench, job)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Standing]:
    """Start a scheduler and two workers that talk TLS."""
    with standing(tmp_path, "one", "two") as cluster:
        yield cluster


def test_the_scheduler_is_started_again(bench_of: "BenchOf", cluster: Standing) -> None:
    """Its workers go with it, and others come; the run goes on by itself."""
    bench = bench_of(requests_allowed=60, window_s=6.0)
    job = job_file(bench, "job", aggregates())
    with Watch(bench) as watch:
        options = ("--scheduler", cluster.address)
        run = Run(bench, job, *options, environ=cluster.environ)
        until(lambda: len(bench.parts) >= 50)

        cluster.kill("scheduler")
        until(cluster.is_empty)
        cluster.start_scheduler()
        cluster.start_worker("three")
        cluster.start_worker("four")
        run.end()

    assert len(bench.parts) == HOURS
    assert watch.rewritten() == []
    assert refused(bench) <= 2
    assert tokens(bench) == 1
    check_outputs(bench, job)


def test_workers_of_a_standing_cluster_stop_without_the_job(
    bench_of: "BenchOf", cluster: Standing
) -> None:
    """They get no permits any more; another run continues with the same workers."""
    bench = bench_of(requests_allowed=60, window_s=6.0)
    job = job_file(bench, "job", aggregates())
    options = ("--scheduler", cluster.address)
    with Watch(bench) as watch:
        first = Run(bench, job, *options, environ=cluster.environ)
        until(lambda: len(bench.parts) >= 50)
        first.kill()
        sent = len(bench.data_requests)
        second = Run(bench, job, *options, environ=cluster.environ)
        second.end()

    asked = [entry.request for entry in bench.data_requests]
    twice = [question for question in asked if asked.count(question) > 1]
    # At most what was in flight while no coordinator was there.
    assert len(asked) - HOURS <= 8, twice
    assert sent >= 50
    assert watch.rewritten() == []
    assert refused(bench) <= 2
    check_outputs(bench, job)


def test_a_cluster_without_workers_is_waited_for(
    bench_of: "BenchOf", tmp_path: Path
) -> None:
    """They may be on their way."""
    bench = bench_of()
    with standing(tmp_path) as cluster:
        options = ("--scheduler", cluster.address)
        job = job_file(bench, "job", {})
        run = Run(bench, job, *options, environ=cluster.environ)
        until(lambda: len(bench.simulator.requests("/api/v2/routing")) > 0)
        cluster.start_worker("late")
        run.end()

    assert len(bench.parts) == 7


def test_no_server_listens(bench: "Bench") -> None:
    """Exit code 4, and where to look."""
    address = f"tcp://127.0.0.1:{free_port()}"

    run = Run(bench, job_file(bench, "job", {}), "--scheduler", address)

    assert f"{address}: no scheduler answers" in run.end(code=4)
    assert "check engine.scheduler" in run.printed


def test_what_a_worker_may_not_ends_the_run(bench_of: "BenchOf") -> None:
    """With the exit code and messages of a run of one process; no process is left."""
    bench = bench_of(permissions=frozenset({"routing:queue:view"}))

    run = Run(bench, job_file(bench, "job", aggregates()), *SPREAD)

    assert "analytics:conversationAggregate:view" in run.end(code=3)
    assert len(bench.data_requests) <= 8
    assert tokens(bench) == 1
