"""Benchmarks of gcbatch's own targets run, and judge what they find by the rules."""

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks import (
    details_memory,
    export,
    loads,
    loads_places,
    own_again,
    own_growth,
    own_help,
    own_memory,
    own_page,
    own_quota,
    own_scale,
    own_threads,
    writers,
)
from benchmarks.__main__ import in_few
from benchmarks.alone import Measure, main_of
from benchmarks.export import ALL, ALONE, ONE_CORE, Done
from benchmarks.export_corpus import TABLES, Corpus, counts_of
from benchmarks.findings import Findings, Verdict
from benchmarks.loads_programs import BARE, DLT, OURS, PARQUET
from benchmarks.loads_programs import Done as LoadDone
from benchmarks.own_growth import Point, point
from benchmarks.own_quota import Pace
from benchmarks.own_scale import Measured
from benchmarks.processes import Spent


@pytest.mark.slow
@pytest.mark.parametrize(
    ("measure", "reported"),
    [
        pytest.param(details_memory.measure, 3, id="details-memory"),
        pytest.param(export.measure, 5, id="export"),
        pytest.param(loads.measure, 10, id="loads"),
        pytest.param(own_again.measure, 4, id="again"),
        pytest.param(own_growth.measure, 2, id="growth"),
        pytest.param(own_help.measure, 1, id="help"),
        pytest.param(own_memory.measure, 2, id="memory"),
        pytest.param(own_page.measure, 1, id="page"),
        pytest.param(own_quota.measure, 2, id="quota"),
        pytest.param(own_scale.measure, 20, id="scale"),
        pytest.param(own_threads.measure, 0, id="threads"),
        pytest.param(writers.measure, 5, id="writers"),
    ],
)
def test_each_runs_in_seconds(measure: Measure, reported: int) -> None:
    """With little to do they still check rows; no figure is judged here."""
    found = measure(1, quick=True)

    assert found.lines
    assert len(found.verdicts) == reported
    assert all(verdict.is_met for verdict in found.verdicts if verdict.is_exact)


@pytest.mark.parametrize(("quick", "code"), [(False, 1), (True, 0)])
def test_a_missed_target_is_an_exit_code(*, quick: bool, code: int) -> None:
    """Unless so little was measured that it shows nothing."""

    def measure(rounds: int, *, quick: bool) -> Findings:
        del quick
        return Findings("t", (f"{rounds}",), (Verdict("a", is_met=False),))

    assert main_of(measure, ["--quick"] if quick else [], rounds=3) == code


def test_long_benchmarks_have_few_rounds() -> None:
    """However many are asked for; fewer stay fewer."""
    asked: list[int] = []

    def measure(rounds: int, *, quick: bool) -> Findings:
        del quick
        asked.append(rounds)
        return Findings("t", ())

    for rounds in (7, 1):
        in_few(measure, 3)(rounds, quick=False)

    assert asked == [3, 1]


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


@pytest.mark.parametrize(
    ("start", "is_met"),
    [
        pytest.param([0.36, 0.38, 0.9], True, id="light"),
        pytest.param([0.36, 0.74, 0.9], False, id="heavy"),
    ],
)
def test_the_start_is_judged_round_by_round(
    start: list[float], *, is_met: bool
) -> None:
    """A round on a busy machine, in which both take longer, changes no ratio."""
    verdict = own_again.start_verdict([0.2, 0.4, 0.2], start)

    assert verdict.is_met == is_met


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
    assert found.row_us == [2.0, 7.0, 4.0]


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
    ("paged", "few", "many", "expected"),
    [
        pytest.param([150.0, 170.0], [200.0], [220.0], [True, True], id="both"),
        pytest.param([150.0, 171.0, 150.0], [200.0], [200.0], [False, True], id="once"),
        pytest.param([150.0], [200.0], [221.0], [True, False], id="it grows"),
    ],
)
def test_memory_of_details_is_judged_by_its_most(
    paged: list[float], few: list[float], many: list[float], expected: list[bool]
) -> None:
    """And that of jobs by its growth."""
    assert met(details_memory.verdicts(paged, few, many)) == expected


def test_the_rows_of_an_export_are_counted_in_its_files(tmp_path: Path) -> None:
    """A row too few is found, in files or folders with the name of the table."""
    rows = dict.fromkeys(TABLES, 2)
    corpus = Corpus(2, tmp_path, rows)
    corpus.output.joinpath("records").mkdir(parents=True)
    two, one = pa.table({"id": [1, 2]}), pa.table({"id": [1]})
    pq.write_table(two, corpus.output / "sessions.parquet")
    pq.write_table(one, corpus.output / "records" / "1.parquet")

    sessions, segments = {"sessions": "sessions"}, {"segments": "records"}
    assert export.problem_of(corpus, sessions) == ""
    assert export.problem_of(corpus, segments) == "1 segments instead of 2"
    assert export.problem_of(corpus, {"participants": "p"}).startswith("0 participants")


def test_the_truth_of_an_export_is_counted_in_the_documents() -> None:
    """Every record of a nested list is a row of its table."""
    session: dict[str, Any] = {"segments": [{}, {}], "metrics": [{}, {}, {}]}
    participant = {"attributes": {"a": "1"}, "sessions": [session, session]}

    assert counts_of({"participants": [participant, participant]}) == {
        "conversations": 1,
        "conversations_nested": 1,
        "participants": 2,
        "participant_attributes": 2,
        "sessions": 4,
        "segments": 8,
        "session_metrics": 12,
    }


@pytest.mark.parametrize(
    ("seven_s", "peak_mb", "wall_s", "expected"),
    [
        pytest.param(4.0, 180.0, 10.0, [True] * 5, id="all met"),
        pytest.param(4.1, 180.0, 10.0, [True, False, False, True, True], id="cpu"),
        pytest.param(4.0, 181.0, 10.0, [True, True, True, False, True], id="memory"),
        pytest.param(4.0, 180.0, 10.1, [True, True, True, True, False], id="cores"),
    ],
)
def test_exports_are_judged_by_their_own_round(
    seven_s: float, peak_mb: float, wall_s: float, expected: list[bool]
) -> None:
    """CPU by `conversations` alone, wall time by that with one core."""
    runs = {
        (name, rows): [Done(Spent(cpu_s, peak_mb, wall), "")]
        for rows in (60, 200)
        for name, cpu_s, wall in (
            (ALONE, 1.0, 1.0),
            (ALL, seven_s, wall_s),
            (ONE_CORE, 1.0, 16.0),
        )
    }

    assert met(export.verdicts(runs, 60, 200)) == expected


def test_an_export_with_lost_rows_is_no_measurement() -> None:
    """It is missed in a short run too, and no gain is shown."""
    runs = {(ALL, 60): [Done(Spent(1.0, 100.0, 1.0), "1 sessions instead of 2")]}

    rows, *_ = export.verdicts(runs, 60, 200)
    assert (rows.is_met, rows.is_exact) == (False, True)
    assert not list(export.gains(runs, 60))


def test_a_file_is_compared_with_the_rows_written() -> None:
    """By their number, and by a sum."""
    rows = pa.table({writers.SUMMED: [1, None, 3]})
    other = pa.table({writers.SUMMED: [1, None, 4]})

    assert writers.problem_of(rows, rows) == ""
    assert writers.problem_of(rows[:2], rows) == "2 rows instead of 3"
    assert writers.problem_of(other, rows).endswith("5 instead of 4")


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


@pytest.mark.parametrize(
    ("cpu_s", "lake_mb", "mb", "expected"),
    [
        pytest.param(1.3, 420.0, 350.0, [True] * 10, id="all met"),
        pytest.param(1.31, 420.0, 350.0, [True, *[False] * 5, *[True] * 4], id="cpu"),
        pytest.param(1.3, 421.0, 350.0, [True] * 8 + [False] * 2, id="lakes"),
        pytest.param(
            1.3, 420.0, 351.0, [True] * 6 + [False] * 2 + [True] * 2, id="databases"
        ),
    ],
)
def test_loads_are_judged_by_the_library_of_their_round(
    cpu_s: float, lake_mb: float, mb: float, expected: list[bool]
) -> None:
    """Memory by fixed limits, that of lakes by an export to Parquet."""
    runs = {(PARQUET, OURS): [LoadDone(Spent(1.0, 100.0, 1.0))]}
    for name in loads_places.NAMES:
        peak = lake_mb if name in loads.LAKES else mb
        runs[name, OURS] = [
            LoadDone(Spent(times * cpu_s, peak, 1.0)) for times in (1, 2)
        ]
        runs[name, BARE] = [LoadDone(Spent(times, 900.0, 1.0)) for times in (1.0, 2.0)]

    assert met(loads.verdicts(runs)) == expected


def test_a_load_that_failed_is_missed() -> None:
    """And one with wrong rows shows no gain; wrong rows of dlt concern only dlt."""
    wrong = LoadDone(Spent(1.0, 100.0, 1.0), "1 instead of 2")
    runs = {("duckdb", OURS): [wrong], ("duckdb", DLT): [wrong]}

    rows, *others = loads.verdicts(runs)
    assert (rows.is_met, rows.is_exact) == (False, True)
    assert rows.text == "rows in databases: duckdb, gcbatch: 1 instead of 2"
    assert not any(met(others))
    assert not list(loads.gains(runs, 2))


@pytest.mark.parametrize("wrong", ["DELETE", "UPDATE"])
def test_rows_of_a_load_are_counted_and_added_up(tmp_path: Path, wrong: str) -> None:
    """A row less and a figure that differs are found."""
    row = ["2025-01-01T00:00:00.000Z", "2025-01-01T00:15:00.000Z", "q", 1, 2, 3, 4, 5]
    columns = (*loads_places.COUNTED, *loads_places.SUMS)
    path = tmp_path / "rows.sqlite"
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"CREATE TABLE t ({', '.join(columns)})")
        db.executemany("INSERT INTO t VALUES (?, ?, ?, ?, ?, ?, ?, ?)", [row, row])
        db.commit()
        there = loads_places.sums_of("sqlite", str(path), "t")
        change = {
            "DELETE": "DELETE FROM t WHERE rowid = 1",
            "UPDATE": "UPDATE t SET t_handle_sum_ms = 7 WHERE rowid = 1",
        }
        db.execute(change[wrong])
        db.commit()

    assert there == (2, 1, 1, 1, 2, 4, 6, 8, 10)
    assert loads_places.sums_of("sqlite", str(path), "t") != there
