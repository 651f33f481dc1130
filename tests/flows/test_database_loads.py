"""Destinations hold what the Parquet of the same run has, whatever happens between."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest

import gcbatch
from gcbatch import JobError
from gcbatch.errors import GcbatchError
from tests.support.destinations import (
    DATABASES,
    DESTINATIONS,
    ONE_FAST,
    place_of,
    rows_of,
)
from tests.support.loads import (
    METRICS,
    LoadedJob,
    begun,
    calls_left_out,
    parquet_exports,
    renamed,
)
from tests.support.several_orgs import tenant

if TYPE_CHECKING:
    from tests.conftest import Workspace, WorkspaceOf

NORTH = tenant("north")
PROVISIONAL: dict[str, Any] = {"fetch": {"settle": "P10Y"}}
"""All days are fetched again."""
ONE_AT_A_TIME: dict[str, Any] = {"fetch": {"concurrency": 1}}

LoadInto = Callable[..., LoadedJob]


@pytest.fixture(params=ONE_FAST)
def load(request: pytest.FixtureRequest, workspace_of: "WorkspaceOf") -> LoadedJob:
    """Return a job that loads each destination."""
    return LoadedJob(workspace_of(NORTH), place_of(request.param, request))


def is_unchanged(report: gcbatch.RunReport) -> bool:
    return all(e.unchanged for e in report.exports if e.exporter != "parquet")


class TestOneRun:
    @pytest.mark.parametrize("load", DESTINATIONS, indirect=True)
    def test_a_first_load_is_what_the_parquet_has(self, load: LoadedJob) -> None:
        """All rows and values of all tables."""
        report = load.run()

        assert load.state() == load.exported()
        written = sum(one.rows for one in report.exports if one.exporter != "parquet")
        assert written == sum(map(len, load.exported().values()))
        assert len(load.state()["intervals"]) == 12

    @pytest.mark.slow
    @pytest.mark.parametrize("exporter", DESTINATIONS)
    def test_all_tables_of_a_week(
        self, workspace: "Workspace", exporter: str, request: pytest.FixtureRequest
    ) -> None:
        """Tables of buckets and of listed entities, and `sla` of each period."""
        place, folder = place_of(exporter, request), workspace.folder
        tables = ("intervals", "queues", "users", "wrapup_codes")
        periods = ("interval", "hour", "day", "week", "month", "total")
        exports = [*parquet_exports(folder, *tables), *place.exports(folder, *tables)]
        for period in periods:
            (own,) = parquet_exports(folder / period, "sla")
            (loaded,) = place.exports(folder / period, "sla")
            exports += [{**one, "period": period} for one in (own, loaded)]

        workspace.run(exports=exports, sla={})

        for where, name in [
            *((folder, table) for table in tables),
            *((folder / period, "sla") for period in periods),
        ]:
            expected = pq.read_table(where / f"{name}.parquet")
            found = place.read(where, name, expected.schema)
            assert rows_of(found) == rows_of(expected)
            assert expected.num_rows

    def test_a_table_without_rows(self, load: LoadedJob) -> None:
        """It is there with its columns, and rows of other ranges stay."""
        load.run(first=-9, last=-7)
        empty = {table: load.rows(table) for table in load.tables}

        load.run()

        assert empty == {"intervals": [], "sla": []}
        loaded = load.state()
        load.run(first=-9, last=-7)
        assert load.state() == loaded


class TestAgain:
    def test_a_run_again_writes_nothing(self, load: LoadedJob) -> None:
        """The run reports it unchanged."""
        load.run()
        before = load.state()

        again = load.run()

        assert is_unchanged(again)
        assert load.state() == before

    def test_what_another_load_replaced_is_loaded_again(self, load: LoadedJob) -> None:
        """A load of a part of the range makes the whole no longer the last."""
        load.run()
        whole = load.state()
        load.workspace.become(calls_left_out(NORTH, 1))
        load.run(first=1, last=2, fresh=True)
        assert load.state() != whole

        report = load.run(first=0, last=3)

        assert not is_unchanged(report)
        assert load.state() == load.exported()

    @pytest.mark.parametrize("load", DESTINATIONS, indirect=True)
    def test_corrections(self, load: LoadedJob) -> None:
        """Provisional days get the new figures, and lose what was taken back."""
        load.run(**PROVISIONAL)
        before = load.state()
        load.workspace.become(calls_left_out(NORTH, 1))

        report = load.run(**PROVISIONAL)

        assert not is_unchanged(report)
        assert load.state() == load.exported()
        assert len(load.state()["intervals"]) == len(before["intervals"]) - 1
        assert load.state()["intervals"] != before["intervals"][:-1]

    @pytest.mark.parametrize("load", DESTINATIONS, indirect=True)
    def test_a_narrower_range(self, load: LoadedJob) -> None:
        """Rows outside it stay as they were."""
        load.run()
        before = load.state()
        load.workspace.become(calls_left_out(NORTH, 1))

        load.run(first=1, last=2, fresh=True)

        for table, rows in load.state().items():
            assert begun(rows, 1, 2) == load.exported()[table]
            assert begun(rows, 0, 1) == begun(before[table], 0, 1)
            assert begun(rows, 2, 3) == begun(before[table], 2, 3)
            assert begun(rows, 1, 2) != begun(before[table], 1, 2)

    def test_a_wider_range(self, load: LoadedJob) -> None:
        """It replaces what is there of it, and adds the rest."""
        load.run(first=1, last=2)

        load.run()

        assert load.state() == load.exported()

    def test_ranges_one_after_the_other(self, load: LoadedJob) -> None:
        """Add up to the rows of the whole range."""
        for day in (2, 0, 1):
            load.run(first=day, last=day + 1)
        days = load.state()

        load.workspace.run(
            **{**load.sections(), "exports": load.sections()["exports"][:-1]}
        )

        assert days == load.exported()

    def test_a_renamed_queue(self, load: LoadedJob) -> None:
        """Rows of the range have the new name; those outside keep the old one."""
        load.run()
        load.workspace.become(renamed(NORTH))

        report = load.run(first=1, last=3)

        assert not is_unchanged(report)
        rows = load.state()["intervals"]
        assert begun(rows, 1, 3) == load.exported()["intervals"]
        named = [{"Support", "Renamed"} & {*map(str, row)} for row in rows]
        assert {"Renamed"} in named[-8:]
        assert {"Renamed"} not in named[:4]

    def test_a_new_metric(self, load: LoadedJob) -> None:
        """Its columns are added, null in rows of other ranges."""
        load.tables = ("intervals",)
        load.run(last=2)
        old = load.parquet("intervals").schema

        load.run(first=1, query={"metrics": [*METRICS, "nTransferred"]})

        new = load.parquet("intervals").schema
        rows = load.rows("intervals", new)
        assert begun(rows, 1, 3) == load.exported()["intervals"]
        added = [n for n, name in enumerate(new.names) if name not in old.names]
        assert added
        assert {row[n] for row in begun(rows, 0, 1) for n in added} == {None}

    def test_a_metric_less(self, load: LoadedJob) -> None:
        """Its columns stay, null in the new rows."""
        load.tables = ("intervals",)
        load.run(last=2)
        whole = load.parquet("intervals").schema

        load.run(first=1, query={"metrics": ["nOffered"]}, sla=None)

        less = load.parquet("intervals").schema
        rows = load.rows("intervals", whole)
        gone = [n for n, name in enumerate(whole.names) if name not in less.names]
        assert {row[n] for row in begun(rows, 1, 3) for n in gone} == {None}
        kept = [n for n, name in enumerate(whole.names) if name in less.names]
        found = [tuple(row[n] for n in kept) for row in begun(rows, 1, 3)]
        assert sorted(found, key=repr) == load.exported()["intervals"]

    def test_new_columns_can_be_refused(self, load: LoadedJob) -> None:
        """Before the first request; nothing changes."""
        load.tables, load.options = ("intervals",), {"new_columns": "refuse"}
        load.run(last=2)
        before = load.state()
        load.workspace.simulator.request_log.clear()

        with pytest.raises(JobError, match="has no column n_transferred"):
            load.run(first=1, query={"metrics": [*METRICS, "nTransferred"]})

        assert load.state() == before
        assert not load.workspace.simulator.requests("/")


class TestGaps:
    @pytest.mark.parametrize("load", DESTINATIONS, indirect=True)
    def test_what_was_there_of_a_gap_stays(self, load: LoadedJob) -> None:
        """And no row of it is lost or added, while other days are replaced."""
        load.run(**ONE_AT_A_TIME)
        before = load.state()
        load.workspace.become(calls_left_out(NORTH, 1))
        load.break_queries(2)

        report = load.run(fresh=True, allow_partial=True, **ONE_AT_A_TIME)

        (gap,) = report.gaps
        assert gap.window.start.day == 3
        for table, rows in load.state().items():
            assert begun(rows, 1, 2) == begun(before[table], 1, 2)
            for first, last in ((0, 1), (2, 3)):
                expected = begun(load.exported()[table], first, last)
                assert begun(rows, first, last) == expected

    def test_a_half_fetched_window_is_a_gap(self, load: LoadedJob) -> None:
        """Rows of the queues that were fetched are not loaded without the others."""
        sections: dict[str, Any] = {
            "query": {"queues": ["Support", "Sales"]},
            "fetch": {"concurrency": 1, "limits": {"expected_buckets": 24}},
        }
        load.break_queries(3)

        report = load.run(allow_partial=True, **sections)

        assert len(report.gaps) == 1
        for table, rows in load.state().items():
            assert begun(rows, 1, 2) == []
            assert begun(rows, 0, 1) == begun(load.exported()[table], 0, 1)

    def test_the_next_run_fills_it(self, load: LoadedJob) -> None:
        """Then all is as after an undisturbed run."""
        load.break_queries(2)
        load.run(allow_partial=True, **ONE_AT_A_TIME)
        assert load.state() == load.exported()
        load.workspace.simulator.faults.clear()

        load.run(**ONE_AT_A_TIME)

        assert load.state() == load.exported()
        assert len(load.state()["intervals"]) == 12

    def test_a_period_with_a_gap_stays_as_it_was(self, load: LoadedJob) -> None:
        """A week that lacks a day is not loaded; a total neither."""
        sections = {**ONE_AT_A_TIME, "sla": {"period": "week"}}
        load.tables = ("sla",)
        load.run(**sections)
        before = load.state()
        load.workspace.become(calls_left_out(NORTH, 0))
        load.break_queries(2)

        load.run(fresh=True, allow_partial=True, **sections)

        assert load.state() == before
        load.workspace.simulator.faults.clear()
        load.run(**sections)
        assert load.state() == load.exported() != before


class TestSeveralJobs:
    def test_another_job_is_refused(self, load: LoadedJob) -> None:
        """Before the first request, and nothing changes."""
        load.run()
        before = load.state()
        load.workspace.simulator.request_log.clear()

        with pytest.raises(GcbatchError, match=r"belongs to (the )?job") as failed:
            load.run(name="other")

        assert failed.value.exit_code == 2
        assert load.state() == before
        assert not load.workspace.simulator.requests("/")

    @pytest.mark.parametrize("exporter", DATABASES)
    def test_a_renamed_job_goes_on_once_the_ledger_says_so(
        self, workspace_of: "WorkspaceOf", exporter: str, request: pytest.FixtureRequest
    ) -> None:
        """As the message says."""
        place = place_of(exporter, request)
        load = LoadedJob(workspace_of(NORTH), place)
        load.run(last=2)

        place.query(load.folder, "UPDATE _gcbatch_loads SET job = 'other'")
        load.run(name="other")

        assert load.state() == load.exported()

    @pytest.mark.parametrize("exporter", DATABASES)
    def test_jobs_have_tables_of_their_own(
        self, workspace_of: "WorkspaceOf", exporter: str, request: pytest.FixtureRequest
    ) -> None:
        """In one database, by other names."""
        load = LoadedJob(workspace_of(NORTH), place_of(exporter, request))
        load.tables = ("intervals",)
        load.run()
        load.run(name="other", last=1, options={"name": "others"})

        schema = load.parquet("intervals").schema
        assert len(load.rows("intervals", schema)) == 12
        assert load.rows("others", schema) == load.exported()["intervals"]


class TestPeriods:
    def test_a_row_over_the_edge_of_a_range_is_refused(self, load: LoadedJob) -> None:
        """A day cannot be divided; the message says what to do."""
        load.tables = ("sla",)
        load.run()
        before = load.state()

        with pytest.raises(JobError, match=r"(begins before|only a part of which)"):
            load.run(last=1.5)

        assert load.state() == before

    def test_clipped_days_add_up(self, load: LoadedJob) -> None:
        """Ranges that end within a day leave each half once."""
        load.tables = ("sla",)
        load.run(last=1.5)
        first = load.state()["sla"]
        load.run(first=1.5)

        assert load.state()["sla"] == sorted(
            [*first, *load.exported()["sla"]], key=repr
        )

    def test_another_period_is_refused(self, load: LoadedJob) -> None:
        """Rows of a week cannot stand beside rows of its days."""
        load.tables = ("sla",)
        load.run(sla={"period": "week"})

        with pytest.raises(JobError, match="cannot be divided"):
            load.run(last=1, sla={"period": "day"})

    def test_a_total_replaces_the_last_one(self, load: LoadedJob) -> None:
        """It is about its own range only."""
        load.tables = ("sla",)
        load.run(last=2, sla={"period": "total"})
        load.run(first=1, sla={"period": "total"})

        assert load.state() == load.exported()
        again = load.run(first=1, sla={"period": "total"})
        assert is_unchanged(again)
