"""What every exporter has to do."""

from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar
from unittest import SkipTest

from pydantic import BaseModel, ValidationError

from gcbatch.errors import DataError
from gcbatch.exporting import (
    API_VERSION,
    OLDEST_API_VERSION,
    Exporter,
    PublishedFile,
    Receipt,
    export,
)
from gcbatch.table import Table
from gcbatch.testing.comparing import alike, expect, same
from gcbatch.testing.samples import (
    SAMPLE_SCHEMA,
    SEPTEMBER,
    SMALL_BATCH,
    Row,
    failing_table,
    sample_table,
)

__all__ = ["ExporterConformance"]


class ExporterConformance:
    """What every exporter has to do. Inherit it in a class that pytest collects.

    Set `exporter`; define by `options` and `read` how to write into a folder and how to
    get the rows back, best by a reader that is not the exporter's own.
    """

    exporter: ClassVar[type[Exporter]]
    keeps_history: ClassVar[bool] = False
    """Whether rows of an earlier range stay when a later one is written: true for a
    database, false for a file."""

    def options(self, folder: Path) -> dict[str, Any]:
        """Return options with which the exporter writes into *folder*."""
        raise NotImplementedError

    def read(self, folder: Path) -> list[Row]:
        """Return the rows in *folder* by column, in the order of the table's key.

        Numbers, booleans and times are as the format has them, null is None; a format
        without types may use typed().
        """
        raise NotImplementedError

    def columns(self, folder: Path) -> list[str] | None:
        """Return the columns of an empty output; None if the format has none."""
        del folder
        return None

    def as_read(self, value: Any) -> Any:
        """Return what read() gives for *value* if the format has fewer types."""
        return value

    def test_follows_the_contract(self) -> None:
        """It has what gcbatch needs, and is written for this API version."""
        made = self.exporter.__name__
        expect(isinstance(self.exporter, type), f"{made}: is not a class")
        version = getattr(self.exporter, "api_version", None)
        known = list(range(OLDEST_API_VERSION, API_VERSION + 1))
        expect(
            version in known,
            f"{made}.api_version: {version!r}, expected one of {known}",
        )
        options = getattr(self.exporter, "Options", None)
        expect(
            isinstance(options, type) and issubclass(options, BaseModel),
            f"{made}.Options: is not a pydantic model",
        )
        has_export = callable(getattr(self.exporter, "export", None))
        expect(has_export, f"{made}.export: is missing")

    def test_refuses_unknown_options(self, tmp_path: Path) -> None:
        """A misspelt option is an error, not ignored."""
        options = {**self.options(tmp_path), "no_such_option": 1}
        try:
            self.exporter.Options.model_validate(options)
        except ValidationError:
            return
        msg = f"{self.exporter.__name__}.Options: takes unknown keys"
        raise AssertionError(msg)

    def test_writes_rows_of_several_batches(self, tmp_path: Path) -> None:
        """All rows arrive, in order, with their values; the receipt counts them."""
        rows = 3 * SMALL_BATCH + 100
        table = replace(sample_table(rows), batch_rows=SMALL_BATCH)

        receipt, _ = self._export(tmp_path, table)

        self._same_rows(self.read(tmp_path), table)
        same(receipt.rows, rows, "receipt.rows")

    def test_writes_an_empty_table(self, tmp_path: Path) -> None:
        """A table without rows gives an output without rows, not no output."""
        receipt, _ = self._export(tmp_path, sample_table(0))

        same(self.read(tmp_path), [], "rows")
        same(receipt.rows, 0, "receipt.rows")
        expect(receipt.location != "", "receipt.location: is empty")
        found = self.columns(tmp_path)
        if found is not None:
            same(found, SAMPLE_SCHEMA.names, "columns")

    def test_writing_twice_leaves_one_copy(self, tmp_path: Path) -> None:
        """A job may run again; its files then have the same bytes."""
        table = sample_table()
        self._export(tmp_path, table)
        before = _files(tmp_path)

        _, published = self._export(tmp_path, table)

        self._same_rows(self.read(tmp_path), table)
        if published:
            same(sorted(_files(tmp_path)), sorted(before), "files")
            changed = [f for f, data in _files(tmp_path).items() if data != before[f]]
            same(changed, [], "files that differ")

    def test_replaces_what_it_wrote(self, tmp_path: Path) -> None:
        """Rows that a table no longer has are removed."""
        self._export(tmp_path, sample_table(50))

        self._export(tmp_path, sample_table(20))

        self._same_rows(self.read(tmp_path), sample_table(20))

    def test_treats_an_earlier_range_as_it_says(self, tmp_path: Path) -> None:
        """Rows of an earlier range stay if keeps_history is set, and go otherwise."""
        september = sample_table(30, start=SEPTEMBER)
        october = sample_table(40)
        self._export(tmp_path, september)

        self._export(tmp_path, october)

        earlier = [september] if self.keeps_history else []
        self._same_rows(self.read(tmp_path), *earlier, october)

    def test_failure_leaves_the_previous_output(self, tmp_path: Path) -> None:
        """A table that cannot be read to its end changes no file and leaves none."""
        table = sample_table()
        self._export(tmp_path, table)
        files = sorted(_files(tmp_path))

        try:
            self._export(tmp_path, failing_table())
        except DataError:
            pass
        else:
            msg = "export: swallowed the error of a table that cannot be read"
            raise AssertionError(msg)

        self._same_rows(self.read(tmp_path), table)
        same(sorted(_files(tmp_path)), files, "files")

    def test_names_its_destinations(self, tmp_path: Path) -> None:
        """Where it says what rows go where, there is a text for each table."""
        exporter: Any = self._exporter(tmp_path)
        if not hasattr(exporter, "destinations"):
            msg = "has no method destinations"
            raise SkipTest(msg)
        found = list(exporter.destinations(["intervals"]))
        same(len(found), 1, "destinations of one table")
        expect(all(isinstance(one, str) and one for one in found), f"texts: {found}")

    def test_leaves_the_table_alone(self, tmp_path: Path) -> None:
        """Another exporter gets the same table afterwards."""
        table = sample_table()
        before = table.read_all()
        tables = {table.name: table}

        self._export_tables(tmp_path, tables)

        same(list(tables.items()), [(table.name, table)], "tables")
        expect(table.read_all().equals(before, check_metadata=True), "table: changed")

    def test_makes_missing_folders(self, tmp_path: Path) -> None:
        """The output's folder need not exist."""
        folder = tmp_path / "not" / "there"

        self._export(folder, sample_table())

        self._same_rows(self.read(folder), sample_table())

    def _export(
        self, folder: Path, table: Table, *, fingerprint: str = ""
    ) -> tuple[Receipt, tuple[PublishedFile, ...]]:
        tables = {table.name: table}
        return self._export_tables(folder, tables, fingerprint=fingerprint)

    def _export_tables(
        self,
        folder: Path,
        tables: dict[str, Table],
        *,
        fingerprint: str = "",
    ) -> tuple[Receipt, tuple[PublishedFile, ...]]:
        options = self.exporter.Options.model_validate(self.options(folder))
        exporter = self.exporter(options)
        check = getattr(exporter, "check", None)
        if check is not None:
            check({k: replace(t, batches=lambda: iter(())) for k, t in tables.items()})
        name = self.exporter.__name__
        return export(exporter, name, tables, options=options, fingerprint=fingerprint)

    def _exporter(self, folder: Path) -> Exporter:
        options = self.exporter.Options.model_validate(self.options(folder))
        return self.exporter(options)

    def _same_rows(self, found: list[Row], *tables: Table) -> None:
        wanted = [row for table in tables for row in table.read_all().to_pylist()]
        same(len(found), len(wanted), "rows")
        for number, (row, expected) in enumerate(
            zip(found, wanted, strict=True), start=1
        ):
            if list(row) != list(expected):
                same(list(row), list(expected), f"row {number}: columns")
            for name, value in expected.items():
                as_read = self.as_read(value)
                if not alike(row[name], as_read):
                    same(row[name], as_read, f"row {number}: {name}")


def _files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
