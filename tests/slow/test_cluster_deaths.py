"""What a cluster loses on the way, a run makes good: real processes, killed."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.conftest import WIDE
from tests.support.cluster_world import (
    HOURS,
    PartWatch,
    Run,
    RunningCluster,
    aggregates_sections,
    command,
    job_file,
    quota_used,
    refused_count,
    running_cluster,
    token_count,
    until,
)
from tests.support.ports import free_port

if TYPE_CHECKING:
    from tests.conftest import Workspace, WorkspaceOf

pytestmark = pytest.mark.cluster

SPREAD = ("--engine", "dask", "--workers", "4")


def check_outputs(workspace: "Workspace", job: Path) -> None:
    """Check that outputs are what one process writes that fetches everything."""
    spread = workspace.outputs(job.stem)
    shutil.rmtree(workspace.folder / "store")
    workspace.simulator.quota.allowed = WIDE
    Run(workspace, job).end()

    assert workspace.outputs(job.stem) == spread


def test_four_workers_use_a_tight_quota(workspace_of: "WorkspaceOf") -> None:
    """30 requests per 6 s: 90 % of them used, at most 2 refused, one token."""
    workspace = workspace_of(requests_allowed=30, window_s=6.0)
    five_days = aggregates_sections()
    five_days["query"]["to"] = "1999-08-06"

    Run(workspace, job_file(workspace, "job", five_days), *SPREAD).end()

    assert quota_used(workspace, 30) >= 0.9
    assert refused_count(workspace) <= 2
    assert token_count(workspace) == 1
    assert len(workspace.parts) == 5 * 24


def test_the_process_that_runs_the_job_is_killed(workspace_of: "WorkspaceOf") -> None:
    """Its workers go with it; another run goes on from there."""
    workspace = workspace_of(requests_allowed=60, window_s=6.0)
    job = job_file(workspace, "job", aggregates_sections())
    with PartWatch(workspace) as watch:
        first = Run(workspace, job, *SPREAD)
        until(lambda: len(workspace.parts) >= 50)
        workers = first.workers()

        first.kill()
        until(lambda: not any(map(command, workers)), timeout_s=10)
        sent = len(workspace.data_requests)
        parts = len(workspace.parts)
        Run(workspace, job, *SPREAD).end()

    assert len(workers) == 4
    assert len(workspace.data_requests) == sent + HOURS - parts
    assert watch.rewritten() == []
    assert refused_count(workspace) <= 2
    check_outputs(workspace, job)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[RunningCluster]:
    """Start a scheduler and two workers that talk TLS."""
    with running_cluster(tmp_path, "one", "two") as cluster:
        yield cluster


def test_the_scheduler_is_started_again(
    workspace_of: "WorkspaceOf", cluster: RunningCluster
) -> None:
    """Its workers go with it, and others come; the run goes on by itself."""
    workspace = workspace_of(requests_allowed=60, window_s=6.0)
    job = job_file(workspace, "job", aggregates_sections())
    with PartWatch(workspace) as watch:
        options = ("--scheduler", cluster.address)
        run = Run(workspace, job, *options, environ=cluster.environ)
        until(lambda: len(workspace.parts) >= 50)

        cluster.kill("scheduler")
        until(cluster.is_empty)
        cluster.start_scheduler()
        cluster.start_worker("three")
        cluster.start_worker("four")
        run.end()

    assert len(workspace.parts) == HOURS
    assert watch.rewritten() == []
    assert refused_count(workspace) <= 2
    assert token_count(workspace) == 1
    check_outputs(workspace, job)


def test_workers_of_a_standing_cluster_stop_without_the_job(
    workspace_of: "WorkspaceOf", cluster: RunningCluster
) -> None:
    """They get no permits any more; another run continues with the same workers."""
    workspace = workspace_of(requests_allowed=60, window_s=6.0)
    job = job_file(workspace, "job", aggregates_sections())
    options = ("--scheduler", cluster.address)
    with PartWatch(workspace) as watch:
        first = Run(workspace, job, *options, environ=cluster.environ)
        until(lambda: len(workspace.parts) >= 50)
        first.kill()
        sent = len(workspace.data_requests)
        second = Run(workspace, job, *options, environ=cluster.environ)
        second.end()

    asked = [entry.request for entry in workspace.data_requests]
    twice = [question for question in asked if asked.count(question) > 1]
    # At most what was in flight while no coordinator was there.
    assert len(asked) - HOURS <= 8, twice
    assert sent >= 50
    assert watch.rewritten() == []
    assert refused_count(workspace) <= 2
    check_outputs(workspace, job)


def test_a_cluster_without_workers_is_waited_for(
    workspace_of: "WorkspaceOf", tmp_path: Path
) -> None:
    """They may be on their way."""
    workspace = workspace_of()
    with running_cluster(tmp_path) as cluster:
        options = ("--scheduler", cluster.address)
        job = job_file(workspace, "job", {})
        run = Run(workspace, job, *options, environ=cluster.environ)
        until(lambda: len(workspace.simulator.requests("/api/v2/routing")) > 0)
        cluster.start_worker("late")
        run.end()

    assert len(workspace.parts) == 7


def test_no_server_listens(workspace: "Workspace") -> None:
    """Exit code 4, and where to look."""
    address = f"tcp://127.0.0.1:{free_port()}"

    run = Run(workspace, job_file(workspace, "job", {}), "--scheduler", address)

    assert f"{address}: no scheduler answers" in run.end(code=4)
    assert "check engine.scheduler" in run.printed


def test_what_a_worker_may_not_ends_the_run(workspace_of: "WorkspaceOf") -> None:
    """With the exit code and messages of a run of one process; no process is left."""
    workspace = workspace_of(permissions=frozenset({"routing:queue:view"}))

    run = Run(workspace, job_file(workspace, "job", aggregates_sections()), *SPREAD)

    assert "analytics:conversationAggregate:view" in run.end(code=3)
    assert len(workspace.data_requests) <= 8
    assert token_count(workspace) == 1
