"""Whose a Delta table is, which columns fit, and what it holds."""

import json
from collections import Counter
from dataclasses import replace
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import deltalake
import pyarrow as pa
import pytest

from gcbatch.errors import JobError, OutputError
from gcbatch.exporting import Receipt
from tests.support.delta_files import Log, rows_of
from tests.support.delta_loads import (
    check,
    exporter,
    held,
    load,
    offered,
    verified,
)
from tests.support.lake_tables import SCHEMA, hours, listed, of_orgs, with_column

TODAY = hours(0, 24)


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    return tmp_path / "lake"


def refused(lake: Path, table: object, match: str, **options: object) -> None:
    """Check and export are refused, and the table stays as it is."""
    before = Log.of(lake)
    for step in (check, load):
        with pytest.raises(JobError, match=match):
            step(lake, table, **options)  # type: ignore[arg-type] # both take a table
    assert Log.of(lake) == before


class TestOwner:
    def test_a_second_job_is_refused(self, lake: Path) -> None:
        """Each would remove the other's rows; the way out is named."""
        load(lake, TODAY)

        refused(lake, replace(TODAY, job="hourly"), "belongs to job 'nightly'")

    def test_the_owner_outlives_the_log(self, lake: Path) -> None:
        """A checkpoint has it, after the commits before are gone."""
        load(lake, TODAY)
        load(lake, hours(24, 48))
        opened = deltalake.DeltaTable(lake)
        opened.create_checkpoint()
        for version in range(opened.version()):
            (lake / "_delta_log" / f"{version:020}.json").unlink()

        with pytest.raises(JobError, match="belongs to job 'nightly'"):
            load(lake, replace(TODAY, job="hourly"))

        load(lake, hours(0, 24, offered=2))
        found = deltalake.DeltaTable(lake).to_pyarrow_table()["n_offered"].to_pylist()
        assert Counter(found) == {1: 48, 2: 48}

    def test_the_owner_can_be_changed_by_hand(self, lake: Path) -> None:
        """A job that was renamed takes its table along, as the hint says."""
        load(lake, TODAY)
        renamed = replace(TODAY, job="hourly")
        with pytest.raises(JobError) as caught:
            load(lake, renamed)
        assert "gcbatch.job" in str(caught.value.hint)

        deltalake.DeltaTable(lake).alter.set_table_properties(
            {"gcbatch.job": "hourly"}, raise_if_not_exists=False
        )

        assert load(lake, renamed).rows == 48

    def test_rows_of_others_are_refused(self, lake: Path) -> None:
        """A Delta table that gcbatch did not write is not touched."""
        deltalake.write_deltalake(lake, TODAY.read_all())

        refused(lake, TODAY, "rows that gcbatch did not write")

    def test_an_empty_table_of_others_is_taken(self, lake: Path) -> None:
        """Administrators create tables with properties of their own."""
        deltalake.DeltaTable.create(
            lake,
            SCHEMA,
            configuration={"delta.logRetentionDuration": "interval 9 days"},
        )

        load(lake, TODAY)

        assert offered(lake) == {1: 48}
        assert Log.of(lake).metadata["configuration"] == {
            "delta.logRetentionDuration": "interval 9 days",
            "gcbatch.job": "nightly",
            "gcbatch.table": "intervals",
        }

    def test_another_table_is_refused(self, lake: Path) -> None:
        """Two tables of one job do not share a Delta table."""
        load(lake, TODAY)

        refused(lake, listed("a"), "has rows of intervals, not queues")

    def test_another_partitioning_is_refused(self, lake: Path) -> None:
        """The message has both."""
        load(lake, TODAY, partition_by=["day"])

        refused(lake, TODAY, "by day, not by queue_id", partition_by=["queue_id"])
        refused(lake, TODAY, "by day, not by nothing")

    def test_days_of_another_zone_are_refused(self, lake: Path) -> None:
        """They would not be the days of the rows that stay."""
        load(lake, TODAY, partition_by=["day"])

        other = replace(TODAY, timezone=ZoneInfo("Asia/Tokyo"))
        refused(lake, other, "days of UTC", partition_by=["day"])

    def test_files_in_the_way_are_refused(self, lake: Path) -> None:
        """Delta's vacuum would remove them."""
        lake.mkdir()
        (lake / "mine.parquet").touch()

        with pytest.raises(JobError, match=r"no Delta table \(mine.parquet\)"):
            load(lake, TODAY)
        assert [path.name for path in lake.iterdir()] == ["mine.parquet"]

    def test_a_file_is_refused(self, lake: Path) -> None:
        """The path of a Delta table is a folder."""
        lake.touch()

        with pytest.raises(JobError, match="is a file"):
            check(lake, TODAY)

    def test_a_url_is_refused(self) -> None:
        """Object stores are not supported yet."""
        with pytest.raises(ValueError, match="object stores are not supported yet"):
            exporter("s3://lake/intervals")  # type: ignore[arg-type] # as in a job file

    @pytest.mark.parametrize("name", ["with space", "ü", "a+b=c", "it's", "100%"])
    def test_a_path_is_taken_as_it_is(self, tmp_path: Path, name: str) -> None:
        """Characters that mean something in a URL mean nothing in a path."""
        load(tmp_path / name, TODAY)

        assert [path.name for path in tmp_path.iterdir()] == [name]
        assert offered(tmp_path / name) == {1: 48}

    @pytest.mark.parametrize("name", ["a%20b", "a#b", "a?b", "a[b", "a|b", "a\\b"])
    def test_a_path_that_delta_misreads_is_refused(
        self, tmp_path: Path, name: str
    ) -> None:
        """Delta's library would read from another folder, find no history, or abort."""
        with pytest.raises(JobError, match="in the path of their folder"):
            check(tmp_path / name, TODAY)

    def test_two_tables_are_refused(self, lake: Path) -> None:
        """A Delta table has the columns of one table."""
        tables = {"intervals": TODAY, "queues": listed("a")}
        with pytest.raises(JobError, match="takes one table"):
            exporter(lake).check(tables)


class TestColumns:
    def test_a_new_column_is_added(self, lake: Path) -> None:
        """Rows that stay have null in it."""
        load(lake, hours(0, 48))

        load(lake, with_column(hours(0, 24, offered=2), "t_held_ms", 7))

        found = Counter((r["n_offered"], r["t_held_ms"]) for r in rows_of(lake))
        assert found == {(1, None): 48, (2, 7): 48}

    def test_a_new_column_can_be_refused(self, lake: Path) -> None:
        """Where columns are reviewed, a job cannot add one."""
        load(lake, TODAY)

        wider = with_column(TODAY, "t_held_ms", 7)
        refused(lake, wider, "has no column t_held_ms", new_columns="refuse")

    def test_a_column_that_vanished_stays(self, lake: Path) -> None:
        """It is null in new rows."""
        load(lake, with_column(hours(0, 48), "t_held_ms", 7))

        load(lake, hours(0, 24, offered=2))

        found = Counter((r["n_offered"], r["t_held_ms"]) for r in rows_of(lake))
        assert found == {(1, 7): 48, (2, None): 48}

    @pytest.mark.parametrize(
        ("there", "here", "named"),
        [
            pytest.param(7, 0.5, "long there, and double", id="0.5 would be 0"),
            pytest.param(0.5, 7, "double there, and long", id="2**53 + 1"),
            pytest.param(7, "7", "long there, and string", id="text"),
            pytest.param(True, 1, "boolean there, and long", id="boolean"),
            pytest.param(
                pa.scalar(7, pa.int32()), 2**40, "integer there, and long", id="32 bits"
            ),
        ],
    )
    def test_a_type_is_never_converted(
        self, lake: Path, there: object, here: object, named: str
    ) -> None:
        """Both types are named, and nothing is written."""
        load(lake, with_column(hours(0, 24), "x", there))

        refused(lake, with_column(hours(24, 48), "x", here), f"x is {named} here")

    def test_a_name_that_differs_by_case_is_refused(self, lake: Path) -> None:
        """Readers of Delta tables take both for one column."""
        load(lake, with_column(TODAY, "Held", 7))

        refused(lake, with_column(TODAY, "held", 7), "has a column Held")

    def test_orgs_are_not_added_later(self, lake: Path) -> None:
        """Rows without an org would stay beside those that replace them."""
        load(lake, TODAY)

        refused(lake, of_orgs(uk=TODAY), "has no column org")

    def test_orgs_are_not_left_out_later(self, lake: Path) -> None:
        """Rows of all orgs would be replaced by those of one."""
        load(lake, of_orgs(uk=TODAY, it=TODAY))

        refused(lake, TODAY, "has rows of several orgs")

    @pytest.mark.parametrize(
        ("names", "match"),
        [
            (["dya"], "'dya'"),
            (["day", "day"], "comes twice"),
            (["level_ratio"], "'level_ratio'"),
        ],
    )
    def test_partitions_are_checked(
        self, lake: Path, names: list[str], match: str
    ) -> None:
        """A name that is unknown, doubled, or of floats is refused."""
        with pytest.raises(JobError, match=match):
            check(lake, TODAY, partition_by=names)

    def test_a_table_without_times_has_no_days(self, lake: Path) -> None:
        """Its rows belong to no day."""
        with pytest.raises(JobError, match="queues has no 'day'"):
            check(lake, listed("a"), partition_by=["day"])

    def test_orgs_of_several_zones_have_no_days(self, lake: Path) -> None:
        """They can be partitioned by org."""
        table = replace(of_orgs(uk=TODAY), zones_differ=True)

        with pytest.raises(JobError, match="no day in common"):
            check(lake, table, partition_by=["day"])
        load(lake, table, partition_by=["org"])
        assert offered(lake) == {1: 48}


class TestLedger:
    def test_a_commit_says_what_it_loaded(self, lake: Path) -> None:
        """Job, run, spans and fingerprint are in the log; Delta counts the rows."""
        load(lake, hours(0, 24, gaps=[(6, 12)]), fingerprint="f1")

        commit = Log.of(lake).commits[-1]
        said = commit["gcbatch"]
        assert said["job"], said["run_id"] == ("nightly", "run")
        assert said["table"] == "intervals"
        assert said["fingerprint"] == "f1"
        assert said["spans"] == [
            ["", "2026-10-01T00:00:00.000Z", "2026-10-01T06:00:00.000Z"],
            ["", "2026-10-01T12:00:00.000Z", "2026-10-02T00:00:00.000Z"],
        ]
        assert commit["operationMetrics"]["num_added_rows"] == 36

    def test_the_same_load_is_recognised(self, lake: Path) -> None:
        """A table that holds what would be written gives its receipt."""
        assert held(lake, TODAY, "f1") is None
        load(lake, TODAY, fingerprint="f1")

        assert held(lake, TODAY, "f1") == Receipt(str(lake), 48)
        assert held(lake, TODAY, "f2") is None

    def test_a_later_load_of_the_span_counts(self, lake: Path) -> None:
        """A narrower range that replaced a part is another load."""
        load(lake, hours(0, 48), fingerprint="f1")

        load(lake, hours(24, 48), fingerprint="f2")

        assert held(lake, hours(0, 48), "f1") is None
        assert held(lake, hours(24, 48), "f2") is not None

    def test_loads_of_other_spans_and_orgs_do_not_count(self, lake: Path) -> None:
        """What they replaced is something else."""
        load(lake, of_orgs(uk=TODAY), fingerprint="f1")

        load(lake, of_orgs(uk=hours(24, 48)), fingerprint="f2")
        load(lake, of_orgs(it=TODAY), fingerprint="f3")

        assert held(lake, of_orgs(uk=TODAY), "f1") is not None

    def test_a_timeless_table_counts_any_load(self, lake: Path) -> None:
        """Each replaces all rows of its orgs."""
        load(lake, listed("a"), fingerprint="f1")
        later = replace(listed("b"), covered=hours(24, 48).covered)
        load(lake, later, fingerprint="f2")

        assert held(lake, listed("a"), "f1") is None
        assert held(lake, later, "f2") is not None

    def test_changes_of_others_count(self, lake: Path) -> None:
        """A row that was changed by hand is written again, also if none is missing."""
        load(lake, TODAY, fingerprint="f1")

        deltalake.DeltaTable(lake).update({"n_offered": "9"}, predicate="t_talk_ms = 3")

        assert held(lake, TODAY, "f1") is None

    def test_rows_are_counted(self, lake: Path) -> None:
        """Also if the log calls a change of rows maintenance."""
        load(lake, TODAY, fingerprint="f1")
        deltalake.DeltaTable(lake).delete("t_talk_ms = 3")
        path = max((lake / "_delta_log").glob("*.json"))
        text = path.read_text("utf-8")
        path.write_text(text.replace('"DELETE"', '"OPTIMIZE"'), "utf-8")

        assert held(lake, TODAY, "f1") is None

    def test_maintenance_does_not_count(self, lake: Path) -> None:
        """Optimize and vacuum leave all rows."""
        load(lake, hours(0, 12), fingerprint="f1")
        load(lake, hours(12, 24), fingerprint="f2")
        opened = deltalake.DeltaTable(lake)
        opened.optimize.compact()
        opened.vacuum(0, dry_run=False, enforce_retention_duration=False)

        assert held(lake, hours(0, 12), "f1") == Receipt(str(lake), 24)
        assert offered(lake) == {1: 48}

    def test_a_log_that_was_cleaned_says_nothing(self, lake: Path) -> None:
        """Then the rows are written again, as if they were new."""
        load(lake, TODAY, fingerprint="f1")
        opened = deltalake.DeltaTable(lake)
        opened.alter.set_table_properties({"delta.appendOnly": "false"})
        opened.create_checkpoint()
        for version in range(opened.version()):
            (lake / "_delta_log" / f"{version:020}.json").unlink()

        assert held(lake, TODAY, "f1") is None
        assert load(lake, TODAY, fingerprint="f1").rows == 48

    def test_a_strange_commit_is_none_of_ours(self, lake: Path) -> None:
        """A commit whose note has other keys counts as one of another program."""
        load(lake, TODAY, fingerprint="f1")
        path = max((lake / "_delta_log").glob("*.json"))
        lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        for line in lines:
            if "commitInfo" in line:
                line["commitInfo"]["gcbatch"] = {"job": "nightly"}
        path.write_text("\n".join(map(json.dumps, lines)), "utf-8")

        assert held(lake, TODAY, "f1") is None


class TestVerify:
    def test_a_table_as_loaded_has_no_mismatch(self, lake: Path) -> None:
        """Rows beside the range, and a column more, do not matter."""
        load(lake, with_column(hours(0, 72), "t_held_ms", 7), partition_by=["day"])
        load(lake, hours(24, 48), partition_by=["day"])

        assert verified(lake, hours(24, 48), partition_by=["day"]) == []

    def test_a_changed_row_is_named_by_its_day(self, lake: Path) -> None:
        """Also if the number of rows is the same."""
        load(lake, hours(0, 72))
        deltalake.DeltaTable(lake).update(
            {"n_offered": "n_offered + 1"},
            predicate="interval_start = '2026-10-02T05:00:00Z' AND queue_id = 'a'",
        )

        (found,) = verified(lake, hours(0, 72))

        assert found.day == date(2026, 10, 2)
        assert "n_offered" in found.problem

    def test_a_lost_row_is_named_by_its_day(self, lake: Path) -> None:
        """The rows of its day are counted."""
        load(lake, hours(0, 72))
        deltalake.DeltaTable(lake).delete(
            "interval_start = '2026-10-03T05:00:00Z' AND queue_id = 'a'"
        )

        (found,) = verified(lake, hours(0, 72))

        assert (found.day, found.problem) == (
            date(2026, 10, 3),
            "47 rows, expected 48",
        )

    def test_gaps_are_not_compared(self, lake: Path) -> None:
        """What is there for them is from before."""
        load(lake, hours(0, 24))
        load(lake, hours(0, 24, offered=2, gaps=[(6, 12)]))

        assert verified(lake, hours(0, 24, offered=2, gaps=[(6, 12)])) == []

    def test_a_missing_table_is_an_error(self, lake: Path) -> None:
        """The way out is named."""
        with pytest.raises(OutputError, match="is missing"):
            verified(lake, TODAY)

    def test_a_missing_column_is_an_error(self, lake: Path) -> None:
        """It is not taken for null."""
        load(lake, TODAY)

        with pytest.raises(OutputError, match="has no column t_held_ms"):
            verified(lake, with_column(TODAY, "t_held_ms", 7))
