"""Writes the numbers and sentences of the report."""

from datetime import timedelta
from typing import Final
from zoneinfo import ZoneInfo

from gcbatch.provisional import ProvisionalSpan
from gcbatch.table import Table
from gcbatch.text import pluralize
from gcbatch.windows import Window, to_local
from gcbatch_exporters.report.summary import Figures, QueueFigures
from gcbatch_exporters.report.time_axis import long_day

__all__ = [
    "NONE",
    "averages",
    "clock",
    "count",
    "days",
    "level_of",
    "percent",
    "provisional",
    "span",
    "verdict",
]

MAX_SPANS: Final = 5
"""Provisional spans that a page names."""

NONE: Final = "\N{EN DASH}"
_THIN: Final = "\u202f"
"""Before %: a narrow space without a line break."""


def count(number: float | None) -> str:
    """Return `1,234`; only averages have a decimal, at most one."""
    return NONE if number is None else f"{round(number, 1):,.10g}"


def percent(value: float | None, *, below: float | None = None) -> str:
    """Return `90.9 %`.

    Args:
        value: In percent; None is unknown.
        below: A target that *value* misses: it gets as many decimals as show that, so
            that no 80.0 % misses 80 %.
    """
    if value is None:
        return NONE
    digits = 1
    while below is not None and value < below <= round(value, digits):
        digits += 1
    return f"{value:.{digits}f}{_THIN}%"


def level_of(queue: QueueFigures) -> str:
    """Return a queue's service level, visibly below a target that it misses."""
    return percent(queue.sums.level, below=queue.target)


def target(value: float | None) -> str:
    """Return `80 %`, with decimals only if it has some."""
    return NONE if value is None else f"{value:g}{_THIN}%"


def clock(seconds: float | None) -> str:
    """Return minutes and seconds: `5:12`."""
    if seconds is None:
        return NONE
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes:,}:{rest:02}"


def span(covered: Window, zone: ZoneInfo) -> str:
    """Return a range in words: its days, both included, or its instants."""
    start, end = to_local(covered.start, zone), to_local(covered.end, zone)
    if start.time() != end.time() or start.hour or start.minute:
        return f"{long_day(start)}, {start:%H:%M} to {long_day(end)}, {end:%H:%M}"
    last = end - timedelta(days=1)
    if last.date() == start.date():
        return long_day(start)
    first = long_day(start)
    if start.year == last.year:
        first = first.removesuffix(f" {start.year}")
        if start.month == last.month:
            first = str(start.day)
    return f"{first} to {long_day(last)}"


def days(covered: Window, zone: ZoneInfo) -> str | None:
    """Return the number of local days of a range; None if it has parts of days."""
    start, end = to_local(covered.start, zone), to_local(covered.end, zone)
    if start.time() != end.time() or start.hour or start.minute:
        return None
    return pluralize((end.date() - start.date()).days, "day")


def provisional(table: Table) -> str | None:
    """Return which days may still change, and until when; None if none may."""
    zone, found = table.timezone, table.provisional
    if not found:
        return None
    named = [
        f"{f'{one.org}: ' if one.org else ''}{span(one.window, zone)}, "
        f"final {_final_from(one, zone)}"
        for one in found[:MAX_SPANS]
    ]
    if more := len(found) - len(named):
        named.append(f"and {more:,} more")
    return f"Provisional, may still change: {'; '.join(named)}"


def _final_from(span: ProvisionalSpan, zone: ZoneInfo) -> str:
    if span.final_from is None:
        return "as soon as the service has all of it"
    local = to_local(span.final_from, zone)
    time = f", {local:%H:%M}" if local.hour or local.minute else ""
    return f"from {long_day(local)}{time}"


def verdict(figures: Figures) -> str:
    """Return a summary of the queues in one or two sentences."""
    met, missed = figures.met_count, figures.missed_count
    known = met + missed
    if not known:
        return "No queue has both calls and a target, so none can be compared."
    worst = figures.queues[0]
    if known == 1:
        did = "met" if worst.met else "missed"
        return (
            f"{worst.name} {did} its target: {level_of(worst)} against "
            f"{target(worst.target)}."
        )
    if not missed:
        return f"All {known} queues with a target met it."
    furthest = (
        f"{worst.name} is furthest from it: {level_of(worst)} against "
        f"{target(worst.target)}."
    )
    if not met:
        return f"None of {pluralize(known, 'queue')} met its target. {furthest}"
    return f"{met} of {known} queues met their target. {furthest}"


def averages(figures: Figures) -> str | None:
    """Return why percentages are not averaged, with the page's own numbers.

    None if there are fewer than two queues to average.
    """
    level, average = figures.total.level, figures.average_of_levels
    if level is None or average is None:
        return None
    over_all = f"The service level over all calls is {percent(level)}"
    if percent(level) == percent(average):
        return (
            f"{over_all}. Averaging the queues' percentages happens to say the same "
            "here; with busy and quiet queues it would not, so this report never does."
        )
    return (
        f"{over_all}; averaging the queues' percentages would say "
        f"{percent(average)}, as if a queue of ten calls weighed as much as one of ten "
        "thousand."
    )
