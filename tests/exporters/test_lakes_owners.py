"""Whose a lake's table is, which columns fit, and what it holds."""

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from gcbatch import Table
from gcbatch.errors import JobError, OutputError
from gcbatch.exporting import Receipt
from tests.support.lake_tables import OCTOBER, hours, listed, of_orgs, with_column
from tests.support.lakes import PLACES, Lake, lake_of

TODAY = hours(0, 24)


@pytest.fixture(params=PLACES)
def lake(request: pytest.FixtureRequest, tmp_path: Path) -> Lake:
    """Return each lake, without a table."""
    return lake_of(request, tmp_path / "lake")


def refused(lake: Lake, table: Table, match: str, **options: Any) -> None:
    """Check and export are refused, and the table stays as it is."""
    before = lake.state()
    for step in (lake.check, lake.load):
        with pytest.raises(JobError, match=match):
            step(table, **options)
    assert lake.state() == before


class TestOwner:
    def test_a_second_job_is_refused(self, lake: Lake) -> None:
        """Each would remove the other's rows; the way out is named."""
        lake.load(TODAY)

        refused(lake, replace(TODAY, job="hourly"), "belongs to job 'nightly'")

    def test_the_owner_can_be_changed_by_hand(self, lake: Lake) -> None:
        """A job that was renamed takes its table along, as the hint says."""
        lake.load(TODAY)
        renamed = replace(TODAY, job="hourly")
        with pytest.raises(JobError) as caught:
            lake.load(renamed)
        assert "gcbatch.job" in str(caught.value.hint)

        lake.give_to("hourly")

        assert lake.load(renamed).rows == 48

    def test_rows_of_others_are_refused(self, lake: Lake) -> None:
        """A Delta table that gcbatch did not write is not touched."""
        lake.write_as_others(TODAY)

        refused(lake, TODAY, "rows that gcbatch did not write")

    def test_another_table_is_refused(self, lake: Lake) -> None:
        """Two tables of one job do not share a Delta table."""
        lake.load(TODAY)

        refused(lake, listed("a"), "has rows of intervals, not queues")

    def test_another_partitioning_is_refused(self, lake: Lake) -> None:
        """The message has both."""
        lake.load(TODAY, partition_by=["day"])

        refused(lake, TODAY, "by day, not by queue_id", partition_by=["queue_id"])
        refused(lake, TODAY, "by day, not by nothing")

    def test_two_tables_are_refused(self, lake: Lake) -> None:
        """A Delta table has the columns of one table."""
        tables = {"intervals": TODAY, "queues": listed("a")}
        with pytest.raises(JobError, match="takes one table"):
            lake.exporter().check(tables)


class TestColumns:
    def test_a_new_column_is_added(self, lake: Lake) -> None:
        """Rows that stay have null in it."""
        lake.load(hours(0, 48))

        lake.load(with_column(hours(0, 24, offered=2), "t_held_ms", 7))

        found = Counter((r["n_offered"], r["t_held_ms"]) for r in lake.rows())
        assert found == {(1, None): 48, (2, 7): 48}

    def test_a_new_column_can_be_refused(self, lake: Lake) -> None:
        """Where columns are reviewed, a job cannot add one."""
        lake.load(TODAY)

        wider = with_column(TODAY, "t_held_ms", 7)
        refused(lake, wider, "has no column t_held_ms", new_columns="refuse")

    def test_a_column_that_vanished_stays(self, lake: Lake) -> None:
        """It is null in new rows."""
        lake.load(with_column(hours(0, 48), "t_held_ms", 7))

        lake.load(hours(0, 24, offered=2))

        found = Counter((r["n_offered"], r["t_held_ms"]) for r in lake.rows())
        assert found == {(1, 7): 48, (2, None): 48}

    @pytest.mark.parametrize(
        ("there", "here", "named"),
        [
            pytest.param(7, 0.5, "long there, and double", id="0.5 would be 0"),
            pytest.param(0.5, 7, "double there, and long", id="2**53 + 1"),
            pytest.param(7, "7", "long there, and string", id="text"),
            pytest.param(True, 1, "boolean there, and long", id="boolean"),
        ],
    )
    def test_a_type_is_never_converted(
        self, lake: Lake, there: object, here: object, named: str
    ) -> None:
        """Both types are named, and nothing is written."""
        lake.load(with_column(hours(0, 24), "x", there))

        refused(lake, with_column(hours(24, 48), "x", here), f"x is {named} here")

    def test_a_name_that_differs_by_case_is_refused(self, lake: Lake) -> None:
        """Readers of Delta tables take both for one column."""
        lake.load(with_column(TODAY, "Held", 7))

        refused(lake, with_column(TODAY, "held", 7), "has a column Held")

    def test_orgs_are_not_added_later(self, lake: Lake) -> None:
        """Rows without an org would stay beside those that replace them."""
        lake.load(TODAY)

        refused(lake, of_orgs(uk=TODAY), "has no column org")

    def test_orgs_are_not_left_out_later(self, lake: Lake) -> None:
        """Rows of all orgs would be replaced by those of one."""
        lake.load(of_orgs(uk=TODAY, it=TODAY))

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
        self, lake: Lake, names: list[str], match: str
    ) -> None:
        """A name that is unknown, doubled, or of floats is refused."""
        with pytest.raises(JobError, match=match):
            lake.check(TODAY, partition_by=names)

    def test_a_table_without_times_has_no_days(self, lake: Lake) -> None:
        """Its rows belong to no day."""
        with pytest.raises(JobError, match="queues has no 'day'"):
            lake.check(listed("a"), partition_by=["day"])


class TestLedger:
    def test_the_same_load_is_recognised(self, lake: Lake) -> None:
        """A table that holds what would be written gives its receipt."""
        assert lake.held(TODAY, "f1") is None
        lake.load(TODAY, fingerprint="f1")

        assert lake.held(TODAY, "f1") == Receipt(lake.place, 48)
        assert lake.held(TODAY, "f2") is None

    def test_a_later_load_of_the_span_counts(self, lake: Lake) -> None:
        """A narrower range that replaced a part is another load."""
        lake.load(hours(0, 48), fingerprint="f1")

        lake.load(hours(24, 48), fingerprint="f2")

        assert lake.held(hours(0, 48), "f1") is None
        assert lake.held(hours(24, 48), "f2") is not None

    def test_loads_of_other_spans_and_orgs_do_not_count(self, lake: Lake) -> None:
        """What they replaced is something else."""
        lake.load(of_orgs(uk=TODAY), fingerprint="f1")

        lake.load(of_orgs(uk=hours(24, 48)), fingerprint="f2")
        lake.load(of_orgs(it=TODAY), fingerprint="f3")

        assert lake.held(of_orgs(uk=TODAY), "f1") is not None

    def test_a_timeless_table_counts_any_load(self, lake: Lake) -> None:
        """Each replaces all rows of its orgs."""
        lake.load(listed("a"), fingerprint="f1")
        later = replace(listed("b"), covered=hours(24, 48).covered)
        lake.load(later, fingerprint="f2")

        assert lake.held(listed("a"), "f1") is None
        assert lake.held(later, "f2") is not None

    def test_changes_of_others_count(self, lake: Lake) -> None:
        """A row that was changed by hand is written again, also if none is missing."""
        lake.load(TODAY, fingerprint="f1")

        lake.increase(OCTOBER, "a")

        assert lake.held(TODAY, "f1") is None


class TestVerify:
    def test_a_table_as_loaded_has_no_mismatch(self, lake: Lake) -> None:
        """Rows beside the range, and a column more, do not matter."""
        lake.load(with_column(hours(0, 72), "t_held_ms", 7), partition_by=["day"])
        lake.load(hours(24, 48), partition_by=["day"])

        assert lake.verified(hours(24, 48), partition_by=["day"]) == []

    def test_a_changed_row_is_named_by_its_day(self, lake: Lake) -> None:
        """Also if the number of rows is the same."""
        lake.load(hours(0, 72))
        lake.increase(OCTOBER + timedelta(hours=29), "a")

        (found,) = lake.verified(hours(0, 72))

        assert found.day == date(2026, 10, 2)
        assert "n_offered" in found.problem

    def test_a_lost_row_is_named_by_its_day(self, lake: Lake) -> None:
        """The rows of its day are counted."""
        lake.load(hours(0, 72))
        lake.delete(OCTOBER + timedelta(hours=53), "a")

        (found,) = lake.verified(hours(0, 72))

        assert (found.day, found.problem) == (
            date(2026, 10, 3),
            "47 rows, expected 48",
        )

    def test_gaps_are_not_compared(self, lake: Lake) -> None:
        """What is there for them is from before."""
        lake.load(hours(0, 24))
        lake.load(hours(0, 24, offered=2, gaps=[(6, 12)]))

        assert lake.verified(hours(0, 24, offered=2, gaps=[(6, 12)])) == []

    def test_a_missing_table_is_an_error(self, lake: Lake) -> None:
        """The way out is named."""
        with pytest.raises(OutputError, match="is missing"):
            lake.verified(TODAY)

    def test_a_missing_column_is_an_error(self, lake: Lake) -> None:
        """It is not taken for null."""
        lake.load(TODAY)

        with pytest.raises(OutputError, match="has no column t_held_ms"):
            lake.verified(with_column(TODAY, "t_held_ms", 7))
