"""Conversations and users in destinations: what the Parquet of the same run has."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

import gcbatch
from gcbatch.registry import module_names
from gcbatch.simulator import Fault, Faults, Tenant
from tests.flows.test_details_users import working
from tests.support.destinations import (
    DESTINATIONS,
    ONE_FAST,
    Destination,
    Row,
    place_of,
    rows_of,
)
from tests.support.details_world import (
    UNSETTLED,
    World,
    after,
    conversations,
    tenant_of,
    with_records,
)
from tests.support.loads import parquet_exports

CONVERSATIONS = tuple(module_names("tables/conversations"))
USERS = tuple(module_names("tables/users"))
DAYS = 3


@dataclass
class LoadedDetails:
    """A job of details that loads all of its tables into a destination."""

    folder: Path
    place: Destination
    tenant: Tenant
    kind: str = "conversations"
    world: World = field(init=False)

    def __post_init__(self) -> None:
        self.become(self.tenant)

    def become(self, tenant: Tenant, *faults: Fault) -> None:
        """Have another tenant answer from now on."""
        self.world = World(self.folder, tenant, faults=Faults(*faults))

    @property
    def tables(self) -> tuple[str, ...]:
        return CONVERSATIONS if self.kind == "conversations" else USERS

    def run(
        self,
        first: float = 0,
        last: float = DAYS,
        *,
        mode: str = "",
        settle: str = UNSETTLED["settle"],
        **job: Any,
    ) -> gcbatch.RunReport:
        ends = [after(n).strftime("%Y-%m-%dT%H:%M") for n in (first, last)]
        endpoint = f"{self.kind.removesuffix('s')}-details{mode}"
        return self.world.run(
            endpoint=endpoint,
            query={"from": ends[0], "to": ends[1]},
            fetch={"chunk": "P1D", "concurrency": 1, "settle": settle},
            exports=[
                *parquet_exports(self.folder, *self.tables),
                *self.place.exports(self.folder, *self.tables),
            ],
            **job,
        )

    def exported(self, first: float = 0, last: float = DAYS) -> dict[str, list[Row]]:
        """Return the rows of some days that the last run wrote as Parquet."""
        found = {t: pq.read_table(self.folder / f"{t}.parquet") for t in self.tables}
        return {t: self.begun(rows_of(f), first, last) for t, f in found.items()}

    def loaded(self, first: float = 0, last: float = DAYS) -> dict[str, list[Row]]:
        """Return the rows of some days that the destination has."""
        schemas = {t: pq.read_schema(self.folder / f"{t}.parquet") for t in self.tables}
        found = {t: self.place.read(self.folder, t, s) for t, s in schemas.items()}
        return {t: self.begun(rows_of(f), first, last) for t, f in found.items()}

    def begun(self, rows: list[Row], first: float, last: float) -> list[Row]:
        """Return the rows that began in some days."""
        return [row for row in rows if after(first) <= begin(row) < after(last)]


def begin(row: Row) -> datetime:
    """Return the first instant of a row, which is its begin."""
    return next(v for v in row if isinstance(v, datetime)).replace(tzinfo=UTC)


def talking(seed: int = 1) -> Tenant:
    """Return conversations of three days; those of the second depend on the seed."""
    first, third = conversations(60), conversations(60, first=2)
    second = conversations(60, first=1, seed=seed)
    return tenant_of(*map(with_records, (*first, *second, *third)))


def at_work(*, corrected: bool = False) -> Tenant:
    """Return users' records over three days; corrected, some are others or gone."""
    tenant = working(15, DAYS)
    if not corrected:
        return tenant
    records = [
        replace(one, routing_status="OFF_QUEUE") if number % 4 else one
        for number, one in enumerate(tenant.presences)
        if number % 5 or not after(1) <= one.start < after(2)
    ]
    return tenant_of(presences=tuple(records), users=tenant.users)


KINDS = {
    "conversations": (talking(), talking(seed=7)),
    "users": (at_work(), at_work(corrected=True)),
}
"""Tenants before and after corrections."""


BOTH = [(kind, place) for kind in KINDS for place in DESTINATIONS]
BOTH_ONE_FAST = [
    pytest.param(both, marks=() if both[1] == DESTINATIONS[0] else pytest.mark.slow)
    for both in BOTH
]


@pytest.fixture(params=BOTH_ONE_FAST, ids="-".join)
def load(request: pytest.FixtureRequest, tmp_path: Path) -> LoadedDetails:
    """Return a job of each kind of details for each destination."""
    kind, place = request.param
    return LoadedDetails(tmp_path, place_of(place, request), KINDS[kind][0], kind)


def corrected(load: LoadedDetails) -> Tenant:
    return KINDS[load.kind][1]


@pytest.mark.parametrize("load", BOTH, ids="-".join, indirect=True)
def test_a_first_load_and_another_run(load: LoadedDetails) -> None:
    """All tables have all rows and values; run again, nothing is written."""
    load.run(settle="PT0S")
    before = load.loaded()

    again = load.run(settle="PT0S")

    assert before == load.exported()
    empty = [table for table, rows in before.items() if not rows]
    assert set(empty) <= {"participant_attributes"}  # only jobs have attributes
    assert all(one.unchanged for one in again.exports)
    assert load.loaded() == before


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["-jobs", "-auto"])
def test_other_modes(load: LoadedDetails, mode: str) -> None:
    """What async jobs give is loaded as well."""
    load.run(mode=mode)

    assert load.loaded() == load.exported()


def test_corrections_and_ranges(load: LoadedDetails) -> None:
    """A narrower range changes its days only; the whole range then all of them."""
    load.run()
    before = load.loaded()
    load.become(corrected(load))

    load.run(first=1, last=2)

    assert load.loaded(1, 2) == load.exported(1, 2)
    assert load.loaded(1, 2) != {t: load.begun(r, 1, 2) for t, r in before.items()}
    for first, last in ((-9, 1), (2, 9)):
        kept = {t: load.begun(r, first, last) for t, r in before.items()}
        assert load.loaded(first, last) == kept
    load.run()
    assert load.loaded() == load.exported()


def test_gaps(load: LoadedDetails) -> None:
    """What was there of a day that could not be fetched stays."""
    load.run()
    before = load.loaded()
    fault = Fault("status", status=400, path="/details/query", nth=(2,))
    load.become(corrected(load), fault)

    report = load.run(allow_partial=True)

    (gap,) = report.gaps
    start = (gap.window.start - after(0)).days
    assert load.loaded(start, start + 1) == {
        t: load.begun(r, start, start + 1) for t, r in before.items()
    }
    others = [n for n in range(DAYS) if n != start]
    for n in others:
        assert load.loaded(n, n + 1) == load.exported(n, n + 1)
    load.world.simulator.faults.clear()
    load.run()
    assert load.loaded() == load.exported()


@pytest.mark.parametrize("exporter", ONE_FAST)
def test_records_that_began_before_the_range_stay(
    tmp_path: Path, exporter: str, request: pytest.FixtureRequest
) -> None:
    """A range after another adds its own records, and leaves those that go on."""
    load = LoadedDetails(tmp_path, place_of(exporter, request), at_work(), "users")
    load.run(last=1)
    load.run(first=1)
    days = load.loaded()

    load.run()

    whole = load.exported()
    keys = {t: [(row[0], begin(row)) for row in rows] for t, rows in days.items()}
    assert keys == {
        t: [(row[0], begin(row)) for row in rows] for t, rows in whole.items()
    }
    assert load.loaded() == whole
