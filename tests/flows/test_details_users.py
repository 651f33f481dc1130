"""What users were, by pages and by job: each record of the range, once."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcbatch import DataError
from gcbatch.simulator import Fault, Faults, Presence, Tenant, User
from gcbatch.windows import iso
from tests.support.detail_tables import (
    START,
    FakeStore,
    batch_of,
    details_table,
    plan_of,
    queries,
)
from tests.support.details_world import World, after, submitted, tenant_of
from tests.support.table_sources import source_of

MODES = ("", "-jobs", "-auto")
TABLES = ("user_presence", "user_routing_status")
HOUR = timedelta(hours=1)


def user(number: int) -> str:
    return str(UUID(int=(4 << 76) + (8 << 60) + number))


def presence(
    who: int, start: datetime, end: datetime, status: str | None = "IDLE"
) -> Presence:
    return Presence(
        user_id=user(who),
        system_presence="AVAILABLE" if status is None else "ON_QUEUE",
        organization_presence_id=user(900 + who % 3),
        start=start,
        end=end,
        routing_status=status,
    )


def working(users: int, days: int) -> Tenant:
    """Return users whose records last for 7 hours, round the clock, over midnights."""
    records = [
        presence(
            who,
            after(-1) + (n * 7 + who % 5) * HOUR,
            after(-1) + (n * 7 + 7 + who % 5) * HOUR,
            status=(None, "IDLE", "INTERACTING")[(n + who) % 3],
        )
        for who in range(users)
        for n in range((days + 2) * 24 // 7)
    ]
    people = tuple(User(id=user(who), name=f"U{who}") for who in range(users))
    return tenant_of(presences=tuple(records), users=people)


Record = tuple[str, str, str, str]


def records(
    presences: Iterable[Presence], start: datetime, end: datetime
) -> list[Record]:
    """Return what overlaps [start, end)."""
    return sorted(
        (one.user_id, one.start.isoformat(), one.end.isoformat(), one.system_presence)
        for one in presences
        if one.start < end and one.end > start
    )


def exported(world: World, name: str = "job", table: str = TABLES[0]) -> list[Record]:
    state = "system_presence" if table == TABLES[0] else "routing_status"
    return sorted(
        (
            row["user_id"],
            datetime.fromisoformat(row["start_time"]).isoformat(),
            datetime.fromisoformat(row["end_time"]).isoformat(),
            row[state],
        )
        for row in world.rows(name, table)
    )


def run(world: World, mode: str = "", **job: Any) -> Any:
    return world.run(endpoint=f"user-details{mode}", tables=TABLES, **job)


@pytest.mark.one_in(4)
@pytest.mark.parametrize("chunk", ["P1D", "P3D", "auto"])
@pytest.mark.parametrize("mode", MODES)
def test_each_record_of_the_range_comes_once(
    tmp_path: Path, mode: str, chunk: str
) -> None:
    """Also one that lies in two windows, or began before the range."""
    tenant = working(110, 6)
    world = World(tmp_path, tenant)

    run(world, mode, days=6, fetch={"chunk": chunk})

    assert exported(world) == records(tenant.presences, after(0), after(6))
    routed = [
        (who, start, end, one.routing_status)
        for one in tenant.presences
        if one.routing_status
        for who, start, end, _ in records([one], after(0), after(6))
    ]
    assert exported(world, table=TABLES[1]) == sorted(routed)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("start", "end"), [(0.5, 0.6), (0.5, 3.4), (1, 1.25)])
def test_a_range_that_is_no_whole_days(
    tmp_path: Path, mode: str, start: float, end: float
) -> None:
    """What ended before it or began after it is not the job's."""
    tenant = working(20, 5)
    world = World(tmp_path, tenant)
    texts = [after(n).strftime("%Y-%m-%dT%H:%M") for n in (start, end)]

    run(world, mode, query={"from": texts[0], "to": texts[1]}, fetch={"chunk": "P1D"})

    assert exported(world) == records(tenant.presences, after(start), after(end))


@pytest.mark.parametrize("until", [1.0, 1.5])
def test_a_seam_within_a_window_loses_nothing(tmp_path: Path, until: float) -> None:
    """Where jobs have data up to its middle, users have records on both sides."""
    tenant = working(820, 2)
    world = World(tmp_path, tenant, details_available_until=after(until))

    run(world, "-auto", days=2)

    assert exported(world) == records(tenant.presences, after(0), after(2))


@pytest.mark.parametrize("mode", MODES)
def test_more_users_than_paging_reaches(tmp_path: Path, mode: str) -> None:
    """Their records come all the same, once."""
    tenant = working(250, 2)
    world = World(tmp_path, tenant, max_detail_results=200)

    run(world, mode, days=2)

    assert exported(world) == records(tenant.presences, after(0), after(2))
    assert submitted(world)


def test_a_page_that_keeps_losing_users_is_an_error(tmp_path: Path) -> None:
    """It names the span, the count had and the count due."""
    fault = Fault("empty_details", page=2, times=None)
    world = World(tmp_path, working(250, 1), faults=Faults(fault))

    with pytest.raises(DataError, match="150 of 250 users came") as failed:
        run(world)

    assert "2026-03-02" in failed.value.problem


@pytest.mark.parametrize("page", [1, 2, 3])
def test_a_page_that_lost_users_once_is_asked_again(tmp_path: Path, page: int) -> None:
    """All records come."""
    tenant = working(250, 1)
    fault = Fault("empty_details", page=page)
    world = World(tmp_path, tenant, faults=Faults(fault))

    run(world)

    assert exported(world) == records(tenant.presences, after(0), after(1))


@pytest.mark.parametrize("mode", MODES)
def test_filters_choose_users(tmp_path: Path, mode: str) -> None:
    """By id; all of the records of a chosen user are theirs."""
    tenant = working(9, 2)
    world = World(tmp_path, tenant)
    chosen = {
        "userFilters": [
            {
                "type": "or",
                "predicates": [
                    {"dimension": "userId", "value": user(n)} for n in (2, 5)
                ],
            }
        ]
    }

    run(world, mode, days=2, query={"filter": chosen})

    expected = [p for p in tenant.presences if p.user_id in (user(2), user(5))]
    assert exported(world) == records(expected, after(0), after(2))


def test_all_modes_give_the_same_bytes(tmp_path: Path) -> None:
    """Both tables, by pages, by jobs and by either."""
    world = World(tmp_path, working(30, 8))

    for mode in MODES:
        world.run(
            f"by{mode}",
            endpoint=f"user-details{mode}",
            days=8,
            query={"timezone": "Asia/Jerusalem"},
            tables=TABLES,
        )

    for table in TABLES:
        written = {world.output(f"by{mode}", table).read_bytes() for mode in MODES}
        assert len(written) == 1


def test_names_stand_beside_ids(tmp_path: Path) -> None:
    """Users are listed, as for any table with their ids."""
    world = World(tmp_path, working(3, 1))

    run(world)

    named = {(row["user_id"], row["user_name"]) for row in world.rows(table=TABLES[0])}
    assert named == {(user(n), f"U{n}") for n in range(3)}


# the tables alone


@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from("abc"),
            st.sets(st.integers(0, 9), max_size=4),
            st.sampled_from([None, 1, 2]),
        ),
        max_size=8,
    ),
    cuts=st.sets(st.integers(1, 7)),
)
def test_a_user_may_come_in_any_number_of_rows(
    rows: list[tuple[str, set[int], int | None]], cuts: set[int]
) -> None:
    """Over batches too: each start of a user is there once, with its latest end."""
    rows = sorted(rows, key=lambda row: row[0])
    texts = [
        orjson.dumps({"userId": who, "primaryPresence": [_sent(n, end) for n in begun]})
        for who, begun, end in rows
    ]
    edges = [0, *sorted(cuts), len(texts)]
    batches = [batch_of(texts[a:b], "userId") for a, b in pairwise(edges)]
    (query,) = asked = queries(1)

    source = source_of(plan_of(asked), FakeStore({query.digest: batches}))
    table = details_table(TABLES[0])(source)

    expected: dict[tuple[str, datetime], datetime | None] = {}
    for who, begun, hours in rows:
        for number in begun:
            start = START + number * HOUR
            end = None if hours is None else start + hours * HOUR
            known = expected.get((who, start))
            expected[who, start] = max(filter(None, (known, end)), default=None)
    reported = [
        (row["user_id"], row["start_time"], row["end_time"])
        for row in table.read_all().to_pylist()
    ]
    assert reported == [(*key, end) for key, end in sorted(expected.items())]


def _sent(number: int, hours: int | None) -> dict[str, str]:
    start = START + number * HOUR
    end = {} if hours is None else {"endTime": iso(start + hours * HOUR)}
    return {"startTime": iso(start), **end, "systemPresence": "BUSY"}


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("organizationPresenceId", 5, ""),
        ("startTime", 5, "primaryPresence[0].startTime"),
    ],
)
def test_an_odd_value_costs_its_field_unless_times_hang_on_it(
    tmp_path: Path, field: str, value: Any, problem: str
) -> None:
    """What users were is kept in `extra`; when they were it, durations follow from."""
    span = {"startTime": f"{iso(after(0.1))}", "endTime": f"{iso(after(0.2))}"}
    record = {**span, "systemPresence": "AWAY", field: value}
    body = {
        "userDetails": [{"userId": "u", "primaryPresence": [record]}],
        "totalHits": 1,
    }
    world = World(tmp_path, tenant_of())
    world.simulator.faults.add(Fault("garbage", body=orjson.dumps(body), times=None))

    if problem:
        with pytest.raises(DataError, match="user u: ") as failed:
            world.run(endpoint="user-details", tables=("user_presence",))
        assert problem in failed.value.problem
        return

    report = world.run(endpoint="user-details", tables=("user_presence",))

    (row,) = world.rows(table="user_presence")
    (warning,) = report.warnings
    assert (row["system_presence"], row["organization_presence_id"]) == ("AWAY", "")
    assert orjson.loads(row["extra"]) == {field: value}
    assert warning.endswith(f"1, the first in user u: primaryPresence[0].{field}")
