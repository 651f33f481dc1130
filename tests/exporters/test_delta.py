"""The delta exporter: conformance, and loads that are exact whatever was there."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import duckdb
import pyarrow.parquet as pq
import pytest

from gcbatch.errors import OutputError
from gcbatch.exporting import load_exporter
from gcbatch.table import BATCH_ROWS
from gcbatch.testing import DatabaseConformance, Row, sample_table
from tests.support.lake_tables import hours, while_reading, with_column
from tests.support.lakes import DeltaLake, sorted_rows

BERLIN = ZoneInfo("Europe/Berlin")
TWELVE_O_CLOCK = timedelta(hours=12)


@pytest.fixture
def lake(tmp_path: Path) -> DeltaLake:
    return DeltaLake(tmp_path / "lake")


class TestConformance(DatabaseConformance):
    exporter = load_exporter("delta")
    takes_several: ClassVar[bool] = False

    def options(self, folder: Path) -> dict[str, Any]:
        return {"path": folder / "lake"}

    def read_table(self, folder: Path, name: str) -> list[Row]:
        del name  # the folder is one table
        lake = DeltaLake(folder / "lake")
        rows = lake.rows()
        assert sorted_rows(rows) == sorted_rows(lake.rows_by_library())
        return rows

    def columns(self, folder: Path) -> list[str]:
        return DeltaLake(folder / "lake").columns()


class TestConformanceOfPartitions(TestConformance):
    def options(self, folder: Path) -> dict[str, Any]:
        return {"path": folder / "lake", "partition_by": ["media_type"]}


def test_readers_need_no_more_than_the_first_protocol(lake: DeltaLake) -> None:
    """Any reader of Delta tables reads it: reader 1, writer 2."""
    lake.load(hours(0, 24), partition_by=["day"])

    assert lake.log.protocol == {"minReaderVersion": 1, "minWriterVersion": 2}


def test_columns_say_what_they_are(lake: DeltaLake) -> None:
    """Catalogs show a column's comment; the metadata is there too."""
    lake.load(hours(0, 24), partition_by=["day"])

    fields = lake.log.fields
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


def test_row_groups_have_the_batches_rows(lake: DeltaLake) -> None:
    """Groups of 32,768 rows keep the memory of writers and readers small."""
    table = replace(sample_table(BATCH_ROWS + 100), batch_rows=BATCH_ROWS)
    lake.load(table)

    (file,) = lake.log.files
    groups = pq.ParquetFile(lake.path / file).metadata
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
def test_days_are_those_of_the_zone(lake: DeltaLake, day: datetime) -> None:
    """A day of a clock change has its 23 or 25 hours."""
    start = day.astimezone(UTC) - timedelta(hours=24)
    table = hours(0, 72, start=start, zone=BERLIN)
    lake.load(table, partition_by=["day", "month"])

    found = Counter((row["day"], row["month"]) for row in lake.rows())
    expected = Counter(
        (local.date(), f"{local:%Y-%m}")
        for row in table.read_all().to_pylist()
        if (local := row["interval_start"].astimezone(BERLIN))
    )
    assert found == expected
    assert found[day.date(), f"{day:%Y-%m}"] in {46, 50}


def test_duckdb_reads_the_files_of_a_day(lake: DeltaLake) -> None:
    """The folders of partitions are as Hive writes them."""
    lake.load(hours(0, 48), partition_by=["day"])

    files = f"{lake.path}/day=2026-10-02/*.parquet"
    found = duckdb.read_parquet(files, hive_partitioning=True)
    assert found.aggregate("count(*), min(day)").fetchall() == [(48, date(2026, 10, 2))]


def test_an_empty_text_is_no_partition(lake: DeltaLake) -> None:
    """Some readers take it for null, so it is refused."""
    table = with_column(hours(0, 24), "media", "")

    with pytest.raises(OutputError, match="media is an empty text"):
        lake.load(table, partition_by=["media"])

    assert lake.rows() == []


def test_a_reader_keeps_its_version(lake: DeltaLake) -> None:
    """Who has opened a version reads it to its end, also after later loads."""
    lake.load(hours(0, 24))
    opened = lake.opened
    batches = opened.to_pyarrow_dataset().to_batches()

    lake.load(hours(0, 24, offered=2))

    seen = {n for batch in batches for n in batch["n_offered"].to_pylist()}
    assert seen == {1}
    assert lake.offered() == {2: 48}


def test_optimize_meanwhile_loses_nothing(lake: DeltaLake) -> None:
    """Files that were compacted while a load read its rows are replaced too."""
    lake.load(hours(0, 24))
    lake.load(hours(24, 48))

    def optimize() -> None:
        lake.opened.optimize.compact()

    lake.load(while_reading(hours(0, 24, offered=2), optimize))

    assert lake.offered() == {1: 48, 2: 48}
