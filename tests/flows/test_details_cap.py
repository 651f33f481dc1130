"""Days and weeks of more rows than paging reaches: all of them come all the same."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from gcbatch.errors import OutOfReachError, ServiceError, TooLargeError
from gcbatch.simulator import Fault, Faults
from gcbatch.simulator.details.index import Matching
from tests.support.details_world import (
    QUERY,
    World,
    after,
    all_ids,
    conversations,
    days_of,
    ids_begun_between,
    span_of,
    submitted,
    tenant_of,
    tenant_with_conversations,
)

MATCHINGS: tuple[Matching, ...] = ("start-day", "overlap")
CAP = 300


def spans(world: World) -> Counter[float]:
    """Return how many pages were asked of spans so many days long."""
    return Counter(days_of(entry) for entry in world.asked(QUERY))


@pytest.mark.parametrize("matching", MATCHINGS)
def test_a_day_above_the_cap(tmp_path: Path, matching: Matching) -> None:
    """All of it comes, once, by whichever way the service's matching leaves."""
    world = World(
        tmp_path,
        tenant_with_conversations(1_000),
        max_detail_results=CAP,
        detail_matching=matching,
    )

    report = world.run()

    assert world.ids() == all_ids(world)
    assert report.rows == 1_000
    assert submitted(world) == (1 if matching == "start-day" else 0)


@pytest.mark.one_in(4)
@pytest.mark.parametrize("matching", MATCHINGS)
@pytest.mark.parametrize("mode", ["", "-jobs", "-auto"])
def test_a_week_with_such_days(tmp_path: Path, mode: str, matching: Matching) -> None:
    """Quiet days, full ones, and conversations that go on over midnight."""
    tenant = tenant_of(
        *conversations(90, 3, seed=1),
        *conversations(1_000, 1, first=3, seed=2),
        *conversations(80, 2, first=4, seed=3),
        *conversations(700, 1, first=6, seed=4),
    )
    world = World(tmp_path, tenant, max_detail_results=CAP, detail_matching=matching)

    world.run(endpoint=f"conversation-details{mode}", days=7)

    assert world.ids() == ids_begun_between(tenant, after(0), after(7))


@pytest.mark.parametrize("reported", [100, 250, 300, 301])
@pytest.mark.parametrize("over", [-1, 0, 1])
def test_the_cap_is_learnt_from_the_services_words(
    tmp_path: Path, reported: int, over: int
) -> None:
    """Whatever the job file says, and also where it is no multiple of a page."""
    world = World(
        tmp_path,
        tenant_with_conversations(reported + over),
        max_detail_results=reported,
        detail_matching="overlap",
    )

    world.run(fetch={"limits": {"detail_results": 100_000}})

    assert world.ids() == all_ids(world)


def test_what_was_learnt_is_not_learnt_again(tmp_path: Path) -> None:
    """One error response sets the cap for the rest of the run."""
    world = World(
        tmp_path,
        tenant_with_conversations(3_000, 3),
        max_detail_results=CAP,
        detail_matching="overlap",
    )

    world.run(days=3, fetch={"chunk": "P1D", "concurrency": 1})

    assert [e.status for e in world.asked() if e.status != 200] == [400]
    assert world.ids() == all_ids(world, 3)


def test_how_the_service_matches_is_found_out_once(tmp_path: Path) -> None:
    """Where half a day is the whole day, later days are not halved."""
    world = World(tmp_path, tenant_with_conversations(3_000, 3), max_detail_results=CAP)

    world.run(days=3, fetch={"chunk": "P1D", "concurrency": 1})

    assert spans(world)[0.5] == 2
    assert submitted(world) == 3
    assert world.ids() == all_ids(world, 3)


def test_a_cap_that_the_job_names_is_never_hit(tmp_path: Path) -> None:
    """`fetch.limits.detail_results` saves even that refusal."""
    world = World(
        tmp_path,
        tenant_with_conversations(1_000),
        max_detail_results=CAP,
        detail_matching="overlap",
    )

    world.run(fetch={"limits": {"detail_results": CAP}})

    assert {entry.status for entry in world.asked()} == {200}


def test_long_windows_are_cut_at_midnights(tmp_path: Path) -> None:
    """A week beyond the cap is asked in days or more, whatever the service matches."""
    world = World(tmp_path, tenant_with_conversations(1_400, 7), max_detail_results=CAP)

    world.run(days=7)

    edges = {instant for entry in world.asked() for instant in span_of(entry)}
    assert {(edge.hour, edge.minute) for edge in edges} == {(0, 0)}
    assert submitted(world) == 0
    assert world.ids() == all_ids(world, 7)


def test_a_known_density_is_not_probed_again(tmp_path: Path) -> None:
    """Later weeks are not asked whole only to be found too long."""
    world = World(
        tmp_path, tenant_with_conversations(200 * 21, 21), max_detail_results=CAP
    )
    limits = {"limits": {"detail_results": CAP}}

    world.run(days=21, fetch={"concurrency": 1, **limits})

    asked = spans(world)
    assert asked[7.0] == 1
    assert asked[1.0] == 2 * 21
    assert sum(asked.values()) <= 2 * 21 + 6
    assert world.ids() == all_ids(world, 21)


@pytest.mark.parametrize("matching", MATCHINGS)
def test_more_rows_in_an_instant_than_the_cap(
    tmp_path: Path, matching: Matching
) -> None:
    """If no split helps, the day is fetched by a job, with a notice."""
    tenant = tenant_of(*conversations(500, 1 / 1440 / 60))
    world = World(tmp_path, tenant, max_detail_results=CAP, detail_matching=matching)

    report = world.run()

    assert world.ids() == ids_begun_between(tenant, after(0), after(1))
    (warning,) = report.warnings
    assert warning == (
        "days of more conversations than the 300 that pages reach, "
        "fetched by async job: 1"
    )


def test_where_no_job_helps_either_it_is_an_error(tmp_path: Path) -> None:
    """It names the day, the cap, what the service said of the job, and a way out."""
    faults = Faults(Fault("job_failed", times=None))
    world = World(
        tmp_path,
        tenant_with_conversations(1_000),
        max_detail_results=CAP,
        faults=faults,
    )

    with pytest.raises(
        TooLargeError, match="more conversations than the 300"
    ) as reported:
        world.run()

    assert isinstance(reported.value, ServiceError)
    assert "2026-03-02" in reported.value.problem
    assert "could not be completed" in reported.value.problem
    assert reported.value.hint == "narrow the query by filter or queues"


def test_a_quota_used_up_is_not_a_day_too_large(tmp_path: Path) -> None:
    """Where no job is welcome now, nothing is learnt of the day: the run ends."""
    faults = Faults(Fault("throttled", path="/jobs$", wait_s=86_400, times=None))
    world = World(
        tmp_path,
        tenant_with_conversations(1_000),
        max_detail_results=CAP,
        faults=faults,
    )

    with pytest.raises(OutOfReachError, match="the service accepts no request before"):
        world.run(allow_partial=True)


@pytest.mark.one_in(4)
@pytest.mark.parametrize("matching", MATCHINGS)
@pytest.mark.parametrize("kind", ["empty_details", "short_details", "doubled_details"])
def test_pieces_are_counted_too(tmp_path: Path, matching: Matching, kind: Any) -> None:
    """A page that loses rows anywhere on the way does not go unseen."""
    faults = Faults(Fault(kind, nth=tuple(range(3, 30, 3)), times=None))
    world = World(
        tmp_path,
        tenant_with_conversations(1_000, 2),
        max_detail_results=CAP,
        detail_matching=matching,
        faults=faults,
    )

    world.run(days=2, fetch={"concurrency": 1})

    assert world.simulator.faults.triggered
    assert world.ids() == all_ids(world, 2)
