"""Conversations are counted against the service's own count: all rows, or exit 5."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gcbatch import DataError
from gcbatch.cli import app
from gcbatch.simulator import Fault, Faults
from gcbatch.simulator.faults.faults import Kind
from tests.support.details_world import (
    SPAN,
    UNSETTLED,
    World,
    after,
    all_ids,
    conversations,
    ids_begun_between,
    leftovers,
    tenant_of,
    tenant_with_conversations,
)

ROWS = 650


def day_with(folder: Path, *faults: Fault) -> World:
    """Return a world of one day, seven pages long."""
    return World(folder, tenant_with_conversations(ROWS), faults=Faults(*faults))


LOSING: tuple[Kind, ...] = (
    *("empty_details", "short_details", "doubled_details", "no_results"),
)


@pytest.mark.one_in(5)
@pytest.mark.parametrize("page", [1, 3, 7])
@pytest.mark.parametrize("kind", LOSING)
def test_a_page_that_lost_rows_once_is_asked_again(
    tmp_path: Path, kind: Kind, page: int
) -> None:
    """Empty, short or with a row twice, in mid-range or at its ends: all rows come."""
    world = day_with(tmp_path, Fault(kind, page=page))

    report = world.run()

    assert world.simulator.faults.triggered
    assert world.ids() == all_ids(world)
    assert report.rows == ROWS


@pytest.mark.parametrize(
    ("kind", "had"),
    [
        ("empty_details", 550),
        ("no_results", 550),
        ("short_details", 649),
        ("doubled_details", 649),
    ],
)
def test_a_page_that_keeps_losing_rows_is_an_error(
    tmp_path: Path, kind: Kind, had: int
) -> None:
    """It names the span, the count had and the count due; nothing is written."""
    world = day_with(tmp_path, Fault(kind, page=3, times=None))

    with pytest.raises(DataError) as failed:
        world.run()

    assert failed.value.exit_code == 5
    assert SPAN in failed.value.problem
    assert f"{had} of 650 conversations" in failed.value.problem
    assert failed.value.hint
    assert not world.output().exists()
    assert not leftovers(tmp_path)
    assert not list(tmp_path.rglob("*.parquet"))


def test_pages_that_came_whole_are_not_asked_thrice(tmp_path: Path) -> None:
    """The second round asks only the page in doubt, and the third all of them."""
    world = day_with(tmp_path, Fault("short_details", page=3, times=None))

    with pytest.raises(DataError):
        world.run()

    asked = [entry.request["paging"]["pageNumber"] for entry in world.asked()]
    assert {number: asked.count(number) for number in range(1, 8)} == {
        1: 2, 2: 2, 3: 3, 4: 2, 5: 2, 6: 2, 7: 2,
    }  # fmt: skip


def test_the_rest_is_exported_where_that_is_allowed(tmp_path: Path) -> None:
    """The day that lost rows is a gap with both numbers; the others are complete."""
    fault = Fault("empty_details", page=3, times=None)
    tenant = tenant_of(*conversations(ROWS), *conversations(50, first=1, seed=2))
    world = World(tmp_path, tenant, faults=Faults(fault))

    report = world.run(days=2, fetch={"chunk": "P1D"}, allow_partial=True)

    assert [gap.window.start for gap in report.gaps] == [after(0)]
    assert any("550 of 650" in warning for warning in report.warnings)
    assert world.ids() == ids_begun_between(tenant, after(1), after(2))


def test_the_command_ends_with_5(workspace_of: Any, tmp_path: Path) -> None:
    """With and without --allow-partial, and says what is missing."""
    fault = Fault("empty_details", page=2, times=None)
    workspace = workspace_of(tenant_with_conversations(150), faults=Faults(fault))
    job = workspace.write(
        query={
            "endpoint": "conversation-details",
            "timezone": "UTC",
            "from": "2026-03-02",
            "to": "2026-03-03",
            "granularity": None,
            "metrics": [],
        },
        exports=[
            {
                "exporter": "csv",
                "table": "conversations",
                "path": str(tmp_path / "out.csv"),
            }
        ],
    )

    ends = [
        CliRunner().invoke(app, ["run", str(job), *options], env=workspace.environ)
        for options in ([], ["--allow-partial"])
    ]

    assert [end.exit_code for end in ends] == [5, 5]
    assert "100 of 150 conversations" in ends[0].stderr


def test_doubles_beside_a_full_count_are_dropped(tmp_path: Path) -> None:
    """They are warnings, once each, and nothing is fetched again."""
    faults = (Fault("added_details", page=2), Fault("added_details", page=5))
    world = day_with(tmp_path, *faults)

    report = world.run()

    assert world.ids() == all_ids(world)
    assert len(world.asked()) == 7
    assert report.warnings == ("conversations that came twice, dropped: 2",)


@pytest.mark.one_in(5)
@pytest.mark.parametrize("settled", [True, False])
@pytest.mark.parametrize("drift", [1, 250, -1, -250])
@pytest.mark.parametrize("page", [1, 4, 7])
def test_a_total_that_is_wrong_once_does_no_harm(
    tmp_path: Path, page: int, drift: int, *, settled: bool
) -> None:
    """Whichever page has it, too many or too few: all rows come."""
    world = day_with(tmp_path, Fault("drifting_total", page=page, drift=drift))

    world.run(fetch={} if settled else UNSETTLED)

    assert world.ids() == all_ids(world)


def test_a_total_that_keeps_drifting_is_an_error(tmp_path: Path) -> None:
    """Of a day that has settled; it names the span and both counts."""
    faults = [
        Fault("drifting_total", page=page, drift=1, times=None) for page in range(2, 8)
    ]
    world = day_with(tmp_path, *faults)

    with pytest.raises(DataError, match="650 of 651 conversations") as failed:
        world.run(fetch={"concurrency": 1})

    assert SPAN in failed.value.problem


@pytest.mark.parametrize("drift", [1, 250])
@pytest.mark.parametrize("pages", [range(1, 10), range(2, 10)])
def test_a_drifting_total_of_what_is_not_settled_is_a_warning(
    tmp_path: Path, pages: range, drift: int
) -> None:
    """The part is provisional, and the next run asks again."""
    faults = [
        Fault("drifting_total", page=page, drift=drift, times=None) for page in pages
    ]
    world = day_with(tmp_path, *faults)

    first = world.run(fetch={"concurrency": 1, **UNSETTLED})
    world.simulator.faults.clear()
    second = world.run(fetch={"concurrency": 1, **UNSETTLED})

    assert (first.provisional, second.fetched) == (1, 1)
    assert first.warnings == (f"conversations counted, but not answered yet: {drift}",)
    assert second.warnings == ()
    assert world.ids() == all_ids(world)


@pytest.mark.parametrize("shown_after", [1, 3, 6])
def test_rows_that_come_while_pages_are_asked(tmp_path: Path, shown_after: int) -> None:
    """They move all later rows on by a place; none is lost, and they are there."""
    docs = conversations(ROWS)
    late = [replace(one, shown_after=shown_after) for one in docs[100:110]]
    world = World(tmp_path, tenant_of(*docs[:100], *late, *docs[110:]))

    report = world.run()

    assert world.ids() == all_ids(world)
    assert report.rows == ROWS


@pytest.mark.parametrize("kind", LOSING)
def test_a_page_that_keeps_losing_rows_is_an_error_at_any_age(
    tmp_path: Path, kind: Kind
) -> None:
    """It is a page that is wrong, not the count: waiting would mend nothing."""
    world = day_with(tmp_path, Fault(kind, page=3, times=None))

    with pytest.raises(DataError, match="of 650 conversations came"):
        world.run(fetch=UNSETTLED)


def test_late_rows_arrive_with_the_next_run(tmp_path: Path) -> None:
    """Of a day that has not settled; the first run knows nothing of them."""
    docs = conversations(ROWS)
    late = [replace(one, shown_after=math.inf) for one in docs[300:310]]
    world = World(tmp_path, tenant_of(*docs[:300], *late, *docs[310:]))

    first = world.run(fetch=UNSETTLED)
    world.simulator.release_late()
    second = world.run(fetch=UNSETTLED)

    assert (first.rows, second.rows) == (ROWS - 10, ROWS)
    assert world.ids() == all_ids(world)


def test_an_answer_without_a_total_is_an_error(tmp_path: Path) -> None:
    """Nothing can be counted then."""
    world = day_with(tmp_path)
    body = b'{"conversations":[]}'
    world.simulator.faults.add(Fault("garbage", body=body, times=None))

    with pytest.raises(DataError, match="has no total"):
        world.run()


def test_an_empty_day_is_a_good_answer(tmp_path: Path) -> None:
    """No rows are due, and none are missing."""
    world = World(tmp_path, tenant_of())

    report = world.run()

    assert (report.rows, world.rows(), report.warnings) == (0, [], ())
    assert len(world.asked()) == 1


@pytest.mark.parametrize("count", [1, 99, 100, 101, 200])
def test_pages_end_where_the_rows_do(tmp_path: Path, count: int) -> None:
    """No page beyond the last is asked for, and none before it forgotten."""
    world = World(tmp_path, tenant_with_conversations(count))

    world.run()

    assert world.ids() == all_ids(world)
    assert len(world.asked()) == math.ceil(count / 100)
