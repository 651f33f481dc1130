"""The commands about service levels: the table on the screen, `report`, exit 7."""

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rich.console import Console
from typer.testing import Result

from gcbatch.cli.screens.sla import EMPTY, MAX_ROWS, sla_screen
from gcbatch.coverage import Coverage
from gcbatch.table import Table
from gcbatch.windows import Window

if TYPE_CHECKING:
    from tests.conftest import Workspace

Cli = Callable[..., Result]

WORST_FIRST = [
    "Retail in English",
    "Internet support",
    "Prospects",
    "Retail banking",
    "Stock trading",
    "Call-backs",
]
"""By the distance of their service level from 80 %."""


def cells(result: Result, header: str) -> list[list[str]]:
    """Return the cells of a table that is printed, its header first."""
    lines = result.stdout.splitlines()
    start = next(n for n, line in enumerate(lines) if line.split()[:1] == [header])
    return [
        [cell.strip() for cell in line.split("  ") if cell.strip()]
        for line in lines[start:]
    ]


def sla_export(workspace: "Workspace") -> dict[str, Any]:
    return {
        "exporter": "csv",
        "table": "sla",
        "path": str(workspace.folder / "sla.csv"),
    }


class TestTheTable:
    def test_a_run_shows_queues_worst_first(
        self, cli: Cli, workspace: "Workspace"
    ) -> None:
        """Each queue over the whole range against its target, with a mark."""
        job = workspace.write(sla={"targets": {"Call-backs": 80}})

        result = cli("run", job)

        assert result.exit_code == 0
        header, *rows = cells(result, "queue")
        assert " ".join(header) == "queue offered answered SL % target AB % ASA AHT"
        assert [row[0] for row in rows] == WORST_FIRST
        reported = {row[0]: row for row in rows}
        assert reported["Call-backs"][3:6] == ["82.9", "80.0", "met"]
        assert reported["Prospects"] == [
            *("Prospects", "1,739", "845", "13.3", "80.0", "missed"),
            *("51.4", "3:07", "2:18"),
        ]

    def test_worst_is_farthest_below_its_own_target(
        self, cli: Cli, workspace: "Workspace"
    ) -> None:
        """Not the lowest level: a queue that misses by more comes before it."""
        targets = {"Call-backs": 100, "Retail in English": 1, "Prospects": 10}
        job = workspace.write(sla={"target": 30, "targets": targets})

        result = cli("run", job)

        _, *rows = cells(result, "queue")
        assert [row[0] for row in rows][:2] == ["Internet support", "Call-backs"]
        assert [row[0] for row in rows][-1] == "Retail in English"

    def test_a_narrow_miss_is_shown_as_one(
        self, cli: Cli, workspace: "Workspace"
    ) -> None:
        """What rounds up to the target and misses it has a digit more."""
        job = workspace.write(sla={"targets": {"Call-backs": 82.9}})

        result = cli("run", job)

        reported = {row[0]: row for row in cells(result, "queue")}
        assert reported["Call-backs"][3:6] == ["82.87", "82.9", "missed"]

    def test_without_a_section_there_is_no_table(
        self, cli: Cli, workspace: "Workspace"
    ) -> None:
        """A job of intervals alone shows what it did, and no service levels."""
        result = cli("run", workspace.write())

        assert result.exit_code == 0
        assert "SL %" not in result.stdout

    def test_media_types_are_shown_when_grouped_by(
        self, cli: Cli, workspace: "Workspace"
    ) -> None:
        """They stand beside the queue."""
        job = workspace.write(query={"group_by": ["queueId", "mediaType"]}, sla={})

        result = cli("run", job)

        header, first, *_ = cells(result, "queue")
        assert header[:2] == ["queue", "media"]
        assert first[:2] == ["Retail in English", "voice"]

    @pytest.mark.parametrize("command", ["run", "report"])
    def test_an_empty_range_says_what_to_check(
        self, cli: Cli, workspace: "Workspace", command: str
    ) -> None:
        """No conversations are a good answer, and seldom the one that was meant."""
        span = {"from": "2001-01-01", "to": "2001-01-08"}
        job = workspace.write(query=span, sla={})
        cli("run", job)

        result = cli(command, job)

        assert result.exit_code == 0
        assert EMPTY in result.stdout
        assert "no conversations in this range" in EMPTY

    def test_a_long_table_is_cut_and_says_so(
        self, cli: Cli, workspace: "Workspace"
    ) -> None:
        """A screen is no place for hundreds of rows."""
        job = workspace.write(sla={})
        cli("run", job)

        result = cli("report", job, "--period", "hour")

        assert "… and 425 more rows; export the table to see all" in result.stdout

    def test_queues_may_be_called_anything(
        self, cli: Cli, workspace: "Workspace"
    ) -> None:
        """Brackets in a name are no markup."""
        tenant = workspace.simulator.tenant
        odd = [replace(q, name=f"[b]{q.name}[/b] [1]") for q in tenant.queues]
        workspace.become(replace(tenant, queues=tuple(odd)))
        job = workspace.write(sla={})

        shown = [cli("run", job), cli("report", job, "--period", "interval")]

        for result in shown:
            assert "[b]Prospects[/b] [1]" in result.stdout


NUMBERS = ("target_pct", "answer_rate_pct", "abandon_rate_pct", "asa_s", "aht_s")
SHOWN = pa.schema(
    [
        *(pa.field(name, pa.string()) for name in ("org", "period", "queue_name")),
        *(pa.field(n, pa.int64()) for n in ("offered", "answered", "abandoned")),
        *(pa.field(n, pa.float64()) for n in ("service_level_pct", *NUMBERS)),
        pa.field("compliance_met", pa.bool_()),
    ]
)
LEVELS = st.none() | st.sampled_from([10.0, 79.0, 80.0, 95.0])


@given(
    st.lists(st.tuples(LEVELS, st.none() | st.sampled_from([50.0, 80.0])), min_size=1),
    st.sampled_from(["total", "day", "interval"]),
    st.sampled_from([1, 7, 50, 1000]),
    st.integers(1, 30),
)
@example(reported=[(80.0, 80.0)] * 40, period="day", batch_rows=50, times=30)
@settings(max_examples=40)
def test_a_long_table_shows_what_sorting_all_of_it_would(
    reported: list[tuple[float | None, float | None]],
    period: str,
    batch_rows: int,
    times: int,
) -> None:
    """However many batches it comes in; where rows are equal, in their order."""
    figures = dict.fromkeys(NUMBERS[1:], 1.0) | {"answered": 1, "abandoned": 0}
    rows = [
        {"org": "o", "period": "x", "queue_name": f"Q{n % 50}", "offered": n, **figures}
        | {"service_level_pct": level, "target_pct": target}
        for n, (level, target) in enumerate(reported * times)
    ]
    start = datetime(2026, 10, 1, tzinfo=UTC)
    table = Table(
        name="sla",
        schema=SHOWN,
        key=("period",),
        covered=Coverage.whole(Window(start, start + timedelta(days=1))),
        timezone=ZoneInfo("UTC"),
        run_id="r",
        batches=lambda: iter(pa.Table.from_pylist(rows, SHOWN).to_batches()),
        batch_rows=batch_rows,
    )
    screen = StringIO()

    Console(file=screen, width=200).print(sla_screen(table, period=period))

    def badness(row: dict[str, Any]) -> tuple[bool, float, str]:
        level, target = row["service_level_pct"], row["target_pct"]
        gap = 0 if level is None else level - (100 if target is None else target)
        return level is None, gap, f"o: {row['queue_name']}"

    expected = sorted(rows, key=badness) if period == "total" else rows
    _, *lines = screen.getvalue().splitlines()
    more = max(len(rows) - MAX_ROWS, 0)
    assert [line.split("o: ")[1].split()[:2] for line in lines[:MAX_ROWS]] == [
        [row["queue_name"], f"{row['offered']:,}"] for row in expected[:MAX_ROWS]
    ]
    assert [line.split()[2] for line in lines[MAX_ROWS:]] == [f"{more:,}"] * bool(more)


class TestReport:
    def test_it_prints_the_runs_table_again(
        self, cli: Cli, workspace: "Workspace"
    ) -> None:
        """From the store, without a request; nothing is written."""
        job = workspace.write(sla={}, exports=[sla_export(workspace)])
        run = cli("run", job)
        (workspace.folder / "sla.csv").unlink()
        workspace.simulator.request_log.clear()

        result = cli("report", job)

        assert result.exit_code == 0
        assert cells(result, "queue") == cells(run, "queue")
        assert len(workspace.simulator.request_log) == 0
        assert not (workspace.folder / "sla.csv").exists()

    def test_by_interval_it_is_the_tutorials_table(
        self, cli: Cli, workspace: "Workspace"
    ) -> None:
        """Date, offers, handled, abandoned, level and handle time, in time order.

        After the average by handled calls comes the tutorial's own, by offers.
        """
        query = {"endpoint": "interval-report", "metrics": [], "queues": ["Prospects"]}
        job = workspace.write(query=query, sla={})
        cli("run", job)

        result = cli("report", job, "--period", "interval")

        header, *rows = cells(result, "date")
        assert " ".join(header) == (
            "date queue offers handled abandoned SL % AHT HT/offer s"
        )
        assert rows[0][:2] == ["1999-08-01T00:00", "Prospects"]
        dates = [row[0] for row in rows if row[0].startswith("1999")]
        assert dates == sorted(dates)

    def test_handle_time_by_offers_is_the_tables(
        self, cli: Cli, workspace: "Workspace"
    ) -> None:
        """Seconds as its tutorial prints them, of each interval and of the range."""
        query = {"endpoint": "interval-report", "metrics": [], "queues": ["Prospects"]}
        job = workspace.write(query=query, sla={})
        run = cli("run", job)

        by_interval = cli("report", job, "--period", "interval")

        with (workspace.folder / "job.csv").open(encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        lines = [row for row in cells(by_interval, "date") if row[0].startswith("1999")]
        shown = [row[-1] for row in lines]
        assert shown == [
            f"{float(row['avg_handle_time_s']):.2f}" for row in rows[: len(shown)]
        ]
        seconds = sum(float(row["handle_time_sum_s"] or 0) for row in rows)
        offers = sum(int(row["offer_count"]) for row in rows)
        _, (*_, of_range) = cells(run, "queue")[:2]
        assert of_range == f"{seconds / offers:.2f}"

    @pytest.mark.parametrize("endpoint", ["conversation-aggregates", "queue-summary"])
    def test_other_endpoints_divide_by_handled_calls_alone(
        self, cli: Cli, workspace: "Workspace", endpoint: str
    ) -> None:
        """The average by offers is of one tutorial."""
        query: dict[str, Any] = {"endpoint": endpoint}
        if endpoint == "queue-summary":
            query["metrics"] = []
        job = workspace.write(query=query, sla={})

        result = cli("run", job)

        assert cells(result, "queue")[0][-1] == "AHT"

    @pytest.mark.parametrize(
        ("period", "label"),
        [("day", "1999-08-01"), ("week", "1999-W30"), ("month", "1999-08")],
    )
    def test_other_periods_have_a_column_of_their_own(
        self, cli: Cli, workspace: "Workspace", period: str, label: str
    ) -> None:
        """A row a period and queue, in time order."""
        job = workspace.write(sla={})
        cli("run", job)

        result = cli("report", job, "--period", period)

        header, first, *_ = cells(result, period)
        assert header[:2] == [period, "queue"]
        assert first[0] == label

    def test_json_is_for_machines(self, cli: Cli, workspace: "Workspace") -> None:
        """All rows and columns, numbers unrounded, instants in UTC."""
        job = workspace.write(sla={})
        cli("run", job)

        result = cli("report", job, "--period", "week", "--json")

        rows = json.loads(result.stdout)
        assert len(rows) == 12
        first = rows[0]
        assert (first["period"], first["period_start"], first["period_end"]) == (
            "1999-W30",
            "1999-07-31T21:00:00.000Z",
            "1999-08-01T21:00:00.000Z",
        )
        assert first["service_level_pct"] != round(first["service_level_pct"], 1)
        assert first["compliance_met"] is False

    def test_json_of_nothing_is_an_empty_list(
        self, cli: Cli, workspace: "Workspace"
    ) -> None:
        """An empty range parses as well."""
        span = {"from": "2001-01-01", "to": "2001-01-08"}
        job = workspace.write(query=span, sla={})
        cli("run", job)

        assert json.loads(cli("report", job, "--json").stdout) == []

    @pytest.mark.parametrize(
        ("sections", "arguments", "code", "words"),
        [
            ({}, [], 2, "has no section sla"),
            ({"sla": {}}, [], 5, "holds no run of this job"),
            ({"sla": {}}, ["--period", "yearly"], 2, "--period: unknown period"),
            (
                {"sla": {}, "query": {"granularity": "P1D"}},
                ["--period", "hour"],
                2,
                "--period hour: buckets of P1D do not fit into an hour",
            ),
        ],
    )
    def test_what_it_cannot_report_is_refused(
        self,
        cli: Cli,
        workspace: "Workspace",
        *,
        sections: dict[str, Any],
        arguments: list[str],
        code: int,
        words: str,
    ) -> None:
        """One message with the way out, and no request."""
        result = cli("report", workspace.write(**sections), *arguments)

        assert result.exit_code == code
        assert words in result.stderr
        assert result.stderr.count("error: ") == 1
        assert result.stderr.count("hint: ") == 1
        assert len(workspace.simulator.request_log) == 0


class TestBreaches:
    def test_a_missed_target_is_exit_7_after_exporting(
        self, cli: Cli, workspace: "Workspace"
    ) -> None:
        """The outputs are there, and standard error says how many rows missed."""
        job = workspace.write(sla={"period": "total"}, exports=[sla_export(workspace)])

        result = cli("run", job, "--fail-on-breach")

        assert result.exit_code == 7
        assert result.stderr.splitlines()[-1] == "targets missed: 5"
        written = (workspace.folder / "sla.csv").read_text("utf-8")
        assert len(written.splitlines()) == 7
        assert "SL %" in result.stdout

    def test_rows_of_the_jobs_period_count(
        self, cli: Cli, workspace: "Workspace"
    ) -> None:
        """A queue that misses on three days misses three times."""
        job = workspace.write(sla={"target": 0.1})
        workspace.write("all", sla={"target": 0})

        missed = cli("run", job, "--fail-on-breach")
        met = cli("run", workspace.folder / "all.yaml", "--fail-on-breach")

        reported = json.loads(cli("report", job, "--period", "day", "--json").stdout)
        breaches = sum(row["compliance_met"] is False for row in reported)
        assert breaches > 1
        assert missed.stderr.splitlines()[-1] == f"targets missed: {breaches}"
        assert (missed.exit_code, met.exit_code) == (7, 0)

    @pytest.mark.parametrize(
        "sla",
        [
            pytest.param({"target": 0}, id="met"),
            pytest.param(None, id="no section"),
        ],
    )
    def test_nothing_missed_is_exit_0(
        self, cli: Cli, workspace: "Workspace", sla: dict[str, Any] | None
    ) -> None:
        """Where all targets are met, or none is set, the run is done."""
        result = cli("run", workspace.write(sla=sla), "--fail-on-breach")

        assert result.exit_code == 0
        assert "targets missed" not in result.stderr

    def test_without_the_option_a_breach_is_a_number(
        self, cli: Cli, workspace: "Workspace"
    ) -> None:
        """It is in the report of the run, and the exit code is 0."""
        job = workspace.write(sla={"period": "total"})

        result = cli("run", job, "--json")

        assert result.exit_code == 0
        assert json.loads(result.stdout)["breaches"] == 5

    def test_it_stays_json_on_standard_output(
        self, cli: Cli, workspace: "Workspace"
    ) -> None:
        """With both options the one is printed and the other exits."""
        job = workspace.write(sla={"period": "total"})

        result = cli("run", job, "--json", "--fail-on-breach")

        assert result.exit_code == 7
        assert json.loads(result.stdout)["breaches"] == 5
