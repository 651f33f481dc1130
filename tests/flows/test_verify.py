"""Checking a run: its parts, its outputs, and the service's own day totals."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pyarrow as pa
import pytest
from typer.testing import Result

from gcbatch import DataError, JobError
from gcbatch.genesys.metrics import Merge
from gcbatch.simulator import (
    Call,
    Fault,
    Faults,
    Presence,
    Queue,
    Tenant,
    User,
    sample_tenant,
)
from gcbatch.store import part_file
from gcbatch.store.store import Store
from gcbatch.verifying.result import MAX_LISTED, VerifyResult
from gcbatch.verifying.totals import ComparedColumn, Difference, differences, figures_of
from gcbatch.verifying.verifier import verify_org
from gcbatch.windows import Window
from tests.support.old_parts import part_in, remove_query_digest
from tests.support.stored_files import path_of

if TYPE_CHECKING:
    from tests.conftest import Workspace, WorkspaceOf

DAY = timedelta(days=1)
SALES, SUPPORT, ANN, MEAL = (
    str(UUID(int=n + (4 << 76) + (8 << 60))) for n in (1, 2, 11, 31)
)
QUEUES = (Queue(id=SALES, name="Sales"), Queue(id=SUPPORT, name="Support"))
MARCH = {"from": "2026-03-02", "to": "2026-03-05", "timezone": "UTC"}


def calls(start: datetime, days: int, *, wait_s: int = 10) -> tuple[Call, ...]:
    """Return an answered call an hour in each queue."""
    return tuple(
        Call(
            queue_id=queue.id,
            offered=start + timedelta(hours=hour, minutes=10),
            answered=start + timedelta(hours=hour, minutes=10, seconds=wait_s),
            ended=start + timedelta(hours=hour, minutes=12),
            user_id=ANN,
        )
        for queue in QUEUES
        for hour in range(24 * days)
    )


def tenant(*more: Call, start: datetime | None = None, days: int = 3) -> Tenant:
    start = start or datetime(2026, 3, 2, tzinfo=UTC)
    return Tenant(
        name="Small",
        version="1",
        queues=QUEUES,
        users=(User(id=ANN, name="Ann"),),
        calls=(*calls(start, days), *more),
    )


LATE = Call(queue_id=SALES, offered=datetime(2026, 3, 3, 9, 30, tzinfo=UTC))
"""A call that the service reports later."""


def march(workspace: "Workspace", **sections: Any) -> VerifyResult:
    return verify_org(workspace.job(**{"query": MARCH, **sections}))


def snapshot(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Return every file's content, and when it was written."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(p): (p.read_bytes(), p.stat().st_mtime_ns) for p in files}


def rewrite(
    workspace: "Workspace",
    part: Path,
    change: Callable[[pa.Table], pa.Table],
    **changes: Any,
) -> None:
    """Change a part as one who can seal it again."""
    store = Store(workspace.folder / "store", "job")
    whole = part_in(store, part.stem)
    reported = replace(whole.metadata, **changes)
    store.write(part.stem, replace(whole, table=change(whole.table), metadata=reported))


def raised(table: pa.Table, column: str = "n_offered") -> pa.Table:
    """Return the rows with one more in a figure of the first of them."""
    values = table[column].to_pylist()
    values[0] = (values[0] or 0) + 1
    at = table.column_names.index(column)
    field = table.schema.field(column)
    return table.set_column(at, field, pa.array(values, field.type))


class TestAGoodRun:
    def test_is_good(self, workspace: "Workspace") -> None:
        """Parts and outputs are there, and the service's day totals are the same."""
        workspace.run()

        found = verify_org(workspace.job())

        assert found.is_good
        assert (found.parts, found.outputs) == (7, 3)
        assert found.totals is not None
        assert (found.totals.spans, found.totals.differing) == (7, 0)
        assert not found.totals.left_out

    def test_costs_the_fewest_queries(self, workspace: "Workspace") -> None:
        """Seven windows of hours are compared with one query of days."""
        workspace.run()
        workspace.simulator.request_log.clear()

        verify_org(workspace.job())

        (asked,) = workspace.data_requests
        assert asked.request["granularity"] == "P1D"
        assert asked.request["timeZone"] == "Asia/Jerusalem"

    def test_asks_about_the_jobs_queues_alone(
        self, workspace_of: "WorkspaceOf"
    ) -> None:
        """A job of one queue is compared with the totals of that queue."""
        workspace = workspace_of(tenant())
        query = {**MARCH, "queues": ["Sales"], "media_types": ["voice"]}
        workspace.run(query=query)
        workspace.simulator.request_log.clear()

        found = march(workspace, query=query)

        (asked,) = workspace.data_requests
        assert found.is_good
        assert SALES in json.dumps(asked.request)
        assert SUPPORT not in json.dumps(asked.request)

    @pytest.mark.parametrize(
        ("start", "granularity"),
        [
            ((2026, 3, 28), "PT1H"),
            ((2026, 10, 24), "PT30M"),
            ((2026, 10, 24), "PT3H"),
        ],
    )
    def test_days_of_23_and_25_hours_add_up(
        self, workspace_of: "WorkspaceOf", start: tuple[int, int, int], granularity: str
    ) -> None:
        """A day is the zone's, however long; the week holds a change of the clocks."""
        first = datetime(*start, tzinfo=UTC)
        workspace = workspace_of(tenant(start=first, days=4))
        query = {
            "from": f"{first.date()}",
            "to": f"{(first + 3 * DAY).date()}",
            "timezone": "Europe/Dublin",
            "granularity": granularity,
        }
        workspace.run(query=query, fetch={"settle": "PT0S"})

        found = verify_org(workspace.job(query=query, fetch={"settle": "PT0S"}))

        assert found.is_good
        assert found.totals is not None
        assert found.totals.spans == 3

    def test_never_writes(self, workspace: "Workspace") -> None:
        """Nothing in the folder changes, not even a damaged part."""
        workspace.run()
        workspace.parts[0].write_bytes(b"damaged")
        job = workspace.job()
        before = snapshot(workspace.folder)

        verify_org(job)

        assert snapshot(workspace.folder) == before

    def test_offline_makes_no_request(self, workspace: "Workspace") -> None:
        """Without the service, parts and outputs are checked all the same."""
        workspace.run()
        workspace.simulator.request_log.clear()

        found = verify_org(workspace.job(), offline=True)

        assert len(workspace.simulator.request_log) == 0
        assert found.is_good
        assert (found.totals, found.not_compared) == (None, "offline")

    def test_user_aggregates_add_up(self, workspace_of: "WorkspaceOf") -> None:
        """Presences that last over midnight are cut there, by whichever bucket."""
        evening = datetime(2026, 3, 2, 22, tzinfo=UTC)
        presence = Presence(
            user_id=ANN,
            system_presence="MEAL",
            organization_presence_id=MEAL,
            start=evening,
            end=evening + timedelta(hours=30),
            routing_status="IDLE",
        )
        workspace = workspace_of(replace(tenant(), presences=(presence,)))
        query = {
            **MARCH,
            "endpoint": "user-aggregates",
            "metrics": ["tSystemPresence", "tOrganizationPresence"],
            "filter": {
                "type": "or",
                "predicates": [{"dimension": "userId", "value": ANN}],
            },
        }
        workspace.run(query=query)

        found = march(workspace, query=query)

        assert found.is_good
        assert found.totals is not None
        assert found.totals.spans == 3

    def test_what_is_too_large_is_asked_in_pieces(
        self, workspace_of: "WorkspaceOf"
    ) -> None:
        """A service that answers two rows at once is compared all the same."""
        workspace = workspace_of(tenant(), max_results=2)
        query = {**MARCH, "granularity": "PT12H"}
        workspace.run(query=query)

        found = march(workspace, query=query)

        assert found.is_good
        assert found.totals is not None
        assert found.totals.spans == 3


class TestOtherBuckets:
    def test_days_at_the_ends_that_are_not_whole_are_left_out(
        self, workspace_of: "WorkspaceOf"
    ) -> None:
        """What begins or ends within a day is said, and not compared."""
        workspace = workspace_of(tenant())
        query = {**MARCH, "from": "2026-03-02T10:00", "to": "2026-03-04T07:00"}
        workspace.run(query=query)

        found = march(workspace, query=query)

        assert found.is_good
        assert found.totals is not None
        assert found.totals.spans == 1
        assert [w.span for w in found.totals.left_out] == [
            timedelta(hours=14),
            timedelta(hours=7),
        ]

    def test_a_range_without_a_whole_day(self, workspace_of: "WorkspaceOf") -> None:
        """Then nothing is asked."""
        workspace = workspace_of(tenant())
        query = {**MARCH, "from": "2026-03-02T10:00", "to": "2026-03-03T07:00"}
        workspace.run(query=query)
        workspace.simulator.request_log.clear()

        found = march(workspace, query=query)

        assert found.totals is not None
        assert (found.totals.spans, len(workspace.simulator.request_log)) == (0, 0)
        assert len(found.totals.left_out) == 1

    @pytest.mark.parametrize(
        ("granularity", "chunk", "asked", "spans"),
        [
            pytest.param(None, "PT6H", "P1D", 3, id="windows within days"),
            pytest.param(None, "P1D", "P1D", 3, id="windows of days"),
            pytest.param(None, "P2D", None, 2, id="longer windows"),
            pytest.param(None, "PT36H", None, 2, id="windows across midnights"),
            pytest.param("P1D", "P1D", "P1D", 3, id="days"),
            pytest.param("P3D", "auto", "P3D", 1, id="three days"),
        ],
    )
    def test_longer_buckets_are_compared_as_they_are(
        self,
        workspace_of: "WorkspaceOf",
        granularity: str | None,
        chunk: str,
        asked: str | None,
        spans: int,
    ) -> None:
        """Buckets of a day or more cannot be cut into days; they are asked again."""
        workspace = workspace_of(tenant())
        sections: dict[str, Any] = {
            "query": {**MARCH, "granularity": granularity},
            "fetch": {"chunk": chunk},
        }
        workspace.run(**sections)
        workspace.simulator.request_log.clear()

        found = march(workspace, **sections)
        granularities = {e.request.get("granularity") for e in workspace.data_requests}
        workspace.become(tenant(LATE))
        late = march(workspace, **sections)

        assert found.is_good
        assert found.totals is not None
        assert found.totals.spans == spans
        assert granularities == {asked}
        assert late.totals is not None
        assert [(d.group, d.figure) for d in late.totals.listed] == [
            ({"queue_id": SALES}, "nOffered.count")
        ]

    def test_tutorials_endpoints_have_no_totals(self, workspace: "Workspace") -> None:
        """Their parts and outputs are checked, and that is said."""
        query = {
            "endpoint": "queue-summary",
            "metrics": [],
            "granularity": "P1D",
            "from": "1999-08-01",
            "to": "1999-08-02",
        }
        workspace.run(query=query)

        found = verify_org(workspace.job(query=query))

        assert found.is_good
        assert found.parts > 0
        assert found.not_compared == "queue-summary has no totals to compare with"


class TestTheServiceSaysOtherwise:
    def test_a_late_correction_is_found(self, workspace_of: "WorkspaceOf") -> None:
        """Queue, metric, day and both numbers are named; --refetch mends it."""
        workspace = workspace_of(tenant())
        workspace.run(query=MARCH)
        workspace.become(tenant(LATE))

        found = march(workspace)
        workspace.run(query=MARCH, refetch="2026-03-03..2026-03-04")

        day = Window(*(datetime(2026, 3, d, tzinfo=UTC) for d in (3, 4)))
        assert found.totals is not None
        assert found.totals.listed[0] == Difference(
            day, {"queue_id": SALES}, "nOffered.count", 24, 25
        )
        assert {d.window for d in found.totals.listed} == {day}
        assert found.error is not None
        assert "Sales, nOffered.count, 2026-03-03: stored 24, served 25" in str(
            found.error
        )
        command = "gcbatch run JOB --refetch 2026-03-03..2026-03-04"
        assert found.error.hint == f"`{command}` fetches these days again"
        assert march(workspace).is_good

    def test_of_several_problems_the_way_out_mends_all(
        self, workspace_of: "WorkspaceOf"
    ) -> None:
        """Where figures differ too, running again would mend the lost part alone."""
        workspace = workspace_of(tenant())
        workspace.run(query=MARCH)
        workspace.become(tenant(LATE))
        store = Store(workspace.folder / "store", "job")
        (first,) = (
            part
            for part in workspace.parts
            if part_in(store, part.stem).metadata.window.start.day == 2
        )
        first.unlink()

        error = march(workspace).error

        assert error is not None
        assert "part is missing" in error.problem
        assert error.hint is not None
        assert "--refetch 2026-03-02..2026-03-04" in error.hint

    def test_least_and_greatest_are_compared(self, workspace_of: "WorkspaceOf") -> None:
        """A longest wait that changed shows, be the sums the same or not."""
        workspace = workspace_of(tenant())
        workspace.run(query=MARCH)
        slow = replace(
            LATE,
            answered=LATE.offered + timedelta(seconds=99),
            ended=LATE.offered + timedelta(seconds=200),
        )
        workspace.become(tenant(slow))

        found = march(workspace)

        assert found.totals is not None
        maximum = [d for d in found.totals.listed if d.figure == "tAnswered.max"]
        assert [(d.stored, d.served) for d in maximum] == [(10_000, 99_000)]

    def test_days_that_have_not_settled_are_no_differences(
        self, workspace_of: "WorkspaceOf"
    ) -> None:
        """What the next run fetches again anyway is reported, with exit 0."""
        workspace = workspace_of(tenant())
        fetch = {"settle": "P20Y"}
        with pytest.raises(JobError):
            workspace.job(query=MARCH, fetch=fetch)
        fetch = {"settle": "P9Y"}
        workspace.run(query=MARCH, fetch=fetch)
        workspace.become(tenant(LATE))

        found = march(workspace, fetch=fetch)

        assert found.is_good
        assert found.totals is not None
        assert (found.totals.provisional, found.totals.differing) == (3, 0)
        assert found.totals.differing_provisional == len(
            found.totals.listed_provisional
        )
        assert found.totals.listed_provisional[0].served == 25

    def test_a_clock_that_is_behind_excuses_no_difference(
        self, workspace: "Workspace"
    ) -> None:
        """What has settled by the service's clock has, though by ours it lies ahead."""
        workspace.simulator.now = lambda: datetime.now(UTC) + 400 * DAY
        workspace.run()

        totals = verify_org(workspace.job()).totals

        assert totals is not None
        assert (totals.spans, totals.provisional) == (7, 0)

    def test_all_are_counted_and_some_are_listed(
        self, workspace_of: "WorkspaceOf"
    ) -> None:
        """Another org's data differ everywhere; the list is bounded."""
        start = datetime(2026, 1, 1, tzinfo=UTC)
        query = {"from": "2026-01-01", "to": "2026-05-01", "timezone": "UTC"}
        workspace = workspace_of(tenant(start=start, days=120))
        workspace.run(query=query, fetch={"chunk": "auto"})
        workspace.become(
            replace(tenant(), calls=calls(start, 120, wait_s=11)[: 24 * 120 * 2 - 24])
        )

        found = verify_org(workspace.job(query=query, fetch={"chunk": "auto"}))

        assert found.totals is not None
        assert len(found.totals.listed) == min(MAX_LISTED, found.totals.differing)
        assert found.totals.differing > MAX_LISTED
        assert found.error is not None

    def test_a_service_that_fails_hides_nothing(self, workspace: "Workspace") -> None:
        """Flaws found by then are reported; without one the failure is the error."""
        workspace.run()
        refused = Fault("status", status=400, times=None)
        workspace.simulator.faults.add(refused)

        failed = verify_org(workspace.job())
        workspace.parts[0].unlink()
        flawed = verify_org(workspace.job())

        assert failed.error is not None
        assert failed.error.exit_code == 4
        assert failed.error.problem == failed.not_compared
        assert flawed.error is not None
        assert flawed.error.exit_code == 5


class TestParts:
    @pytest.mark.parametrize(
        ("how", "problem"),
        [
            ("flipped", "part is damaged"),
            ("emptied", "part is damaged"),
            ("lost", "part is missing"),
            ("a folder", "cannot be read"),
        ],
    )
    def test_a_part_that_cannot_be_read(
        self, workspace: "Workspace", how: str, problem: str
    ) -> None:
        """It is named with its window, and its day is left out of the comparison."""
        workspace.run()
        part = workspace.parts[3]
        content = bytearray(part.read_bytes())
        content[200] ^= 0xFF
        part.unlink()
        if how == "a folder":
            part.mkdir()
        elif how != "lost":
            part.write_bytes(content if how == "flipped" else b"")

        found = verify_org(workspace.job())

        (flaw,) = found.part_flaws
        assert flaw.path == str(part)
        assert flaw.problem.startswith(problem)
        assert found.totals is not None
        assert (found.totals.spans, len(found.totals.left_out)) == (6, 1)
        assert found.error is not None
        assert problem in found.error.problem
        assert found.error.hint is not None
        assert "missing or damaged" in found.error.hint

    def test_a_part_that_was_changed_and_sealed_again(
        self, workspace: "Workspace"
    ) -> None:
        """The service's totals show it, and so does the digest of the inputs."""
        workspace.run()
        rewrite(workspace, workspace.parts[3], raised)

        found = verify_org(workspace.job())

        assert not found.part_flaws
        assert found.totals is not None
        (difference,) = found.totals.listed
        assert difference.stored == (difference.served or 0) + 1
        assert "is of other parts" in found.output_flaws[0].problem

    def test_a_part_in_anothers_place(self, workspace: "Workspace") -> None:
        """A part is the answer to its own query."""
        workspace.run()
        one, other = workspace.parts[:2]
        one.write_bytes(other.read_bytes())

        found = verify_org(workspace.job())

        assert [flaw.problem.split(" (")[0] for flaw in found.part_flaws] == [
            "part belongs to another query"
        ]
        assert one.exists()

    def test_a_part_of_an_older_release_in_anothers_place(
        self, workspace: "Workspace"
    ) -> None:
        """It names no query, but its window is not that of the other."""
        workspace.run()
        one, other = workspace.parts[:2]
        one.write_bytes(other.read_bytes())
        remove_query_digest(one)

        found = verify_org(workspace.job())

        assert "part is of another window" in found.part_flaws[0].problem

    @pytest.mark.parametrize(
        ("change", "account", "problem"),
        [
            (lambda t: t.slice(1), {}, "rows, its metadata says"),
            (lambda t: t, {"rows": 3}, "rows, its metadata says 3"),
            (lambda t: t.drop_columns(["n_offered"]), {}, "has other columns"),
            (
                lambda t: t.set_column(
                    0,
                    t.schema.field(0),
                    pa.array([datetime(1999, 7, 1, tzinfo=UTC)] * t.num_rows).cast(
                        t.schema.field(0).type
                    ),
                ),
                {},
                "buckets outside its window",
            ),
        ],
        ids=["fewer rows", "another account", "columns", "buckets"],
    )
    def test_a_part_that_does_not_fit_its_query(
        self, workspace: "Workspace", change: Any, account: dict[str, Any], problem: str
    ) -> None:
        """Rows, columns and buckets are those of the job, whatever the checksum."""
        workspace.run()
        rewrite(workspace, workspace.parts[0], change, **account)

        found = verify_org(workspace.job(), offline=True)

        assert problem in found.part_flaws[0].problem

    def test_a_part_without_account(self, workspace: "Workspace") -> None:
        """A file that is sealed but has no metadata is damaged."""
        workspace.run()
        content = workspace.parts[0].read_bytes()
        broken = content.replace(b'"asked_at"', b'"bsked_at"')
        store = Store(workspace.folder / "store", "job")
        path_of(store, workspace.parts[0].stem).write_bytes(broken)
        part_file.write_checksum(path_of(store, workspace.parts[0].stem))

        found = verify_org(workspace.job(), offline=True)

        assert "has no metadata" in found.part_flaws[0].problem

    def test_an_empty_part_is_good(self, workspace: "Workspace") -> None:
        """No rows are a good answer."""
        query = {"from": "2001-01-01", "to": "2001-01-08"}
        workspace.run(query=query)

        found = verify_org(workspace.job(query=query))

        assert (found.is_good, found.parts) == (True, 7)


class TestOutputs:
    @pytest.mark.parametrize(
        ("how", "problem"),
        [
            ("changed", "output has changed"),
            ("removed", "output is missing"),
            ("a folder", "output cannot be read"),
        ],
    )
    def test_an_output_that_is_not_what_was_written(
        self, workspace: "Workspace", how: str, problem: str
    ) -> None:
        """It is named; running again mends it."""
        workspace.run()
        path = workspace.folder / "job.csv"
        content = path.read_bytes()
        path.unlink()
        if how == "changed":
            path.write_bytes(content.replace(b"1", b"2", 1))
        elif how == "a folder":
            path.mkdir()

        found = verify_org(workspace.job(), offline=True)

        (flaw,) = found.output_flaws
        assert (flaw.path, flaw.problem[: len(problem)]) == (str(path), problem)
        assert found.error is not None
        assert found.error.exit_code == 5
        assert found.error.hint == "`gcbatch run JOB` writes the outputs again"

    @pytest.mark.parametrize("note", [None, b"{", b"{}", b'{"digests": []}'])
    def test_a_run_that_reported_nothing(
        self, workspace: "Workspace", note: bytes | None
    ) -> None:
        """Without run.json the outputs are unknown."""
        workspace.run()
        path = workspace.folder / "store/job/run.json"
        path.unlink()
        if note is not None:
            path.write_bytes(note)

        found = verify_org(workspace.job(), offline=True)

        assert "the run did not end" in found.output_flaws[0].problem

    def test_a_run_that_left_gaps(self, workspace: "Workspace") -> None:
        """Outputs of a partial run are no outputs of the plan."""
        workspace.run()
        path = workspace.folder / "store/job/run.json"
        reported = json.loads(path.read_bytes())
        path.write_text(json.dumps({**reported, "gaps": [{}]}))

        found = verify_org(workspace.job(), offline=True)

        assert "has gaps: 1" in found.output_flaws[0].problem

    def test_a_run_whose_outputs_failed(self, workspace: "Workspace") -> None:
        """After new parts, outputs of the run before are no longer the job's."""
        workspace.run(query={"to": "1999-08-05"})
        reported = (workspace.folder / "store/job/run.json").read_bytes()
        workspace.run()
        (workspace.folder / "store/job/run.json").write_bytes(reported)

        found = verify_org(workspace.job(), offline=True)

        assert "is of another run" in found.output_flaws[0].problem
        assert len(found.output_flaws) > 1
        assert found.error is not None
        assert "outputs are not as the run left them, first" in found.error.problem


class TestCommand:
    def test_a_good_run_is_exit_0(
        self, cli: Callable[..., Result], workspace: "Workspace"
    ) -> None:
        """What was looked at is said."""
        workspace.run()

        result = cli("verify", workspace.write())
        offline = cli("verify", "--offline", workspace.write())

        assert result.exit_code == offline.exit_code == 0
        assert "7 parts: as the run left them" in result.stdout
        assert "3 outputs: as the run left them" in result.stdout
        assert "no figure differs" in result.stdout
        assert "not compared with the service: offline" in offline.stdout

    def test_a_difference_is_exit_5(
        self, cli: Callable[..., Result], workspace: "Workspace"
    ) -> None:
        """The screen lists differences; the message has cause and way out."""
        workspace.run()
        offered = datetime(1999, 8, 2, 9, tzinfo=UTC)
        sample = sample_tenant()
        more = replace(sample.calls[0], offered=offered, answered=None, ended=None)
        more = replace(more, abandoned=None, user_id=None, wrap_up_code=None)
        workspace.become(replace(sample, calls=(*sample.calls, *[more] * 60)))

        result = cli("verify", workspace.write())
        reported = json.loads(cli("verify", "--json", workspace.write()).stdout)

        assert result.exit_code == 5
        assert "nOffered.count" in result.stdout
        assert "1999-08-02 00:00  1999-08-03 00:00" in result.stdout
        assert "--refetch 1999-08-02..1999-08-03` fetches these" in result.stderr
        assert reported["good"] is False
        (difference,) = reported["totals"]["differences"]
        assert difference["served"] == difference["stored"] + 60
        assert difference["from"] == "1999-08-01T21:00:00.000Z"

    def test_long_lists_are_cut(
        self, cli: Callable[..., Result], workspace: "Workspace"
    ) -> None:
        """A terminal shows the first flaws and differences, and how many there are."""
        job = workspace.write(fetch={"chunk": "PT6H"})
        cli("run", job)
        workspace.become(tenant())

        differing = cli("verify", job)
        for part in workspace.parts[:24]:
            part.unlink()
        lost = cli("verify", job)

        assert (differing.exit_code, lost.exit_code) == (5, 5)
        assert re.search(r"^and \d+ more$", differing.stdout, re.MULTILINE)
        assert "24 flaws" in lost.stdout
        assert "  and 4 more" in lost.stdout
        assert "24 parts are not as the run left them, first" in lost.stderr

    def test_what_cannot_be_judged_is_said(
        self, cli: Callable[..., Result], workspace: "Workspace"
    ) -> None:
        """Days that are not whole, or may still change, are reported with exit 0."""
        workspace.become(tenant())
        job = workspace.write(
            query={**MARCH, "from": "2026-03-02T10:00"}, fetch={"settle": "P9Y"}
        )
        cli("run", job)
        workspace.become(tenant(LATE))

        result = cli("verify", job)

        assert result.exit_code == 0
        assert "provisional: 2 of them, in which 1 figure differs" in result.stdout
        assert "2026-03-03 00:00  2026-03-04 00:00" in result.stdout
        assert (
            "left out, not a whole day or not complete: "
            "2026-03-02 10:00 to 2026-03-03 00:00"
        ) in result.stdout

    def test_many_days_left_out_are_cut(
        self, cli: Callable[..., Result], workspace: "Workspace"
    ) -> None:
        """Twenty are listed."""
        start = datetime(2026, 1, 1, tzinfo=UTC)
        workspace.become(tenant(start=start, days=30))
        query = {"from": "2026-01-01", "to": "2026-01-31", "timezone": "UTC"}
        job = workspace.write(query=query)
        cli("run", job)
        for part in workspace.parts[:23]:
            part.unlink()

        result = cli("verify", job)

        assert result.stdout.count("left out, not") == 20
        assert result.stdout.count("  and 3 more") == 2

    def test_a_job_that_never_ran_is_exit_5(
        self, cli: Callable[..., Result], workspace: "Workspace"
    ) -> None:
        """Nor can another question be checked than was asked: exit 2."""
        never = cli("verify", workspace.write())
        workspace.run()
        other = cli("verify", workspace.write(query={"granularity": "P1D"}))

        assert (never.exit_code, other.exit_code) == (5, 2)
        assert "holds no run" in never.stderr
        with pytest.raises(DataError):
            verify_org(workspace.job("another"))


def rows(*figures: tuple[datetime, str | None, int | None, float | None]) -> pa.Table:
    return pa.table(
        {
            "interval_start": pa.array(
                [f[0] for f in figures], pa.timestamp("ms", tz="UTC")
            ),
            "queue_id": pa.array([f[1] for f in figures], pa.string()),
            "n": pa.array([f[2] for f in figures], pa.int64()),
            "x": pa.array([f[3] for f in figures], pa.float64()),
        }
    )


NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SPANS = [Window(NOON - DAY / 2, NOON + DAY / 2)]
ADDS = [ComparedColumn("n", "n", Merge.ADD), ComparedColumn("x", "x", Merge.ADD)]


class TestAddingUp:
    def found(
        self, stored: pa.Table, served: pa.Table, figures: list[ComparedColumn] = ADDS
    ) -> list[Difference]:
        return list(
            differences([stored], [served], SPANS, groups=["queue_id"], figures=figures)
        )

    def test_absent_is_0_where_it_adds(self) -> None:
        """The service leaves out what has no data; a queue of zeros is the same."""
        stored = rows((NOON, "a", 0, None), (NOON, None, None, None))

        assert not self.found(stored, rows())
        assert not self.found(rows(), stored)

    def test_a_least_that_is_absent_is_no_0(self) -> None:
        """Of nothing there is no least, and that is not 0."""
        least = [ComparedColumn("n", "n.min", Merge.MIN)]

        (found,) = self.found(rows((NOON, "a", 0, None)), rows(), least)

        assert (found.stored, found.served) == (0, None)

    def test_the_last_digits_of_floats_do_not_count(self) -> None:
        """The order of adding shows there."""
        tenths = rows(*((NOON, "a", 1, 0.1) for _ in range(10)))

        assert not self.found(tenths, rows((NOON, "a", 10, 1.0)))
        assert self.found(tenths, rows((NOON, "a", 10, 1.0001)))

    def test_no_group_is_a_group(self) -> None:
        """Rows without a queue are compared with rows without one."""
        (found,) = self.found(
            rows((NOON, None, 1, None), (NOON, "a", 1, None)),
            rows((NOON, None, 2, None), (NOON, "a", 1, None)),
        )

        assert (found.group, found.stored, found.served) == ({"queue_id": None}, 1, 2)

    def test_rows_of_other_days_are_passed_over(self) -> None:
        """A part may reach beyond the days that are compared."""
        around = rows((NOON - DAY, "a", 5, None), (NOON + DAY, "a", 5, None))

        assert not self.found(around, rows())

    def test_ratios_are_never_compared(self, workspace: "Workspace") -> None:
        """What does not add is left alone: ratios and targets."""
        sources = {figure.source for figure in figures_of(workspace.job().query)}

        assert "oServiceLevel.numerator" in sources
        assert not {s for s in sources if s.endswith((".ratio", ".target"))}

    def test_without_comparable_figures_nothing_differs(self) -> None:
        """A job may ask gauges alone."""
        assert not self.found(rows((NOON, "a", 1, None)), rows(), [])


def test_a_fault_in_between_is_repeated(workspace_of: "WorkspaceOf") -> None:
    """Asking totals is as patient as a run is."""
    workspace = workspace_of(faults=Faults())
    workspace.run()
    workspace.simulator.faults.add(Fault("status", status=503, wait_s=0))

    found = verify_org(workspace.job())

    assert found.is_good
    assert found.totals is not None
    assert found.totals.requests == 2
