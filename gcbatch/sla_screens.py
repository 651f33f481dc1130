"""What the terminal shows of the table `sla`: queues, worst first."""

import math
from collections.abc import Iterable, Mapping
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table as Grid
from rich.text import Text

from gcbatch.plain import plain
from gcbatch.tables.table import Table

__all__ = ["sla_screen"]

MOST_ROWS: Final = 60
MARKS: Final = {True: ("met", "green"), False: ("missed", "red"), None: ("-", "dim")}
EMPTY: Final = (
    "no conversations in this range; check its dates and time zone, the names of the "
    "queues, and whether the client's divisions include them"
)


def sla_screen(table: Table, *, period: str) -> RenderableType:
    """Return the rows of *table*: by queue worst first, or by period as they come.

    Args:
        table: `sla`, of the period.
        period: With `total`, a row a queue; with `interval`, the figures of a report
            by interval; else a row a period and queue.
    """
    rows = table.read_all().to_pylist()
    if not rows:
        return Text(EMPTY)
    for row in rows:
        if "org" in row:
            row["queue_name"] = f"{row['org']}: {row['queue_name'] or 'all'}"
    if period == "total":
        rows.sort(key=_badness)
    shown = rows[:MOST_ROWS]
    grid = _by_interval(shown) if period == "interval" else _by_queue(shown, period)
    if len(rows) == len(shown):
        return grid
    rest = len(rows) - len(shown)
    return Group(grid, Text(f"… and {rest:,} more rows; export the table to see all"))


def _badness(row: Mapping[str, Any]) -> tuple[bool, float, str]:
    """Order rows by how far below its target the service level is."""
    level, target = row["service_level_pct"], row["target_pct"]
    gap = level - (100.0 if target is None else target) if level is not None else 0.0
    return level is None, gap, row["queue_name"] or ""


def _grid(names: Iterable[str], figures: Iterable[str]) -> Grid:
    grid = Grid(box=None, pad_edge=False, header_style="bold")
    for name in names:
        # Names of queues give way on a narrow terminal; dates and figures do not.
        grid.add_column(name, no_wrap=name != "queue", overflow="fold")
    for figure in figures:
        grid.add_column(figure, justify="right", no_wrap=True)
    return grid


def _by_queue(rows: list[dict[str, Any]], period: str) -> Grid:
    names = ["queue"]
    if period != "total":
        names.insert(0, period)
    if "media_type" in rows[0]:
        names.append("media")
    figures = ["offered", "answered", "SL %", "target", "", "AB %", "ASA", "AHT"]
    grid = _grid(names, figures)
    for row in rows:
        mark, style = MARKS[row["compliance_met"]]
        cells = [] if period == "total" else [row["period"]]
        cells.append(row["queue_name"] or "all")
        if "media_type" in row:
            cells.append(row["media_type"] or "")
        grid.add_row(
            *(escape(plain(cell)) for cell in cells),
            f"{row['offered']:,}",
            f"{row['answered']:,}",
            _level(row),
            _percent(row["target_pct"]),
            Text(mark, style=style),
            _percent(row["abandon_rate_pct"]),
            _span(row["asa_s"]),
            _span(row["aht_s"]),
        )
    return grid


def _by_interval(rows: list[dict[str, Any]]) -> Grid:
    figures = ["offers", "handled", "abandoned", "SL %", "AHT"]
    grid = _grid(["date", "queue"], figures)
    for row in rows:
        grid.add_row(
            row["period"],
            escape(plain(row["queue_name"] or "all")),
            f"{row['offered']:,}",
            f"{row['answered']:,}",
            f"{row['abandoned']:,}",
            _percent(row["service_level_pct"]),
            _span(row["aht_s"]),
        )
    return grid


def _level(row: Mapping[str, Any]) -> str:
    """Return the service level, with more digits where they show that it misses."""
    level, target = row["service_level_pct"], row["target_pct"]
    if row["compliance_met"] is False and round(level, 1) >= target:
        return f"{math.floor(level * 100) / 100:.2f}"
    return _percent(level)


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def _span(seconds: float | None) -> str:
    """Return seconds as m:ss, as wallboards show them."""
    if seconds is None:
        return "-"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"
