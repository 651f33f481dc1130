"""Conversation details by whichever mode costs less: one set of rows, no seam."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from gcbatch import DataError
from gcbatch.simulator import Entry, Fault, Faults
from tests.support.details_world import (
    CONCURRENCY,
    DAY0,
    JOBS,
    QUERY,
    World,
    after,
    all_ids,
    conversations,
    ids_begun_between,
    span_of,
    tenant_of,
    tenant_with_conversations,
)

DAYS = 4
ROWS = 850
"""Of a day: enough for a job to pay."""

SEAM = 2.4
"""The service's jobs have data up to the morning of the third day."""

SAME = ("conversations", "sessions", "segments", "session_metrics")
TABLES = (*SAME, "participants", "participant_attributes")
AUTO = "conversation-details-auto"


def large(folder: Path, **options: object) -> World:
    return World(folder, tenant_with_conversations(ROWS * DAYS, DAYS), **options)


def by_job(world: World) -> list[Entry]:
    return [e for e in world.asked(JOBS, "POST") if e.path.endswith("/jobs")]


def days(entries: list[Entry]) -> Iterator[float]:
    """Yield how many days after the first the spans of requests begin and end."""
    for entry in entries:
        for instant in span_of(entry):
            yield (instant - DAY0) / timedelta(days=1)


@pytest.mark.parametrize("chunk", ["P1D", "auto"])
def test_the_seam_lies_at_a_midnight(tmp_path: Path, chunk: str) -> None:
    """Jobs bring the days that they have whole, pages the rest; each row once."""
    world = large(tmp_path, details_available_until=after(SEAM))

    report = world.run(endpoint=AUTO, days=DAYS, fetch={"chunk": chunk})

    assert max(days(by_job(world))) == 2
    deep = [e for e in world.asked(QUERY) if e.request["paging"]["pageNumber"] > 1]
    assert min(days(deep)) >= 2
    assert world.ids() == all_ids(world, DAYS)
    assert report.rows == ROWS * DAYS
    assert (report.provisional, report.warnings) == (0, ())


@pytest.mark.one_in(3)
@pytest.mark.parametrize("until", [-9.0, 0.0, 0.5, 1.0, 3.99, 4.0, 99.0, None])
def test_the_seam_may_lie_anywhere(tmp_path: Path, until: float | None) -> None:
    """Before the range, at its edges, within a day, after it, or without a date."""
    date: datetime | None = None if until is None else after(until)
    world = large(tmp_path, details_available_until=date)

    world.run(endpoint=AUTO, days=DAYS)

    assert world.ids() == all_ids(world, DAYS)


def test_what_is_small_goes_by_pages(tmp_path: Path) -> None:
    """A job costs more requests than a few pages do."""
    tenant = tenant_of(
        *conversations(90, 1),
        *conversations(1_500, 1, first=1, seed=2),
        *conversations(80, 1, first=2, seed=3),
    )
    world = World(tmp_path, tenant)

    world.run(endpoint=AUTO, days=3, fetch={"chunk": "P1D"})

    assert set(days(by_job(world))) == {1, 2}
    assert world.ids() == ids_begun_between(tenant, after(0), after(3))


def test_it_costs_fewer_requests_than_pages_alone(tmp_path: Path) -> None:
    """Which is what it is for."""
    world = large(tmp_path)

    auto = world.run("auto", endpoint=AUTO, days=DAYS)
    pages = world.run("pages", days=DAYS)

    assert auto.requests < pages.requests / 2


def test_the_modes_lead_to_the_same_bytes(tmp_path: Path) -> None:
    """In all but the attributes of participants, which only jobs bring."""
    world = large(tmp_path, details_available_until=after(SEAM))
    late = World(tmp_path / "late", world.tenant)
    late.folder.mkdir()

    world.run("auto", endpoint=AUTO, days=DAYS, tables=TABLES)
    world.run("pages", days=DAYS, tables=TABLES)
    late.run("jobs", endpoint="conversation-details-jobs", days=DAYS, tables=TABLES)

    for table in SAME:
        whole = world.output("pages", table).read_bytes()
        assert whole.count(b"\n") > 1_000
        assert world.output("auto", table).read_bytes() == whole
        assert late.output("jobs", table).read_bytes() == whole
    pages, auto, jobs = (
        [{**row, "attributes": ""} for row in one.rows(name, "participants")]
        for one, name in ((world, "pages"), (world, "auto"), (late, "jobs"))
    )
    assert pages == auto == jobs
    attributes = late.rows("jobs", "participant_attributes")
    assert {row["conversation_id"] for row in attributes} == set(world.ids("pages"))


def test_a_service_without_that_date_is_asked_by_pages(tmp_path: Path) -> None:
    """Where it does not say what its jobs have, they are not relied on."""
    fault = Fault("status", path="/availability$", status=404, times=None)
    world = large(tmp_path, faults=Faults(fault))

    world.run(endpoint=AUTO, days=DAYS)

    assert not by_job(world)
    assert world.ids() == all_ids(world, DAYS)


def test_what_jobs_lose_is_an_error_here_too(tmp_path: Path) -> None:
    """Their rows are counted against the pages' count."""
    fault = Fault("lost_results", times=None)
    world = large(tmp_path, faults=Faults(fault))

    with pytest.raises(DataError, match="conversations came"):
        world.run(endpoint=AUTO, days=DAYS)

    assert not world.output().exists()


@pytest.mark.parametrize("mode", ["", "-jobs", "-auto"])
def test_no_more_requests_are_in_flight_than_allowed(tmp_path: Path, mode: str) -> None:
    """Whatever the number of windows, of their pages and of jobs."""
    slow = Fault("stall", path="/details/", delay_s=1, times=None)
    world = large(
        tmp_path, details_available_until=after(SEAM), job_polls=6, faults=Faults(slow)
    )
    limits = {"jobs_in_flight": 20}

    world.run(
        endpoint=f"conversation-details{mode}",
        days=DAYS,
        fetch={"chunk": "P1D", "concurrency": CONCURRENCY, "limits": limits},
    )

    assert world.simulator.peak_in_flight <= CONCURRENCY
    assert world.simulator.peak_in_flight >= 4
