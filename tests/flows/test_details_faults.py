"""Conversation details through all that goes wrong on the way: no row is lost."""

from pathlib import Path

import pytest

from gcbatch.simulator import Fault, Faults
from tests.support.details_world import QUERY, World, all_ids, tenant_with_conversations

ROWS = 1_450
PAGES = 15
LIMITED = {"requests_allowed": 30, "window_s": 6.0}


def troubled(folder: Path, *faults: Fault) -> World:
    return World(
        folder, tenant_with_conversations(ROWS), faults=Faults(*faults, seed=3)
    )


def test_all_rows_without_trouble(tmp_path: Path) -> None:
    """Every conversation of the day, once, with one request a page."""
    world = troubled(tmp_path)

    report = world.run()

    assert world.ids() == all_ids(world)
    assert (report.rows, len(world.asked())) == (ROWS, PAGES)
    assert report.warnings == ()


def test_a_token_revoked_in_mid_run_costs_one_more(tmp_path: Path) -> None:
    """All rows are there, and one token was taken in place of the revoked one."""
    world = troubled(tmp_path)

    async def revoke() -> None:
        await world.until_requested(5)
        world.simulator.revoke_tokens()

    report = world.run(fetch={"concurrency": 2}, meanwhile=revoke)

    assert world.simulator.tokens_granted == report.tokens == 2
    assert world.ids() == all_ids(world)


def test_eight_pages_with_one_expired_token_take_one_more(tmp_path: Path) -> None:
    """Whoever is refused with the same token shares the next."""
    world = troubled(tmp_path)

    async def expire() -> None:
        await world.until_requested(1)
        world.simulator.revoke_tokens()

    world.run(fetch={"concurrency": 8}, meanwhile=expire)

    assert sum(entry.status == 401 for entry in world.asked()) >= 2
    assert world.simulator.tokens_granted == 2
    assert world.ids() == all_ids(world)


def test_a_429_holds_all_pages_as_long_as_specified(tmp_path: Path) -> None:
    """No page is asked before the wait is over."""
    world = troubled(tmp_path, Fault("throttled", wait_s=40, nth=(4,)))

    world.run(fetch={"concurrency": 2})

    refused = next(entry.at for entry in world.asked() if entry.status == 429)
    later = [e.at - refused for e in world.asked() if e.at - refused > 0.5]
    assert min(later) >= 40
    assert world.ids() == all_ids(world)


@pytest.mark.parametrize(
    "fault",
    [
        Fault("throttled", hint="none", nth=(1, 3, 9), times=3),
        Fault("status", status=503, probability=0.1, times=None),
        Fault("reset", nth=(2, 8), times=2),
        Fault("truncated", nth=(2, 8), times=2),
        Fault("garbage", nth=(1, 5), times=2),
    ],
    ids=["429 without a hint", "503 on 10 %", "reset", "cut off", "no JSON"],
)
def test_what_passes_is_repeated(tmp_path: Path, fault: Fault) -> None:
    """Pages that fail once are asked again, and all rows are there."""
    world = troubled(tmp_path, fault)

    world.run()

    assert len(world.simulator.faults.triggered) >= 2
    assert world.ids() == all_ids(world)


def test_a_small_quota_is_hardly_overdrawn(tmp_path: Path) -> None:
    """210 pages at 30 per 6 s: at most 2 are refused."""
    world = World(tmp_path, tenant_with_conversations(21_000), **LIMITED)

    world.run()

    assert len([e for e in world.asked(QUERY) if e.status == 200]) == 210
    assert world.simulator.throttled <= 2
    assert world.ids() == all_ids(world)
