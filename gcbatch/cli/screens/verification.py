"""What `verify` found, on a terminal."""

from collections.abc import Sequence
from typing import Final
from zoneinfo import ZoneInfo

from rich.console import Group, RenderableType
from rich.text import Text

from gcbatch.cli.screens.grid import local_time, new_grid, pluralize
from gcbatch.verifying import Difference, Totals, VerifyResult
from gcbatch.windows import Window

__all__ = ["MOST_DIFFERENCES", "MOST_FLAWS", "verification_screen"]


MOST_FLAWS: Final = 20


MOST_DIFFERENCES: Final = 40


def _span(window: Window, zone: ZoneInfo) -> str:
    return f"{local_time(window.start, zone)} to {local_time(window.end, zone)}"


def verification_screen(found: VerifyResult) -> RenderableType:
    """Return what checking a run found."""
    zone = ZoneInfo(found.timezone)
    title = f"{found.job}: {_span(found.window, zone)} {zone.key}"
    lines: list[RenderableType] = [Text(title, style="bold")]
    looked_at = (
        ("part", found.parts, found.part_flaws),
        ("output", found.outputs, found.output_flaws),
    )
    for noun, number, flaws in looked_at:
        state = pluralize(len(flaws), "flaw") if flaws else "as the run left them"
        lines.append(Text(f"{pluralize(number, noun)}: {state}"))
        lines += [Text(f"  {flaw}") for flaw in flaws[:MOST_FLAWS]]
        if len(flaws) > MOST_FLAWS:
            lines.append(Text(f"  and {len(flaws) - MOST_FLAWS:,} more"))
    if found.totals:
        lines += _totals(found, found.totals, zone)
    if found.not_compared:
        lines.append(Text(f"not compared with the service: {found.not_compared}"))
    return Group(*lines)


def _totals(
    found: VerifyResult, totals: Totals, zone: ZoneInfo
) -> list[RenderableType]:
    what = (
        f"{pluralize(totals.spans, 'total')} of a day or longer compared with the "
        f"service's own, {pluralize(totals.requests, 'request')}: "
    )
    number = totals.differing
    state = f"{pluralize(number, 'figure')} differ" if number else "no figure differs"
    lines: list[RenderableType] = [Text(f"{what}{state}")]
    if totals.listed:
        lines += _differences(found, totals.listed, number, zone)
    if totals.provisional:
        lines.append(
            Text(
                f"provisional: {totals.provisional:,} of them, in which "
                f"{pluralize(totals.differing_provisional, 'figure')} differ; the "
                "service still corrects these days, the next run fetches them again"
            )
        )
    if totals.listed_provisional:
        many = totals.differing_provisional
        lines += _differences(found, totals.listed_provisional, many, zone)
    lines += [
        Text(f"left out, for it is no whole day, or not all there: {_span(w, zone)}")
        for w in totals.left_out[:MOST_FLAWS]
    ]
    if (more := len(totals.left_out) - MOST_FLAWS) > 0:
        lines.append(Text(f"  and {more:,} more"))
    return lines


def _differences(
    found: VerifyResult, listed: Sequence[Difference], number: int, zone: ZoneInfo
) -> list[RenderableType]:
    grid = new_grid("from", "to", "group", "figure", "stored", "served", right=(4, 5))
    for difference in listed[:MOST_DIFFERENCES]:
        grid.add_row(
            local_time(difference.window.start, zone),
            local_time(difference.window.end, zone),
            found.name_of(difference.group),
            difference.figure,
            *("-" if n is None else f"{n:,}" for n in _numbers(difference)),
        )
    lines: list[RenderableType] = [grid]
    if (more := number - min(len(listed), MOST_DIFFERENCES)) > 0:
        lines.append(Text(f"and {more:,} more"))
    return lines


def _numbers(difference: Difference) -> tuple[int | float | None, int | float | None]:
    return difference.stored, difference.served
