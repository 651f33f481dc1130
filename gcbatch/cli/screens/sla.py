"""The screen of the table `sla`: queues, worst first."""

import math
from collections.abc import Mapping, Sequence
from heapq import nsmallest
from typing import Any, Final

import pyarrow as pa
from rich.console import Group, RenderableType
from rich.table import Table as Grid
from rich.text import Text

from gcbatch.cli.screens.grid import new_grid
from gcbatch.table import Table
from gcbatch.text import one_line

__all__ = ["sla_screen"]

MAX_ROWS: Final = 60
PER_OFFER: Final = "HT/offer s"
MARKS: Final = {True: ("met", "green"), False: ("missed", "red"), None: ("-", "dim")}
EMPTY: Final = (
    "no conversations in this range; check its dates and time zone, the names of the "
    "queues, and whether the client's divisions include them"
)


def sla_screen(table: Table, *, period: str, per_offer: bool = False) -> RenderableType:
    """Return the rows of *table*: by queue worst first, or by period as they come.

    Args:
        table: `sla`, of the period.
        period: `total` gives a row per queue, `interval` the figures of a report by
            interval, any other a row per period and queue.
        per_offer: Whether to divide handle time by offers too, as a tutorial does.
    """
    shown: list[dict[str, Any]] = []
    count = 0
    for batch in table:
        count += batch.num_rows
        if period == "total":
            shown = nsmallest(MAX_ROWS, [*shown, *_rows(batch)], key=_badness)
        else:
            shown += _rows(batch.slice(0, MAX_ROWS - len(shown)))
    if not shown:
        return Text(EMPTY)
    last = {PER_OFFER: list(map(_per_offer, shown))} if per_offer else {}
    if period == "interval":
        grid = _by_interval(shown, last)
    else:
        grid = _by_queue(shown, period, last)
    if count == len(shown):
        return grid
    rest = count - len(shown)
    return Group(grid, Text(f"… and {rest:,} more rows; export the table to see all"))


def _rows(batch: pa.RecordBatch) -> list[dict[str, Any]]:
    """Return rows, with the org before the queue's name if there are several orgs."""
    rows: list[dict[str, Any]] = batch.to_pylist()
    for row in rows:
        if "org" in row:
            row["queue_name"] = f"{row['org']}: {row['queue_name'] or 'all'}"
    return rows


def _badness(row: Mapping[str, Any]) -> tuple[bool, float, str]:
    """Order rows by how far below its target the service level is."""
    level, target = row["service_level_pct"], row["target_pct"]
    gap = level - (100.0 if target is None else target) if level is not None else 0.0
    return level is None, gap, row["queue_name"] or ""


def _grid(names: Sequence[str], figures: Sequence[str]) -> Grid:
    numbers = range(len(names), len(names) + len(figures))
    grid = new_grid(*names, *figures, right=numbers)
    for column in grid.columns:
        # On a narrow terminal names of queues are wrapped, dates and figures are not.
        column.no_wrap = column.header != "queue"
    for column in grid.columns[: len(names)]:
        column.overflow = "fold"
    return grid


def _by_queue(
    rows: list[dict[str, Any]], period: str, last: Mapping[str, Sequence[str]]
) -> Grid:
    names = ["queue"]
    if period != "total":
        names.insert(0, period)
    if "media_type" in rows[0]:
        names.append("media")
    figures = ["offered", "answered", "SL %", "target", "", "AB %", "ASA", "AHT"]
    grid = _grid(names, [*figures, *last])
    for row, *more in zip(rows, *last.values(), strict=True):
        mark, style = MARKS[row["compliance_met"]]
        cells = [] if period == "total" else [row["period"]]
        cells.append(row["queue_name"] or "all")
        if "media_type" in row:
            cells.append(row["media_type"] or "")
        grid.add_row(
            *(one_line(cell) for cell in cells),
            f"{row['offered']:,}",
            f"{row['answered']:,}",
            _level(row),
            _percent(row["target_pct"]),
            Text(mark, style=style),
            _percent(row["abandon_rate_pct"]),
            _span(row["asa_s"]),
            _span(row["aht_s"]),
            *more,
        )
    return grid


def _by_interval(rows: list[dict[str, Any]], last: Mapping[str, Sequence[str]]) -> Grid:
    figures = ["offers", "handled", "abandoned", "SL %", "AHT", *last]
    grid = _grid(["date", "queue"], figures)
    for row, *more in zip(rows, *last.values(), strict=True):
        grid.add_row(
            row["period"],
            one_line(row["queue_name"] or "all"),
            f"{row['offered']:,}",
            f"{row['answered']:,}",
            f"{row['abandoned']:,}",
            _percent(row["service_level_pct"]),
            _span(row["aht_s"]),
            *more,
        )
    return grid


def _level(row: Mapping[str, Any]) -> str:
    """Return the service level, with two digits if one would hide a missed target."""
    level, target = row["service_level_pct"], row["target_pct"]
    if row["compliance_met"] is False and round(level, 1) >= target:
        return f"{math.floor(level * 100) / 100:.2f}"
    return _percent(level)


def _per_offer(row: Mapping[str, Any]) -> str:
    """Return seconds of handle time per offer, as a tutorial prints them."""
    offers, handled_ms = row["offered"], row["handle_sum_ms"] or 0.0
    return f"{handled_ms / 1000 / offers if offers else 0.0:.2f}"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def _span(seconds: float | None) -> str:
    """Return seconds as m:ss, as wallboards show them."""
    if seconds is None:
        return "-"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"
