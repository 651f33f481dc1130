"""Results of queries: on the screen, on standard output or in a file."""

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from gcbatch.cli.output import print_screen, print_text, say
from gcbatch.cli.sql_format import Format
from gcbatch.text import pluralize, visible

if TYPE_CHECKING:
    import pyarrow as pa

    from gcbatch.running import SqlTables
    from gcbatch.selecting import Rows, Statement

__all__ = ["SqlResults"]


@dataclass(frozen=True)
class SqlResults:
    """Runs statements and shows what they return.

    Args:
        tables: What is asked.
        form: How rows are written.
        output: The file to write; empty for standard output.
        max_rows: Rows that a table on the screen shows.
    """

    tables: "SqlTables"
    form: Format
    output: str
    max_rows: int

    def show(self, statement: "Statement") -> None:
        """Run a statement and show its result.

        Raises:
            GcbatchError: If the query is wrong, or its result cannot be written.
        """
        rows = self.tables.run(statement)
        if not len(rows.schema):
            return
        if self.form is Format.TABLE:
            self._show_screen(rows)
        elif self.output:
            written = self._write(rows, self.output)
            say(f"{written:,} rows written to {self.output}", err=True)
        else:
            # In a file first: a query that fails has printed nothing.
            with TemporaryDirectory(prefix="gcbatch-sql-") as folder:
                path = Path(folder) / "rows"
                self._write(rows, str(path))
                _print_file(path)

    def _show_screen(self, rows: "Rows") -> None:
        from gcbatch.cli.screens.rows import rows_of_result

        shown: list[pa.RecordBatch] = []
        left, more = self.max_rows, 0
        for batch in rows:
            if left:
                shown.append(batch.slice(0, left))
                left -= shown[-1].num_rows
                more -= shown[-1].num_rows
            more += batch.num_rows
        print_screen(rows_of_result(rows.schema, shown))
        if more:
            what = pluralize(more, "more row")
            say(f"and {what}: --rows shows more, --output writes all")

    def _write(self, rows: "Rows", path: str) -> int:
        """Write rows to a file, as the exporter of the format does; return how many."""
        from gcbatch.exporting import export, load_exporter

        exporter = load_exporter(self.form.value)
        options = exporter.Options.model_validate({"path": path})
        table = self.tables.as_table(rows)
        receipt, _ = export(
            exporter(options), self.form.value, {table.name: table}, options=options
        )
        return receipt.rows


def _print_file(path: Path) -> None:
    """Print a file as it is; on a terminal, without the control characters of texts."""
    if sys.stdout.isatty():
        with path.open(encoding="utf-8", newline="\n") as lines:
            for line in lines:
                print_text(visible(line.rstrip("\r\n")))
        return
    with path.open("rb") as file:
        sys.stdout.flush()
        shutil.copyfileobj(file, sys.stdout.buffer)
        sys.stdout.flush()
