"""What a load replaces, and what it leaves."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from gcbatch.testing.comparing import same
from gcbatch.testing.database_suite import DatabaseSuite
from gcbatch.testing.samples import SEPTEMBER, sample_of_orgs, sample_table
from gcbatch.testing.variants import corrected, cut, minutes_of, outside, rows_of

__all__ = ["RangeRules"]


class RangeRules(DatabaseSuite):
    """Rules about the ranges and orgs that a table covers."""

    def test_replaces_only_the_range(self, tmp_path: Path) -> None:
        """A narrower range replaces its rows; those before and after it stay."""
        old = sample_table()
        self._export(tmp_path, old)
        window = minutes_of(old, 15, 45)

        new = cut(corrected(old), window)
        self._export(tmp_path, new)

        self._has(tmp_path, [*outside(old, window), *rows_of(new)])

    def test_removes_rows_that_the_service_took_back(self, tmp_path: Path) -> None:
        """They have no key to find them by: the range is emptied."""
        old = sample_table()
        self._export(tmp_path, old)
        window = minutes_of(old, 15, 45)

        receipt, _ = self._export(tmp_path, cut(old, window, keeps=[]))

        self._has(tmp_path, outside(old, window))
        same(receipt.rows, 0, "receipt.rows")

    def test_keeps_what_lies_in_a_gap(self, tmp_path: Path) -> None:
        """Rows of a half-fetched span are not loaded; what was there before stays."""
        old = sample_table()
        self._export(tmp_path, old)
        first, gap, last = (minutes_of(old, *m) for m in ((0, 15), (15, 45), (45, 75)))

        new = cut(corrected(old), first, last, keeps=[first, gap, last])
        receipt, _ = self._export(tmp_path, new)

        written = [*outside(new, gap)]
        stayed = rows_of(cut(old, gap))
        self._has(tmp_path, [*stayed, *written])
        same(receipt.rows, len(written), "receipt.rows")

    def test_keeps_the_history_of_a_failed_org(self, tmp_path: Path) -> None:
        """An org that is not covered has no row in the table, and loses none."""
        first, second = sample_table(), sample_table(30)
        self._export(tmp_path, sample_of_orgs({"first": first, "second": second}))

        new = sample_of_orgs({"second": corrected(second)})
        self._export(tmp_path, new)

        stayed = rows_of(sample_of_orgs({"first": first}))
        self._has(tmp_path, [*stayed, *rows_of(new)])

    def test_replaces_a_table_without_time_by_org(self, tmp_path: Path) -> None:
        """Rows that belong to no day are replaced whole, those of covered orgs only."""
        no_day: dict[str, Any] = {"time": None, "end": None}
        for folder, kind in (("no_time", no_day), ("total", {"is_of_range": True})):
            table = replace(sample_table(), **kind)
            earlier = replace(sample_table(20, start=SEPTEMBER), **kind)
            both = sample_of_orgs({"first": table, "second": table})
            self._export(tmp_path / folder, both)

            new = sample_of_orgs({"second": earlier})
            self._export(tmp_path / folder, new)

            stayed = rows_of(sample_of_orgs({"first": table}))
            self._has(tmp_path / folder, [*stayed, *rows_of(new)])

    def test_keeps_the_history_of_records(self, tmp_path: Path) -> None:
        """Records belong to no day, but to a span by their begin: others stay.

        Those that began before the range and go on in it are not loaded again.
        """
        of_records: dict[str, Any] = {"time": None, "record_time": "interval_start"}
        old = replace(sample_table(), end=None, **of_records)
        self._export(tmp_path, old)
        before, window = minutes_of(old, 0, 15), minutes_of(old, 15, 45)

        new = corrected(cut(old, window, keeps=[before, window]))
        self._export(tmp_path, new)

        written = rows_of(cut(new, window))
        self._has(tmp_path, [*outside(old, window), *written])

    def test_keeps_one_org_and_several_apart(self, tmp_path: Path) -> None:
        """Rows with and without their org cannot be distinguished in one table."""
        alone, many = sample_table(), sample_of_orgs({"first": sample_table()})
        for before, after in ((alone, many), (many, alone)):
            folder = tmp_path / f"{before.schema.names[0]}_first"
            self._export(folder, before)

            self._refuses(folder, corrected(after), "rows of other orgs")

            self._has(folder, rows_of(before))

    def test_refuses_to_cut_a_row(self, tmp_path: Path) -> None:
        """The figures of a row that reaches over an edge of the range are whole."""
        old = sample_table()
        self._export(tmp_path, old)

        for edges in ((5, 30), (15, 20)):
            new = cut(old, minutes_of(old, *edges), keeps=[])
            self._refuses(tmp_path, new, f"a range of the minutes {edges}")

        self._has(tmp_path, rows_of(old))
