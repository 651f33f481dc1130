"""Seeded schedules of faults and deaths over a real socket, in compressed time.

GCBATCH_CHAOS_SEEDS says how many (200); a failure says how to have its seed again.
"""

import os
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.chaos.schedule import drawn
from tests.chaos.world import live

pytestmark = pytest.mark.chaos

SEEDS = int(os.environ.get("GCBATCH_CHAOS_SEEDS", "200"))


@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_seed_ends_well(
    seed: int, tmp_path: Path, tell: Callable[[str, Mapping[str, int]], None]
) -> None:
    """Complete and equal to the quiet run, or a documented exit with nothing lost."""
    schedule = drawn(seed)
    try:
        tally = live(schedule, tmp_path)
    except BaseException as exc:
        if isinstance(exc, KeyboardInterrupt):
            raise
        traceback.print_exc()
        again = f"{Path(__file__).name}::test_a_seed_ends_well[{seed}]"
        msg = (
            f"seed {seed}: {type(exc).__name__}: {exc}\n{schedule}\nagain: "
            f"GCBATCH_CHAOS_SEEDS={seed + 1} pytest -m chaos 'tests/chaos/{again}'"
        )
        pytest.fail(msg, pytrace=False)
    tell("outcome", {tally.outcome: 1})
    tell("runs", tally.runs)
    tell("struck", tally.struck)
