"""What a run did, as plain data."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

import gcbatch
from gcbatch import RunReport
from gcbatch.cli.screens.run import report_screen
from gcbatch.genesys.traffic import FAILED_KEPT, Traffic
from gcbatch.planning.saved_plan import SavedPlan, digest_parts
from gcbatch.running.report import Exported, Gap
from gcbatch.simulator import Fault
from gcbatch.store.store import Store
from gcbatch.windows import Window
from tests.flows.test_faults import troubled

if TYPE_CHECKING:
    from tests.conftest import Workspace

START = datetime(2026, 10, 1, tzinfo=UTC)


def test_a_report_is_plain_json() -> None:
    """Times are ISO 8601 with Z, spans in seconds; tables are not part of it."""
    report = RunReport(
        job="j",
        run_id="abc",
        window=Window(START, START + timedelta(days=1)),
        started_at=START,
        seconds=1.23456,
        queries=3,
        fetched=2,
        provisional=1,
        requests=5,
        retries={"429": 2},
        throttled=2,
        waited_s=0.98765,
        tokens=1,
        rows=7,
        exports=(Exported("csv", ("intervals",), "out.csv", 7),),
        warnings=("queues are shown by id",),
        breaches=1,
    )

    reported = json.loads(json.dumps(report.to_json()))

    assert reported["from"] == "2026-10-01T00:00:00.000Z"
    assert reported["to"] == "2026-10-02T00:00:00.000Z"
    assert (reported["seconds"], reported["waited_s"]) == (1.235, 0.988)
    assert reported["exports"] == [
        {
            "exporter": "csv",
            "tables": ["intervals"],
            "location": "out.csv",
            "rows": 7,
            "mark": "",
            "files": [],
            "unchanged": False,
        }
    ]
    assert "tables" not in reported


def run_json(workspace: "Workspace", name: str = "job") -> dict[str, Any]:
    text = (workspace.folder / "store" / name / "run.json").read_text("utf-8")
    content: dict[str, Any] = json.loads(text)
    return content


KEYS = [
    "gcbatch", "job", "run_id", "from", "to", "started_at", "seconds", "queries",
    "fetched", "provisional", "requests", "retries", "throttled", "waited_s", "tokens",
    "answers", "received_bytes", "quota_used_pct", "failed_calls", "gaps", "failures",
    "timezone", "settle", "rows", "exports", "failed_exports", "breaches", "warnings",
    "digests",
]  # fmt: skip


def test_no_key_is_ever_renamed(workspace: "Workspace") -> None:
    """Programs read run.json: keys are added, never renamed or left out."""
    workspace.run()

    reported = run_json(workspace)

    assert [key for key in reported if key in KEYS] == KEYS
    assert reported["gcbatch"] == version("gcbatch")
    assert (reported["gaps"], reported["failed_calls"]) == ([], [])
    assert (reported["timezone"], reported["settle"]) == ("Asia/Jerusalem", "P4D")


def test_what_came_over_the_line_is_counted(workspace: "Workspace") -> None:
    """Answers by status, and bytes; nothing in a run that asks nothing."""
    workspace.simulator.faults.add(
        Fault("status", status=503, wait_s=0, times=2),
        Fault("garbage", body=b"{", nth=(4,)),
    )
    workspace.run(fetch={"concurrency": 1})
    first = run_json(workspace)
    workspace.run()
    second = run_json(workspace)

    assert first["answers"] == {"200": 9, "503": 2}  # a listing, 7 queries, 1 damaged
    assert first["requests"] == 11
    assert first["received_bytes"] > 100_000
    assert (second["answers"], second["received_bytes"]) == ({}, 0)
    assert second["quota_used_pct"] is None


def test_failed_calls_are_reported_with_their_ids(workspace: "Workspace") -> None:
    """What the service's support asks for, be the call repeated or not."""
    workspace.simulator.faults.add(
        Fault("status", status=503, wait_s=0), Fault("garbage", body=b"{", nth=(3,))
    )
    workspace.run(fetch={"concurrency": 1})

    refused, damaged = run_json(workspace)["failed_calls"]

    path = "/api/v2/analytics/conversations/aggregates/query"
    assert (refused["method"], refused["path"]) == ("POST", path)
    assert (refused["status"], damaged["status"]) == (503, 200)
    assert refused["correlation_id"] != damaged["correlation_id"]
    assert all((refused["correlation_id"], damaged["correlation_id"]))
    assert refused["at"].endswith("Z")


def test_failed_calls_are_bounded() -> None:
    """A storm of one status crowds out none of another."""
    traffic = Traffic()
    traffic.fail("GET", "/first", 500, "one")
    for number in range(1000):
        traffic.fail("GET", "/storm", 429, str(number))

    assert len(traffic.failed[429]) == FAILED_KEPT
    assert traffic.failed[429][-1].correlation_id == "999"
    assert [call.correlation_id for call in traffic.failed[500]] == ["one"]


def test_jobs_that_share_a_client_account_for_themselves(
    workspace: "Workspace",
) -> None:
    """Each run reports its own answers, bytes, failures and share of the quota."""
    workspace.simulator.faults.add(Fault("status", status=503, wait_s=0))
    jobs = [
        workspace.job("one", fetch={"concurrency": 1}),
        workspace.job("two", query={"to": "1999-08-03"}),
    ]

    asyncio.run(gcbatch.arun_all(jobs))

    one, two = run_json(workspace, "one"), run_json(workspace, "two")
    assert (one["answers"], two["answers"]) == ({"200": 8, "503": 1}, {"200": 2})
    assert (len(one["failed_calls"]), two["failed_calls"]) == (1, [])
    assert one["received_bytes"] > two["received_bytes"] > 0
    assert two["quota_used_pct"] == pytest.approx(100 * 2 / 1_000_000, abs=1e-3)


def test_the_quota_used_is_what_was_served_of_what_was_allowed(tmp_path: Path) -> None:
    """Eight requests of a hundred are 8 percent, in one window of the server."""
    report, _ = troubled(tmp_path / "run", options={"requests_allowed": 100})

    reported = json.loads((tmp_path / "run/store/job/run.json").read_bytes())
    assert report.quota_used_pct == pytest.approx(8.0)
    assert reported["quota_used_pct"] == 8.0


def test_refused_requests_used_nothing(tmp_path: Path) -> None:
    """Answers 429 are none of the quota that was used."""
    fault = Fault("throttled", wait_s=0, times=3)

    report, _ = troubled(tmp_path / "run", fault, options={"requests_allowed": 100})

    assert report.throttled == 3
    assert report.quota_used_pct == pytest.approx(8.0)


def test_outputs_are_identified_by_their_digests(workspace: "Workspace") -> None:
    """Every published file, once, with what sha256sum says of it."""
    report = workspace.run()

    reported = run_json(workspace)["digests"]["outputs"]

    written = {
        str(workspace.folder / f"job.{kind}"): content
        for kind, content in workspace.outputs().items()
    }
    assert {output["path"] for output in reported} == set(written)
    for output in reported:
        content = written[output["path"]]
        assert output["sha256"] == sha256(content).hexdigest()
        assert output["bytes"] == len(content)
    assert len(report.outputs) == 3


def test_inputs_have_one_digest(workspace: "Workspace") -> None:
    """It changes with any part, and with nothing else."""
    workspace.run()
    first = run_json(workspace)["digests"]["inputs"]
    workspace.run()
    second = run_json(workspace)["digests"]["inputs"]
    workspace.run(fresh=True)
    third = run_json(workspace)["digests"]["inputs"]
    store = Store(workspace.folder / "store", "job")
    kept = SavedPlan.read(store)
    assert kept is not None
    workspace.parts[0].unlink()

    assert first["parts"] == 7
    assert first == second
    assert first["sha256"] != third["sha256"]
    assert digest_parts(kept.plan, store).sha256 != third["sha256"]


def test_gaps_name_window_and_queues(workspace: "Workspace") -> None:
    """What is missing, for machines; no queues is all that were asked."""
    window = Window(START, START + timedelta(days=1))
    report = replace(workspace.run(), gaps=(Gap(window, ("q1",)), Gap(window)))

    one, other = report.to_json()["gaps"]

    assert one["from"] == "2026-10-01T00:00:00.000Z"
    assert (one["queues"], other["queues"]) == (["q1"], [])


def test_no_secret_is_reported(workspace: "Workspace") -> None:
    """Neither the client's secret nor a token is in run.json, even after refusals."""
    workspace.simulator.faults.add(Fault("unauthorized"), Fault("status", wait_s=0))
    workspace.run()

    text = json.dumps(run_json(workspace))

    assert workspace.simulator.client_secret not in text
    assert "Bearer" not in text


@pytest.mark.parametrize(
    ("used", "throttled", "said"),
    [
        (None, 0, False),
        (0.2, 0, False),
        (0.2, 1, True),
        (97.4, 0, True),
    ],
)
def test_the_screen_shows_the_quota_where_it_matters(
    workspace: "Workspace", used: float | None, throttled: int, *, said: bool
) -> None:
    """From one percent on, or when throttled."""
    report = replace(workspace.run(), quota_used_pct=used, throttled=throttled)
    console = Console(width=200)
    with console.capture() as shown:
        console.print(report_screen(report, workspace.job().query.zone))

    assert ("% of the quota used" in shown.get()) == said
