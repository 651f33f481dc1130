"""What every exporter to a database or a lake has to do."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from gcbatch.errors import DataError, GcbatchError
from gcbatch.exporting import Target, mismatches
from gcbatch.table import Table
from gcbatch.testing.comparing import expect, same
from gcbatch.testing.database_ranges import RangeRules
from gcbatch.testing.database_suite import skip
from gcbatch.testing.killed_load import kill_in_mid_load
from gcbatch.testing.samples import (
    SEPTEMBER,
    SMALL_BATCH,
    failing_table,
    sample_of_orgs,
    sample_table,
)
from gcbatch.testing.variants import (
    corrected,
    cut,
    joined,
    minutes_of,
    retyped,
    rows_of,
    with_column,
)

__all__ = ["DatabaseConformance"]

_TWO_DAYS = 1_500
"""So many sample rows, of twelve queues, reach into the second day."""


class DatabaseConformance(RangeRules):
    """What an exporter of API 2 to a database has to do, beyond ExporterConformance.

    Set `exporter`; define `options` and `read_table`. A class attribute that is False
    says that the exporter does not promise something.
    """

    def test_refuses_another_type(self, tmp_path: Path) -> None:
        """A database would cast, or mix types, without a word."""
        whole = sample_table()
        ratio = retyped(whole, "n_offered", pa.float64())
        text = retyped(whole, "n_offered", pa.string())
        for number, (before, after) in enumerate(
            ((whole, ratio), (ratio, whole), (whole, text), (text, whole))
        ):
            folder = tmp_path / str(number)
            self._export(folder, before)
            kinds = " to ".join(
                str(t.schema.field("n_offered").type) for t in (before, after)
            )

            self._refuses(folder, after, f"a change of type: {kinds}")

            self._has(folder, rows_of(before))

    def test_adds_a_new_column(self, tmp_path: Path) -> None:
        """It is null in the rows that are there; without adds_columns it is refused."""
        old = sample_table(30, start=SEPTEMBER)
        self._export(tmp_path, old)
        new = with_column(sample_table(), "n_new")

        if not self.adds_columns:
            self._refuses(tmp_path, new, "a new column")
            self._has(tmp_path, rows_of(old))
            return
        self._export(tmp_path, new)

        nulls = [{**row, "n_new": None} for row in rows_of(old)]
        self._has(tmp_path, [*nulls, *rows_of(new)])

    def test_keeps_a_column_that_is_gone(self, tmp_path: Path) -> None:
        """It stays, and is null in new rows."""
        old = with_column(sample_table(30, start=SEPTEMBER), "n_old")
        self._export(tmp_path, old)

        new = sample_table()
        self._export(tmp_path, new)

        nulls = [{**row, "n_old": None} for row in rows_of(new)]
        self._has(tmp_path, [*rows_of(old), *nulls])

    def test_refuses_the_rows_of_another_job(self, tmp_path: Path) -> None:
        """Two jobs in one table would delete each other's rows."""
        if not self.has_owners:
            skip("does not know whose rows are whose")
        old = sample_table()
        self._export(tmp_path, old)

        other = replace(sample_table(20), job="other")
        self._refuses(tmp_path, other, "another job's table")

        self._has(tmp_path, rows_of(old))

    def test_takes_several_tables(self, tmp_path: Path) -> None:
        """Each goes to a place of its own; the receipt counts the rows of all."""
        if not self.takes_several:
            skip("takes one table")
        tables = _named(sample_table(), sample_table(20, name="sla"))

        receipt, _ = self._export_tables(tmp_path, tables)

        for name, table in tables.items():
            self._has(tmp_path, rows_of(table), name)
        same(receipt.rows, 70, "receipt.rows")
        places = list(self._asked(tmp_path).destinations(list(tables)))
        same(len(set(places)), len(tables), f"destinations {places}")

    def test_loads_all_tables_or_none(self, tmp_path: Path) -> None:
        """If the second breaks in mid-stream, the first is as it was."""
        if not (self.takes_several and self.loads_together):
            skip("loads one table at a time")
        old = _named(sample_table(), sample_table(20, name="sla"))
        self._export_tables(tmp_path, old)

        broken = _named(corrected(sample_table()), failing_table(name="sla"))
        try:
            self._export_tables(tmp_path, broken)
        except DataError:
            pass
        else:
            msg = "export: swallowed the error of a table that cannot be read"
            raise AssertionError(msg)

        for name, table in old.items():
            self._has(tmp_path, rows_of(table), name)

    def test_goes_on_after_a_table_that_broke(self, tmp_path: Path) -> None:
        """The next export finds no lock and no leftover."""
        self._export(tmp_path, sample_table())
        with suppress(DataError):
            self._export(tmp_path, failing_table())

        new = corrected(sample_table(20))
        self._export(tmp_path, new)

        self._has(tmp_path, rows_of(new))

    def test_survives_a_kill_in_mid_load(self, tmp_path: Path) -> None:
        """The previous rows are there, all of them, and the next export works."""
        old = sample_table()
        self._export(tmp_path, old)

        kill_in_mid_load(self.exporter, self.options(tmp_path))

        self._has(tmp_path, rows_of(old))
        new = corrected(sample_table(2 * SMALL_BATCH))
        self._export(tmp_path, new)
        self._has(tmp_path, rows_of(new))

    def test_two_at_once_leave_one_copy(self, tmp_path: Path) -> None:
        """One waits for the other, or is refused."""
        table = sample_table()
        self._export(tmp_path, table)

        with ThreadPoolExecutor(2) as threads:
            each = [threads.submit(self._export, tmp_path, table) for _ in range(2)]
        errors = [error for one in each if (error := one.exception())]

        same([e for e in errors if not isinstance(e, GcbatchError)], [], "errors")
        expect(len(errors) < len(each), f"both were refused: {errors}")
        self._has(tmp_path, rows_of(table))

    def test_holds_what_it_wrote(self, tmp_path: Path) -> None:
        """It says so for the fingerprint of the last load, and for no other."""
        exporter = self._asked(tmp_path, "holds")
        table = sample_table()

        def held(fingerprint: str) -> Any:
            target = Target(fingerprint=fingerprint)
            return exporter.holds({table.name: table}, target)

        same(held("one"), None, "holds, before anything is there")
        written, _ = self._export(tmp_path, table, fingerprint="one")
        same(held("one"), written, "holds")
        same(held("two"), None, "holds, of other rows")
        self._export(tmp_path, corrected(table), fingerprint="two")
        same(held("one"), None, "holds, of rows that were replaced")

    def test_verifies_what_it_wrote(self, tmp_path: Path) -> None:
        """A row that is edited or lost is found, and named by its org and day."""
        exporter = self._asked(tmp_path, "verify")
        first, second = sample_table(_TWO_DAYS), sample_table()
        second_day = minutes_of(first, 24 * 60, 24 * 60 + 15)
        self._export(tmp_path, sample_of_orgs({"first": first, "second": second}))

        def found(table: Table) -> list[Any]:
            tables = {"intervals": sample_of_orgs({"first": table, "second": second})}
            return [(m.table, m.org, m.day) for m in mismatches(exporter, "it", tables)]

        same(found(first), [], "mismatches of what was written")
        changed = joined(cut(corrected(first), second_day), first, second_day)
        fewer = replace(cut(first, second_day, keeps=[]), covered=first.covered)
        fewer = joined(fewer, first, second_day)
        wanted = [("intervals", "first", second_day.start.date())]
        same(found(changed), wanted, "mismatches of changed rows")
        same(found(fewer), wanted, "mismatches of rows that are too many")
        same(found(cut(first, second_day)), [], "mismatches of a narrower range")


def _named(*tables: Table) -> dict[str, Table]:
    return {table.name: table for table in tables}
