"""The exporter iceberg: conformance, and what only Iceberg has."""

import gc
import os
import subprocess
import sys
from collections import Counter
from contextlib import nullcontext
from pathlib import Path
from typing import Any, ClassVar

import pytest
from pydantic import ValidationError
from pyiceberg.catalog.sql import SqlCatalog
from sqlalchemy.exc import OperationalError

from gcbatch.errors import JobError, OutputError
from gcbatch.exporting import load_exporter
from gcbatch.testing import DatabaseConformance, Row
from gcbatch_exporters.lakes import iceberg_files as written_files
from tests.support.lake_tables import hours, listed
from tests.support.lakes import IcebergLake, sorted_rows


@pytest.fixture
def lake(tmp_path: Path) -> IcebergLake:
    return IcebergLake(tmp_path / "lake")


class TestConformance(DatabaseConformance):
    exporter = load_exporter("iceberg")
    takes_several: ClassVar[bool] = False

    def options(self, folder: Path) -> dict[str, Any]:
        return IcebergLake(folder / "lake").options

    def read_table(self, folder: Path, name: str) -> list[Row]:
        del name  # the lake has one table
        lake = IcebergLake(folder / "lake")
        rows = lake.rows()
        assert sorted_rows(rows) == sorted_rows(lake.rows_by_library())
        return rows

    def columns(self, folder: Path) -> list[str]:
        return IcebergLake(folder / "lake").columns()


class TestConformanceOfPartitions(TestConformance):
    def options(self, folder: Path) -> dict[str, Any]:
        return {**super().options(folder), "partition_by": ["media_type"]}


def test_a_load_is_one_snapshot(lake: IcebergLake) -> None:
    """Also one that replaces parts of files, and one without a row."""
    lake.load(hours(0, 48))
    lake.load(hours(12, 36, offered=2))
    lake.load(hours(0, 48, gaps=[(2, 46)], offered=3))

    assert len(lake.content.snapshots) == len(lake.loads()) == 3
    assert [rows for _, rows in lake.loads()] == [96, 48, 8]
    assert lake.offered() == Counter({3: 8, 2: 48, 1: 40})


def test_files_that_are_not_covered_stay(lake: IcebergLake) -> None:
    """Only files with rows that are replaced are written again."""
    lake.load(hours(0, 72), partition_by=["day"])
    before = {file["file_path"] for file in lake.content.files}

    lake.load(hours(24, 48, offered=2), partition_by=["day"])

    after = {file["file_path"] for file in lake.content.files}
    assert len(before) == len(after) == 3
    assert len(before & after) == 2


@pytest.mark.parametrize(("by", "values"), [("day", 20_727), ("month", 681)])
def test_partitions_are_hidden(lake: IcebergLake, by: str, values: int) -> None:
    """They are of UTC, as Iceberg counts them, and no column of the table."""
    lake.load(hours(0, 24), partition_by=[by])

    (file,) = lake.content.files
    assert list(file["partition"].values()) == [values]
    assert by not in lake.columns()


def test_day_and_month_are_not_both_possible(lake: IcebergLake) -> None:
    """Iceberg takes one for redundant."""
    with pytest.raises(JobError, match="not by both"):
        lake.check(hours(0, 24), partition_by=["day", "month"])


def test_rows_of_a_file_are_bounded(
    lake: IcebergLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More files are written than the table asks for, so that memory is bounded."""
    monkeypatch.setattr(written_files, "MAX_BYTES", 1_000)
    lake.load(hours(0, 240))

    assert len(lake.content.files) > 5
    assert lake.offered() == {1: 480}


def test_a_check_creates_nothing(lake: IcebergLake) -> None:
    """Neither the catalog nor a folder; a check is before the first request."""
    lake.check(listed("a"))

    assert not lake.path.exists()


def test_an_empty_table_of_others_is_taken(lake: IcebergLake) -> None:
    """Its properties stay."""
    today = hours(0, 24)
    lake.write_as_others(today)
    with lake.catalog as catalog:
        there = catalog.load_table(("genesys", lake.table_name))
        there.delete("n_offered = 1")
        with there.transaction() as change:
            change.set_properties({"mine": "1"})

    lake.load(today)

    assert lake.offered() == {1: 48}
    assert lake.properties()["mine"] == "1"
    assert lake.properties()["gcbatch.job"] == "nightly"


@pytest.mark.parametrize("name", ["with space", "ü", "a#b", "a%20b", "it's"])
def test_a_path_is_taken_as_it_is(tmp_path: Path, name: str) -> None:
    """Characters that mean something in a URL mean nothing in a path."""
    lake = IcebergLake(tmp_path / name)
    lake.load(hours(0, 24))

    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert lake.offered() == {1: 48}


@pytest.mark.parametrize(
    ("catalog", "match"),
    [
        ({"type": "sql", "uri": "sqlite:///c.db"}, "needs a warehouse"),
        (
            {"type": "sql", "uri": "sqlite:///c.db", "warehouse": "s3://lake/w"},
            "is a URL, not a path",
        ),
        ({"type": "rest", "uri": "http://lake.example/api"}, "sends data unencrypted"),
        ({"type": "rest", "uri": "lake.example"}, "is not a URL"),
        (
            {
                "type": "rest",
                "uri": "https://lake.example",
                "oauth2_server_uri": "http://login.example/token",
            },
            "http://login.example sends data unencrypted",
        ),
        (
            {"type": "sql", "uri": "sqlite:///c.db", "warehouse": "w", "token": "t"},
            "token is for a catalog of type rest",
        ),
    ],
)
def test_options_are_checked(
    lake: IcebergLake, catalog: dict[str, str], match: str
) -> None:
    """When the job is read."""
    with pytest.raises(ValidationError, match=match):
        lake.exporter(catalog=catalog)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts open files")
@pytest.mark.parametrize("times", [1, 2, 3])
def test_creating_a_catalog_too_late_leaves_no_connection(
    lake: IcebergLake, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    """Other processes are faster, one for each table; or the database refuses."""
    is_refused = times > 2
    failed = OperationalError("CREATE TABLE", {}, Exception("failed"))
    failures = [failed] * times
    create = SqlCatalog.create_tables

    def late(catalog: SqlCatalog) -> None:
        if not is_refused:
            create(catalog)  # as the other processes did
        if failures:
            raise failures.pop()

    monkeypatch.setattr(SqlCatalog, "create_tables", late)
    gc.disable()  # it would close what we did not
    try:
        with pytest.raises(OutputError) if is_refused else nullcontext():
            lake.load(hours(0, 2))
        links = [os.path.realpath(link) for link in Path("/proc/self/fd").iterdir()]
    finally:
        gc.enable()

    assert str(lake.path / "catalog.db") not in links
    assert is_refused or len(lake.rows()) == 4


def test_a_destination_has_no_secret(lake: IcebergLake) -> None:
    """Neither a user nor a password."""
    uri = "postgresql://me:secret@db.example:5432/lake"
    catalog = {"type": "sql", "uri": uri, "warehouse": "w"}

    made = lake.exporter(catalog=catalog)

    (place,) = made.destinations(["intervals"])  # type: ignore[attr-defined] # has it
    assert place == "db.example:5432/lake: genesys.calls"


def test_other_runs_do_not_import_pyiceberg() -> None:
    """Its options are known without it."""
    code = (
        "import sys, gcbatch_exporters.iceberg\n"
        "found = {'pyiceberg', 'sqlalchemy', 'requests'} & set(sys.modules)\n"
        "assert not found, found"
    )
    subprocess.run([sys.executable, "-c", code], check=True)  # noqa: S603 - our own
