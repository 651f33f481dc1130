"""Several orgs in one destination: a run replaces the rows of its own orgs only."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest

import gcbatch
from gcbatch import JobError
from gcbatch.simulator import Fault, Faults
from tests.support.destinations import (
    DESTINATIONS,
    ONE_FAST,
    Destination,
    Row,
    place_of,
    rows_of,
)
from tests.support.loads import METRICS, calls_left_out, parquet_exports
from tests.support.several_orgs import Orgs, orgs_of, tenant

if TYPE_CHECKING:
    from tests.conftest import WorkspaceOf

TABLES = ("intervals", "sla", "queues")

DAYS_OF_MARCH_3 = {
    "north": (
        datetime(2026, 3, 2, 11, tzinfo=UTC),  # Auckland is 13 hours ahead
        datetime(2026, 3, 3, 11, tzinfo=UTC),
    ),
    "south": (datetime(2026, 3, 3, tzinfo=UTC), datetime(2026, 3, 4, tzinfo=UTC)),
}
"""The local day of each org."""


@dataclass
class LoadedOrgs:
    """A job of two orgs that loads some tables into a destination."""

    orgs: Orgs
    place: Destination

    def run(self, *, fresh: bool = False, **job: Any) -> gcbatch.RunReport:
        job = {"sla": {}, "exports": self.exports(), **job}
        job["query"] = {"metrics": list(METRICS), **job.get("query", {})}
        return gcbatch.run(self.orgs.job(**job), fresh=fresh)

    def exports(self) -> list[dict[str, Any]]:
        folder = self.orgs.folder
        loaded = self.place.exports(folder, *TABLES)
        return [*parquet_exports(folder, *TABLES), *loaded]

    def parquet(self, table: str) -> list[Row]:
        return rows_of(pq.read_table(self.orgs.folder / f"{table}.parquet"))

    def rows(self, table: str) -> list[Row]:
        schema = pq.read_schema(self.orgs.folder / f"{table}.parquet")
        return rows_of(self.place.read(self.orgs.folder, table, schema))

    def change(self, *names: str) -> None:
        """Have orgs answer with other figures, and other names of queues."""
        for name in names:
            other = calls_left_out(tenant(name), 1)
            self.orgs.workspaces[name].become(other)

    def fail(self, name: str, **fault: Any) -> None:
        how = {"path": "/api/v2/analytics/", "times": None, **fault}
        simulator = self.orgs.workspaces[name].simulator
        simulator.faults = Faults(Fault("status", status=400, **how))


@pytest.fixture(params=ONE_FAST)
def load(request: pytest.FixtureRequest, workspace_of: "WorkspaceOf") -> LoadedOrgs:
    """Return a job of two orgs for each destination."""
    return LoadedOrgs(
        orgs_of(workspace_of, "north", "south"), place_of(request.param, request)
    )


def of(org: str, rows: list[Row]) -> list[Row]:
    return [row for row in rows if row[0] == org]


@pytest.mark.parametrize("load", DESTINATIONS, indirect=True)
@pytest.mark.parametrize("failing", ["north", "south"])
def test_the_history_of_an_org_that_fails_stays(load: LoadedOrgs, failing: str) -> None:
    """Whole, in all tables; the other's is replaced."""
    load.run()
    before = {table: load.rows(table) for table in TABLES}
    assert before == {table: load.parquet(table) for table in TABLES}
    load.change("north", "south")
    load.fail(failing)

    report = load.run(fresh=True)

    assert list(report.failures) == [failing]
    (other,) = {"north", "south"} - {failing}
    for table in TABLES:
        assert of(failing, load.rows(table)) == of(failing, before[table]) != []
        assert of(other, load.rows(table)) == load.parquet(table) != []
    assert of(other, load.rows("intervals")) != of(other, before["intervals"])


def test_a_job_that_is_loaded_can_be_planned_and_checked(load: LoadedOrgs) -> None:
    """Org by org, though the tables have the column `org`."""
    load.run()
    job = load.orgs.job(sla={}, exports=load.exports())

    for one in job.per_org():
        assert gcbatch.plan(one).plan.queries
        gcbatch.check(one)


def test_an_org_that_comes_back_is_loaded(load: LoadedOrgs) -> None:
    """Then all is as if none had failed."""
    load.fail("south")
    load.run()
    assert load.rows("intervals") == load.parquet("intervals")
    load.orgs.workspaces["south"].simulator.faults.clear()

    load.run()

    for table in TABLES:
        assert load.rows(table) == load.parquet(table)
        assert of("south", load.rows(table))


def test_an_org_that_the_job_no_longer_names_stays(load: LoadedOrgs) -> None:
    """The others go on without it."""
    load.run()
    before = load.rows("intervals")
    load.change("north")

    load.run(orgs={"north": load.orgs.sections()["north"]}, fresh=True)

    rows = load.rows("intervals")
    assert of("south", rows) == of("south", before)
    assert of("north", rows) == load.parquet("intervals") != of("north", before)


def test_orgs_in_different_time_zones(load: LoadedOrgs) -> None:
    """A range replaces the days of each org by its own midnights."""
    zones = {"north": {"timezone": "Pacific/Auckland"}, "south": {"timezone": "UTC"}}
    whole: dict[str, Any] = {
        "own": zones,
        "query": {"from": "2026-03-01", "to": "2026-03-06"},
    }
    load.run(**whole)
    before = {table: load.rows(table) for table in TABLES}
    assert before == {table: load.parquet(table) for table in TABLES}
    load.change("north", "south")

    load.run(own=zones, fresh=True, query={"from": "2026-03-03", "to": "2026-03-04"})

    for table in ("intervals", "sla"):
        rows = load.rows(table)
        for org, (start, end) in DAYS_OF_MARCH_3.items():
            theirs = of(org, rows)
            within = [row for row in theirs if start <= begin(row) < end]
            outside = [row for row in theirs if not start <= begin(row) < end]
            old = of(org, before[table])
            assert within == of(org, load.parquet(table)) != []
            assert outside == [row for row in old if not start <= begin(row) < end]


def begin(row: Row) -> datetime:
    return next(v for v in row if isinstance(v, datetime)).replace(tzinfo=UTC)


@pytest.mark.parametrize("first", ["one", "several"])
def test_one_org_or_several_is_a_table_of_its_own(load: LoadedOrgs, first: str) -> None:
    """Rows without an org could not be distinguished from the others."""

    def run(orgs: str) -> None:
        path = load.orgs.write(
            sla={}, exports=load.exports(), query={"metrics": list(METRICS)}
        )
        if orgs == "one":
            content = json.loads(path.read_text("utf-8"))
            content["org"] = content.pop("orgs")["north"]
            path.write_text(json.dumps(content), "utf-8")
        gcbatch.run(gcbatch.load_job(path, environ=load.orgs.environ))

    run(first)
    before = load.rows("intervals")

    with pytest.raises(JobError, match="org"):
        run("several" if first == "one" else "one")

    assert load.rows("intervals") == before
