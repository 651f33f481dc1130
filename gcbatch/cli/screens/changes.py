"""The screen of what fetching again changed: by table, day, queue and column."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from rich.console import Group, RenderableType
from rich.text import Text

from gcbatch.cli.screens.grid import new_grid
from gcbatch.table import ORG, Table
from gcbatch.text import one_line, pluralize

__all__ = ["changes_screen"]

MAX_LINES: Final = 60

NONE: Final = "no changes are noted"


class _Line(NamedTuple):
    """What figures have in common that one line shows."""

    table: str
    day: str
    queue: str
    column: str
    change: str


@dataclass
class _Sum:
    """The figures of a line.

    Args:
        rows: Number of figures.
        old: The first one's value before.
        new: The first one's value now.
        difference: By how much the sum of all changed; None if they are no numbers
            that add up.
    """

    rows: int = 0
    old: str | None = None
    new: str | None = None
    difference: int | None = 0

    def add(self, row: Mapping[str, Any]) -> None:
        """Add a row of the table."""
        if not self.rows:
            self.old, self.new = row["old"], row["new"]
        self.rows += 1
        if self.difference is not None:
            moved = _difference(row)
            self.difference = None if moved is None else self.difference + moved

    def __str__(self) -> str:
        if self.rows == 1 and (self.old is not None or self.new is not None):
            return f"{_shown(self.old)} → {_shown(self.new)}"
        return "" if self.difference is None else f"{self.difference:+,}"


def changes_screen(table: Table) -> RenderableType:
    """Return what changed, a line for each table, day, queue and column.

    Of several figures in a line, as of the hours of a day, it shows by how much their
    sum changed.
    """
    lines: dict[_Line, _Sum] = {}
    for batch in table:
        for row in batch.to_pylist():
            lines.setdefault(_line(row), _Sum()).add(row)
    if not lines:
        return Text(NONE)
    grid = new_grid("table", "day", "queue", "column", "", "rows", "", right=(5, 6))
    for line in sorted(lines)[:MAX_LINES]:
        summed = lines[line]
        grid.add_row(*map(one_line, line), f"{summed.rows:,}", str(summed))
    total = pluralize(sum(one.rows for one in lines.values()), "change")
    days = pluralize(len({line.day for line in lines}), "day")
    rest = len(lines) - MAX_LINES
    more = f"; {rest:,} more lines, which --csv and --json show" if rest > 0 else ""
    return Group(grid, Text(f"{total} of {days}{more}"))


def _line(row: Mapping[str, Any]) -> _Line:
    queue = row["queue_name"] or row["queue_id"] or "-"
    if ORG in row:
        queue = f"{row[ORG]}: {queue}"
    column = row["column"] or "whole row"
    return _Line(row["table"], row["day"] or "-", queue, column, row["change"])


def _shown(value: str | None) -> str:
    return "-" if value is None else one_line(value, 40)


def _difference(row: Mapping[str, Any]) -> int | None:
    """Return by how much a count or a sum changed; None if it is neither."""
    column = row["column"] or ""
    if not (column.startswith("n_") or column.endswith(("_count", "_sum_ms"))):
        return None
    try:
        return int(row["new"] or 0) - int(row["old"] or 0)
    except ValueError:
        return None
