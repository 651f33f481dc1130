"""The screen of a plan."""

from collections.abc import Iterable, Iterator, Sequence
from zoneinfo import ZoneInfo

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from gcbatch.cli.screens.grid import (
    local_time,
    new_grid,
    provisional_line,
    warning_lines,
)
from gcbatch.job import Job
from gcbatch.query import Query
from gcbatch.running import ResolvedPlan
from gcbatch.text import pluralize
from gcbatch.windows import Window

__all__ = ["plan_screen"]

MAX_WINDOWS = 12


def plan_screen(job: Job, planned: ResolvedPlan) -> RenderableType:
    """Return the screen of a plan: windows or listings, cost, outputs."""
    if job.lists_only:
        return _listings_screen(job, planned)
    plan, zone = planned.plan, job.query.zone
    windows = plan.windows
    grid = new_grid("from", "to", "requests", right=(2,))
    shown = windows if len(windows) <= MAX_WINDOWS else windows[: MAX_WINDOWS - 2]
    for window, queries in shown:
        grid.add_row(*_row(window, queries, zone, planned))
    if len(shown) < len(windows):
        grid.add_row("…", "", "")
        window, queries = windows[-1]
        grid.add_row(*_row(window, queries, zone, planned))
    total, per_minute = len(plan.queries), job.fetch.requests_per_minute
    todo, cost = total - planned.stored, planned.cost
    minutes = todo * cost.min_requests / per_minute
    lines = [
        f"{pluralize(len(windows), 'window')}, {cost.describe(total)}",
        (
            f"{planned.stored:,} stored, {todo:,} to fetch: "
            f"{'' if cost.is_exact else 'at least '}{minutes:.1f} minutes at "
            f"{per_minute} requests a minute"
        ),
        *_listing_lines(job, planned),
        *_name_lines(planned),
        *filter(None, [provisional_line(planned.provisional, zone, str(job.settle))]),
        *_outputs(job),
    ]
    title = f"{job.store_name}: {job.query.endpoint}, times in {zone.key}"
    return Group(
        Text(title, style="bold"),
        grid,
        *([_listings_grid(job, planned)] if planned.planned_listings else []),
        *map(Text, lines),
        *warning_lines(planned.warnings),
    )


def _listings_screen(job: Job, planned: ResolvedPlan) -> RenderableType:
    return Group(
        Text(
            f"{job.store_name}: tables alone, times in {job.query.timezone}",
            style="bold",
        ),
        _listings_grid(job, planned),
        *map(Text, (*_listing_lines(job, planned), *_outputs(job))),
        *warning_lines(planned.warnings),
    )


def _listings_grid(job: Job, planned: ResolvedPlan) -> Table:
    zone = job.query.zone
    grid = new_grid("table", "requests", "last listed", right=(1,))
    for one in planned.planned_listings:
        at = local_time(one.listed_at, zone) if one.listed_at else "never"
        more = "+" if one.min_requests else ""
        grid.add_row(one.table, f"{one.min_requests:,}{more}", at)
    return grid


def _listing_lines(job: Job, planned: ResolvedPlan) -> Iterator[str]:
    """Yield what the listings cost."""
    if not planned.planned_listings:
        return
    least, per_minute = planned.listing_requests, job.fetch.requests_per_minute
    if not least:
        yield "listings stored, not older than fetch.names_max_age: no request"
        return
    minutes = f"{least / per_minute:.1f} minutes at {per_minute} requests a minute"
    yield f"listings: at least {pluralize(least, 'request')}, one per page: {minutes}"


def _name_lines(planned: ResolvedPlan) -> Iterator[str]:
    """Yield what the names cost that the tables show beside ids."""
    if planned.name_listings:
        named = ", ".join(planned.name_listings)
        least = pluralize(planned.name_requests, "request")
        yield f"names of {named}: at least {least} more"


def _row(
    window: Window, queries: Sequence[Query], zone: ZoneInfo, planned: ResolvedPlan
) -> tuple[str, str, str]:
    cost = planned.cost
    requests = f"{len(queries) * cost.min_requests:,}{'' if cost.is_exact else '+'}"
    return local_time(window.start, zone), local_time(window.end, zone), requests


def _outputs(job: Job) -> Iterable[str]:
    for export in (one.spec for one in job.expanded_exports):
        what = ", ".join(export.table_names)
        where = export.options.get("path", export.exporter)
        yield f"{what} → {where} ({export.exporter})"
