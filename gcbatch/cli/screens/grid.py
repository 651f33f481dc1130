"""Grids and lines that several screens have."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from rich.console import RenderableType
from rich.table import Table as Grid
from rich.text import Text

from gcbatch.genesys import ENTITY_KINDS
from gcbatch.job import span_for_refetch
from gcbatch.provisional import ProvisionalSpan
from gcbatch.text import one_line
from gcbatch.windows import Window, to_local

__all__ = [
    "local_time",
    "names_line",
    "new_grid",
    "provisional_line",
    "rows_screen",
    "span_text",
    "warning_lines",
]

MAX_CHARS = 4_000
"""Length of a warning."""

MAX_SPANS = 5
"""Provisional spans that a line names."""

MAX_LABELS = 8
"""Kinds of entities that a line names."""

_LABELS = {kind.table: kind.label for kind in ENTITY_KINDS}


def new_grid(*columns: str, right: Sequence[int] = (), whole: bool = False) -> Grid:
    """Return an empty grid.

    Args:
        columns: The headings.
        right: The columns of numbers; the first is 0.
        whole: Whether a word that is longer than its column goes on in the next line;
            else it is cut.
    """
    grid = Grid(box=None, pad_edge=False, header_style="bold")
    for number, column in enumerate(columns):
        grid.add_column(
            column,
            justify="right" if number in right else "left",
            overflow="fold" if whole else "ellipsis",
        )
    return grid


def local_time(instant: datetime, zone: ZoneInfo) -> str:
    """Return an instant in a time zone, to the minute."""
    return f"{to_local(instant, zone):%Y-%m-%d %H:%M}"


def span_text(window: Window, zone: ZoneInfo) -> str:
    """Return the two ends of a window in a time zone."""
    return f"{local_time(window.start, zone)} to {local_time(window.end, zone)}"


def provisional_line(
    spans: Sequence[ProvisionalSpan], zone: ZoneInfo, settle: str
) -> str:
    """Return which days are provisional, and until when; empty if none are.

    Spans are half-open, as `--refetch` takes them.
    """
    named = [
        f"{f'{one.org}: ' if one.org else ''}{span_for_refetch(one.window, zone)}, "
        f"final {_final_from(one, zone)}"
        for one in spans[:MAX_SPANS]
    ]
    if more := len(spans) - len(named):
        named.append(f"and {more:,} more")
    return f"provisional: {'; '.join(named)} (settle {settle})" if spans else ""


def _final_from(span: ProvisionalSpan, zone: ZoneInfo) -> str:
    if span.final_from is None:
        return "as soon as the service has all of it"
    return f"from {local_time(span.final_from, zone).removesuffix(' 00:00')}"


def warning_lines(warnings: Iterable[str]) -> list[Text]:
    """Return a line for each warning."""
    return [
        Text(f"warning: {one_line(text, MAX_CHARS)}", style="yellow")
        for text in warnings
    ]


def names_line(names_at: Mapping[str, datetime], zone: ZoneInfo) -> str:
    """Return when names and targets were listed; empty if none were."""
    by_time: dict[str, list[str]] = {}
    for what in sorted(names_at, key=lambda what: (names_at[what], what)):
        time = local_time(names_at[what], zone)
        by_time.setdefault(time, []).append(_LABELS.get(what, what))
    listed = (f"{_first(named)} at {time}" for time, named in by_time.items())
    return f"names listed: {'; '.join(listed)}" if names_at else ""


def _first(labels: Sequence[str]) -> str:
    """Return labels in a line; of many, how many more there are."""
    if len(labels) <= MAX_LABELS:
        return ", ".join(labels)
    return f"{', '.join(labels[:MAX_LABELS])} and {len(labels) - MAX_LABELS} more"


def rows_screen(rows: Sequence[Mapping[str, str]]) -> RenderableType:
    """Return plain rows under the names of their columns."""
    grid = new_grid(*(rows[0] if rows else ()))
    for row in rows:
        grid.add_row(*row.values())
    return grid
