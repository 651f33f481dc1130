"""Comparing a destination with a table: what differs is found, and nothing else."""

import json
import math
import random
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcbatch.coverage import Coverage, OrgWindow
from gcbatch.exporting import Mismatch, compare_days
from gcbatch.exporting.compare_days import _Sums
from gcbatch.table import INSTANT, Table
from gcbatch.windows import UTC_ZONE, Window

START = datetime(2026, 3, 1, tzinfo=UTC)
DAYS = 3
SCHEMA = pa.schema(
    [
        ("interval_start", INSTANT),
        ("interval_end", INSTANT),
        ("queue", pa.string()),
        ("n", pa.int64()),
        ("level", pa.float64()),
        ("met", pa.bool_()),
        pa.field("raw", pa.string(), metadata={"content": "json"}),
    ]
)

Row = dict[str, Any]


def table_of(rows: Sequence[Row], **changes: Any) -> Table:
    schema = changes.setdefault("schema", SCHEMA)
    window = Window(START, START + timedelta(days=DAYS))
    usual: dict[str, Any] = {
        "name": "intervals",
        "key": ("interval_start", "queue"),
        "covered": Coverage.whole(window),
        "timezone": UTC_ZONE,
        "run_id": "1",
        "batches": lambda: iter([batch_of(rows, schema)]),
    }
    return Table(**{**usual, **changes})


def batch_of(rows: Sequence[Row], schema: pa.Schema = SCHEMA) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist(list(rows), schema=schema)


def compared(
    table: Table, rows: Sequence[Row], schema: pa.Schema | None = None
) -> list[Mismatch]:
    return list(compare_days(table, [batch_of(rows, schema or table.schema)]))


def some_rows() -> list[Row]:
    """Return four rows a day."""
    return [
        {
            "interval_start": (at := START + timedelta(hours=6 * n)),
            "interval_end": at + timedelta(hours=6),
            "queue": f"queue {n % 4}",
            "n": n,
            "level": n / 8,
            "met": n % 3 == 0,
            "raw": json.dumps({"a": n, "b": [1]}),
        }
        for n in range(4 * DAYS)
    ]


def changed(rows: Sequence[Row], number: int, **values: Any) -> list[Row]:
    return [{**r, **values} if n == number else r for n, r in enumerate(rows)]


INSTANTS = st.integers(0, DAYS * 86_400_000 - 1).map(
    lambda ms: START + timedelta(milliseconds=ms)
)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "interval_start": INSTANTS,
    "interval_end": INSTANTS,
    "queue": st.none() | st.text(st.characters(codec="utf-8"), max_size=3),
    "n": st.none() | st.integers(-(2**63), 2**63 - 1) | st.integers(-2, 2),
    "level": st.none()
    | st.floats(allow_nan=False)
    | st.sampled_from([0.0, 0.5, 1.0, 1.5, 2.0, math.inf]),
    "met": st.none() | st.booleans(),
    "raw": st.none() | st.sampled_from(["{}", '{"a":1}', '{"a":2}', "1", "broken"]),
}
ROWS = st.lists(st.fixed_dictionaries(VALUES), min_size=1, max_size=5)


@given(ROWS, st.randoms(use_true_random=False), st.integers(1, 5))
def test_order_and_batches_do_not_matter(
    rows: list[Row], chance: random.Random, size: int
) -> None:
    """A destination returns rows as it likes."""
    table = table_of(rows)
    chance.shuffle(rows)
    found = [batch_of(rows[at : at + size]) for at in range(0, len(rows), size)]

    assert list(compare_days(table, found)) == []


@given(st.data())
def test_a_changed_value_is_found(data: st.DataObject) -> None:
    """Of any column, to any other value: also null, and one that makes sums wrap."""
    rows = data.draw(ROWS)
    number = data.draw(st.integers(0, len(rows) - 1))
    column = data.draw(st.sampled_from(sorted(VALUES)))
    old = rows[number][column]
    new = data.draw(VALUES[column].filter(lambda value: value != old))

    found = compared(table_of(rows), changed(rows, number, **{column: new}))

    start = rows[number]["interval_start"]
    assert start.date() in {mismatch.day for mismatch in found}


@given(st.data())
def test_exchanged_values_are_found(data: st.DataObject) -> None:
    """Two rows of a day exchange a value: no sum of a column changes."""
    rows = data.draw(ROWS.filter(lambda rows: len(rows) > 1))
    for number, row in enumerate(rows):
        row["interval_start"] = START + timedelta(minutes=number)
    one, other = data.draw(
        st.lists(st.integers(0, len(rows) - 1), min_size=2, max_size=2, unique=True)
    )
    names = sorted(set(VALUES) - {"interval_start"})
    column = data.draw(st.sampled_from(names))
    values = rows[one][column], rows[other][column]
    swapped = changed(rows, one, **{column: values[1]})
    swapped = changed(swapped, other, **{column: values[0]})

    found = compared(table_of(rows), swapped)

    assert bool(found) == (values[0] != values[1])
    for mismatch in found:
        assert mismatch.problem == (
            "values belong to other rows, though the sums of all columns agree"
        )


def test_a_lost_row_is_named_by_its_day() -> None:
    """So is one that was added, on a day without rows of the table too."""
    rows = some_rows()
    table = table_of(rows[:8])

    found = compared(table, [*rows[1:8], rows[9]])

    assert [(m.day, m.problem) for m in found] == [
        (date(2026, 3, 1), "3 rows, expected 4"),
        (date(2026, 3, 3), "1 rows, expected 0"),
    ]


def test_a_row_in_place_of_another_is_found() -> None:
    """One is lost and another is there twice: as many rows as expected."""
    rows = some_rows()

    assert compared(table_of(rows), [*rows[1:], rows[1]])


def test_nothing_found_is_a_mismatch_for_each_day() -> None:
    """A destination that was emptied yields no batch at all."""
    found = list(compare_days(table_of(some_rows()), []))

    assert [m.problem for m in found] == ["0 rows, expected 4"] * DAYS


def test_sums_say_what_differs() -> None:
    """Numbers by their sums, others by name; at most three columns."""
    rows = some_rows()
    values = {"n": 100, "level": 9.5, "met": False, "queue": ""}

    (found,) = compared(table_of(rows), changed(rows, 0, **values))

    assert found.problem == (
        "queue: a value differs; n: the sum is 106, expected 6; "
        "level: the sum is 10.25, expected 0.75; 1 column more"
    )


@pytest.mark.parametrize(
    ("column", "one", "other"),
    [
        ("queue", "", None),
        ("queue", "a\0b", "a\0c"),
        ("queue", "a", "a\0"),
        ("n", 0, None),
        ("level", 0.0, None),
        ("met", False, None),
        ("n", 2**63 - 1, -(2**63)),
    ],
)
def test_values_that_look_the_same_differ(column: str, one: Any, other: Any) -> None:
    """Empty is not null, and what follows NUL counts."""
    rows = changed(some_rows(), 5, **{column: one})

    (found,) = compared(table_of(rows), changed(rows, 5, **{column: other}))

    assert found.problem.startswith(f"{column}: ")


@pytest.mark.parametrize(
    ("column", "one", "other"),
    [
        ("level", 0.0, -0.0),
        ("level", math.nan, None),
        ("raw", '{"a":1,"b":"é"}', '{"b": "\\u00e9", "a": 1}'),
    ],
)
def test_what_databases_write_differently_is_the_same(
    column: str, one: Any, other: Any
) -> None:
    """SQLite returns 0.0 for -0.0 and null for NaN; jsonb sorts keys."""
    rows = changed(some_rows(), 5, **{column: one})

    assert compared(table_of(rows), changed(rows, 5, **{column: other})) == []


def test_other_types_of_the_same_values_are_the_same() -> None:
    """As drivers return them: microseconds, large and encoded texts, 0 and 1."""
    other = pa.schema(
        [
            ("interval_start", pa.timestamp("us", tz="UTC")),
            ("interval_end", pa.timestamp("ns", tz="UTC")),
            ("queue", pa.dictionary(pa.int32(), pa.string())),
            ("n", pa.int32()),
            ("level", pa.float64()),
            ("met", pa.int64()),
            ("raw", pa.large_string()),
        ]
    )
    table = table_of(some_rows())
    found = batch_of(some_rows(), SCHEMA).cast(other)

    assert list(compare_days(table, [found])) == []


@pytest.mark.parametrize(
    ("column", "kind", "value"),
    [
        ("n", pa.float64(), 5.5),
        ("n", pa.string(), "five"),
        ("met", pa.int64(), 2),
        ("interval_end", pa.timestamp("us", tz="UTC"), START.replace(microsecond=1)),
        ("interval_end", pa.string(), "soon"),
    ],
)
def test_a_value_that_is_none_of_its_type_differs(
    column: str, kind: pa.DataType, value: Any
) -> None:
    """Its day is named, and no other: its neighbours are read all the same."""
    rows = some_rows()
    at = SCHEMA.get_field_index(column)
    whole = batch_of(rows)
    cells = whole.column(at).cast(kind).to_pylist()
    cells[5] = value
    found = whole.set_column(at, pa.field(column, kind), pa.array(cells, kind))

    (mismatch,) = compare_days(table_of(rows), [found])

    assert mismatch.day == date(2026, 3, 2)
    assert column in mismatch.problem


def test_columns_that_cannot_be_compared_are_left_out() -> None:
    """A list is no text, and a missing column is the exporter's to refuse."""
    rows = some_rows()
    found = batch_of(rows).drop_columns(["level"])
    lists = pa.array([[1]] * len(rows))
    at = found.schema.get_field_index("queue")
    found = found.set_column(at, pa.field("queue", lists.type), lists)

    assert list(compare_days(table_of(rows), [found])) == []


@pytest.mark.parametrize(
    ("at", "day"),
    [
        ("2026-03-28T22:59:59.999+00:00", date(2026, 3, 28)),
        ("2026-03-28T23:00:00+00:00", date(2026, 3, 29)),  # of 23 hours
        ("2026-03-29T21:59:59.999+00:00", date(2026, 3, 29)),
        ("2026-10-24T22:00:00+00:00", date(2026, 10, 25)),  # of 25 hours
        ("2026-10-25T22:59:59.999+00:00", date(2026, 10, 25)),
    ],
)
def test_days_are_those_of_the_time_zone(at: str, day: date) -> None:
    """Also where the clocks change."""
    row = {**some_rows()[0], "interval_start": datetime.fromisoformat(at)}
    year = Window(START, START + timedelta(days=365))
    table = table_of(
        [row], covered=Coverage.whole(year), timezone=ZoneInfo("Europe/Berlin")
    )

    (found,) = compare_days(table, [])

    assert found.day == day


def test_a_repeated_hour_at_midnight_is_of_the_new_day() -> None:
    """As in the buckets of a day (St. John's, clocks went back at 00:01)."""
    row = {**some_rows()[0]}
    row["interval_start"] = datetime(2010, 11, 7, 2, 45, tzinfo=UTC)
    covered = Window(datetime(2010, 11, 1, tzinfo=UTC), START)
    zone = ZoneInfo("America/St_Johns")
    table = table_of([row], covered=Coverage.whole(covered), timezone=zone)

    (found,) = compare_days(table, [])

    assert found.day == date(2010, 11, 7)


def test_rows_of_a_timeless_table_have_no_day() -> None:
    """It is compared as a whole."""
    rows = some_rows()
    table = table_of(rows, time=None)

    (found,) = compared(table, changed(rows, 3, n=0))

    assert (found.day, found.problem) == (None, "n: the sum is 63, expected 66")


def test_orgs_are_told_apart() -> None:
    """Two orgs exchange a value: the days of both are named, and nothing of gaps."""
    schema = pa.schema([("org", pa.string()), *SCHEMA])
    rows = [{"org": org, **row} for org in ("north", "west") for row in some_rows()]
    gap = Window(START + timedelta(days=2), START + timedelta(days=3))
    two = Window(START, gap.start)
    spans = (OrgWindow("north", two), OrgWindow("north", gap), OrgWindow("west", two))
    covered = Coverage(START, gap.end, spans)
    table = table_of(rows, schema=schema, covered=covered)
    there = [row for row in rows if covered.covers(row["interval_start"], row["org"])]
    assert compared(table, there) == []

    swapped = changed(changed(there, 1, n=2), 14, n=1)

    assert [(m.org, m.day) for m in compared(table, swapped)] == [
        ("north", date(2026, 3, 1)),
        ("west", date(2026, 3, 1)),
    ]


def test_a_row_without_time_or_org_is_extra() -> None:
    """A destination may let one be null."""
    schema = pa.schema([("org", pa.string()), *SCHEMA])
    rows = [{"org": "north", **row} for row in some_rows()]
    whole = Coverage.whole(Window(START, START + timedelta(days=DAYS)))
    covered = Coverage(whole.start, whole.end, (OrgWindow("north", whole.spans[0][1]),))
    table = table_of(rows, schema=schema, covered=covered)

    found = compared(table, [*rows, {"org": None, "interval_start": None}])

    assert [(m.org, m.day, m.problem) for m in found] == [
        ("", None, "1 rows, expected 0")
    ]


def test_a_day_takes_little_memory() -> None:
    """Ten years of 40 columns are days of less than two kilobytes."""
    schema = pa.schema(
        [("interval_start", INSTANT), *((f"n{n}", pa.int64()) for n in range(40))]
    )
    rows = [{"interval_start": START + timedelta(days=n)} for n in range(100)]
    sums = _Sums(table_of(rows, schema=schema), tuple(schema))

    sums.add(batch_of(rows, schema), 0)

    for day in sums.days.values():
        arrays = (day.checks, *day.figures)
        assert sum(one.itemsize * len(one) for one in arrays) == 3 * 8 * 41
