"""Benchmarks of gcbatch's own targets run, and judge what they find by the rules."""

from collections.abc import Iterable

import pytest

from benchmarks import (
    own_again,
    own_growth,
    own_help,
    own_memory,
    own_page,
    own_quota,
    own_scale,
    own_threads,
)
from benchmarks.alone import Measure, main_of
from benchmarks.findings import Findings, Verdict
from benchmarks.own_growth import Point, point
from benchmarks.own_quota import Pace
from benchmarks.own_scale import Measured
from benchmarks.processes import Spent


@pytest.mark.slow
@pytest.mark.parametrize(
    ("measure", "reported"),
    [
        pytest.param(own_again.measure, 3, id="again"),
        pytest.param(own_growth.measure, 2, id="growth"),
        pytest.param(own_help.measure, 1, id="help"),
        pytest.param(own_memory.measure, 2, id="memory"),
        pytest.param(own_page.measure, 1, id="page"),
        pytest.param(own_quota.measure, 2, id="quota"),
        pytest.param(own_scale.measure, 20, id="scale"),
        pytest.param(own_threads.measure, 0, id="threads"),
    ],
)
def test_each_runs_in_seconds(measure: Measure, reported: int) -> None:
    """With little to do they still check rows; no figure is judged here."""
    found = measure(1, quick=True)

    assert found.lines
    assert len(found.verdicts) == reported


@pytest.mark.parametrize(("quick", "code"), [(False, 1), (True, 0)])
def test_a_missed_target_is_an_exit_code(*, quick: bool, code: int) -> None:
    """Unless so little was measured that it shows nothing."""

    def measure(rounds: int, *, quick: bool) -> Findings:
        del quick
        return Findings("t", (f"{rounds}",), (Verdict("a", is_met=False),))

    assert main_of(measure, ["--quick"] if quick else [], rounds=3) == code


def met(verdicts: Iterable[Verdict]) -> list[bool]:
    """Return of each verdict whether it is met."""
    return [verdict.is_met for verdict in verdicts]


@pytest.mark.parametrize(
    ("month", "year", "expected"),
    [
        pytest.param([180.0], [198.0], [True, True], id="both"),
        pytest.param([180.0], [199.0], [False, True], id="it grows"),
        pytest.param([190.0], [201.0], [True, False], id="too much"),
        pytest.param([150.0, 201.0, 150.0], [150.0] * 3, [True, False], id="once"),
    ],
)
def test_memory_is_judged_by_its_most(
    month: list[float], year: list[float], expected: list[bool]
) -> None:
    """And its growth by the middle rounds."""
    assert met(own_memory.verdicts(month, year)) == expected


def test_a_run_again_is_judged_without_its_imports() -> None:
    """And not one request may be sent."""
    verdicts = own_again.verdicts([0.6, 0.5, 0.9], [1.0] * 3, [1.2] * 3, 1)

    assert met(verdicts) == [False, True, False]


def test_modules_are_read_from_the_interpreters_log() -> None:
    """The header and what the command printed are none."""
    log = (
        "import time: self [us] | cumulative | imported package\n"
        "import time:       100 |        100 |     zlib\n"
        "40 of 40 queries | stored\n"
        "import time:       100 |        200 | pyarrow.lib\n"
    )

    assert own_again.modules_in(log) == ["zlib", "pyarrow.lib"]


def test_a_row_costs_what_comes_on_top_of_the_first_day() -> None:
    """Rounds are paired, and the middle one counts."""
    first = [Spent(1.0, 100.0, 0.0), Spent(2.0, 100.0, 0.0), Spent(1.0, 100.0, 0.0)]
    spent = [Spent(3.0, 120.0, 0.0), Spent(9.0, 130.0, 0.0), Spent(5.0, 110.0, 0.0)]

    found = point(first, spent, 1_000_000)

    assert found == Point(1_000_000, (2.0, 7.0, 4.0), (120.0, 130.0, 110.0))
    assert found.row_us == 4.0


def test_growth_is_judged_from_end_to_end() -> None:
    """Of the run and of the export, the most rows by the fewest."""
    few = Point(1_000_000, (4.0,), (100.0,))
    middle = Point(2_000_000, (80.0,), (100.0,))
    many = Point(10_000_000, (46.0,), (100.0,))
    more = Point(10_000_000, (47.0,), (100.0,))

    verdicts = own_growth.verdicts([few, middle, many], [few, middle, more])

    assert met(verdicts) == [True, False]


def test_a_ratio_is_the_middle_of_its_rounds() -> None:
    """Each round is divided by its own neighbour."""
    page = own_page.verdict([4.0, 2.0, 9.0], [2.0, 1.0, 1.0])
    late = own_page.verdict([4.2, 2.1, 1.0], [2.0, 1.0, 1.0])
    start = own_help.verdict([0.1, 0.1, 0.2], [0.3, 0.31, 0.2])

    assert met([page, late, start]) == [True, False, True]


@pytest.mark.parametrize(
    ("answered", "refused", "expected"),
    [(1164, 2, [True, True]), (1163, 0, [False, True]), (1200, 3, [True, False])],
)
def test_a_quota_is_what_the_minutes_allow(
    answered: int, refused: int, expected: list[bool]
) -> None:
    """97 % of 300 a minute over four minutes are 1,164 requests."""
    pace = Pace(answered, refused, 240.0, 80.0)

    assert met(own_quota.verdicts([pace], 5.0)) == expected


@pytest.mark.parametrize(
    ("cpu_s", "peak_mb", "expected"),
    [
        pytest.param((1.0, 2.0, 11.0), 300.0, [True, True], id="both"),
        pytest.param((1.0, 2.0, 12.6), 200.0, [False, True], id="it costs more"),
        pytest.param((1.0, 2.0, 11.0), 301.0, [True, False], id="too much memory"),
        pytest.param((1.0, 1.0, 1.0), 200.0, [False, True], id="too little to judge"),
    ],
)
def test_scale_is_judged_without_the_start(
    cpu_s: tuple[float, ...], peak_mb: float, expected: list[bool]
) -> None:
    """The cost of the smallest job is no cost of the others' units."""
    spent = tuple([Spent(cpu, peak_mb, cpu)] for cpu in cpu_s)

    found = Measured("verify", "part", (1, 11, 101), spent)

    assert met(own_scale.verdicts([found])) == expected
