"""Whose a Delta table is, which columns fit, and what it holds."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import deltalake
import pyarrow as pa
import pytest

from gcbatch import Table
from gcbatch.errors import JobError
from gcbatch.exporting import Receipt
from tests.support.lake_tables import SCHEMA, hours, of_orgs, with_column
from tests.support.lakes import DeltaLake

TODAY = hours(0, 24)


@pytest.fixture
def lake(tmp_path: Path) -> DeltaLake:
    return DeltaLake(tmp_path / "lake")


def refused(lake: DeltaLake, table: Table, match: str, **options: Any) -> None:
    """Check and export are refused, and the table stays as it is."""
    before = lake.log
    for step in (lake.check, lake.load):
        with pytest.raises(JobError, match=match):
            step(table, **options)
    assert lake.log == before


class TestOwner:
    def test_the_owner_outlives_the_log(self, lake: DeltaLake) -> None:
        """A checkpoint has it, after the commits before are gone."""
        lake.load(TODAY)
        lake.load(hours(24, 48))
        opened = lake.opened
        opened.create_checkpoint()
        for version in range(opened.version()):
            (lake.path / "_delta_log" / f"{version:020}.json").unlink()

        with pytest.raises(JobError, match="belongs to job 'nightly'"):
            lake.load(replace(TODAY, job="hourly"))

        lake.load(hours(0, 24, offered=2))
        found = lake.opened.to_pyarrow_table()["n_offered"].to_pylist()
        assert Counter(found) == {1: 48, 2: 48}

    def test_an_empty_table_of_others_is_taken(self, lake: DeltaLake) -> None:
        """Administrators create tables with properties of their own."""
        deltalake.DeltaTable.create(
            lake.path,
            SCHEMA,
            configuration={"delta.logRetentionDuration": "interval 9 days"},
        )

        lake.load(TODAY)

        assert lake.offered() == {1: 48}
        assert lake.log.metadata["configuration"] == {
            "delta.logRetentionDuration": "interval 9 days",
            "gcbatch.job": "nightly",
            "gcbatch.table": "intervals",
        }

    def test_days_of_another_zone_are_refused(self, lake: DeltaLake) -> None:
        """They would not be the days of the rows that stay."""
        lake.load(TODAY, partition_by=["day"])

        other = replace(TODAY, timezone=ZoneInfo("Asia/Tokyo"))
        refused(lake, other, "days of UTC", partition_by=["day"])

    def test_files_in_the_way_are_refused(self, lake: DeltaLake) -> None:
        """Delta's vacuum would remove them."""
        lake.path.mkdir()
        (lake.path / "mine.parquet").touch()

        with pytest.raises(JobError, match=r"no Delta table \(mine.parquet\)"):
            lake.load(TODAY)
        assert [path.name for path in lake.path.iterdir()] == ["mine.parquet"]

    def test_a_file_is_refused(self, lake: DeltaLake) -> None:
        """The path of a Delta table is a folder."""
        lake.path.touch()

        with pytest.raises(JobError, match="is a file"):
            lake.check(TODAY)

    def test_another_url_is_refused(self, lake: DeltaLake) -> None:
        """Only object stores have one."""
        with pytest.raises(ValueError, match="is a URL, not a path"):
            lake.exporter(path="hdfs://lake/intervals")

    @pytest.mark.parametrize("name", ["with space", "ü", "a+b=c", "it's", "100%"])
    def test_a_path_is_taken_as_it_is(self, tmp_path: Path, name: str) -> None:
        """Characters that mean something in a URL mean nothing in a path."""
        lake = DeltaLake(tmp_path / name)
        lake.load(TODAY)

        assert [path.name for path in tmp_path.iterdir()] == [name]
        assert lake.offered() == {1: 48}

    @pytest.mark.parametrize("name", ["a%20b", "a#b", "a?b", "a[b", "a|b", "a\\b"])
    def test_a_path_that_delta_misreads_is_refused(
        self, tmp_path: Path, name: str
    ) -> None:
        """Delta's library would read from another folder, find no history, or abort."""
        with pytest.raises(JobError, match="in the path of their folder"):
            DeltaLake(tmp_path / name).check(TODAY)


class TestColumns:
    def test_orgs_of_several_zones_have_no_days(self, lake: DeltaLake) -> None:
        """They can be partitioned by org."""
        table = replace(of_orgs(uk=TODAY), zones_differ=True)

        with pytest.raises(JobError, match="no day in common"):
            lake.check(table, partition_by=["day"])
        lake.load(table, partition_by=["org"])
        assert lake.offered() == {1: 48}


class TestLedger:
    def test_a_commit_says_what_it_loaded(self, lake: DeltaLake) -> None:
        """Job, run, spans and fingerprint are in the log; Delta counts the rows."""
        lake.load(hours(0, 24, gaps=[(6, 12)]), fingerprint="f1")

        commit = lake.log.commits[-1]
        said = commit["gcbatch"]
        assert said["job"], said["run_id"] == ("nightly", "run")
        assert said["table"] == "intervals"
        assert said["fingerprint"] == "f1"
        assert said["spans"] == [
            ["", "2026-10-01T00:00:00.000Z", "2026-10-01T06:00:00.000Z"],
            ["", "2026-10-01T12:00:00.000Z", "2026-10-02T00:00:00.000Z"],
        ]
        assert commit["operationMetrics"]["num_added_rows"] == 36

    def test_rows_are_counted(self, lake: DeltaLake) -> None:
        """Also if the log calls a change of rows maintenance."""
        lake.load(TODAY, fingerprint="f1")
        lake.opened.delete("t_talk_ms = 3")
        path = max((lake.path / "_delta_log").glob("*.json"))
        text = path.read_text("utf-8")
        path.write_text(text.replace('"DELETE"', '"OPTIMIZE"'), "utf-8")

        assert lake.held(TODAY, "f1") is None

    def test_maintenance_does_not_count(self, lake: DeltaLake) -> None:
        """Optimize and vacuum leave all rows."""
        lake.load(hours(0, 12), fingerprint="f1")
        lake.load(hours(12, 24), fingerprint="f2")
        opened = lake.opened
        opened.optimize.compact()
        opened.vacuum(0, dry_run=False, enforce_retention_duration=False)

        assert lake.held(hours(0, 12), "f1") == Receipt(lake.place, 24)
        assert lake.offered() == {1: 48}

    def test_a_log_that_was_cleaned_says_nothing(self, lake: DeltaLake) -> None:
        """Then the rows are written again, as if they were new."""
        lake.load(TODAY, fingerprint="f1")
        opened = lake.opened
        opened.alter.set_table_properties({"delta.appendOnly": "false"})
        opened.create_checkpoint()
        for version in range(opened.version()):
            (lake.path / "_delta_log" / f"{version:020}.json").unlink()

        assert lake.held(TODAY, "f1") is None
        assert lake.load(TODAY, fingerprint="f1").rows == 48

    def test_a_strange_commit_is_none_of_ours(self, lake: DeltaLake) -> None:
        """A commit whose note has other keys counts as one of another program."""
        lake.load(TODAY, fingerprint="f1")
        path = max((lake.path / "_delta_log").glob("*.json"))
        lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        for line in lines:
            if "commitInfo" in line:
                line["commitInfo"]["gcbatch"] = {"job": "nightly"}
        path.write_text("\n".join(map(json.dumps, lines)), "utf-8")

        assert lake.held(TODAY, "f1") is None


def test_a_narrower_type_is_refused(lake: DeltaLake) -> None:
    """A number of 64 bits would lose its upper half in one of 32."""
    lake.load(with_column(hours(0, 24), "x", pa.scalar(7, pa.int32())))

    wider = with_column(hours(24, 48), "x", 2**40)
    refused(lake, wider, "x is integer there, and long here")
