"""Tables of what users were when: each record once, in the window it starts in."""

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gcbatch.errors import DataError, JobError
from gcbatch.table import Table
from gcbatch.windows import iso
from gcbatch_exporters.parquet import ParquetExporter, ParquetOptions
from tests.support.detail_tables import (
    START,
    USER_TABLES,
    FakeStore,
    Json,
    batch_of,
    details_table,
    plan_of,
    queries,
)
from tests.support.table_sources import source_of

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
    source = source_of(plan_of(asked), store, timezone="Europe/Dublin", **options)
    return details_table(name)(source)


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
            "organization_presence_name": "o1",
            "extra": '{"newOne":[1.0]}',
        }
    ]


def test_a_record_without_a_start_is_refused() -> None:
    """It belongs to no row."""
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
@settings(max_examples=40)
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


def ends(table: Table) -> list[float | None]:
    """Return the ends of all rows, in hours from START."""
    reported = table.read_all()["end_time"].to_pylist()
    return [None if end is None else (end - START) / HOUR for end in reported]


@pytest.mark.parametrize("name", USER_TABLES)
def test_a_later_part_shows_when_a_record_ended(name: str) -> None:
    """It went on when its window was fetched, and the window after that."""
    goes_on, over = record(name, 2, None), record(name, 2, 60)
    other = record(name, 2, 90)

    table = table_of(
        name,
        {"u1": [goes_on], "u2": [goes_on]},
        {"u1": [goes_on]},
        {"u1": [over], "u3": [other]},
    )

    assert ends(table) == [62, None]


@pytest.mark.parametrize("name", USER_TABLES)
def test_the_later_of_two_ends_is_reported(name: str) -> None:
    """Parts of later windows need not have been fetched later."""
    later, earlier = record(name, 2, 60), record(name, 2, 50)

    table = table_of(
        name, {"u1": [record(name, 2, None)]}, {"u1": [later]}, {"u1": [earlier]}
    )

    assert ends(table) == [62]


def test_an_end_that_a_window_has_itself_stays() -> None:
    """What a part says of its own records is not overruled by others."""
    name = "user_presence"
    ended = record(name, 2, 30)

    table = table_of(name, {"u1": [ended]}, {"u1": [{**ended, **record(name, 2, 50)}]})

    assert ends(table) == [32]


@pytest.mark.parametrize("start", [25, 2])
def test_parts_are_read_twice_only_for_an_end_they_may_hold(start: int) -> None:
    """A record that began in the last window is in no later part."""
    name = "user_presence"
    asked = queries(2)
    documents = [{"userId": "u1", FIELD[name]: [record(name, start, None)]}]
    batch = batch_of([json.dumps(d).encode() for d in documents], "userId")
    store = FakeStore({query.digest: [batch] for query in asked})

    table = details_table(name)(source_of(plan_of(asked), store))
    table.read_all()

    assert store.opened == (2 if start == 25 else 4)


@given(
    st.dictionaries(st.integers(-40, 71), st.integers(1, 90), max_size=12),
    st.tuples(*(st.integers(0, 200) for _ in range(3))),
)
@settings(max_examples=60)
def test_an_end_is_reported_if_any_part_from_the_window_on_has_it(
    spans: dict[int, int], fetched: tuple[int, int, int]
) -> None:
    """Each window was fetched at an hour of its own, and knows the ends until then."""
    name = "user_presence"
    windows = []
    for day, hour in enumerate(fetched):
        until = max(hour, 24 * (day + 1))
        windows.append(
            {
                "u1": [
                    record(name, b, h if b + h <= until else None)
                    for b, h in sorted(spans.items())
                    if b < 24 * (day + 1) and b + h > 24 * day
                ]
            }
        )

    def known(begun: int, hours: int) -> int | None:
        end = begun + hours
        days = range(max(begun // 24, 0), 3)
        reported = [max(fetched[n], 24 * (n + 1)) for n in days if end > 24 * n]
        return end if any(end <= until for until in reported) else None

    expected = [known(b, h) for b, h in sorted(spans.items()) if b + h > 0]
    assert ends(table_of(name, *windows)) == expected
