"""Aggregates by jobs of the service: the same bytes as by query, for fewer requests."""

from pathlib import Path
from typing import Any

import pytest

from gcbatch import DataError, JobError, ServiceError
from gcbatch.simulator import Fault, Faults, sample_tenant
from tests.support.details_world import World, leftovers

WEEK = {
    "from": "1999-08-01",
    "to": "1999-08-08",
    "timezone": "Asia/Jerusalem",
    "granularity": "PT15M",
    "group_by": ["queueId", "mediaType", "wrapUpCode"],
    "metrics": ["nOffered", "tAnswered", "tAbandon", "tHandle", "oServiceLevel"],
}
SYNC, ASYNC = "conversation-aggregates", "conversation-aggregates-jobs"
PATH = "/conversations/aggregates/"


def week(folder: Path, *faults: Fault, **options: Any) -> World:
    return World(folder, sample_tenant(), faults=Faults(*faults), **options)


def run(world: World, name: str = "job", endpoint: str = SYNC, **job: Any) -> Any:
    query = {**WEEK, **job.pop("query", {})}
    return world.run(name, endpoint=endpoint, query=query, tables=("intervals",), **job)


@pytest.fixture(scope="module")
def by_query(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return the week as queries bring it, undisturbed."""
    world = week(tmp_path_factory.mktemp("query"))
    run(world)
    return world.output(table="intervals").read_bytes()


def written(world: World, name: str = "job") -> bytes:
    return world.output(name, "intervals").read_bytes()


def posted(world: World, path: str) -> int:
    return len([e for e in world.asked(PATH, "POST") if e.path.endswith(path)])


@pytest.mark.parametrize("splits_buckets", [False, True])
@pytest.mark.parametrize(
    "job", [{"endpoint": ASYNC}, {"fetch": {"mode": "jobs"}}], ids=["endpoint", "mode"]
)
def test_jobs_bring_the_same_bytes(
    tmp_path: Path, by_query: bytes, job: dict[str, Any], *, splits_buckets: bool
) -> None:
    """Groups go on over pages, and buckets too; nothing is asked by query."""
    world = week(tmp_path, job_splits_buckets=splits_buckets)

    run(world, **job)

    assert written(world) == by_query
    assert len(world.asked("/aggregates/jobs/", "GET")) >= 4
    assert len(world.asked("/results")) >= 2
    assert (posted(world, "/query"), posted(world, "/jobs")) == (0, 1)
    assert len(world.asked("/aggregates/jobs/", "DELETE")) == 1
    assert not leftovers(tmp_path)


@pytest.mark.parametrize(
    "fault",
    [
        Fault("job_expired", path=r"/jobs/[^/]+/results$", nth=(2,)),
        Fault("job_failed", times=2),
        Fault("job_cancelled"),
        Fault("empty_results", nth=(1,)),
        Fault("empty_results", nth=(2,)),
        Fault("status", path="/aggregates/jobs", probability=0.3, times=4),
    ],
    ids=["expired", "failed", "cancelled", "empty first", "empty", "503"],
)
def test_what_passes_is_repeated(tmp_path: Path, by_query: bytes, fault: Fault) -> None:
    """Pages of a job that was lost are dropped, and all are fetched again."""
    world = week(tmp_path, fault)

    run(world, endpoint=ASYNC)

    assert world.simulator.faults.triggered
    assert written(world) == by_query


def test_what_is_reported_twice_counts_once(tmp_path: Path, by_query: bytes) -> None:
    """A bucket that a page repeats word for word is no other."""
    world = week(tmp_path, Fault("doubled_results", nth=(2,)))

    run(world, endpoint=ASYNC)

    assert written(world) == by_query


def test_pages_in_a_loop_are_an_error(tmp_path: Path) -> None:
    """The run does not go round for ever."""
    world = week(tmp_path, Fault("repeated_cursor", nth=(2, 3), times=None))

    with pytest.raises(DataError, match="run in a loop"):
        run(world, endpoint=ASYNC)


def test_jobs_that_always_fail_are_an_error(tmp_path: Path) -> None:
    """With the service's words."""
    world = week(tmp_path, Fault("job_failed", times=None))

    with pytest.raises(ServiceError, match="could not be completed") as failed:
        run(world, endpoint=ASYNC)

    assert failed.value.exit_code == 4


AUTO: dict[str, Any] = {"fetch": {"mode": "auto"}}


def test_either_mode_means_queries_where_they_fit(
    tmp_path: Path, by_query: bytes
) -> None:
    """A job costs more than one answer."""
    world = week(tmp_path)

    run(world, **AUTO)

    assert written(world) == by_query
    assert posted(world, "/jobs") == 0


def test_a_query_in_a_few_pieces_is_no_job(tmp_path: Path, by_query: bytes) -> None:
    """A handful of pieces cost less than a job."""
    world = week(tmp_path, max_results=2_000)

    report = run(world, **AUTO)

    assert written(world) == by_query
    assert posted(world, "/query") > 1
    assert posted(world, "/jobs") == 0
    assert any("pieces" in warning for warning in report.warnings)


@pytest.mark.slow
def test_a_query_in_many_pieces_goes_by_job(tmp_path: Path, by_query: bytes) -> None:
    """Which costs fewer requests than the pieces would, and brings the same bytes."""
    world = week(tmp_path / "auto", max_results=40)
    other = week(tmp_path / "query", max_results=40)
    for one in (world, other):
        one.folder.mkdir()
    fetch = {"chunk": "P1D", "concurrency": 1}

    report = run(world, fetch={**fetch, "mode": "auto"})
    run(other, fetch=fetch)

    assert written(world) == written(other) == by_query
    assert posted(world, "/jobs") == 7
    assert len(world.asked(PATH)) < len(other.asked(PATH))
    assert "queries fetched by async job: 7" in report.warnings


def test_what_is_too_large_in_any_piece_goes_by_job(
    tmp_path: Path, by_query: bytes
) -> None:
    """A query is refused down to one bucket; a job knows no such limit."""
    world = week(tmp_path, max_results=8)

    run(world, **AUTO)

    assert written(world) == by_query


@pytest.mark.parametrize("hours", [1, 8])
def test_what_cannot_be_cut_goes_by_job(tmp_path: Path, hours: int) -> None:
    """One bucket, or a few: too few pieces to make a job pay, and all too large."""
    job: dict[str, Any] = {
        "query": {
            "from": "1999-08-02T08:00",
            "to": f"1999-08-02T{8 + hours:02}:00",
            "granularity": "PT1H",
        }
    }
    world = week(tmp_path, max_results=3)
    run(world, **job, **AUTO)
    world.simulator = week(tmp_path).simulator
    run(world, "whole", **job)

    assert written(world) == written(world, "whole")


def test_parts_do_not_depend_on_the_mode(tmp_path: Path) -> None:
    """What was fetched by query is not fetched again by job: it is the same answer."""
    world = week(tmp_path)
    run(world)

    report = run(world, fetch={"mode": "jobs"})

    assert report.fetched == 0


@pytest.mark.parametrize(
    "job",
    [
        {"endpoint": "rate-limits-aggregates-jobs"},
        {"endpoint": "ratelimits-aggregates-jobs"},
        {"endpoint": "ratelimits-aggregates", "fetch": {"mode": "jobs"}},
    ],
)
def test_families_without_jobs_are_refused(tmp_path: Path, job: dict[str, Any]) -> None:
    """Before a request, naming the key."""
    world = week(tmp_path)
    query = {"group_by": [], "metrics": ["oRateLimitRecorded"], "granularity": "PT1H"}

    with pytest.raises(JobError) as failed:
        run(world, query=query, **job)

    assert failed.value.exit_code == 2
    key = "fetch.mode" if "fetch" in job else "query.endpoint"
    assert f": {key}: " in failed.value.problem
    assert not world.asked("/analytics/")


@pytest.mark.parametrize(
    "endpoint", ["interval-report", "queue-summary", "conversation-details"]
)
def test_a_mode_is_of_aggregates(tmp_path: Path, endpoint: str) -> None:
    """Other shapes have but one, or say it in their name; it is refused there."""
    world = week(tmp_path)
    table = "conversations" if "details" in endpoint else "intervals"

    with pytest.raises(JobError, match="mode"):
        world.run(endpoint=endpoint, tables=(table,), fetch={"mode": "jobs"})
