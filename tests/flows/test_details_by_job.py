"""Conversation details by jobs of the service: all rows, whatever becomes of a job."""

import json
import os
import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gcbatch import ServiceError
from gcbatch.simulator import Fault, Faults
from gcbatch.store.maintenance import prune
from gcbatch.windows import Period
from tests.flows.test_runs import start_run, until
from tests.support.details_world import (
    BY_JOB,
    JOBS,
    RESULTS,
    ROWS,
    SPAN,
    World,
    all_ids,
    day_with,
    leftovers,
    submitted,
    tenant_with_conversations,
)

if TYPE_CHECKING:
    from tests.conftest import WorkspaceOf


def removed(world: World) -> int:
    return len([e for e in world.asked(JOBS, "DELETE") if e.status == 204])


@pytest.mark.parametrize("polls", [0, 1, 12])
def test_all_rows_come(tmp_path: Path, polls: int) -> None:
    """However long the job takes; it is removed afterwards, and its note too."""
    world = day_with(tmp_path, job_polls=polls)

    report = world.run(**BY_JOB)

    assert world.ids() == all_ids(world)
    assert (report.rows, report.warnings) == (ROWS, ())
    assert (submitted(world), removed(world)) == (1, 1)
    assert not leftovers(tmp_path)


def test_the_waits_between_two_looks_grow(tmp_path: Path) -> None:
    """A job that takes an hour is not asked after every second."""
    world = day_with(tmp_path, job_delay_s=3_600)

    world.run(**BY_JOB)

    looks = [
        entry.at
        for entry in world.asked(JOBS, "GET")
        if not entry.path.endswith(("results", "availability"))
    ]
    pauses = [b - a for a, b in pairwise(looks)]
    assert len(looks) < 250
    assert pauses[0] < 1
    assert 15 < pauses[-1] < 30
    assert world.ids() == all_ids(world)


def test_a_job_that_takes_too_long_is_left_for_the_next_run(tmp_path: Path) -> None:
    """The run ends with exit code 4; the next goes on with the same job."""
    world = day_with(tmp_path, job_delay_s=300)

    with pytest.raises(ServiceError, match="is not done") as failed:
        world.run(**BY_JOB, fetch={"job_wait": "PT1M"})
    world.run(**BY_JOB, fetch={"job_wait": "PT10M"})

    assert failed.value.exit_code == 4
    assert "fetch.job_wait" in (failed.value.hint or "")
    assert submitted(world) == 1
    assert world.ids() == all_ids(world)


@pytest.mark.slow
def test_a_killed_process_goes_on_with_its_job(workspace_of: "WorkspaceOf") -> None:
    """After kill -9 no second job is submitted, and nothing is left behind."""
    ahead_s = 0.0
    workspace = workspace_of(
        tenant_with_conversations(500),
        job_delay_s=1_000,
        clock=lambda: time.monotonic() + ahead_s,
    )
    job = workspace.write(
        query={
            "endpoint": "conversation-details-jobs",
            "timezone": "UTC",
            "from": "2026-03-02",
            "to": "2026-03-03",
            "granularity": None,
            "metrics": [],
        },
        exports=[],
    )
    process = start_run(workspace, job)
    until(lambda: len(workspace.simulator.requests("/details/jobs/")) >= 3)
    process.kill()
    process.communicate()
    (noted,) = workspace.folder.rglob("*.pending")
    ahead_s = 2_000

    report = workspace.run(**_as_written(job))

    posts = [e for e in workspace.simulator.requests(JOBS) if e.method == "POST"]
    assert len(posts) == 1
    assert report.rows == 500
    assert not noted.exists()
    assert not leftovers(workspace.folder)


def _as_written(job: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(job.read_text("utf-8"))
    return {name: content[name] for name in ("query", "fetch", "exports")}


@pytest.mark.parametrize("nth", [1, 2, 3])
def test_results_that_expire_on_the_way_are_fetched_again(
    tmp_path: Path, nth: int
) -> None:
    """The job is submitted again; rows that both brought are there once."""
    fault = Fault("job_expired", path=RESULTS, nth=(nth,))
    world = day_with(tmp_path, fault)

    report = world.run(**BY_JOB)

    assert world.ids() == all_ids(world)
    assert submitted(world) == 2
    assert report.warnings == ("jobs submitted again: 1",)


@pytest.mark.parametrize("kind", ["job_failed", "job_cancelled", "job_expired"])
def test_two_jobs_may_come_to_nothing(tmp_path: Path, kind: Any) -> None:
    """The third brings all rows."""
    world = day_with(tmp_path, Fault(kind, times=2))

    report = world.run(**BY_JOB)

    assert world.ids() == all_ids(world)
    assert submitted(world) == 3
    assert report.warnings == ("jobs submitted again: 2",)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("job_failed", "failed: The query could not be completed"),
        ("job_cancelled", "cancelled"),
        ("job_expired", "expired"),
    ],
)
def test_jobs_that_always_come_to_nothing_are_an_error(
    tmp_path: Path, kind: Any, words: str
) -> None:
    """It names the span, and what the service said; nothing is written."""
    world = day_with(tmp_path, Fault(kind, times=None))

    with pytest.raises(ServiceError) as failed:
        world.run(**BY_JOB)

    assert failed.value.exit_code == 4
    assert SPAN in failed.value.problem
    assert words in failed.value.problem
    assert not world.output().exists()


def test_a_service_that_is_busy_is_waited_for(tmp_path: Path) -> None:
    """503 and 429 at any step cost time, and no rows."""
    faults = [
        Fault("status", path="/details/", probability=0.3, times=None),
        Fault("throttled", path="/details/", wait_s=5, probability=0.1, times=None),
    ]
    world = World(
        tmp_path, tenant_with_conversations(ROWS, 4), faults=Faults(*faults, seed=5)
    )

    world.run(**BY_JOB, days=4, fetch={"chunk": "P1D"})

    assert len(world.simulator.faults.triggered) >= 5
    assert world.ids() == all_ids(world, 4)


@pytest.mark.parametrize("most", [1, 2, 5])
def test_no_more_jobs_run_at_once_than_allowed(tmp_path: Path, most: int) -> None:
    """`fetch.limits.jobs_in_flight` bounds them, and is made use of."""
    world = World(
        tmp_path,
        tenant_with_conversations(800, 8),
        max_jobs_in_flight=most,
        job_polls=3,
    )

    world.run(
        **BY_JOB,
        days=8,
        fetch={"chunk": "P1D", "limits": {"jobs_in_flight": most}},
    )

    running, peak = 0, 0
    for entry in world.asked(JOBS):
        running += (entry.method == "POST") - (entry.method == "DELETE")
        peak = max(peak, running)
    assert peak == most
    assert world.simulator.throttled == 0
    assert world.ids() == all_ids(world, 8)


def test_an_old_note_of_a_job_is_tidied_away(tmp_path: Path) -> None:
    """A younger one stays: its run may be under way."""
    world = day_with(tmp_path, job_delay_s=300)
    with pytest.raises(ServiceError):
        world.run(**BY_JOB, fetch={"job_wait": "PT1M"})
    (note,) = tmp_path.rglob("*.pending")
    now = datetime.now(UTC)
    root, age = tmp_path / "store", Period.parse("P10Y")

    young = prune(root, age, now=now)
    stayed = note.exists()
    two_days_ago = (now - timedelta(days=2)).timestamp()
    os.utime(note, (two_days_ago, two_days_ago))
    old = prune(root, age, now=now)

    assert (young.leftovers, stayed) == (0, True)
    assert (old.leftovers, note.exists()) == (1, False)
