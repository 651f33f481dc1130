"""Compares the rows of a table before and after a change, by their keys."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

import orjson
import pyarrow as pa

from gcbatch.tables.name_lookup import NAMED
from gcbatch.windows import iso

__all__ = ["ADDED", "CHANGED", "REMOVED", "ComparedTable", "RowChange"]

ADDED: Final = "added"
CHANGED: Final = "changed"
REMOVED: Final = "removed"

Row = Mapping[str, Any]


class RowChange(NamedTuple):
    """One figure that changed, or a row that came or went.

    Args:
        table: The table.
        key: The key columns of its row, as JSON.
        column: The column; None if all of a row came or went.
        old: The value before, as text; None if it was null, or there was no row.
        new: The value now.
        change: ADDED or REMOVED, of a row, or CHANGED.
        row_time: The time by which the row belongs to a day, UTC.
        queue_id: Its queue; None if it has none.
        queue_name: The name of that.
    """

    table: str
    key: str
    column: str | None
    old: str | None
    new: str | None
    change: str
    row_time: datetime | None
    queue_id: str | None
    queue_name: str | None


@dataclass(frozen=True)
class ComparedTable:
    """A table whose rows are compared.

    Args:
        name: Its name.
        key: The columns that identify a row.
        time: The column by which a row belongs to a day.
        about: Columns that no change is listed of: they follow from the key.
        by_figure: Whether each figure of a row that came or went is listed: of a table
            of figures. Otherwise such a row is listed once.
    """

    name: str
    key: tuple[str, ...]
    time: str
    about: tuple[str, ...] = ()
    by_figure: bool = False

    def changes(
        self, old: Iterable[pa.RecordBatch], new: Iterable[pa.RecordBatch]
    ) -> list[RowChange]:
        """Return what changed, by the time and key of the rows, columns in order."""
        before, after = self._by_key(old), self._by_key(new)
        found: list[RowChange] = []
        for key in [*before, *(key for key in after if key not in before)]:
            found += self._of_row(before.get(key), after.get(key))
        return sorted(found, key=_order)  # stable: columns stay in order

    def _by_key(self, batches: Iterable[pa.RecordBatch]) -> dict[tuple[Any, ...], Row]:
        """Return rows by their key, and their number among those of one key."""
        rows: dict[tuple[Any, ...], Row] = {}
        counts: Counter[tuple[Any, ...]] = Counter()
        for batch in batches:
            for row in batch.to_pylist():
                key = tuple(row[name] for name in self.key)
                rows[*key, counts[key]] = row
                counts[key] += 1
        return rows

    def _of_row(self, old: Row | None, new: Row | None) -> Iterator[RowChange]:
        row = new or old or {}
        change = CHANGED if old and new else ADDED if new else REMOVED
        about = self._about(row)
        if change != CHANGED and not self.by_figure:
            yield RowChange(**about, column=None, old=None, new=None, change=change)
            return
        for column in self._figures(row):
            before, after = (side and side[column] for side in (old, new))
            if before != after and not (_is_nan(before) and _is_nan(after)):
                yield RowChange(
                    **about,
                    column=column,
                    old=_text(before),
                    new=_text(after),
                    change=change,
                )

    def _about(self, row: Row) -> dict[str, Any]:
        return {
            "table": self.name,
            "key": _json({name: row[name] for name in self.key}),
            "row_time": row[self.time],
            "queue_id": row.get("queue_id"),
            "queue_name": row.get("queue_name"),
        }

    def _figures(self, row: Row) -> Sequence[str]:
        names = {NAMED[name][0] for name in self.key if name in NAMED}
        known = {*self.key, *names, *self.about}
        return [name for name in row if name not in known]


def _order(change: RowChange) -> tuple[bool, Any, str]:
    at = change.row_time
    return at is None, at and at.timestamp(), change.key


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and value != value  # noqa: PLR0124 - NaN alone


def _json(key: Mapping[str, Any]) -> str:
    """Return a key as JSON: in the order of its columns, without spaces."""
    return orjson.dumps(
        {n: iso(v) if isinstance(v, datetime) else v for n, v in key.items()}
    ).decode()


def _text(value: Any) -> str | None:
    """Return a value as exporters of text write it; null stays null."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return iso(value)
    return str(value)
