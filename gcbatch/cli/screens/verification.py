"""The screen of what `verify` found."""

from collections.abc import Sequence
from typing import Final
from zoneinfo import ZoneInfo

from rich.console import Group, RenderableType
from rich.text import Text

from gcbatch.cli.screens.grid import local_time, new_grid, span_text
from gcbatch.text import pluralize
from gcbatch.verifying import (
    Destination,
    DestinationsResult,
    Difference,
    Totals,
    VerifyResult,
)

__all__ = ["destinations_screen", "verification_screen"]

MAX_FLAWS: Final = 20
MAX_DIFFERENCES: Final = 40


def verification_screen(found: VerifyResult) -> RenderableType:
    """Return the screen of what checking a run found."""
    zone = ZoneInfo(found.timezone)
    title, parts = found.job, [("part", found.parts, found.part_flaws)]
    if found.window is None:
        parts = []  # of tables alone
    else:
        title = f"{found.job}: {span_text(found.window, zone)} {zone.key}"
    lines: list[RenderableType] = [Text(title, style="bold")]
    checked = [*parts, ("output", found.outputs, found.output_flaws)]
    if found.listings:
        checked.insert(-1, ("listing", found.listings, found.listing_flaws))
    for noun, number, flaws in checked:
        state = pluralize(len(flaws), "flaw") if flaws else "as the run left them"
        lines.append(Text(f"{pluralize(number, noun)}: {state}"))
        lines += [Text(f"  {flaw}") for flaw in flaws[:MAX_FLAWS]]
        if len(flaws) > MAX_FLAWS:
            lines.append(Text(f"  and {len(flaws) - MAX_FLAWS:,} more"))
    if found.totals:
        lines += _totals(found, found.totals, zone)
    if found.not_compared:
        lines.append(Text(f"not compared with the service: {found.not_compared}"))
    return Group(*lines)


def destinations_screen(found: DestinationsResult) -> RenderableType:
    """Return the screen of what comparing databases and lakes found."""
    lines: list[RenderableType] = []
    for one in found.destinations:
        lines.append(Text(f"{one.exporter}, {one.location}: {_compared(one)}"))
        lines += [
            Text(f"  {org}: not compared: {why}")
            for org, why in one.left_out.items()
            if org
        ]
        lines += [Text(f"  {one.described(m)}") for m in one.mismatches[:MAX_FLAWS]]
        if (more := one.differing.total() - MAX_FLAWS) > 0:
            lines.append(Text(f"  and {more:,} more"))
    return Group(*lines)


def _compared(found: Destination) -> str:
    if found.failure is not None:
        return f"not compared: {found.failure.problem}"
    if "" in found.left_out:
        return f"not compared: {found.left_out['']}"
    if found.rows is None and not found.differing:
        return "not compared"
    rows = "" if found.rows is None else f"{pluralize(found.rows, 'row')} compared, "
    days = found.differing.total()
    if not days:
        return f"{rows}no day differs"
    return f"{rows}{pluralize(days, 'day')} {'differs' if days == 1 else 'differ'}"


def _totals(
    found: VerifyResult, totals: Totals, zone: ZoneInfo
) -> list[RenderableType]:
    what = (
        f"{pluralize(totals.spans, 'total')} of a day or longer compared with the "
        f"service's own, {pluralize(totals.requests, 'request')}: "
    )
    number = totals.differing
    state = _differ(number) if number else "no figure differs"
    lines: list[RenderableType] = [Text(f"{what}{state}")]
    if totals.listed:
        lines += _differences(found, totals.listed, number, zone)
    if totals.provisional:
        lines.append(
            Text(
                f"provisional: {totals.provisional:,} of them, in which "
                f"{_differ(totals.differing_provisional)}; the "
                "service still corrects these days, and the next run fetches them again"
            )
        )
    if totals.listed_provisional:
        many = totals.differing_provisional
        lines += _differences(found, totals.listed_provisional, many, zone)
    lines += [
        Text(f"left out, not a whole day or not complete: {span_text(w, zone)}")
        for w in totals.left_out[:MAX_FLAWS]
    ]
    if (more := len(totals.left_out) - MAX_FLAWS) > 0:
        lines.append(Text(f"  and {more:,} more"))
    return lines


def _differ(figures: int) -> str:
    return f"{pluralize(figures, 'figure')} {'differs' if figures == 1 else 'differ'}"


def _differences(
    found: VerifyResult, listed: Sequence[Difference], total: int, zone: ZoneInfo
) -> list[RenderableType]:
    grid = new_grid("from", "to", "group", "figure", "stored", "served", right=(4, 5))
    for difference in listed[:MAX_DIFFERENCES]:
        grid.add_row(
            local_time(difference.window.start, zone),
            local_time(difference.window.end, zone),
            found.name_of(difference.group),
            difference.figure,
            *(
                "-" if number is None else f"{number:,}"
                for number in (difference.stored, difference.served)
            ),
        )
    lines: list[RenderableType] = [grid]
    if (more := total - min(len(listed), MAX_DIFFERENCES)) > 0:
        lines.append(Text(f"and {more:,} more"))
    return lines
