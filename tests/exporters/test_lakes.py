"""Loads into lakes are exact, whatever was there."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from gcbatch.errors import DataError, JobError
from gcbatch.testing import sample_table
from tests.support.lake_tables import OCTOBER, hours, listed, of_orgs, with_column
from tests.support.lakes import PLACES, Lake, lake_of, sorted_rows, wanted


@pytest.fixture(params=PLACES)
def lake(request: pytest.FixtureRequest, tmp_path: Path) -> Lake:
    """Return each lake, without a table."""
    return lake_of(request, tmp_path / "lake")


@pytest.mark.parametrize(
    ("first", "last"),
    [
        pytest.param(24, 48, id="the same"),
        pytest.param(0, 96, id="a wider"),
        pytest.param(30, 36, id="a narrower"),
        pytest.param(40, 60, id="an overlapping"),
        pytest.param(72, 96, id="another"),
    ],
)
@pytest.mark.parametrize("by", [(), ("day",), ("month", "queue_id")])
def test_a_range_is_replaced(
    lake: Lake, first: int, last: int, by: tuple[str, ...]
) -> None:
    """Rows in the new range are the new ones; the others stay as they are."""
    lake.load(hours(24, 48), partition_by=by)

    receipt = lake.load(hours(first, last, offered=2), partition_by=by)

    staying = len([h for h in range(24, 48) if not first <= h < last])
    assert lake.offered() == +Counter({1: 2 * staying, 2: 2 * (last - first)})
    assert receipt.rows == 2 * (last - first)


def test_what_the_service_took_back_goes(lake: Lake) -> None:
    """A range that has no rows any more is emptied, and no other."""
    lake.load(hours(0, 24))
    lake.load(hours(24, 48, offered=2))

    receipt = lake.load(replace(hours(0, 24), batches=lambda: iter(())))

    assert lake.offered() == {2: 48}
    assert receipt.rows == 0


def test_gaps_keep_what_is_there(lake: Lake) -> None:
    """Neither are the rows of a gap replaced, nor those of it that were fetched."""
    lake.load(hours(0, 48))

    lake.load(hours(0, 48, offered=2, gaps=[(6, 12), (20, 30)]))

    old = [row for row in lake.rows() if row["n_offered"] == 1]
    kept = {int((r["interval_start"] - OCTOBER) / timedelta(hours=1)) for r in old}
    assert kept == {*range(6, 12), *range(20, 30)}
    assert len(lake.rows()) == 96


def test_nothing_covered_changes_nothing(lake: Lake) -> None:
    """A run of which no span could be fetched leaves the table, or its absence."""
    nothing = hours(0, 24, offered=2, gaps=[(0, 24)])

    assert lake.load(nothing).rows == 0
    assert lake.files() == []

    lake.load(hours(0, 24))
    lake.load(nothing)
    assert lake.offered() == {1: 48}


def test_an_org_that_failed_keeps_its_history(lake: Lake) -> None:
    """Rows of an org are replaced only by rows of that org."""
    lake.load(of_orgs(uk=hours(0, 24), it=hours(0, 24)))

    lake.load(of_orgs(uk=hours(0, 24, offered=2)))

    found = Counter((row["org"], row["n_offered"]) for row in lake.rows())
    assert found == {("uk", 2): 48, ("it", 1): 48}


def test_names_of_orgs_are_only_text(lake: Lake) -> None:
    """A quote in the name of an org does not end it."""
    names = {"it's": hours(0, 24), "x' OR 'a' = 'a": hours(0, 24, offered=2)}
    lake.load(of_orgs(**names))

    lake.load(of_orgs(**{"it's": hours(0, 24, offered=3)}))

    assert lake.offered() == {2: 48, 3: 48}


def test_a_timeless_table_is_replaced_as_a_whole(lake: Lake) -> None:
    """What is no longer listed goes, whatever range the job has."""
    lake.load(listed("support", "sales"))

    lake.load(listed("support", "returns"))

    assert sorted(row["id"] for row in lake.rows()) == ["returns", "support"]


def test_a_timeless_table_is_replaced_by_org(lake: Lake) -> None:
    """The list of an org that failed stays."""
    lake.load(of_orgs(uk=listed("a", "b"), it=listed("c")))

    lake.load(of_orgs(uk=listed("d")))

    assert {(row["org"], row["id"]) for row in lake.rows()} == {
        ("uk", "d"),
        ("it", "c"),
    }


def test_totals_of_a_range_are_replaced_as_a_whole(lake: Lake) -> None:
    """Rows that are about a whole range do not stay beside those of another."""
    lake.load(replace(hours(0, 48), is_of_range=True))

    lake.load(replace(hours(24, 72, offered=2), is_of_range=True))

    assert lake.offered() == {2: 96}


@pytest.mark.parametrize(
    ("first", "last"), [(0, 12), (12, 24), (36, 60), (30, 40), (12, 60)]
)
def test_a_row_is_never_cut(lake: Lake, first: int, last: int) -> None:
    """A range that begins or ends within a row there is refused, also by check."""
    lake.load(hours(0, 72, width=24))

    with pytest.raises(JobError, match="its figures cannot be divided") as caught:
        lake.check(hours(first, last, offered=2))

    with pytest.raises(JobError, match=str(caught.value)[:20]):
        lake.load(hours(first, last, offered=2))
    assert lake.offered() == {1: 6}


def test_rows_of_another_length_are_replaced(lake: Lake) -> None:
    """Hours take the place of days where the edges agree."""
    lake.load(hours(0, 72, width=24))

    lake.load(hours(24, 48, offered=2))

    assert lake.offered() == {1: 4, 2: 48}


def test_values_arrive_as_they_are(lake: Lake) -> None:
    """Both readers give the values of the table, times in microseconds."""
    table = sample_table(3_000)
    lake.load(table)

    assert sorted_rows(lake.rows()) == wanted(table)
    assert sorted_rows(lake.rows_by_library()) == wanted(table)


def test_a_missing_value_is_a_partition(lake: Lake) -> None:
    """Null comes back as null."""
    table = with_column(hours(0, 24), "media", pa.scalar(None, pa.string()))
    lake.load(table, partition_by=["media"])

    assert {row["media"] for row in lake.rows()} == {None}
    assert {row["media"] for row in lake.rows_by_library()} == {None}


def test_an_error_of_the_table_stays_what_it_is(lake: Lake) -> None:
    """It is not one of Delta, though Delta reads the rows; nothing is left behind."""
    lake.load(hours(0, 24))
    before = lake.files()
    table = hours(0, 24)

    def broken() -> Any:
        yield from table
        msg = "part 9f1c: is damaged"
        raise DataError(msg)

    with pytest.raises(DataError, match=r"^part 9f1c: is damaged$"):
        lake.load(replace(table, batches=broken))

    assert lake.files() == before
