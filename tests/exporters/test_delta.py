"""The delta exporter: conformance, and loads that are exact whatever was there."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import deltalake
import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gcbatch.errors import DataError, JobError, OutputError
from gcbatch.exporting import load_exporter
from gcbatch.table import BATCH_ROWS
from gcbatch.testing import DatabaseConformance, Row, sample_table
from tests.support.delta_files import Log, rows_of
from tests.support.delta_loads import (
    check,
    load,
    offered,
    read_by_delta,
    sorted_rows,
    wanted,
)
from tests.support.lake_tables import OCTOBER, hours, listed, of_orgs, with_column

BERLIN = ZoneInfo("Europe/Berlin")
TWELVE_O_CLOCK = timedelta(hours=12)


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    return tmp_path / "lake"


class TestConformance(DatabaseConformance):
    exporter = load_exporter("delta")
    takes_several: ClassVar[bool] = False

    def options(self, folder: Path) -> dict[str, Any]:
        return {"path": folder / "lake"}

    def read_table(self, folder: Path, name: str) -> list[Row]:
        del name  # the folder is one table
        rows = rows_of(folder / "lake")
        assert sorted_rows(rows) == sorted_rows(read_by_delta(folder / "lake"))
        return rows

    def columns(self, folder: Path) -> list[str]:
        return list(Log.of(folder / "lake").fields)


class TestConformanceOfPartitions(TestConformance):
    def options(self, folder: Path) -> dict[str, Any]:
        return {"path": folder / "lake", "partition_by": ["media_type"]}


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
    lake: Path, first: int, last: int, by: tuple[str, ...]
) -> None:
    """Rows in the new range are the new ones; the others stay as they are."""
    load(lake, hours(24, 48), partition_by=by)

    receipt = load(lake, hours(first, last, offered=2), partition_by=by)

    staying = len([h for h in range(24, 48) if not first <= h < last])
    assert offered(lake) == +Counter({1: 2 * staying, 2: 2 * (last - first)})
    assert receipt.rows == 2 * (last - first)


def test_what_the_service_took_back_goes(lake: Path) -> None:
    """A range that has no rows any more is emptied, and no other."""
    load(lake, hours(0, 24))
    load(lake, hours(24, 48, offered=2))

    receipt = load(lake, replace(hours(0, 24), batches=lambda: iter(())))

    assert offered(lake) == {2: 48}
    assert receipt.rows == 0


def test_gaps_keep_what_is_there(lake: Path) -> None:
    """Neither are the rows of a gap replaced, nor those of it that were fetched."""
    load(lake, hours(0, 48))

    load(lake, hours(0, 48, offered=2, gaps=[(6, 12), (20, 30)]))

    old = [row for row in rows_of(lake) if row["n_offered"] == 1]
    kept = {int((r["interval_start"] - OCTOBER) / timedelta(hours=1)) for r in old}
    assert kept == {*range(6, 12), *range(20, 30)}
    assert len(rows_of(lake)) == 96


def test_nothing_covered_changes_nothing(lake: Path) -> None:
    """A run of which no span could be fetched leaves the table, or its absence."""
    nothing = hours(0, 24, offered=2, gaps=[(0, 24)])

    assert load(lake, nothing).rows == 0
    assert not lake.exists()

    load(lake, hours(0, 24))
    load(lake, nothing)
    assert offered(lake) == {1: 48}


def test_an_org_that_failed_keeps_its_history(lake: Path) -> None:
    """Rows of an org are replaced only by rows of that org."""
    load(lake, of_orgs(uk=hours(0, 24), it=hours(0, 24)))

    load(lake, of_orgs(uk=hours(0, 24, offered=2)))

    found = Counter((row["org"], row["n_offered"]) for row in rows_of(lake))
    assert found == {("uk", 2): 48, ("it", 1): 48}


def test_names_of_orgs_are_only_text(lake: Path) -> None:
    """A quote in the name of an org does not end it."""
    names = {"it's": hours(0, 24), "x' OR 'a' = 'a": hours(0, 24, offered=2)}
    load(lake, of_orgs(**names))

    load(lake, of_orgs(**{"it's": hours(0, 24, offered=3)}))

    assert offered(lake) == {2: 48, 3: 48}


def test_a_timeless_table_is_replaced_as_a_whole(lake: Path) -> None:
    """What is no longer listed goes, whatever range the job has."""
    load(lake, listed("support", "sales"))

    load(lake, listed("support", "returns"))

    assert sorted(row["id"] for row in rows_of(lake)) == ["returns", "support"]


def test_a_timeless_table_is_replaced_by_org(lake: Path) -> None:
    """The list of an org that failed stays."""
    load(lake, of_orgs(uk=listed("a", "b"), it=listed("c")))

    load(lake, of_orgs(uk=listed("d")))

    assert {(row["org"], row["id"]) for row in rows_of(lake)} == {
        ("uk", "d"),
        ("it", "c"),
    }


def test_totals_of_a_range_are_replaced_as_a_whole(lake: Path) -> None:
    """Rows that are about a whole range do not stay beside those of another."""
    load(lake, replace(hours(0, 48), is_of_range=True))

    load(lake, replace(hours(24, 72, offered=2), is_of_range=True))

    assert offered(lake) == {2: 96}


@pytest.mark.parametrize(
    ("first", "last"), [(0, 12), (12, 24), (36, 60), (30, 40), (12, 60)]
)
def test_a_row_is_never_cut(lake: Path, first: int, last: int) -> None:
    """A range that begins or ends within a row there is refused, also by check."""
    load(lake, hours(0, 72, width=24))

    with pytest.raises(JobError, match="its figures cannot be divided") as caught:
        check(lake, hours(first, last, offered=2))

    with pytest.raises(JobError, match=str(caught.value)[:20]):
        load(lake, hours(first, last, offered=2))
    assert offered(lake) == {1: 6}


def test_rows_of_another_length_are_replaced(lake: Path) -> None:
    """Hours take the place of days where the edges agree."""
    load(lake, hours(0, 72, width=24))

    load(lake, hours(24, 48, offered=2))

    assert offered(lake) == {1: 4, 2: 48}


def test_values_arrive_as_they_are(lake: Path) -> None:
    """Both readers give the values of the table, times in microseconds."""
    table = sample_table(3_000)
    load(lake, table)

    assert sorted_rows(rows_of(lake)) == wanted(table)
    assert sorted_rows(read_by_delta(lake)) == wanted(table)


def test_readers_need_no_more_than_the_first_protocol(lake: Path) -> None:
    """Any reader of Delta tables reads it: reader 1, writer 2."""
    load(lake, hours(0, 24), partition_by=["day"])

    assert Log.of(lake).protocol == {"minReaderVersion": 1, "minWriterVersion": 2}


def test_columns_say_what_they_are(lake: Path) -> None:
    """Catalogs show a column's comment; the metadata is there too."""
    load(lake, hours(0, 24), partition_by=["day"])

    fields = Log.of(lake).fields
    assert fields["t_talk_ms"]["metadata"] == {
        "unit": "ms",
        "source": "tTalk",
        "comment": "unit ms, source tTalk",
    }
    assert fields["day"]["metadata"]["comment"] == "Day of interval_start in UTC"
    assert {name: one["type"] for name, one in fields.items()} == {
        "interval_start": "timestamp",
        "interval_end": "timestamp",
        "queue_id": "string",
        "n_offered": "long",
        "t_talk_ms": "long",
        "level_ratio": "double",
        "day": "date",
    }


def test_row_groups_have_the_batches_rows(lake: Path) -> None:
    """Groups of 32,768 rows keep the memory of writers and readers small."""
    table = replace(sample_table(BATCH_ROWS + 100), batch_rows=BATCH_ROWS)
    load(lake, table)

    (file,) = Log.of(lake).files
    groups = pq.ParquetFile(lake / file).metadata
    assert [groups.row_group(n).num_rows for n in range(groups.num_row_groups)] == [
        BATCH_ROWS,
        100,
    ]


@pytest.mark.parametrize(
    "day",
    [
        pytest.param(datetime(2026, 10, 25, tzinfo=BERLIN), id="25 hours"),
        pytest.param(datetime(2026, 3, 29, tzinfo=BERLIN), id="23 hours"),
    ],
)
def test_days_are_those_of_the_zone(lake: Path, day: datetime) -> None:
    """A day of a clock change has its 23 or 25 hours."""
    start = day.astimezone(UTC) - timedelta(hours=24)
    table = hours(0, 72, start=start, zone=BERLIN)
    load(lake, table, partition_by=["day", "month"])

    found = Counter((row["day"], row["month"]) for row in rows_of(lake))
    expected = Counter(
        (local.date(), f"{local:%Y-%m}")
        for row in table.read_all().to_pylist()
        if (local := row["interval_start"].astimezone(BERLIN))
    )
    assert found == expected
    assert found[day.date(), f"{day:%Y-%m}"] in {46, 50}


def test_duckdb_reads_the_files_of_a_day(lake: Path) -> None:
    """The folders of partitions are as Hive writes them."""
    load(lake, hours(0, 48), partition_by=["day"])

    files = f"{lake}/day=2026-10-02/*.parquet"
    found = duckdb.read_parquet(files, hive_partitioning=True)
    assert found.aggregate("count(*), min(day)").fetchall() == [(48, date(2026, 10, 2))]


def test_an_empty_text_is_no_partition(lake: Path) -> None:
    """Some readers take it for null, so it is refused."""
    table = with_column(hours(0, 24), "media", "")

    with pytest.raises(OutputError, match="media is an empty text"):
        load(lake, table, partition_by=["media"])

    assert rows_of(lake) == []


def test_a_missing_value_is_a_partition(lake: Path) -> None:
    """Null comes back as null."""
    table = with_column(hours(0, 24), "media", pa.scalar(None, pa.string()))
    load(lake, table, partition_by=["media"])

    assert {row["media"] for row in rows_of(lake)} == {None}
    assert {row["media"] for row in read_by_delta(lake)} == {None}


def test_an_error_of_the_table_stays_what_it_is(lake: Path) -> None:
    """It is not one of Delta, though Delta reads the rows; nothing is left behind."""
    load(lake, hours(0, 24))
    before = sorted(lake.rglob("*"))
    table = hours(0, 24)

    def broken() -> Any:
        yield from table
        msg = "part 9f1c: is damaged"
        raise DataError(msg)

    with pytest.raises(DataError, match=r"^part 9f1c: is damaged$"):
        load(lake, replace(table, batches=broken))

    assert sorted(lake.rglob("*")) == before


def test_a_reader_keeps_its_version(lake: Path) -> None:
    """Who has opened a version reads it to its end, also after later loads."""
    load(lake, hours(0, 24))
    opened = deltalake.DeltaTable(lake)
    batches = opened.to_pyarrow_dataset().to_batches()

    load(lake, hours(0, 24, offered=2))

    seen = {n for batch in batches for n in batch["n_offered"].to_pylist()}
    assert seen == {1}
    assert offered(lake) == {2: 48}
