"""What benchmarks/cluster_simulation.py finds is in docs/scale.md, and no nonsense."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "scale.md").read_text("utf-8")
# By its path: other distributions have a package called benchmarks.
scale = SimpleNamespace(
    **runpy.run_path(str(ROOT / "benchmarks" / "cluster_simulation.py"))
)
Batch, simulate = scale.Batch, scale.simulate

MINUTE_OF_WORK = round(60 / scale.FETCH_US * 1e6)
"""Conversations that keep a core busy for a minute."""


@pytest.mark.slow
def test_the_page_has_the_scripts_tables() -> None:
    """Every line of them, in their order, and no other table of figures."""
    printed = [line for line in scale.tables() if line]
    shown = [line for line in PAGE.splitlines() if line.startswith("|")]

    inputs = shown[: len(shown) - len(printed)]
    assert shown[len(inputs) :] == printed
    assert inputs[0] == "| input | figure | from |"


def test_the_same_orgs_for_the_same_seed() -> None:
    """Other seeds are other orgs; none is without conversations."""
    assert scale.volumes(7) == scale.volumes(7) != scale.volumes(8)
    assert all(min(scale.volumes(seed)) > 0 for seed in scale.SEEDS)


def test_nothing_of_an_org_is_left_out() -> None:
    """By either mode all its conversations come, within its quota."""
    per_day = 12_345

    paged, jobbed = scale.by_pages(per_day), scale.by_jobs(per_day)

    assert sum(b.conversations for b in paged) == per_day * scale.DAYS
    assert sum(b.conversations for b in jobbed) == per_day * scale.DAYS
    assert len(paged) == -(-scale.pages_of(per_day) // scale.QUOTA)


def test_one_org_takes_what_its_quota_takes() -> None:
    """With enough cores, a minute for each of its minutes except the last."""
    work = scale.by_pages(60_000)

    outcome = simulate([work], cores=4, lanes=1)

    assert outcome.hours * 60 == pytest.approx(len(work) - 1, abs=0.05)


@pytest.mark.parametrize("cores", [1, 2, 5])
def test_work_is_shared_by_the_cores(cores: int) -> None:
    """Ten minutes of work for one core, there at once, take less with more cores."""
    work = [[Batch(0.0, 0.0, MINUTE_OF_WORK)] for _ in range(10)]

    outcome = simulate(work, cores=cores, lanes=1)

    assert outcome.hours * 60 == pytest.approx(10 / cores)
    assert outcome.busy == pytest.approx(1.0)


def test_orgs_wait_for_their_turn() -> None:
    """With two at once, four orgs of two quota windows each take twice as long."""
    two_windows = [Batch(0.0, 60.0, 1)] * 2
    work = [two_windows] * 4

    together = simulate(work, cores=1, lanes=1)
    in_turn = simulate(work, cores=1, lanes=1, at_once=2)

    assert (together.at_once, in_turn.at_once) == (4, 2)
    assert together.hours * 60 == pytest.approx(1.0, abs=0.01)
    assert in_turn.hours * 60 == pytest.approx(3.0, abs=0.01)


def test_jobs_are_waited_for_side_by_side() -> None:
    """Five at once, of three minutes each, and what is read of them."""
    jobs = [Batch(180.0, 240.0, 1)] * 10

    outcome = simulate([jobs], cores=1, lanes=5)

    assert outcome.hours * 60 == pytest.approx(4 + 3, abs=0.01)
