"""What a plan looks like on a terminal."""

from collections.abc import Iterable, Sequence
from zoneinfo import ZoneInfo

from rich.console import Group, RenderableType
from rich.text import Text

from gcbatch.cli.screens.grid import local_time, new_grid, pluralize
from gcbatch.cli.screens.run import _warnings
from gcbatch.job import Job
from gcbatch.query import Query
from gcbatch.running import ResolvedPlan
from gcbatch.windows import Window

__all__ = ["MOST_WINDOWS", "plan_screen"]


MOST_WINDOWS = 12


def plan_screen(job: Job, planned: ResolvedPlan) -> RenderableType:
    """Return the plan of a job: windows, cost, output places."""
    plan, zone = planned.plan, job.query.zone
    windows = plan.windows
    grid = new_grid("from", "to", "requests", right=(2,))
    shown = windows if len(windows) <= MOST_WINDOWS else windows[: MOST_WINDOWS - 2]
    for window, queries in shown:
        grid.add_row(*_row(window, queries, zone, planned))
    if len(shown) < len(windows):
        grid.add_row("…", "", "")
        window, queries = windows[-1]
        grid.add_row(*_row(window, queries, zone, planned))
    total = len(plan.queries)
    per_minute = job.fetch.requests_per_minute
    todo = total - planned.stored
    price = planned.price
    least = "" if price.is_exact else "at least "
    minutes = todo * price.min_requests / per_minute
    lines = [
        f"{job.store_name}: {job.query.endpoint}, times in {zone.key}",
        f"{pluralize(len(windows), 'window')}, {price.describe(total)}",
        (
            f"{planned.stored:,} stored, {todo:,} to ask: {least}"
            f"{minutes:.1f} minutes at {per_minute} a minute"
        ),
    ]
    lines += _outputs(job)
    parts: list[RenderableType] = [
        Text(lines[0], style="bold"),
        grid,
        *map(Text, lines[1:]),
    ]
    return Group(*parts, *_warnings(planned.warnings))


def _row(
    window: Window, queries: Sequence[Query], zone: ZoneInfo, planned: ResolvedPlan
) -> tuple[str, str, str]:
    price = planned.price
    requests = f"{len(queries) * price.min_requests:,}{'' if price.is_exact else '+'}"
    return local_time(window.start, zone), local_time(window.end, zone), requests


def _outputs(job: Job) -> Iterable[str]:
    for export in job.exports:
        what = ", ".join(export.table_names)
        where = export.options.get("path", export.exporter)
        yield f"{what} → {where} ({export.exporter})"
