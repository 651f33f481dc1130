"""The screen of a plan."""

from collections.abc import Iterable, Sequence
from zoneinfo import ZoneInfo

from rich.console import Group, RenderableType
from rich.text import Text

from gcbatch.cli.screens.grid import local_time, new_grid, pluralize, warning_lines
from gcbatch.job import Job
from gcbatch.query import Query
from gcbatch.running import ResolvedPlan
from gcbatch.windows import Window

__all__ = ["plan_screen"]

MAX_WINDOWS = 12


def plan_screen(job: Job, planned: ResolvedPlan) -> RenderableType:
    """Return the screen of a plan: windows, cost, outputs."""
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
        *_outputs(job),
    ]
    title = f"{job.store_name}: {job.query.endpoint}, times in {zone.key}"
    return Group(
        Text(title, style="bold"),
        grid,
        *map(Text, lines),
        *warning_lines(planned.warnings),
    )


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
