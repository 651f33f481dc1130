"""Two heat maps of the week, as tables: colours, and the numbers behind them."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Self

from gcbatch_exporters.report.formatting import count, percent, target
from gcbatch_exporters.report.markup import Html, tag
from gcbatch_exporters.report.time_axis import WEEKDAYS
from gcbatch_exporters.report.week_grid import Cell, Heat

__all__ = ["heat_section"]

_USUAL: Final = 80.0
"""Where colours turn if no queue has a target: the most common target."""

WHOLE: Final = 100

_VOLUMES: Final = 6
"""Shades of volume."""

_DAYS: Final = (
    *("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
)


def heat_section(heat: Heat | None, goal: float | None, *, is_common: bool) -> Html:
    """Return both heat maps, or the reason why there are none.

    Args:
        heat: Calls by hour of the week; None if they are not known by the hour.
        goal: Where colours turn, in percent; None if no queue has a target.
        is_common: Whether it is the target of all queues.
    """
    heading = tag("h2", "By weekday and hour")
    if heat is None or not heat.columns:
        quiet = (
            "Needs hours: export table sla by hour, or give this report the table "
            "intervals as well."
            if heat is None
            else "No calls were offered."
        )
        return tag("section", heading, tag("p", quiet, class_="note"))
    turn = _USUAL if goal is None else goal
    scale = _Scale.round(turn)
    busiest = max(heat.per_hour(cell) or 0 for cell in heat.sums)

    def level(cell: Cell) -> tuple[str, str, str]:
        sums = heat.sums[cell]
        value = sums.level
        if value is None:
            return "", "", "no service level"
        shade = scale.shade(value)
        text = f"{percent(value, below=turn)} of {count(sums.level_whole)}"
        return f"l{shade}", f"{_whole(value, turn)}", text

    def volume(cell: Cell) -> tuple[str, str, str]:
        calls = heat.per_hour(cell) or 0
        shade = min(int(calls / busiest * _VOLUMES), _VOLUMES - 1)
        text = f"{count(heat.sums[cell].offered)} offered in the whole range"
        return f"v{shade}", _short(calls), text

    what = "their target" if is_common else "the target of most calls"
    turns = f"{target(turn)}, {what}" if goal is not None else target(turn)
    return tag(
        "section",
        heading,
        _map(heat, "Service level in percent", f"Colours turn at {turns}.", level),
        _keys(scale.words()),
        _map(
            heat,
            "Calls offered per hour",
            "On average over the hours of the range.",
            volume,
        ),
    )


@dataclass(frozen=True, slots=True)
class _Scale:
    """Shades of service level: up to four below the target, up to two above.

    Args:
        below: Levels below the target at which the shade changes.
        turn: The target.
        above: Levels above it at which the shade changes; none if it is 100.
    """

    below: tuple[float, ...]
    turn: float
    above: tuple[float, ...]

    @classmethod
    def round(cls, turn: float) -> Self:
        """Return the scale of a target."""
        below = tuple(turn - n for n in (30, 15, 5) if turn > n)
        return cls(below, turn, ((turn + 100) / 2,) if turn < WHOLE else ())

    def shade(self, level: float) -> int:
        """Return the number of a level's shade, 0 to 5; from 4 on the target is met."""
        if level < self.turn:
            return 3 - sum(level < edge for edge in self.below)
        return 4 + sum(level >= edge for edge in self.above)

    def words(self) -> list[tuple[str, str]]:
        """Return each shade's class and its levels."""
        edges = [*self.below, self.turn, *self.above]
        ranges = [f"below {edges[0]:g}"]
        ranges += [f"{a:g} to {b:g}" for a, b in pairwise(edges)]
        ranges.append(f"{edges[-1]:g} and more" if self.above else f"{self.turn:g}")
        first = 3 - len(self.below)
        return [(f"l{n}", words) for n, words in enumerate(ranges, start=first)]


def _whole(value: float, turn: float) -> int:
    # 79.6 misses a target of 80: colour and number of its cell both show that.
    whole = round(value)
    return int(turn) - 1 if value < turn <= whole and turn == int(turn) else whole


def _short(calls: float) -> str:
    few = 10
    return count(round(calls)) if calls >= few else count(calls)


def _map(
    heat: Heat,
    title: str,
    note: str,
    show: Callable[[Cell], tuple[str, str, str]],
) -> Html:
    hours = heat.columns
    heads = [tag("th", f"{hour}", scope="col") for hour in hours]
    rows = []
    for weekday, name in enumerate(_DAYS):
        cells = []
        for hour in hours:
            cell = weekday, hour
            if cell not in heat.sums or not heat.sums[cell].offered:
                cells.append(tag("td"))
                continue
            shade, value, text = show(cell)
            text = f"{name} {hour}:00 to {hour + 1}:00: {text}"
            cells.append(tag("td", value, class_=shade or None, title=text))
        day = tag("abbr", WEEKDAYS[weekday], title=name)
        rows.append(tag("tr", tag("th", day, scope="row"), *cells))
    table = tag(
        "table",
        tag("caption", tag("b", title), f" {note}"),
        tag("thead", tag("tr", tag("td"), *heads)),
        tag("tbody", *rows),
        class_="heat",
    )
    return tag("div", table, class_="wide")


def _keys(shades: list[tuple[str, str]]) -> Html:
    keys = [
        tag("span", tag("i", class_=f"key {shade}"), f" {words}")
        for shade, words in shades
    ]
    return tag("p", *keys, class_="note legend", aria_hidden="true")
