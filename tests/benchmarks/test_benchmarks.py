"""Benchmarks run, and check what they measure; their limits are not for here."""

import re
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest

from benchmarks import aggregates_rows, details, details_rows
from benchmarks.__main__ import main
from benchmarks.aggregates_data import QUARTERS, figures, pattern_of, queue_id
from benchmarks.clients import PEERS, Ask, Client
from benchmarks.contest import PEER_ROUNDS, Contest, Load, Run, installed
from benchmarks.counted import Asked
from benchmarks.document import document
from benchmarks.environments import NotInstalledError
from benchmarks.findings import Bar, Findings, Gain, Verdict
from benchmarks.peers.flat import FIGURES
from benchmarks.processes import Spent
from benchmarks.scores import Scores, at_least, ratios

ROOT = Path(__file__).parents[2]
DAY = date(2026, 3, 1)
QUEUES = 2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "small", "large"),
    [("details", "200", "600"), ("aggregates", "384", "1,152")],
)
def test_the_driver_checks_rows_and_prints_its_table(
    name: str, small: str, large: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Very little, once: all figures are printed, none is judged."""
    code = main(["--quick", "--only", name])

    reported = capsys.readouterr().out
    assert code == 0
    for client in ("gcbatch", "bare loop"):
        for rows in (small, large):
            line = rf"^{client} +{rows} +yes +\d+ +0( +\d+\.\d+){{2}} +\d+ +\d+\.\d$"
            assert re.search(line, reported, re.MULTILINE)
    assert re.search(r"^rows of gcbatch: .*: met$", reported, re.MULTILINE)


@pytest.mark.slow
def test_a_tight_quota_is_counted_by_the_server(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A loop without a rate limit is refused and fails; that is shown, and no error."""
    code = main(["--quick", "--only", "tight-quota"])

    reported = capsys.readouterr().out
    assert code == 0
    assert re.search(r"^gcbatch +600 +yes ", reported, re.MULTILINE)
    assert re.search(r"^bare loop +600 +no +6 +[1-9]$", reported, re.MULTILINE)
    assert "\nbare loop: failed: " in reported


@pytest.mark.parametrize(("quick", "code"), [(["--quick"], 1), ([], 1)])
def test_a_lost_row_fails_however_little_is_measured(
    quick: list[str], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """A run of gcbatch whose rows are wrong is no measurement."""
    runs = {("gcbatch", 10): [_run(1.0), _run(1.0, "1 lost")]}

    def measure(rounds: int, *, quick: bool) -> Findings:  # noqa: ARG001 - a signature
        scores = Scores(runs, 10)
        return Findings("Rows", tuple(scores.table()), (scores.rows_right(),))

    assert main(quick, {"rows": measure}) == code
    reported = capsys.readouterr().out
    assert re.search(r"^gcbatch +10 +no ", reported, re.MULTILINE)
    assert "rows of gcbatch: gcbatch: 1 lost: MISSED" in reported


@pytest.mark.parametrize("part", [["--quick"], ["--only", "details"]])
def test_the_page_is_not_written_of_a_part(part: list[str]) -> None:
    """It would lack the rest, or have figures of too short a run."""
    with pytest.raises(SystemExit, match="2"):
        main(["--write", *part])


def test_a_missed_target_fails_only_where_enough_is_measured() -> None:
    """With --quick figures are printed, not judged."""

    def measure(rounds: int, *, quick: bool) -> Findings:  # noqa: ARG001 - a signature
        return Findings("Figures", (), (Verdict("3 x, at most 2", is_met=False),))

    assert main(["--quick"], {"figures": measure}) == 0
    assert main([], {"figures": measure}) == 1


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        pytest.param([0, 1, 2], "", id="all"),
        pytest.param([0, 2], "1 lost", id="lost"),
        pytest.param([0, 1, 2, 1], "1 double", id="double"),
        pytest.param([0, 1, 1], "1 lost, 1 double", id="one in place of another"),
    ],
)
def test_every_conversation_has_to_be_there_once(
    change: list[int], problem: str
) -> None:
    """Lost and double ones are counted apart: their numbers may be the same."""
    documents = [_conversation(n) for n in range(3)]
    truth = {row[0]: row for row in map(details_rows.row_of, documents)}

    found = details_rows.problem_of([documents[n] for n in change], truth)

    assert found == problem


def test_a_conversation_with_another_figure_is_found() -> None:
    """Whatever form the client gave it."""
    document = _conversation(0)
    row = details_rows.row_of(document)
    flat = dict(zip(details_rows.COLUMNS, row, strict=True))

    assert details_rows.problem_of([document], {row[0]: row}) == ""
    assert details_rows.problem_of([flat], {row[0]: row}) == ""
    assert (
        details_rows.problem_of([flat | {"handle_ms": 8}], {row[0]: row})
        == "1 different"
    )


def test_every_bucket_has_to_be_there_once() -> None:
    """Lost, double, foreign and changed ones are found, in whatever pieces."""
    table = _buckets()
    other_day = _buckets(date(2026, 3, 2))
    column = table.schema.get_field_index("t_handle_sum_ms")
    changed = table.set_column(
        column, "t_handle_sum_ms", pa.array([1, *table[column].to_pylist()[1:]])
    )

    def problem(*tables: pa.Table) -> str:
        return aggregates_rows.problem_of(tables, QUEUES, DAY, 1)

    assert problem(table) == problem(table[:7], table[7:]) == ""
    assert problem(table[1:]) == "1 lost, 1 sums of a queue and day different"
    assert problem(table, table[:1]).startswith("1 double, 1 sums")
    assert problem(table, other_day[:3]) == "3 unknown"
    assert problem(changed) == "1 sums of a queue and day different"


def test_a_row_more_is_the_difference_of_two_loads() -> None:
    """Start-up is in neither; rounds are compared with themselves."""
    runs = {
        ("gcbatch", 1_000): [_run(1.0), _run(2.0)],
        ("gcbatch", 3_000): [_run(1.2), _run(2.4)],
    }

    scores = Scores(runs, 1_000)

    assert scores.marginal_us("gcbatch") == pytest.approx([100, 200])


def test_a_target_is_missed_where_a_round_failed() -> None:
    """What is left of the rounds would be compared with others' of another time."""
    asked = Asked(requests=1, queries=0, throttled=1, tokens=1)
    failed = Run(None, asked, "failed: 429")
    runs = {("dlt", 10): [_run(1.0), failed], ("dlt", 20): [_run(2.0), _run(2.0)]}

    scores = Scores(runs, 10)

    verdict = at_least("dlt", scores.marginal_us("dlt"), 3.0)
    assert str(verdict) == "dlt: not measured: MISSED"
    assert scores.problems("dlt") == ["failed: 429"]
    assert not scores.bars("details")


class _Recorded(Contest):
    """A contest without a server: its runs cost nothing."""

    @contextmanager
    def _opened(self) -> Iterator[Any]:
        yield SimpleNamespace(run=lambda client, load: (client.name, load.rows))


def test_peers_take_part_in_the_first_rounds() -> None:
    """All others in every round."""
    ours, dlt = Client("gcbatch", "", _no_command), Client("dlt", "", _no_command, "d")
    load = Load(DAY, DAY, 10, str)
    contest = _Recorded("details", (), {ours: [load], dlt: [load]})

    contest.take(7)

    assert {name: len(runs) for (name, _), runs in contest.runs.items()} == {
        "gcbatch": 7,
        "dlt": PEER_ROUNDS,
    }


def _no_command(_: Ask, path: Path) -> list[str]:
    return [str(path)]


def test_peers_are_compared_in_the_rounds_they_took_part_in() -> None:
    """These are the first ones; a client that failed is compared in none."""
    assert ratios([6.0, 9.0], [2.0, 3.0, 5.0]) == [3.0, 3.0]
    assert ratios([], [2.0, 3.0]) == []


@pytest.mark.parametrize(("in_no_order_us", "is_met"), [(101, True), (99, False)])
def test_details_are_judged_by_both_loops(*, in_no_order_us: int, is_met: bool) -> None:
    """1.25 x the loop that keeps the order; to parts 1.2 x the one that does not."""
    us = {
        "gcbatch": 150,
        "gcbatch, to parts": 120,
        "bare loop": 120,
        "loop, in no order": in_no_order_us,
    }
    runs = {
        (client, rows): [_run(rows * each / 1e6)]
        for client, each in us.items()
        for rows in (20_000, 60_000)
    }

    _, bare, in_no_order, *_ = details.verdicts(Scores(runs, 20_000), [])
    assert bare.is_met
    assert in_no_order.is_met is is_met


def test_gains_are_in_multiples_of_gcbatch() -> None:
    """Clients whose rows are wrong are left out; if ours are, there is no line."""
    runs = {("gcbatch", 10): [_run(2.0)], ("dlt", 10): [_run(10.0)]}
    wrong = {("sdk", 10): [_run(9.0, "1 lost")]}

    (gain,) = Scores(runs | wrong, 10).gains("ten rows")
    assert gain == Gain("ten rows", "2.0 s of CPU", "dlt 5.0 x")
    assert not list(Scores({("gcbatch", 10): [_run(1.0, "1 lost")]}, 10).gains("ten"))


def test_a_peer_that_cannot_be_installed_is_named() -> None:
    """It is left out, and a line says why."""

    def find(name: str) -> Path:
        if name == "dlt":
            msg = "no such version"
            raise NotInstalledError(msg)
        return Path(name)

    there, missing = installed(PEERS, find)

    assert [client.environment for client in there] == ["sdk", "singer", "airbyte"]
    assert missing == ["not measured: dlt is not installed: no such version"]


@pytest.mark.parametrize("name", ["plot", *(str(peer.environment) for peer in PEERS)])
def test_what_is_installed_has_exact_versions(name: str) -> None:
    """An extra says what, a file of names and versions says which."""
    extra = "bench" if name == "plot" else f"bench-{name}"
    with (ROOT / "pyproject.toml").open("rb") as file:
        wanted = tomllib.load(file)["project"]["optional-dependencies"][extra]
    path = ROOT / "benchmarks" / "peers" / f"constraints-{name}.txt"
    _, *pins = path.read_text("utf-8").splitlines()

    assert wanted
    packages = {re.split(r"[\[>]", one)[0].lower() for one in wanted}
    assert packages <= {pin.lower().partition("==")[0] for pin in pins}
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", pin) for pin in pins)


def test_the_page_is_made_of_findings_alone() -> None:
    """Figures in, text out, the gains first; the plot is shown where there is one."""
    found = [
        Findings(
            "Rows",
            ("gcbatch  1", "dlt  2"),
            (Verdict("2 x, at least 3", is_met=False),),
            (Bar("rows", "gcbatch", 1.0, 2.0),),
            (Gain("ten rows", "1 s", "dlt 2 x"),),
        )
    ]

    def page(*, has_plot: bool) -> str:
        return document(
            found, ["2 CPUs", "dlt 1"], rounds=3, day=DAY, has_plot=has_plot
        )

    text = page(has_plot=False)
    assert text.startswith("# Benchmarks\n\nWhat you gain: ")
    assert "|---|---|---|\n| ten rows | 1 s | dlt 2 x |\n\n## How" in text
    assert "Measured on 2026-03-01, rounds: 3; peers" in text
    assert "\n\n- 2 CPUs\n- dlt 1\n" in text
    assert (
        "## Rows\n\n```\ngcbatch  1\ndlt  2\n```\n\n- 2 x, at least 3: MISSED\n" in text
    )
    assert "benchmarks.svg" not in text
    assert "](benchmarks.svg)" in page(has_plot=True)
    assert page(has_plot=True) == page(has_plot=True)


def _run(cpu_s: float, problem: str = "") -> Run:
    spent = Spent(cpu_s=cpu_s, peak_mb=100, wall_s=3)
    return Run(spent, Asked(requests=2, queries=1, throttled=0, tokens=1), problem)


def _conversation(number: int) -> dict[str, object]:
    """Return a conversation as the service sends it."""
    return {
        "conversationId": f"c{number}",
        "conversationStart": "2026-03-01T10:00:00.000Z",
        "conversationEnd": None,
        "mediaStatsMinConversationMos": 4.5,
        "participants": [
            {
                "purpose": "acd",
                "sessions": [
                    {
                        "metrics": [{"name": "tHandle", "value": 7}],
                        "segments": [
                            {"segmentStart": "2026-03-01T10:00:01Z", "queueId": "q"}
                        ],
                    }
                ],
            }
        ],
    }


def _buckets(day: date = DAY) -> pa.Table:
    """Return the table of a day that nothing is wrong with."""
    return pa.Table.from_pylist(list(_rows(day)))


def _rows(day: date) -> Iterator[dict[str, object]]:
    for queue in range(QUEUES):
        for quarter in range(QUARTERS):
            reported = figures(pattern_of(queue, day), quarter)
            clock = f"{quarter // 4:02}:{quarter % 4 * 15:02}"
            yield {
                "queue_id": queue_id(queue),
                "media_type": "voice",
                "interval_start": f"{day}T{clock}:00.000Z",
            } | {
                column: reported.get(metric, {}).get(key)
                for metric, columns in FIGURES.items()
                for key, column in columns.items()
            }
