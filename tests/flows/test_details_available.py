"""What the service's jobs do not have yet: provisional, shown, and fetched again."""

from pathlib import Path
from typing import Any

import pytest

from gcbatch import ServiceError
from tests.support.details_world import (
    BY_JOB,
    ROWS,
    World,
    after,
    all_ids,
    day_with,
    ids_begun_between,
    submitted,
    tenant_with_conversations,
)


def test_what_is_not_available_yet_is_provisional(tmp_path: Path) -> None:
    """It is shown, and fetched again when the service has it."""
    world = day_with(tmp_path, details_available_until=after(0.5))

    first = world.run(**BY_JOB)
    had = world.ids()
    world.simulator.details_available_until = after(2)
    second = world.run(**BY_JOB)

    expected = ids_begun_between(world.tenant, after(0), after(0.5))
    assert had == expected
    assert first.provisional == 1
    assert first.warnings == (
        f"conversations counted, but not answered yet: {ROWS - len(expected):,}",
    )
    assert (second.fetched, second.provisional, second.warnings) == (1, 0, ())
    assert world.ids() == all_ids(world)


def test_what_is_available_is_not_asked_again(tmp_path: Path) -> None:
    """Windows before the date are settled, whatever is missing after it."""
    world = World(
        tmp_path, tenant_with_conversations(400, 4), details_available_until=after(2.5)
    )
    job: dict[str, Any] = {**BY_JOB, "days": 4, "fetch": {"chunk": "P1D"}}

    first = world.run(**job)
    second = world.run(**job)

    assert (first.provisional, first.fetched) == (2, 4)
    assert (second.provisional, second.fetched) == (2, 2)
    assert world.ids() == ids_begun_between(world.tenant, after(0), after(2.5))


def test_a_range_that_ends_before_the_date_is_whole(tmp_path: Path) -> None:
    """Rows of the day's rest may be missing; none of the job's are."""
    world = day_with(tmp_path, details_available_until=after(0.75))

    report = world.run(**BY_JOB, query={"to": "2026-03-02T12:00"})

    assert world.ids() == ids_begun_between(world.tenant, after(0), after(0.5))
    assert report.provisional == 0


def test_the_date_of_a_resumed_job_is_the_one_of_its_time(tmp_path: Path) -> None:
    """What it was submitted before does not count as had."""
    world = day_with(tmp_path, job_delay_s=300, details_available_until=after(0.5))
    with pytest.raises(ServiceError):
        world.run(**BY_JOB, fetch={"job_wait": "PT1M"})
    world.simulator.details_available_until = after(3)

    report = world.run(**BY_JOB, fetch={"job_wait": "PT1H"})

    assert submitted(world) == 1
    assert report.provisional == 1
