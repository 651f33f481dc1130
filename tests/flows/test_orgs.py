"""Several orgs in one job: side by side, kept apart, one failure its own."""

import asyncio
import csv
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest

import gcbatch
from gcbatch import AccessError, DataError, GcbatchError, JobError, ServiceError
from gcbatch.fetching.engine import LocalEngine
from gcbatch.fetching.observer import CombinedObserver, Observer
from gcbatch.fetching.sessions import OrgSessions as OpenOrgs
from gcbatch.job.fetch import Fetch
from gcbatch.query import Query
from gcbatch.running import job_run as jobrun
from gcbatch.simulator import Fault, Faults
from gcbatch.windows import Window
from tests.conftest import WIDE
from tests.support.several_orgs import DAYS, SALES, SUPPORT, Orgs, damage_rows, orgs_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Workspace, WorkspaceOf

DAY = datetime(2026, 3, 2, tzinfo=UTC)
SOME_QUERIES = DAYS
"""Windows of a day, and so queries of each org."""


@pytest.fixture
def orgs(workspace_of: "WorkspaceOf") -> Orgs:
    """Start three orgs."""
    return orgs_of(workspace_of)


@pytest.fixture
def two(workspace_of: "WorkspaceOf") -> Orgs:
    """Start two orgs."""
    return orgs_of(workspace_of, "north", "south")


def csv_rows(path: "Path") -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def rows_by_org(report: gcbatch.RunReport, table: str = "intervals") -> Counter[str]:
    return Counter(report.tables[table].read_all()["org"].to_pylist())


class TestOneFails:
    def test_a_wrong_secret_leaves_the_others_exported(self, orgs: Orgs) -> None:
        """Two are complete in all outputs; the third is in the report's failures."""
        orgs.environ["SOUTH_SECRET"] = "wrong"

        report = orgs.run()

        assert list(report.failures) == ["south"]
        assert isinstance(report.failures["south"], AccessError)
        each = Counter(north=DAYS * 4, west=DAYS * 4)
        assert rows_by_org(report) == each
        assert Counter(r["org"] for r in csv_rows(orgs.folder / "job.csv")) == each
        lines = (orgs.folder / "job.json").read_text("utf-8").splitlines()
        assert Counter(json.loads(line)["org"] for line in lines) == each
        written = pq.read_table(orgs.folder / "job.parquet")["org"].to_pylist()
        assert Counter(written) == each

    def test_the_next_run_has_it_too(self, two: Orgs) -> None:
        """With the secret mended, only the org that failed is asked."""
        secret = two.environ["SOUTH_SECRET"]
        two.environ["SOUTH_SECRET"] = "wrong"
        two.run()
        two.forget()
        two.environ["SOUTH_SECRET"] = secret

        report = two.run()

        assert not report.failures
        assert two.requests()["north"] == []
        assert len(two.requests("/analytics/")["south"]) == SOME_QUERIES
        assert rows_by_org(report) == Counter(north=12, south=12)

    def test_all_fail(self, two: Orgs) -> None:
        """The error is of the worst one's type, and names all orgs."""
        two.environ["NORTH_SECRET"] = "wrong"
        two.workspaces["south"].simulator.faults = Faults(
            Fault("status", status=400, path="/api/v2/analytics/", times=None)
        )

        with pytest.raises(GcbatchError) as failed:
            two.run()

        assert isinstance(failed.value, ServiceError)
        lines = failed.value.problem.split("\n")
        assert [line.split(":")[0] for line in lines] == ["north", "south"]

    def test_a_file_of_queues_that_is_not_there(self, two: Orgs) -> None:
        """What only one org names is only its own trouble."""
        own = {"south": {"queues": {"file": str(two.folder / "none.txt")}}}

        report = two.run(own=own)

        assert isinstance(report.failures["south"], JobError)
        assert rows_by_org(report) == Counter(north=12)

    def test_what_was_stored_of_it_is_kept(self, two: Orgs) -> None:
        """An org that fails on the way goes on from there."""
        south = two.workspaces["south"].simulator
        south.faults = Faults(
            Fault("status", status=400, path="/api/v2/analytics/", nth=(3,))
        )
        two.run(fetch={"concurrency": 1})
        south.faults = Faults()
        two.forget()

        report = two.run(fetch={"concurrency": 1})

        assert not report.failures
        assert len(two.requests("/analytics/")["south"]) == SOME_QUERIES - 2


class TestDamage:
    def test_a_damaged_part_is_mended_on_the_way(self, two: Orgs) -> None:
        """Found while exporting, it is asked again, of its own org alone."""
        two.run()
        damage_rows(two.parts("south")[1])
        two.forget()

        report = two.run()

        assert not report.failures
        assert rows_by_org(report) == Counter(north=12, south=12)
        asked = {n: len(e) for n, e in two.requests("/analytics/").items()}
        assert asked == {"north": 0, "south": 1}

    def test_an_org_that_cannot_be_mended_leaves_the_others(self, two: Orgs) -> None:
        """Its part is damaged and its secret wrong: the other is exported."""
        two.run()
        damage_rows(two.parts("south")[1])
        two.environ["SOUTH_SECRET"] = "wrong"

        report = two.run()

        assert isinstance(report.failures["south"], AccessError)
        assert {r["org"] for r in csv_rows(two.folder / "job.csv")} == {"north"}

    def test_an_export_goes_without_an_org_whose_rows_are_damaged(
        self, two: Orgs
    ) -> None:
        """Nothing is asked: the org is named, and in no output, not even half."""
        two.run()
        damage_rows(two.parts("south")[2])

        report = gcbatch.export_job(two.job())

        assert isinstance(report.failures["south"], DataError)
        for kind in ("csv", "json", "parquet"):
            assert (two.folder / f"job.{kind}").exists()
        assert Counter(r["org"] for r in csv_rows(two.folder / "job.csv")) == Counter(
            north=12
        )

    def test_a_lost_plan_is_that_orgs_own(self, two: Orgs) -> None:
        """An export reports which org has none; a run makes it again."""
        two.run()
        (two.folder / "store/job@south/plan.json").unlink()

        exported = gcbatch.export_job(two.job())
        again = two.run()

        assert isinstance(exported.failures["south"], DataError)
        assert not again.failures
        assert again.fetched == 0


class TestSideBySide:
    def test_the_time_is_the_slowest_orgs(self, workspace_of: "WorkspaceOf") -> None:
        """Quotas that make each wait are waited for at once, not in turn."""
        quotas = {"north": 4, "south": 3, "west": 2}
        orgs = Orgs(
            {
                name: orgs_of(
                    workspace_of, name, requests_allowed=allowed, window_s=1.0
                ).workspaces[name]
                for name, allowed in quotas.items()
            }
        )

        report = orgs.run()

        assert not report.failures
        times = {n: [e.at for e in asked] for n, asked in orgs.requests().items()}
        own = {name: max(at) - min(at) for name, at in times.items()}
        ends = max(map(max, times.values())) - min(map(min, times.values()))
        assert min(own.values()) > 0.5  # each had to wait
        assert ends < max(own.values()) + min(own.values()) < sum(own.values())

    def test_each_keeps_to_its_quota(self, workspace_of: "WorkspaceOf") -> None:
        """No org answers 429 because of another's pace."""
        orgs = Orgs(
            {
                **orgs_of(workspace_of, "north").workspaces,
                **orgs_of(
                    workspace_of, "south", requests_allowed=4, window_s=1.0
                ).workspaces,
            }
        )

        report = orgs.run()

        assert report.throttled == 0
        assert report.answers == {"200": 2 * (SOME_QUERIES + 1)}

    def test_no_more_at_once_than_a_process_can_hold(
        self, orgs: Orgs, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Beyond that number, orgs wait for one before them to be done."""
        monkeypatch.setattr(jobrun, "ORGS_AT_ONCE", 1)

        report = orgs.run()

        assert not report.failures
        times = {n: [e.at for e in asked] for n, asked in orgs.requests().items()}
        assert max(times["north"]) < min(times["south"])
        assert max(times["south"]) < min(times["west"])

    def test_orgs_of_one_client_share_token_quota_and_listing(self, two: Orgs) -> None:
        """Two parts of one real org: one token, one listing, requests count once."""
        north = two.workspaces["north"]
        section = two.sections()["north"]
        orgs = {
            "sales": {**section, "queues": ["Sales"]},
            "support": {**section, "queues": ["Support"], "timezone": "Asia/Kolkata"},
        }

        report = two.run(orgs=orgs)

        assert rows_by_org(report) == Counter(sales=DAYS, support=3 * DAYS)
        assert len(north.simulator.requests("/oauth/token")) == report.tokens == 1
        assert len(north.simulator.requests("/api/v2/routing/queues")) == 1
        assert len(north.simulator.requests("/api/")) == report.requests

    async def test_the_lowest_pace_counts_for_one_client(self, two: Orgs) -> None:
        """The highest reserve too; another client has its own."""
        section = two.sections()["north"]
        orgs = {
            "a": {**section, "requests_per_minute": 200},
            "b": {**section, "reserve": 30},
            "c": {**two.sections()["south"], "requests_per_minute": 100},
        }
        job = two.job(orgs=orgs, fetch={"requests_per_minute": 300})

        async with OpenOrgs([job]) as opened:
            found = [(await opened.session(s)).client_config for s in job.per_org()]

        paces = [(c.requests_per_minute, c.reserve) for c in found]
        assert paces == [(200, 30), (200, 30), (100, 0)]


class TestKeptApart:
    def test_queues_of_one_name(self, two: Orgs) -> None:
        """Each is the queue of its own org, with its own id."""
        report = two.run(query={"queues": ["Support"]})

        rows = report.tables["intervals"].read_all()
        found = set(
            zip(*(rows[c].to_pylist() for c in ("org", "queue_id")), strict=True)
        )
        assert found == {(org, SUPPORT[org]) for org in ("north", "south")}
        assert set(rows["queue_name"].to_pylist()) == {"Support"}

    def test_queues_of_its_own(self, two: Orgs) -> None:
        """One org's queues are no other's; the job's are for those without."""
        own = {"south": {"queues": ["Sales"]}}

        report = two.run(own=own, query={"queues": ["Support"]})

        asked = {
            org: {json.dumps(e.request["filter"]) for e in entries}
            for org, entries in two.requests("/analytics/").items()
        }
        assert rows_by_org(report) == Counter(north=3 * DAYS, south=DAYS)
        assert all(SUPPORT["north"] in filter_ for filter_ in asked["north"])
        assert all(SALES["south"] in filter_ for filter_ in asked["south"])

    def test_time_zones_of_its_own(self, two: Orgs) -> None:
        """Its windows begin at its own midnights."""
        two.run(own={"south": {"timezone": "Asia/Kolkata"}})

        starts = {
            org: {e.request["interval"][10:16] for e in entries}
            for org, entries in two.requests("/analytics/").items()
        }
        assert starts == {"north": {"T00:00"}, "south": {"T18:30"}}

    def test_folders_of_the_store(self, two: Orgs) -> None:
        """Parts, plans and accounts are apart; no job's own folder is in the way."""
        two.run()

        store = two.folder / "store"
        assert sorted(p.name for p in store.iterdir()) == ["job@north", "job@south"]
        assert len(two.parts("north")) == len(two.parts("south")) == SOME_QUERIES
        for org in ("north", "south"):
            note = json.loads((store / f"job@{org}/run.json").read_text("utf-8"))
            assert (note["job"], note["queries"]) == (f"job@{org}", SOME_QUERIES)

    def test_a_second_run_asks_nothing(self, orgs: Orgs) -> None:
        """And writes the same bytes."""
        orgs.run()
        written = orgs.workspaces["north"].outputs()
        orgs.forget()

        report = orgs.run()

        assert orgs.requests("/") == {"north": [], "south": [], "west": []}
        assert (report.requests, report.tokens, report.fetched) == (0, 0, 0)
        assert orgs.workspaces["north"].outputs() == written

    def test_a_new_org_leaves_the_others_alone(
        self, workspace_of: "WorkspaceOf"
    ) -> None:
        """It alone is asked."""
        both = orgs_of(workspace_of, "north", "south")
        Orgs({"north": both.workspaces["north"]}).run()
        both.forget()

        report = both.run()

        assert both.requests()["north"] == []
        assert report.fetched == SOME_QUERIES

    def test_the_same_rows_as_a_job_of_its_own(self, two: Orgs) -> None:
        """Beside others an org has what it has alone."""
        together = two.run().tables["intervals"].read_all()
        alone = two.workspaces["south"].run(
            query={"from": "2026-03-02", "to": "2026-03-05", "timezone": "UTC"}
        )

        of_south = [r for r in together.to_pylist() if r.pop("org") == "south"]
        assert of_south == alone.tables["intervals"].read_all().to_pylist()


class TestReport:
    def test_adds_up(self, two: Orgs) -> None:
        """Counts are the sums of the orgs' own accounts."""
        report = two.run()

        notes = [
            json.loads((two.folder / f"store/job@{org}/run.json").read_text("utf-8"))
            for org in ("north", "south")
        ]
        reported = report.to_json()
        for key in (
            "queries",
            "fetched",
            "requests",
            "rows",
            "received_bytes",
            "tokens",
        ):
            assert reported[key] == sum(note[key] for note in notes), key
        assert reported["run_id"] == report.tables["intervals"].run_id
        assert reported["job"] == "job"

    def test_reports_gaps_by_org(self, two: Orgs) -> None:
        """With allow_partial, what failed of one org is missing of that org only."""
        two.workspaces["south"].simulator.faults = Faults(
            Fault("status", status=400, path="/api/v2/analytics/", times=1)
        )

        report = gcbatch.run(two.job(), allow_partial=True)

        assert not report.failures
        assert [gap.org for gap in report.gaps] == ["south"]
        assert report.to_json()["gaps"][0]["org"] == "south"
        assert rows_by_org(report) == Counter(north=12, south=8)
        assert any(text.startswith("south: ") for text in report.warnings)

    def test_failures_are_plain_json(self, two: Orgs) -> None:
        """With the exit code that each would have had."""
        two.environ["SOUTH_SECRET"] = "wrong"

        reported = json.loads(json.dumps(two.run().to_json()))["failures"]

        assert list(reported) == ["south"]
        assert reported["south"]["exit_code"] == 3
        assert set(reported["south"]) == {"error", "missing", "hint", "exit_code"}

    async def test_of_several_jobs(self, two: Orgs) -> None:
        """A job of several orgs goes with others; orgs are opened once for all."""
        jobs = [two.job("one"), two.job("two", query={"metrics": ["nOffered"]})]

        done = await gcbatch.arun_all(jobs)

        assert [isinstance(one, gcbatch.RunReport) for one in done] == [True, True]
        tokens = two.requests("/oauth/token")
        assert {name: len(asked) for name, asked in tokens.items()} == {
            "north": 1,
            "south": 1,
        }


class Heard(Observer):
    """Records its calls."""

    def __init__(self) -> None:
        self.reported: list[tuple[Any, ...]] = []

    def planned(self, job: str, total: int, stored: int, per_minute: int) -> None:
        self.reported.append((job, total, stored, per_minute))

    def paged(self, done: int, due: int) -> None:
        self.reported.append((done, due))

    def finished(self) -> None:
        self.reported.append(("finished",))


def test_progress_is_reported_as_one() -> None:
    """Totals are of all orgs known by now; the end is reported once."""
    heard = Heard()
    combined = CombinedObserver("job", heard)
    north, south = combined.for_org(), combined.for_org()

    north.planned("job@north", 10, 2, 300)
    north.fetched(Query("x", Window(DAY, DAY + timedelta(days=1)), b"{}", "d"), 5)
    north.paged(1, 4)
    south.planned("job@south", 5, 0, 100)
    south.paged(2, 2)
    north.finished()
    south.finished()
    combined.finished()
    combined.finished()

    assert heard.reported == [
        ("job", 10, 2, 300),
        (1, 4),
        ("job", 15, 3, 400),
        (3, 6),
        ("finished",),
    ]


def test_progress_ends_once_where_orgs_take_turns(two: Orgs) -> None:
    """Also where one fails before it is planned."""
    two.environ["SOUTH_SECRET"] = "wrong"
    sections = two.sections()
    one_client = {"a": sections["north"], "b": sections["north"]}
    heard = Heard()

    gcbatch.run(two.job(orgs={**one_client, "c": sections["south"]}), observer=heard)

    assert [
        reported for reported in heard.reported if reported[0] in ("job", "finished")
    ] == [
        ("job", SOME_QUERIES, 0, WIDE),
        ("job", 2 * SOME_QUERIES, SOME_QUERIES, 2 * WIDE),
        ("finished",),
    ]


def test_functions_for_one_org_say_so(two: Orgs) -> None:
    """A plan is of one org; the message says how to come by them."""
    with pytest.raises(JobError, match="has several orgs") as failed:
        gcbatch.plan(two.job())

    assert "per_org()" in (failed.value.hint or "")
    planned = [gcbatch.plan(share) for share in two.job().per_org()]
    assert [len(plan.plan.queries) for plan in planned] == [SOME_QUERIES] * 2


def test_a_cancelled_run_stops_all_orgs(orgs: Orgs) -> None:
    """Ctrl-C closes every org's connections and leaves what is stored."""
    for workspace in orgs.workspaces.values():
        workspace.simulator.faults = Faults(
            Fault("stall", path="/api/v2/analytics/", nth=(2,), delay_s=600)
        )
    job = orgs.job(fetch={"concurrency": 1})

    async def interrupted() -> None:
        task = asyncio.create_task(gcbatch.arun(job))
        while not all(map(orgs.parts, orgs.workspaces)):  # noqa: ASYNC110 - a folder has no events
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(interrupted())

    assert {org: len(orgs.parts(org)) for org in orgs.workspaces} == {
        "north": 1,
        "south": 1,
        "west": 1,
    }


class TestSecretFiles:
    @pytest.mark.parametrize("form", ["{}", "{}\n", " {}\r\n", "\ufeff{}\r\n"])
    def test_hold_the_secret_as_editors_write_it(
        self, workspace: "Workspace", form: str
    ) -> None:
        """With white space around it, or a mark of the encoding before it."""
        path = workspace.folder / "secret"
        path.write_text(form.format(workspace.simulator.client_secret), "utf-8")

        report = workspace.run(org={"client_secret": {"file": str(path)}})

        assert report.rows > 0

    @pytest.mark.parametrize(
        ("content", "problem"),
        [
            (b"", "is empty"),
            (b" \n", "is empty"),
            (b"\xff\xfe", "cannot be read: not UTF-8"),
            (b"x" * 4097, "cannot be read: longer than 4,096 bytes"),
            (None, "cannot be read: No such file"),
        ],
    )
    def test_that_hold_none_are_reported_by_their_path(
        self, workspace: "Workspace", content: bytes | None, problem: str
    ) -> None:
        """Before any request for a token; their contents are not shown."""
        path = workspace.folder / "secret"
        if content is not None:
            path.write_bytes(content)

        with pytest.raises(JobError, match=f"{path}: {problem}") as failed:
            workspace.run(org={"client_secret": {"file": str(path)}})

        assert failed.value.hint == "name a file that contains only the secret"
        assert workspace.simulator.tokens_granted == 0
        assert "xx" not in failed.value.problem.replace(str(path), "")
        # An error of decoding would hold the content.
        assert not isinstance(failed.value.__cause__, UnicodeDecodeError)


class TestEngines:
    def test_one_that_cannot_be_had_is_no_orgs_own_failure(self, two: Orgs) -> None:
        """It is the job's error, reported once, before any data request."""
        engine = {"name": "dask", "scheduler": "tcp://192.0.2.1:8786"}

        with pytest.raises(JobError, match="without encryption") as failed:
            two.run(engine=engine)

        assert failed.value.org == ""
        assert "\n" not in failed.value.problem
        assert two.requests("/analytics/") == {"north": [], "south": []}

    def test_workers_hold_all_orgs(
        self, orgs: Orgs, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As many queries in flight as all orgs together, through one engine."""
        opened: list[int] = []

        @asynccontextmanager
        async def engine(
            _settings: object, fetch: Fetch, *_: object
        ) -> AsyncIterator[LocalEngine]:
            opened.append(fetch.concurrency)
            yield LocalEngine()

        monkeypatch.setattr("gcbatch.cluster.engine.dask_engine", engine)

        report = orgs.run(engine="dask", fetch={"concurrency": 4})

        assert opened == [3 * 4]
        assert rows_by_org(report).total() == 3 * 4 * DAYS
