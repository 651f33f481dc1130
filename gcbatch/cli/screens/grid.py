"""What the terminal shows of plans, runs and exporters; data in, renderables out."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from rich.console import RenderableType
from rich.table import Table as Grid

from gcbatch.windows import to_local

__all__ = ["local_time", "names_line", "new_grid", "pluralize", "rows_screen"]

MOST_CHARS = 4_000
"""Of a warning."""


def new_grid(*columns: str, right: Sequence[int] = ()) -> Grid:
    """Return an empty grid.

    Args:
        columns: Their headings.
        right: Which of them hold numbers; the first is 0.
    """
    grid = Grid(box=None, pad_edge=False, header_style="bold")
    for number, column in enumerate(columns):
        grid.add_column(column, justify="right" if number in right else "left")
    return grid


def pluralize(number: int, noun: str) -> str:
    """Return a number with its noun, which takes an s for more than one."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def local_time(instant: datetime, zone: ZoneInfo) -> str:
    """Return an instant as people of a zone write it, to the minute."""
    return f"{to_local(instant, zone):%Y-%m-%d %H:%M}"


def names_line(names_at: Mapping[str, datetime], zone: ZoneInfo) -> str:
    """Return of when names and targets are; empty where there are none.

    Args:
        names_at: When they were listed, by what they name.
        zone: Whose time to write.
    """
    by_time: dict[str, list[str]] = {}
    for what in sorted(names_at, key=lambda what: (names_at[what], what)):
        time = local_time(names_at[what], zone)
        by_time.setdefault(time, []).append(what.replace("wrapup_", "wrap-up "))
    told = (f"{', '.join(named)} of {time}" for time, named in by_time.items())
    return f"names as listed: {'; '.join(told)}" if names_at else ""


def rows_screen(rows: Sequence[Mapping[str, str]]) -> RenderableType:
    """Return plain rows under the names of their columns."""
    grid = new_grid(*(rows[0] if rows else ()))
    for row in rows:
        grid.add_row(*row.values())
    return grid
