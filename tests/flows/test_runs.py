"""Runs: what they ask, what they keep, and how they go on after an end in between."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gcbatch
from gcbatch import AccessError, DataError, JobError, ServiceError
from gcbatch.simulator import Call, Fault, Faults, Queue, Tenant, User, WrapUpCode
from gcbatch.store.store import Store

if TYPE_CHECKING:
    from tests.conftest import Workspace, WorkspaceOf

DAYS = 7
"""Windows, and so queries, of the usual job."""

QUEUE_VIEW = "routing:queue:view"
DATA_VIEW = "analytics:conversationAggregate:view"


def some_id(number: int) -> str:
    return str(UUID(int=number + (4 << 76) + (8 << 60)))


SALES, SUPPORT, GONE = (some_id(n) for n in (1, 2, 3))
ANN, DONE = some_id(11), some_id(21)


def small_tenant(*queues: Queue, hours: int = 3) -> Tenant:
    """Return a tenant of one answered call an hour in each queue."""
    start = datetime(2026, 3, 2, 9, 10, tzinfo=UTC)
    return Tenant(
        name="Small",
        version="1",
        queues=queues,
        users=(User(id=ANN, name="Ann", state="deleted"),),
        wrap_up_codes=(WrapUpCode(id=DONE, name="Done"),),
        calls=tuple(
            Call(
                queue_id=queue.id,
                offered=start + timedelta(hours=hour),
                answered=start + timedelta(hours=hour, seconds=10),
                ended=start + timedelta(hours=hour, seconds=100),
                user_id=ANN,
                wrap_up_code=DONE,
            )
            for queue in queues
            for hour in range(hours)
        ),
    )


TWO_QUEUES = (Queue(id=SALES, name="Sales"), Queue(id=SUPPORT, name="Support"))
MARCH = {"from": "2026-03-02", "to": "2026-03-04", "timezone": "UTC"}


def names_of(report: gcbatch.RunReport, column: str = "queue_name") -> set[str]:
    return set(report.tables["intervals"].read_all()[column].to_pylist())


def until(happened: Callable[[], bool]) -> None:
    """Wait for something that another process does; at most half a minute."""
    deadline = time.monotonic() + 30
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def start_run(
    workspace: "Workspace", job: Path, *options: str
) -> "subprocess.Popen[str]":
    return subprocess.Popen(  # noqa: S603 - our own command
        [sys.executable, "-m", "gcbatch", "run", str(job), *options],
        env=workspace.process_environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def leftovers(folder: Path) -> list[Path]:
    """Return files that an unfinished write left behind."""
    return list(folder.rglob("*.part"))


class TestAgain:
    def test_a_second_run_makes_no_request(self, workspace: "Workspace") -> None:
        """What is stored and settled is not asked again, and no token is taken."""
        first = workspace.run()
        written = workspace.outputs()
        workspace.simulator.request_log.clear()

        second = workspace.run()

        assert len(workspace.simulator.request_log) == 0
        assert (first.fetched, second.fetched) == (DAYS, 0)
        assert (second.requests, second.tokens) == (0, 0)
        assert workspace.outputs() == written

    def test_an_export_makes_no_request_and_the_same_bytes(
        self, workspace: "Workspace"
    ) -> None:
        """Exporting again reads the store alone, even with the service gone."""
        workspace.run()
        written = workspace.outputs()
        for kind in written:
            (workspace.folder / f"job.{kind}").unlink()
        workspace.simulator.request_log.clear()

        report = workspace.export()

        assert len(workspace.simulator.request_log) == 0
        assert report.fetched == 0
        assert workspace.outputs() == written

    def test_fresh_fetches_everything_again(self, workspace: "Workspace") -> None:
        """With fresh nothing stored is trusted."""
        workspace.run()
        workspace.simulator.request_log.clear()

        report = workspace.run(fresh=True)

        assert report.fetched == DAYS
        assert len(workspace.data_requests) == DAYS

    def test_a_plan_makes_no_data_request(self, workspace: "Workspace") -> None:
        """Planning lists queues and says what is stored, and asks no data."""
        before = gcbatch.plan(workspace.job())
        workspace.run()
        workspace.simulator.request_log.clear()
        after = gcbatch.plan(workspace.job())

        assert (len(before.plan.queries), before.stored) == (DAYS, 0)
        assert (len(after.plan.queries), after.stored) == (DAYS, DAYS)
        assert len(workspace.simulator.request_log) == 0

    def test_other_exports_need_no_request(self, workspace: "Workspace") -> None:
        """Exports are no part of the question."""
        workspace.run()
        workspace.simulator.request_log.clear()
        path = workspace.folder / "new.csv"

        workspace.run(
            exports=[{"exporter": "csv", "table": "intervals", "path": str(path)}]
        )

        assert len(workspace.simulator.request_log) == 0
        assert path.read_bytes() == workspace.outputs()["csv"]

    def test_a_longer_range_asks_only_what_is_new(self, workspace: "Workspace") -> None:
        """Windows that a run shares with the one before are not asked again."""
        workspace.run(query={"to": "1999-08-04"})
        workspace.simulator.request_log.clear()

        report = workspace.run()

        assert report.fetched == DAYS - 3
        assert len(workspace.data_requests) == DAYS - 3

    @pytest.mark.parametrize(
        "change",
        [
            {"to": "1999-08-07"},
            {"metrics": ["nOffered"]},
            {"group_by": ["mediaType"]},
            {"timezone": "UTC"},
            {"media_types": ["voice"]},
        ],
    )
    def test_export_refuses_another_question(
        self, workspace: "Workspace", change: dict[str, Any]
    ) -> None:
        """What the last run did not ask cannot be exported."""
        workspace.run()
        written = workspace.outputs()

        with pytest.raises(JobError, match="requests other data"):
            workspace.export(query=change)

        assert workspace.outputs() == written

    def test_export_refuses_other_windows(self, workspace: "Workspace") -> None:
        """Windows of another length are other questions, too."""
        workspace.run()

        with pytest.raises(JobError, match="requests other data"):
            workspace.export(fetch={"chunk": "P7D"})

    def test_export_refuses_what_never_ran(self, workspace: "Workspace") -> None:
        """Without a run there is nothing to export."""
        with pytest.raises(DataError, match="holds no run"):
            workspace.export()

    def test_a_run_of_no_data_writes_empty_tables(self, workspace: "Workspace") -> None:
        """No rows are a good answer: headers and schemas are written all the same."""
        report = workspace.run(query={"from": "2001-01-01", "to": "2001-01-08"})

        assert report.rows == 0
        assert workspace.outputs()["csv"].startswith(b"interval_start,")
        assert workspace.outputs()["json"] == b""


class TestSettling:
    """Windows that ended 140, 130 … 50 days ago; figures settle after 95 days."""

    SETTLED = 5
    PROVISIONAL = 5

    def sections(self) -> dict[str, Any]:
        today = datetime.now(UTC).date()
        start, end = (str(today - timedelta(days=n)) for n in (150, 50))
        return {
            "query": {"from": start, "to": end, "timezone": "UTC"},
            "fetch": {"chunk": "P10D", "settle": "P95D"},
        }

    def late_tenant(self, calls_a_day: int) -> Tenant:
        start = datetime.now(UTC) - timedelta(days=160)
        return Tenant(
            name="Late",
            version="1",
            queues=TWO_QUEUES,
            calls=tuple(
                Call(queue_id=SALES, offered=start + timedelta(days=day))
                for day in range(150)
                for _ in range(calls_a_day)
            ),
        )

    def test_provisional_parts_are_fetched_again(
        self, workspace_of: "WorkspaceOf"
    ) -> None:
        """Every run asks again what may still be corrected, and only that."""
        workspace = workspace_of(self.late_tenant(1))
        first = workspace.run(**self.sections())
        workspace.simulator.request_log.clear()

        second = workspace.run(**self.sections())

        assert first.fetched == self.SETTLED + self.PROVISIONAL
        assert second.fetched == len(workspace.data_requests) == self.PROVISIONAL
        assert first.provisional == second.provisional == self.PROVISIONAL

    def test_corrections_arrive(self, workspace_of: "WorkspaceOf") -> None:
        """Provisional days show the service's new figures, settled ones the old."""
        workspace = workspace_of(self.late_tenant(1))
        workspace.run(**self.sections())
        workspace.become(self.late_tenant(2))

        report = workspace.run(**self.sections())

        offered = report.tables["intervals"].read_all()["n_offered"].to_pylist()
        assert offered == [1] * 50 + [2] * 50

    def test_without_settling_nothing_is_provisional(
        self, workspace_of: "WorkspaceOf"
    ) -> None:
        """PT0S trusts every window that is over."""
        workspace = workspace_of(self.late_tenant(1))
        sections = self.sections()
        sections["fetch"]["settle"] = "PT0S"
        workspace.run(**sections)

        assert workspace.run(**sections).fetched == 0

    def test_a_window_that_is_not_over_is_provisional(
        self, workspace_of: "WorkspaceOf"
    ) -> None:
        """Even without settling, an answer about the future is not believed twice."""
        workspace = workspace_of(self.late_tenant(1))
        today = datetime.now(UTC).date()
        sections: dict[str, Any] = {
            "query": {
                "from": str(today - timedelta(days=1)),
                "to": str(today + timedelta(days=3)),
                "timezone": "UTC",
            },
            "fetch": {"settle": "PT0S", "chunk": "P4D"},
        }
        workspace.run(**sections)

        assert workspace.run(**sections).fetched == 1


class TestInterrupted:
    def test_the_next_run_goes_on(self, workspace_of: "WorkspaceOf") -> None:
        """What was fetched before a failure is not asked again."""
        fault = Fault("status", status=400, nth=(5,))
        workspace = workspace_of(faults=Faults(fault))
        with pytest.raises(ServiceError):
            workspace.run(fetch={"concurrency": 1})
        workspace.simulator.request_log.clear()

        report = workspace.run()

        assert report.fetched == len(workspace.data_requests) == DAYS - 4

    def test_a_failed_run_leaves_the_outputs_alone(
        self, workspace_of: "WorkspaceOf"
    ) -> None:
        """Outputs are replaced only when everything is there."""
        workspace = workspace_of()
        workspace.run()
        written = workspace.outputs()
        workspace.simulator.faults.add(Fault("status", status=400))

        with pytest.raises(ServiceError):
            workspace.run(fresh=True)

        assert workspace.outputs() == written

    def test_a_half_finished_run_is_not_exported(
        self, workspace_of: "WorkspaceOf"
    ) -> None:
        """There is nothing whole to export; no table with a hole is written."""
        workspace = workspace_of(faults=Faults(Fault("status", status=400, nth=(5,))))
        with pytest.raises(ServiceError):
            workspace.run(fetch={"concurrency": 1})

        with pytest.raises(DataError, match="holds no run"):
            workspace.export()

        assert not (workspace.folder / "job.csv").exists()

    def test_an_interrupted_fresh_run_goes_on(self, workspace: "Workspace") -> None:
        """What was to be fetched again is, by the next run, without --fresh."""
        workspace.run()
        workspace.simulator.faults.add(Fault("status", status=400, nth=(4,)))
        with pytest.raises(ServiceError):
            workspace.run(fresh=True, fetch={"concurrency": 1})

        again = workspace.run(fetch={"concurrency": 1})
        after = workspace.run()

        assert (again.fetched, after.fetched) == (4, 0)

    def test_a_failed_run_leaves_the_last_whole_one(
        self, workspace: "Workspace"
    ) -> None:
        """What was exported can be exported again, whatever was tried meanwhile."""
        workspace.run()
        written = workspace.outputs()
        workspace.simulator.faults.add(Fault("status", status=400, times=None))
        with pytest.raises(ServiceError):
            workspace.run(query={"to": "1999-08-09"})
        workspace.simulator.faults.clear()

        workspace.export()

        assert workspace.outputs() == written

    @pytest.mark.slow
    @pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
    def test_a_process_that_ends_in_mid_run_loses_nothing(
        self, workspace_of: "WorkspaceOf", number: signal.Signals
    ) -> None:
        """After kill -9, SIGTERM or Ctrl-C the rest is fetched, and only the rest."""
        reference = workspace_of()
        reference.run()
        workspace = workspace_of(faults=Faults(Fault("stall", delay_s=60, nth=(4,))))
        process = start_run(workspace, workspace.write(fetch={"concurrency": 1}))
        until(lambda: len(workspace.data_requests) == 4)
        process.send_signal(number)
        _, said = process.communicate(timeout=30)
        workspace.simulator.request_log.clear()

        report = workspace.run()

        expected = {signal.SIGKILL: -9, signal.SIGTERM: 143, signal.SIGINT: 130}
        assert process.returncode == expected[number]
        assert "Traceback" not in said
        assert report.fetched == len(workspace.data_requests) == DAYS - 3
        assert workspace.outputs() == reference.outputs()
        assert not leftovers(workspace.folder)

    @pytest.mark.slow
    def test_a_process_in_the_background_can_be_stopped(
        self, workspace_of: "WorkspaceOf"
    ) -> None:
        """Where a shell's `&` has Ctrl-C ignored, SIGTERM alone ends a run."""
        workspace = workspace_of(faults=Faults(Fault("stall", delay_s=60, nth=(4,))))
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            process = start_run(workspace, workspace.write(fetch={"concurrency": 1}))
        finally:
            signal.signal(signal.SIGINT, before)
        until(lambda: len(workspace.data_requests) == 4)
        process.send_signal(signal.SIGINT)
        process.terminate()
        _, said = process.communicate(timeout=30)
        workspace.simulator.request_log.clear()

        report = workspace.run()

        assert process.returncode == 143
        assert "Traceback" not in said
        assert report.fetched == DAYS - 3
        assert not leftovers(workspace.folder)

    @pytest.mark.slow
    def test_two_processes_on_one_store_do_no_harm(
        self, workspace: "Workspace"
    ) -> None:
        """Both end well, and leave what one alone would have left."""
        job = workspace.write(fetch={"concurrency": 3})

        processes = [start_run(workspace, job) for _ in range(2)]
        said = [process.communicate(timeout=60)[1] for process in processes]

        assert [process.returncode for process in processes] == [0, 0], said
        written = workspace.outputs()
        workspace.simulator.request_log.clear()
        assert workspace.run(fetch={"concurrency": 3}).fetched == 0
        assert workspace.outputs() == written
        assert not leftovers(workspace.folder)


class TestDamage:
    def test_no_flipped_byte_is_exported(self, workspace_of: "WorkspaceOf") -> None:
        """Whichever byte of a part is damaged: the same rows, or an error."""
        workspace = workspace_of(small_tenant(*TWO_QUEUES))
        workspace.run(query=MARCH, fetch={"chunk": "P2D"})
        written = workspace.outputs()
        (part,) = workspace.parts
        whole = part.read_bytes()
        job = workspace.job(query=MARCH, fetch={"chunk": "P2D"})
        places = range(0, len(whole), len(whole) // 30)

        for place in places:
            damaged = bytearray(whole)
            damaged[place] ^= 0x55
            part.write_bytes(damaged)
            with pytest.raises(DataError):
                gcbatch.export_job(job)

        assert workspace.outputs() == written

    def test_every_byte_of_a_part_counts(self, workspace_of: "WorkspaceOf") -> None:
        """The store notices any one bit turned over, in the footer too."""
        workspace = workspace_of(small_tenant(*TWO_QUEUES))
        workspace.run(query=MARCH, fetch={"chunk": "P2D"})
        (part,) = workspace.parts
        whole = part.read_bytes()
        store = Store(workspace.folder / "store", "job")

        for place in range(len(whole)):
            damaged = bytearray(whole)
            damaged[place] ^= 1 << place % 8
            part.write_bytes(damaged)
            with pytest.raises(DataError, match="damaged"):
                store.read(part.stem)

    @pytest.mark.parametrize("how", ["emptied", "cut", "flipped"])
    def test_the_next_run_fetches_a_damaged_part(
        self, workspace: "Workspace", how: str
    ) -> None:
        """As the message says: a run mends what is damaged."""
        workspace.run()
        written = workspace.outputs()
        part = workspace.parts[3]
        content = bytearray(part.read_bytes())
        content[200] ^= 0xFF
        spoilt = {
            "emptied": b"",
            "cut": bytes(content[:-100]),
            "flipped": bytes(content),
        }
        part.write_bytes(spoilt[how])
        with pytest.raises(DataError, match=r"damaged|missing"):
            workspace.export()

        report = workspace.run()

        assert report.fetched == 1
        assert workspace.outputs() == written

    @pytest.mark.parametrize("note", [b"", b"{", b"[]", b'{"asked": 1}', b"\xff"])
    def test_a_damaged_plan_is_made_again(
        self, workspace: "Workspace", note: bytes
    ) -> None:
        """A kept plan that cannot be read costs a listing, not the data."""
        workspace.run()
        (workspace.folder / "store/job/plan.json").write_bytes(note)

        report = workspace.run()

        assert report.fetched == 0


class TestSeveralJobs:
    def test_jobs_with_other_secrets_do_not_share_a_token(
        self, workspace: "Workspace"
    ) -> None:
        """A wrong secret is wrong in company too."""
        workspace.environ["OTHER"] = "wrong"
        org = {"client_secret": "${OTHER}"}
        jobs = [workspace.job("right"), workspace.job("wrong", org=org)]

        right, wrong = asyncio.run(gcbatch.arun_all(jobs))

        assert isinstance(right, gcbatch.RunReport)
        assert isinstance(wrong, AccessError)

    def test_jobs_share_token_and_listing(self, workspace: "Workspace") -> None:
        """Three jobs of one org take one token and list the queues once."""
        jobs = [
            workspace.job("one"),
            workspace.job("two", query={"metrics": ["nOffered"]}),
            workspace.job("three", query={"granularity": "P1D"}),
        ]

        reports = asyncio.run(gcbatch.arun_all(jobs))

        assert all(isinstance(report, gcbatch.RunReport) for report in reports)
        assert workspace.simulator.tokens_granted == 1
        assert len(workspace.simulator.requests("/routing/queues")) == 1

    def test_one_failure_does_not_stop_the_others(self, workspace: "Workspace") -> None:
        """Each job ends as its report or its error."""
        jobs = [
            workspace.job("one", query={"queues": ["No such queue"]}),
            workspace.job("two"),
        ]

        one, two = asyncio.run(gcbatch.arun_all(jobs))

        assert isinstance(one, JobError)
        assert isinstance(two, gcbatch.RunReport)

    def test_a_job_keeps_its_names_beside_others(
        self, workspace_of: "WorkspaceOf"
    ) -> None:
        """A listing made for one job does not take another's kept names away."""
        workspace = workspace_of(small_tenant(*TWO_QUEUES, Queue(id=GONE, name="Gone")))
        workspace.run("two", query=MARCH)
        deleted = Queue(id=GONE, name="Gone", deleted=True)
        workspace.become(small_tenant(*TWO_QUEUES, deleted))
        jobs = [
            workspace.job("one", query=MARCH),
            workspace.job("two", query={**MARCH, "granularity": "P1D"}),
        ]

        one, two = asyncio.run(gcbatch.arun_all(jobs))

        assert isinstance(one, gcbatch.RunReport)
        assert isinstance(two, gcbatch.RunReport)
        assert names_of(one) == {"Sales", "Support", GONE}
        assert names_of(two) == {"Sales", "Support", "Gone"}

    def test_kept_names_do_not_hide_new_ones(self, workspace_of: "WorkspaceOf") -> None:
        """What was listed for one job is not undone by what another had kept."""
        workspace = workspace_of(small_tenant(*TWO_QUEUES))
        users = {**MARCH, "group_by": ["queueId", "userId"], "metrics": ["tHandle"]}
        workspace.run("two", query=users)
        renamed = Queue(id=SALES, name="Sales, renamed")
        workspace.become(small_tenant(renamed, TWO_QUEUES[1]))
        jobs = [
            workspace.job("one", query=MARCH),
            workspace.job("two", query={**users, "granularity": "P1D"}),
        ]

        reports = asyncio.run(gcbatch.arun_all(jobs))

        for report in reports:
            assert isinstance(report, gcbatch.RunReport)
            assert names_of(report) == {"Sales, renamed", "Support"}

    def test_a_warning_is_said_of_its_job_only(
        self, workspace_of: "WorkspaceOf"
    ) -> None:
        """What one job may not list does not concern a job that needs it not."""
        workspace = workspace_of(permissions=frozenset({DATA_VIEW}))
        jobs = [
            workspace.job("one"),
            workspace.job("two", query={"group_by": ["mediaType"]}),
        ]

        one, two = asyncio.run(gcbatch.arun_all(jobs))

        assert isinstance(one, gcbatch.RunReport)
        assert isinstance(two, gcbatch.RunReport)
        assert len(one.warnings) == 1
        assert two.warnings == ()


class TestOrder:
    @pytest.fixture
    def expected(self, workspace_of: "WorkspaceOf") -> dict[str, bytes]:
        """Return what a run writes that asks one query after the other."""
        workspace = workspace_of()
        workspace.run(fetch={"concurrency": 1, "chunk": "PT12H"})
        return workspace.outputs()

    @pytest.mark.parametrize(
        "examples",
        [2, pytest.param(8, marks=pytest.mark.slow)],
        ids="{} examples".format,
    )
    def test_any_order_of_answers_gives_the_same_bytes(
        self, workspace_of: "WorkspaceOf", expected: dict[str, bytes], examples: int
    ) -> None:
        """Concurrency and the order of answers never show in an output."""

        @settings(max_examples=examples)
        @given(concurrency=st.integers(1, 32), seed=st.integers(0, 2**16))
        def check(concurrency: int, seed: int) -> None:
            late = (
                Fault("stall", times=None, probability=0.3, delay_s=delay_s)
                for delay_s in (0.001, 0.003, 0.006)
            )
            many = workspace_of(faults=Faults(*late, seed=seed))

            many.run(fetch={"concurrency": concurrency, "chunk": "PT12H"})

            assert many.simulator.peak_in_flight <= concurrency
            assert many.outputs() == expected

        check()

    def test_concurrency_is_used_and_kept(self, workspace_of: "WorkspaceOf") -> None:
        """As many queries are in flight as the job says, and never more."""
        stall = Fault("stall", times=None, delay_s=0.05)
        workspace = workspace_of(faults=Faults(stall))

        workspace.run(fetch={"concurrency": 4})

        assert workspace.simulator.peak_in_flight == 4


class TestLibrary:
    async def test_run_works_inside_a_running_loop(
        self, workspace: "Workspace"
    ) -> None:
        """As in a notebook, where a loop is running already."""
        report = gcbatch.run(workspace.job())

        assert report.rows == 485

    async def test_arun_is_awaited(self, workspace: "Workspace") -> None:
        """The async form runs in the caller's own loop."""
        report = await gcbatch.arun(workspace.job())

        assert report.rows == 485

    def test_tables_are_arrow_streams(self, workspace: "Workspace") -> None:
        """DuckDB and pyarrow take a table as it is, as often as they like."""
        table = workspace.run().tables["intervals"]
        whole = pa.table(table)
        streamed = pa.RecordBatchReader.from_stream(table)
        with duckdb.connect() as database:
            database.register("intervals", streamed)
            (total,) = database.sql("SELECT sum(n_offered) FROM intervals").fetchall()

        assert whole.num_rows == 485
        assert total[0] == sum(filter(None, whole["n_offered"].to_pylist()))

    def test_the_report_is_kept_as_json(self, workspace: "Workspace") -> None:
        """run.json says what the run returned, and which runs there were."""
        report = workspace.run()
        kept = json.loads((workspace.folder / "store/job/run.json").read_text("utf-8"))

        assert len(kept.pop("runs")) == 1
        assert kept == report.to_json()
        assert (kept["queries"], kept["rows"], kept["tokens"]) == (DAYS, 485, 1)

    def test_parts_are_readable_by_their_group(self, workspace: "Workspace") -> None:
        """Stored files follow the umask, so that a team can share a store."""
        before = os.umask(0o027)
        try:
            workspace.run()
        finally:
            os.umask(before)

        assert {part.stat().st_mode & 0o777 for part in workspace.parts} == {0o640}


class TestQueues:
    @pytest.fixture
    def workspace(self, workspace_of: "WorkspaceOf") -> "Workspace":
        return workspace_of(small_tenant(*TWO_QUEUES))

    @pytest.mark.parametrize(
        "queues", [["Sales"], [SALES], [SALES.upper()], ["Sales", SALES]]
    )
    def test_queues_are_named_or_identified(
        self, workspace: "Workspace", queues: list[str]
    ) -> None:
        """A name and an id mean the same queue, and it is asked once."""
        report = workspace.run(query={**MARCH, "queues": queues})

        assert names_of(report) == {"Sales"}
        assert len(workspace.data_requests[0].request["filter"]["clauses"]) == 1

    def test_queues_come_from_a_file(self, workspace: "Workspace") -> None:
        """A name or id a line, with comments and a byte-order mark."""
        file = workspace.folder / "queues.txt"
        file.write_text(f"\ufeff# ours\nSales\n\n {SUPPORT} \n", "utf-8")

        report = workspace.run(query={**MARCH, "queues": {"file": str(file)}})

        assert names_of(report) == {"Sales", "Support"}

    @pytest.mark.parametrize("content", [None, b"", b"# none\n", b"\xff"])
    def test_a_queue_file_of_no_use_is_refused(
        self, workspace: "Workspace", content: bytes | None
    ) -> None:
        """A missing, empty or unreadable file does not mean all queues."""
        file = workspace.folder / "queues.txt"
        if content is not None:
            file.write_bytes(content)

        with pytest.raises(JobError, match=r"query\.queues\.file"):
            workspace.run(query={**MARCH, "queues": {"file": str(file)}})

        assert not workspace.data_requests

    def test_an_unknown_queue_names_the_nearest(self, workspace: "Workspace") -> None:
        """All unknown names at once, each with what may be meant."""
        with pytest.raises(JobError) as refused:
            workspace.run(query={**MARCH, "queues": ["Sale", "support", "Zebra"]})

        lines = refused.value.problem.splitlines()
        assert [line.rpartition(": ")[2] for line in lines] == [
            "Sales",
            "Support",
            "Sales, Support",
        ]
        assert not workspace.data_requests

    def test_two_queues_of_one_name_are_distinguished(
        self, workspace_of: "WorkspaceOf"
    ) -> None:
        """A name that two queues bear is refused with their ids."""
        twins = (Queue(id=SALES, name="Sales"), Queue(id=SUPPORT, name="Sales"))
        workspace = workspace_of(small_tenant(*twins))

        with pytest.raises(JobError, match=f"{SALES}, {SUPPORT}"):
            workspace.run(query={**MARCH, "queues": ["Sales"]})

    def test_a_reused_name_means_the_queue_that_is_there(
        self, workspace_of: "WorkspaceOf"
    ) -> None:
        """A deleted queue's kept name does not make its successor ambiguous."""
        workspace = workspace_of(small_tenant(*TWO_QUEUES))
        workspace.run(query={**MARCH, "queues": ["Sales"]})
        old = Queue(id=SALES, name="Sales", deleted=True)
        workspace.become(small_tenant(old, Queue(id=GONE, name="Sales")))

        workspace.run(fresh=True, query={**MARCH, "queues": ["Sales"]})

        assert GONE in json.dumps(workspace.data_requests[-1].request)

    def test_a_client_that_may_not_list_gets_ids(
        self, workspace_of: "WorkspaceOf"
    ) -> None:
        """Data comes all the same, with one warning that names the permission."""
        permissions = frozenset({DATA_VIEW})
        workspace = workspace_of(small_tenant(*TWO_QUEUES), permissions=permissions)

        report = workspace.run(query=MARCH)

        assert names_of(report) == {SALES, SUPPORT}
        assert len(report.warnings) == 1
        assert QUEUE_VIEW in report.warnings[0]

    def test_the_lesser_listing_serves_too(self, workspace_of: "WorkspaceOf") -> None:
        """A client that may only search queues still learns their names."""
        permissions = frozenset({DATA_VIEW, "routing:queue:search"})
        workspace = workspace_of(small_tenant(*TWO_QUEUES), permissions=permissions)

        report = workspace.run(query=MARCH)

        assert names_of(report) == {"Sales", "Support"}
        assert not report.warnings

    def test_names_that_may_not_be_listed_are_no_use(
        self, workspace_of: "WorkspaceOf"
    ) -> None:
        """A job that names queues needs the permission to find them."""
        workspace = workspace_of(permissions=frozenset({DATA_VIEW}))

        with pytest.raises(AccessError, match=QUEUE_VIEW) as refused:
            workspace.run(query={"queues": ["Prospects"]})

        assert refused.value.exit_code == 3
        assert not workspace.data_requests

    def test_ids_need_no_listing(self, workspace_of: "WorkspaceOf") -> None:
        """A job that names ids runs without the permission."""
        permissions = frozenset({DATA_VIEW})
        workspace = workspace_of(small_tenant(*TWO_QUEUES), permissions=permissions)

        report = workspace.run(query={**MARCH, "queues": [SALES]})

        assert names_of(report) == {SALES}

    def test_the_data_needs_its_permission(self, workspace_of: "WorkspaceOf") -> None:
        """A missing permission for the data is named, and ends the job."""
        workspace = workspace_of(permissions=frozenset({QUEUE_VIEW}))

        with pytest.raises(AccessError, match=DATA_VIEW) as refused:
            workspace.run()

        assert DATA_VIEW in (refused.value.hint or "")
        assert len(workspace.data_requests) <= 8


class TestNames:
    def test_a_deleted_queue_is_its_own_name(self, workspace_of: "WorkspaceOf") -> None:
        """An id without a listing is its own name."""
        gone = Queue(id=GONE, name="Gone", deleted=True)
        workspace = workspace_of(small_tenant(*TWO_QUEUES, gone))

        assert names_of(workspace.run(query=MARCH)) == {"Sales", "Support", GONE}

    def test_a_deleted_queue_keeps_its_last_name(
        self, workspace_of: "WorkspaceOf"
    ) -> None:
        """What an earlier run of the job learned is not forgotten."""
        workspace = workspace_of(small_tenant(*TWO_QUEUES))
        workspace.run(query=MARCH)
        gone = Queue(id=SALES, name="Sales", deleted=True)
        workspace.become(small_tenant(gone, TWO_QUEUES[1]))

        report = workspace.run(query=MARCH, fresh=True)

        assert names_of(report) == {"Sales", "Support"}

    @pytest.mark.parametrize("dimension", ["userId", "wrapUpCode"])
    def test_other_ids_have_names_too(
        self, workspace_of: "WorkspaceOf", dimension: str
    ) -> None:
        """Users, also those who left, and wrap-up codes are named beside their ids."""
        workspace = workspace_of(small_tenant(*TWO_QUEUES))

        report = workspace.run(
            query={**MARCH, "group_by": [dimension], "metrics": ["tHandle"]}
        )

        ids, names, found = {
            "userId": ("user_id", "user_name", (ANN, "Ann")),
            "wrapUpCode": ("wrap_up_code", "wrap_up_code_name", (DONE, "Done")),
        }[dimension]
        rows = report.tables["intervals"].read_all().to_pylist()
        assert {(row[ids], row[names]) for row in rows} == {found}

    def test_each_dimension_has_its_column(self, workspace_of: "WorkspaceOf") -> None:
        """Groups of several dimensions are distinguished, in the job's order."""
        workspace = workspace_of(small_tenant(*TWO_QUEUES))

        report = workspace.run(query={**MARCH, "group_by": ["mediaType", "queueId"]})

        table = report.tables["intervals"].read_all()
        rows = table.select(["media_type", "queue_id", "queue_name"]).to_pylist()
        assert {tuple(row.values()) for row in rows} == {
            ("voice", SALES, "Sales"),
            ("voice", SUPPORT, "Support"),
        }

    def test_long_listings_are_read_to_their_end(
        self, workspace_of: "WorkspaceOf"
    ) -> None:
        """Names beyond the first page are found, with pages shorter than asked."""
        queues = tuple(Queue(id=some_id(n), name=f"Queue {n}") for n in range(130))
        workspace = workspace_of(small_tenant(*queues, hours=1), max_page_size=50)

        report = workspace.run(query=MARCH)

        assert names_of(report) == {queue.name for queue in queues}
        assert len(workspace.simulator.requests("/routing/queues")) == 3
