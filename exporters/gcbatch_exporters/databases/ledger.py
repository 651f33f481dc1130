"""The ledger of loads: a table of the database that says which job loaded what.

A load adds a row for each span of each org that it replaced, in its own transaction.
So the ledger says which job owns a table, and whether a table still holds what was
loaded last.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any, Final

import pyarrow as pa

from gcbatch.coverage import OrgWindow
from gcbatch.table import INSTANT, Table
from gcbatch_exporters.databases.database import Database, Value

__all__ = ["LEDGER", "LEDGER_SCHEMA", "Ledger"]

LEDGER: Final = "_gcbatch_loads"
"""The name of the table."""


def _field(name: str, kind: pa.DataType, description: str) -> pa.Field:
    return pa.field(name, kind, nullable=False, metadata={"description": description})


ABOUT: Final = "what gcbatch loaded: a row for each span of each load"

LEDGER_SCHEMA: Final = pa.schema(
    [
        _field("load_number", pa.int64(), "loads of all tables, in their order"),
        _field("table_name", pa.string(), "the table that was loaded"),
        _field("source_table", pa.string(), "the table of gcbatch that it has"),
        _field("job", pa.string(), "the job that owns the table"),
        _field("run_id", pa.string(), "identifies the plan of the run"),
        _field("org", pa.string(), "the org; empty in a job of one"),
        _field("from_time", INSTANT, "begin of the span whose rows were replaced"),
        _field("to_time", INSTANT, "end of that span, exclusive"),
        _field("row_count", pa.int64(), "rows that the span has now"),
        _field("fingerprint", pa.string(), "hash over all that determines the rows"),
        _field("version", pa.string(), "version of gcbatch"),
        _field("loaded_at", INSTANT, "when"),
    ]
)
"""Its columns."""


@dataclass(frozen=True)
class Ledger:
    """The ledger's rows about one table.

    Args:
        db: The database.
        name: The name of the table there.
    """

    db: Database
    name: str

    def owner(self) -> tuple[str, str] | None:
        """Return the job, and its table, that was loaded last; None if none was."""
        found = self._last("job, source_table", [])
        return (str(found[0]), str(found[1])) if found else None

    def last_load(self, span: OrgWindow, *, is_timeless: bool) -> tuple[str, int]:
        """Return what was loaded last into a span.

        Args:
            span: A span that a table covers.
            is_timeless: Whether each load replaces all rows of the org.

        Returns:
            The fingerprint and the number of rows; an empty fingerprint if nothing was
            loaded, or the last load was of another span that overlaps this one.
        """
        org, window = span
        same: list[tuple[str, str, Value]] = [
            ("from_time", "=", window.start),
            ("to_time", "=", window.end),
        ]
        overlapping: list[tuple[str, str, Value]] = [
            ("from_time", "<", window.end),
            ("to_time", ">", window.start),
        ]
        where = [("org", "=", org), *([] if is_timeless else overlapping)]
        last = self._last("load_number, fingerprint, row_count", where)
        if last is None:
            return "", 0
        number, fingerprint, count = last
        is_same = self._last(
            "1", [("load_number", "=", number), ("org", "=", org), *same]
        )
        return (str(fingerprint), int(count)) if is_same else ("", 0)

    def _last(
        self, columns: str, where: Sequence[tuple[str, str, Value]]
    ) -> tuple[Any, ...] | None:
        """Return some columns of the last row that meets conditions on columns."""
        db = self.db
        if db.columns(LEDGER) is None:
            return None
        where = [("table_name", "=", db.folded(self.name)), *where]
        conditions = " AND ".join(
            f"{db.quoted(column)} {comparison} {db.marker(number)}"
            for number, (column, comparison, _) in enumerate(where, start=1)
        )
        rows = db.query(
            f"SELECT {columns} FROM {db.quoted(LEDGER)} WHERE {conditions} "  # noqa: S608 - names are quoted
            "ORDER BY load_number DESC LIMIT 1",
            [value for _, _, value in where],
        )
        return rows[0] if rows else None

    def add(
        self, table: Table, counts: Mapping[OrgWindow, int], fingerprint: str
    ) -> None:
        """Add a load.

        Args:
            table: What was loaded.
            counts: The number of rows of each span that it covers.
            fingerprint: A hash over all that determines its rows; empty if not known.
        """
        db = self.db
        if db.columns(LEDGER) is None:
            db.create(LEDGER, LEDGER_SCHEMA, about=ABOUT)
        ((last,),) = db.query(f"SELECT max(load_number) FROM {db.quoted(LEDGER)}")  # noqa: S608 - a name of our own
        same = {
            "load_number": (last or 0) + 1,
            "table_name": db.folded(self.name),
            "source_table": table.name,
            "job": table.job,
            "run_id": table.run_id,
            "fingerprint": fingerprint,
            "version": version("gcbatch"),
            "loaded_at": datetime.now(UTC),
        }
        rows = [
            {
                **same,
                "org": org,
                "from_time": window.start,
                "to_time": window.end,
                "row_count": count,
            }
            for (org, window), count in counts.items()
        ]
        data = pa.Table.from_pylist(rows, schema=LEDGER_SCHEMA)
        db.insert(LEDGER, data.to_reader())
