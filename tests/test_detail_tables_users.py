"""Tables of what users were when: each record once, in the window it starts in."""

import json
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gcbatch.errors import DataError, JobError
from gcbatch.tables.table import Table
from gcbatch.windows import iso
from gcbatch_exporters.parquet import ParquetExporter, ParquetOptions
from tests.detail_tables import (
    START,
    USER_TABLES,
    FakeStore,
    Json,
    batch_of,
    details_table,
    plan_of,
    queries,
)

HOUR = timedelta(hours=1)
FIELD = {"user_presence": "primaryPresence", "user_routing_status": "routingStatus"}
STATE = {"user_presence": "systemPresence", "user_routing_status": "routingStatus"}


def record(table: str, start: float, hours: float | None = 1, **more: Any) -> Json:
    """Return a record that begins some hours after START."""
    begun = START + start * HOUR
    ended = {} if hours is None else {"endTime": iso(begun + hours * HOUR)}
    return {"startTime": iso(begun), **ended, STATE[table]: "X", **more}


def table_of(name: str, *windows: dict[str, list[Json]], **options: Any) -> Table:
    """Return a table of the records of users, by window."""
    asked = queries(len(windows))
    parts = {
        query.digest: [
            batch_of(
                [
                    json.dumps({"userId": user, FIELD[name]: records}).encode()
                    for user, records in sorted(window.items())
                ],
                "userId",
            )
        ]
        for query, window in zip(asked, windows, strict=True)
    }
    store = FakeStore(parts, options.pop("newer", ()))
    zone = ZoneInfo("Europe/Dublin")
    return details_table(name).of(
        plan_of(asked), store, names=options.get("names", {}), timezone=zone
    )


def starts(table: Table) -> list[tuple[str, float]]:
    """Return the users of all rows, and hours from START."""
    rows = table.read_all().to_pylist()
    return [(r["user_id"], (r["start_time"] - START) / HOUR) for r in rows]


@pytest.mark.parametrize("name", USER_TABLES)
def test_a_record_is_of_the_window_it_starts_in(name: str) -> None:
    """Answers bring it with every window that it touches."""
    over_midnight = record(name, 20, 8)
    at_midnight = record(name, 24, 1)

    table = table_of(
        name,
        {"u1": [over_midnight, at_midnight]},
        {"u1": [over_midnight, at_midnight]},
    )

    assert starts(table) == [("u1", 20), ("u1", 24)]


@pytest.mark.parametrize("name", USER_TABLES)
def test_what_was_over_before_the_range_is_left_out(name: str) -> None:
    """Whole days are asked for a range that begins within one; open ends reach on."""
    over, touching, open_end = (
        record(name, -9, 8),
        record(name, -1, 1),
        record(name, -2),
    )
    del open_end["endTime"]

    table = table_of(name, {"u1": [over, touching], "u2": [open_end]})

    assert starts(table) == [("u2", -2)]


@pytest.mark.parametrize("name", USER_TABLES)
def test_what_began_before_the_range_is_of_its_first_window(name: str) -> None:
    """It has no other."""
    before = record(name, -30, 100)

    table = table_of(name, {"u1": [before]}, {"u1": [before]})

    assert starts(table) == [("u1", -30)]


@pytest.mark.parametrize("name", USER_TABLES)
def test_rows_are_in_order(name: str) -> None:
    """By user and start within a window, however they were sent."""
    table = table_of(
        name,
        {"u2": [record(name, 3), record(name, 1)], "u1": [record(name, 5)]},
        {"u1": [record(name, 24), record(name, 23)]},
    )

    assert starts(table) == [("u1", 5), ("u2", 1), ("u2", 3), ("u1", 24)]


def test_what_a_row_says() -> None:
    """The name beside the id, no end while it goes on, and what is newer."""
    going_on = record(
        "user_presence", 1, None, organizationPresenceId="o1", newOne=[1.0]
    )
    table = table_of(
        "user_presence",
        {"u1": [going_on]},
        names={"userId": {"u1": "Ann"}},
        newer=("primaryPresence.newOne", "routingStatus.other"),
    )

    assert table.read_all().to_pylist() == [
        {
            "user_id": "u1",
            "user_name": "Ann",
            "start_time": START + HOUR,
            "end_time": None,
            "system_presence": "X",
            "organization_presence_id": "o1",
            "extra": '{"newOne":[1.0]}',
        }
    ]


def test_a_record_without_a_start_is_refused() -> None:
    """It belongs nowhere."""
    table = table_of("user_presence", {"u1": [{"systemPresence": "X"}]})

    with pytest.raises(DataError, match="user u1: a record has no startTime"):
        table.read_all()


@pytest.mark.parametrize("name", USER_TABLES)
def test_they_are_not_partitioned_by_day(name: str, tmp_path: Any) -> None:
    """A record that began before the range would be in the folder of another run."""
    exporter = ParquetExporter(ParquetOptions(path=tmp_path, partition_by=("day",)))

    with pytest.raises(JobError, match="has no 'day' to partition by"):
        exporter.check({name: table_of(name, {})})


@given(st.sets(st.integers(-40, 71), max_size=20), st.integers(1, 60))
@settings(max_examples=40, deadline=None)
def test_every_record_once(begun: set[int], hours: int) -> None:
    """Whatever windows it touches: three days, answered as the service does."""
    name = "user_presence"
    windows = []
    for day in range(3):
        edges = 24 * day, 24 * (day + 1)
        touching = [b for b in begun if b < edges[1] and b + hours > edges[0]]
        windows.append({"u1": [record(name, b, hours) for b in sorted(touching)]})
    expected = sorted(b for b in begun if b + hours > 0)

    assert starts(table_of(name, *windows)) == [("u1", b) for b in expected]
