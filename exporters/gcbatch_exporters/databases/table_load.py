"""The load of one table: what it replaces, and what it refuses to lose."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal

import pyarrow as pa

from gcbatch.coverage import OrgWindow
from gcbatch.dialects import comment_of_table
from gcbatch.errors import JobError, OutputError
from gcbatch.table import ORG, Table
from gcbatch.windows import Window
from gcbatch_exporters.databases.database import Database, Value
from gcbatch_exporters.databases.ledger import LEDGER, Ledger

__all__ = ["NewColumns", "TableLoad"]

NewColumns = Literal["add", "refuse"]

LONGEST_ROW: Final = timedelta(days=62)
"""No row is about a longer span, except a table's that are replaced as a whole: months
are the longest buckets and periods, and a window has at most 31 days."""


@dataclass(frozen=True)
class TableLoad:
    """The load of a table into one of a database.

    Args:
        db: The database.
        table: What is loaded.
        name: The name of the table there.
        place: Where it is, as the user would name it.
        new_columns: Whether columns are added that the table there lacks.
    """

    db: Database
    table: Table
    name: str
    place: str
    new_columns: NewColumns

    @property
    def _ledger(self) -> Ledger:
        return Ledger(self.db, self.name)

    def check(self) -> list[pa.Field] | None:
        """Refuse what cannot be loaded; changes nothing.

        Returns:
            The columns that the table there lacks; None if there is no table.

        Raises:
            JobError: If the table there is a view, belongs to another job or to none,
                has other types, lacks columns that may not be added, or has rows that
                reach over an edge of what is covered.
        """
        if self.db.is_view(self.name):
            msg = f"{self.place}: is a view, not a table"
            raise JobError(msg, hint="choose another name, or drop the view")
        if (found := self.db.columns(self.name)) is None:
            return None
        self._check_owner()
        self._check_types(found)
        missing = self._missing_columns(found)
        self._check_edges(found)
        return missing

    def run(self, fingerprint: str) -> int:
        """Replace the rows that the table covers. The caller commits.

        Args:
            fingerprint: A hash over all that determines the rows; empty if not known.

        Returns:
            The number of rows that were loaded.

        Raises:
            JobError: As in check.
            OutputError: If the table there then has another number of rows.
        """
        db, spans = self.db, self.table.covered.spans
        if not spans:
            return 0
        db.lock(self.name)
        self._make_columns(self.check())
        for span in spans:
            condition, values = self._of_span(span)
            db.execute(f"DELETE FROM {db.quoted(self.name)} WHERE {condition}", values)  # noqa: S608 - names are quoted
        loaded = self._insert()
        counts = {span: self.count(span) for span in spans}
        if (there := sum(counts.values())) != loaded:
            msg = f"{self.place}: has {there:,} rows where {loaded:,} were loaded"
            hint = "does a trigger or a rule of the database change them?"
            raise OutputError(msg, hint=hint)
        self._ledger.add(self.table, counts, fingerprint)
        return loaded

    def is_current(self, fingerprint: str) -> int | None:
        """Return the number of rows if the table there is what this load would make.

        Args:
            fingerprint: A hash over all that determines the rows.

        Returns:
            None if it is not.
        """
        found = self.db.columns(self.name)
        if found is None or self._lacking(found):
            return None
        if self._ledger.owner() != (self.table.job, self.table.name):
            return None
        rows = 0
        for span in self.table.covered.spans:
            is_timeless = self.table.is_timeless
            last, count = self._ledger.last_load(span, is_timeless=is_timeless)
            if last != fingerprint or self.count(span) != count:
                return None
            rows += count
        return rows

    def rows(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows that the table there has in the covered spans.

        Raises:
            OutputError: If the table or a column of it is missing.
        """
        db, names = self.db, self.table.schema.names
        found = db.columns(self.name)
        if found is None:
            if self.table.covered.spans:
                msg = f"{self.place}: is missing"
                raise OutputError(msg, hint="`gcbatch export JOB` loads it again")
            return
        if missing := self._lacking(found):
            msg = f"{self.place}: has no column {missing[0].name}"
            raise OutputError(msg, hint="`gcbatch export JOB` adds it")
        columns = ", ".join(map(db.quoted, names))
        for span in self.table.covered.spans:
            condition, values = self._of_span(span)
            yield from db.read(
                f"SELECT {columns} FROM {db.quoted(self.name)} WHERE {condition}",  # noqa: S608 - names are quoted
                values,
                self.table.schema,
            )

    def count(self, span: OrgWindow) -> int:
        """Return the number of rows that the table there has in a span."""
        condition, values = self._of_span(span)
        table = self.db.quoted(self.name)
        statement = f"SELECT count(*) FROM {table} WHERE {condition}"  # noqa: S608 - names are quoted
        ((count,),) = self.db.query(statement, values)
        return int(count)

    def _check_owner(self) -> None:
        owner = self._ledger.owner()
        if owner is None:
            if self._has_rows("1 = 1", []):
                msg = f"{self.place}: has rows that gcbatch did not load"
                raise JobError(msg, hint="choose another name, or empty the table")
            return
        job, table = owner
        if job != self.table.job:
            msg = f"{self.place}: belongs to the job {job}"
            hint = (
                "choose another name, or drop the table; if the job was renamed, "
                f"change the column job of {LEDGER}"
            )
            raise JobError(msg, hint=hint)
        if table != self.table.name:
            msg = f"{self.place}: has rows of {table}, not of {self.table.name}"
            raise JobError(msg, hint="choose another name, or drop the table")

    def _check_types(self, found: Mapping[str, str]) -> None:
        db = self.db
        types = {db.folded(name): kind for name, kind in found.items()}
        problems = [
            f"{self.place}: column {field.name} is {there}, not {kind}"
            for field in self.table.schema
            if (
                there := types.get(db.folded(field.name), kind := db.column_type(field))
            )
            != kind
        ]
        if problems:
            hint = "change its type there, choose another name, or drop the table"
            raise JobError(problems, hint=hint)

    def _lacking(self, found: Mapping[str, str]) -> list[pa.Field]:
        """Return the columns that a table with these columns lacks."""
        known = set(map(self.db.folded, found))
        return [f for f in self.table.schema if self.db.folded(f.name) not in known]

    def _missing_columns(self, found: Mapping[str, str]) -> list[pa.Field]:
        """Return the columns that the table there lacks.

        Raises:
            JobError: If they may not be added; or if one of them is of the key, or the
                table there has a column `org` and this one has not: the rows that are
                there could not be distinguished from new ones.
        """
        known = set(map(self.db.folded, found))
        schema = self.table.schema
        missing = self._lacking(found)
        names = ", ".join(field.name for field in missing)
        if missing and self.new_columns == "refuse":
            msg = f"{self.place}: has no column {names}"
            raise JobError(msg, hint="add it there, or set new_columns: add")
        of_key = [f.name for f in missing if f.name in self.table.key]
        lacks_org = ORG in known and ORG not in schema.names
        if (of_key or lacks_org) and self._has_rows("1 = 1", []):
            what = (
                "has a column org, which" if lacks_org else f"has no {of_key[0]}, which"
            )
            has = "has not" if lacks_org else "has in its key"
            msg = f"{self.place}: {what} the table {self.table.name} {has}"
            raise JobError(msg, hint="choose another name, or drop the table")
        return missing

    def _check_edges(self, found: Mapping[str, str]) -> None:
        """Refuse rows there that are covered only in part."""
        table, db = self.table, self.db
        if table.is_timeless or table.end is None or (time := table.row_time) is None:
            return
        if {time, table.end} - set(map(db.folded, found)):
            return
        time, end = db.quoted(time), db.quoted(table.end)
        for span in table.covered.spans:
            for edge in (span.window.start, span.window.end):
                on_edge = [(time, ">", edge - LONGEST_ROW), (time, "<", edge)]
                condition, values = self._where(span.org, [*on_edge, (end, ">", edge)])
                if self._has_rows(condition, values):
                    at = edge.isoformat(timespec="minutes").replace("+00:00", "Z")
                    msg = (
                        f"{self.place}: has a row that begins before {at} and ends "
                        "after it: its figures cannot be divided"
                    )
                    hint = (
                        "let the job's range begin and end where such rows do, or "
                        "choose another name"
                    )
                    raise JobError(msg, hint=hint)

    def _make_columns(self, missing: list[pa.Field] | None) -> None:
        """Create the table there, or add the columns that it lacks; see check."""
        if missing is None:
            time = None if self.table.is_timeless else self.table.row_time
            about = comment_of_table(self.table, self.table.job)
            self.db.create(self.name, self.table.schema, about=about, time=time)
            return
        for field in missing:
            self.db.add_column(self.name, field)

    def _insert(self) -> int:
        """Add the rows of the covered spans; return how many."""
        loaded = 0

        def counted() -> Iterator[pa.RecordBatch]:
            nonlocal loaded
            for batch in self.table.covered_rows():
                loaded += batch.num_rows
                yield batch
                del batch  # or it would stay in memory while the next is made

        schema = self.table.schema
        self.db.insert(self.name, pa.RecordBatchReader.from_batches(schema, counted()))
        return loaded

    def _of_span(self, span: OrgWindow) -> tuple[str, list[Value]]:
        """Return the condition of the rows of a span."""
        if self.table.is_timeless or self.table.row_time is None:
            return self._where(span.org, [])
        return self._where(span.org, self._within(self.table.row_time, span.window))

    def _within(self, time: str, window: Window) -> list[tuple[str, str, Value]]:
        column = self.db.quoted(time)
        return [(column, ">=", window.start), (column, "<", window.end)]

    def _where(
        self, org: str, comparisons: list[tuple[str, str, Value]]
    ) -> tuple[str, list[Value]]:
        """Return a condition on the rows of an org, and its values."""
        if ORG in self.table.schema.names:
            comparisons = [(self.db.quoted(ORG), "=", org), *comparisons]
        texts = (
            f"{column} {comparison} {self.db.marker(number)}"
            for number, (column, comparison, _) in enumerate(comparisons, start=1)
        )
        values = [value for _, _, value in comparisons]
        return " AND ".join(texts) or "1 = 1", values

    def _has_rows(self, condition: str, values: list[Value]) -> bool:
        table = self.db.quoted(self.name)
        statement = f"SELECT 1 FROM {table} WHERE {condition} LIMIT 1"  # noqa: S608 - names are quoted
        return bool(self.db.query(statement, values))
