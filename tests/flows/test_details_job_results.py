"""The results of jobs for conversations: counted, each row once, none missing."""

import json
from pathlib import Path
from typing import Any

import pytest

from gcbatch import DataError
from gcbatch.simulator import Fault
from tests.support.details_world import (
    BY_JOB,
    RESULTS,
    SPAN,
    World,
    after,
    all_ids,
    conversations,
    day_with,
    submitted,
    tenant_of,
)


@pytest.mark.parametrize("matching", ["start-day", "overlap"])
def test_what_goes_on_over_midnight_is_of_the_day_before(
    tmp_path: Path, matching: Any
) -> None:
    """Jobs are set to select what pages select: nothing has to be removed."""
    tenant = tenant_of(*conversations(400, 2, first=-1))
    world = World(tmp_path, tenant, detail_matching=matching)

    report = world.run(**BY_JOB)

    assert any(
        one.start_ms < after(0).timestamp() * 1000 < (one.end_ms or 0)
        for one in tenant.documents
    )
    assert world.ids() == all_ids(world)
    assert report.warnings == ()


def test_rows_of_the_day_before_stand_in_for_none(tmp_path: Path) -> None:
    """Should a job bring them: a lost row is missing all the same."""
    before, *rows = (
        {"conversationId": str(n), "conversationStart": after(n).isoformat()}
        for n in (-0.1, 0.1, 0.2)
    )
    world = World(tmp_path, tenant_of())
    world.simulator.faults.add(
        Fault("garbage", path=RESULTS, body=page(before, rows[0]), times=None),
        Fault("garbage", path="/query$", body=page(*rows, total=2), times=None),
    )

    with pytest.raises(DataError, match="1 of 2 conversations came"):
        world.run(**BY_JOB)


def page(*rows: dict[str, str], total: int | None = None) -> bytes:
    more = {} if total is None else {"totalHits": total}
    return json.dumps({"conversations": rows, **more}).encode()


def test_a_cursor_that_leads_back_is_an_error(tmp_path: Path) -> None:
    """Of pages in a loop some are missing; the run does not go round for ever."""
    fault = Fault("repeated_cursor", nth=tuple(range(2, 99)), times=None)
    world = day_with(tmp_path, fault)

    with pytest.raises(DataError, match="run in a loop") as failed:
        world.run(**BY_JOB)

    assert failed.value.exit_code == 5
    assert len(world.asked("/results")) <= 4
    assert not world.output().exists()


def test_after_a_loop_the_next_run_fetches_again(tmp_path: Path) -> None:
    """The job whose pages ran in a loop is not asked again."""
    world = day_with(tmp_path, Fault("repeated_cursor", nth=(2,)))
    with pytest.raises(DataError):
        world.run(**BY_JOB)

    world.run(**BY_JOB)

    assert submitted(world) == 2
    assert world.ids() == all_ids(world)


@pytest.mark.parametrize("nth", [1, 2, 3])
def test_an_empty_page_does_not_end_the_results(tmp_path: Path, nth: int) -> None:
    """Only a missing cursor does."""
    world = day_with(tmp_path, Fault("empty_results", nth=(nth,)))

    world.run(**BY_JOB)

    assert world.ids() == all_ids(world)


@pytest.mark.parametrize("nth", [1, 2, 3])
def test_results_that_lost_rows_once_are_fetched_again(
    tmp_path: Path, nth: int
) -> None:
    """By the pages' own count they were too few."""
    world = day_with(tmp_path, Fault("lost_results", nth=(nth,)))

    world.run(**BY_JOB)

    assert world.ids() == all_ids(world)
    assert submitted(world) == 2


def test_results_that_keep_losing_rows_are_an_error(tmp_path: Path) -> None:
    """It names the span, the count had and the count due; nothing is written."""
    fault = Fault("lost_results", nth=tuple(range(2, 99, 3)), times=None)
    world = day_with(tmp_path, fault)

    with pytest.raises(DataError, match=r"1,800 of 2,300 conversations") as failed:
        world.run(**BY_JOB)

    assert failed.value.exit_code == 5
    assert SPAN in failed.value.problem
    assert not world.output().exists()


def test_rows_that_came_before_do_not_hide_lost_ones(tmp_path: Path) -> None:
    """A doubled row in place of a lost one is no row: ids are counted."""
    faults = [
        Fault(kind, nth=tuple(range(2, 99, 3)), times=None)
        for kind in ("lost_results", "doubled_results")
    ]
    world = day_with(tmp_path, *faults)

    with pytest.raises(DataError, match=r"1,800 of 2,300 conversations"):
        world.run(**BY_JOB)


def test_doubled_results_are_dropped(tmp_path: Path) -> None:
    """Even with a full count, and reported."""
    world = day_with(tmp_path, Fault("doubled_results", nth=(2,)))

    report = world.run(**BY_JOB)

    assert world.ids() == all_ids(world)
    assert report.warnings == ("conversations that came twice, dropped: 1",)
