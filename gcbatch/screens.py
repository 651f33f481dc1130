"""What the terminal shows of plans, runs and exporters; data in, renderables out."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from rich.console import Group, RenderableType
from rich.table import Table as Grid
from rich.text import Text

from gcbatch.job import Job
from gcbatch.query import Query
from gcbatch.running import ResolvedPlan, RunReport
from gcbatch.text import one_line
from gcbatch.windows import Window, to_local

__all__ = [
    "counted",
    "grid_of",
    "local_time",
    "names_line",
    "plan_screen",
    "report_screen",
    "rows_screen",
]

MOST_WINDOWS = 12
MOST_CHARS = 4_000
"""Of a warning."""


def grid_of(*columns: str, right: Sequence[int] = ()) -> Grid:
    """Return an empty grid.

    Args:
        columns: Their headings.
        right: Which of them hold numbers; the first is 0.
    """
    grid = Grid(box=None, pad_edge=False, header_style="bold")
    for number, column in enumerate(columns):
        grid.add_column(column, justify="right" if number in right else "left")
    return grid


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, which takes an s for more than one."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def local_time(instant: datetime, zone: ZoneInfo) -> str:
    """Return an instant as people of a zone write it, to the minute."""
    return f"{to_local(instant, zone):%Y-%m-%d %H:%M}"


def names_line(names_at: Mapping[str, datetime], zone: ZoneInfo) -> str:
    """Return of when names and targets are; empty where there are none.

    Args:
        names_at: When they were listed, by what they name.
        zone: Whose time to write.
    """
    by_time: dict[str, list[str]] = {}
    for what in sorted(names_at, key=lambda what: (names_at[what], what)):
        time = local_time(names_at[what], zone)
        by_time.setdefault(time, []).append(what.replace("wrapup_", "wrap-up "))
    told = (f"{', '.join(named)} of {time}" for time, named in by_time.items())
    return f"names as listed: {'; '.join(told)}" if names_at else ""


def plan_screen(job: Job, planned: ResolvedPlan) -> RenderableType:
    """Return the plan of a job: windows, cost, output places."""
    plan, zone = planned.plan, job.query.zone
    windows = plan.windows
    grid = grid_of("from", "to", "requests", right=(2,))
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
    lines = [
        f"{job.store_name}: {job.query.endpoint}, times in {zone.key}",
        f"{counted(len(windows), 'window')}, {price.of(total)}",
        (
            f"{planned.stored:,} stored, {todo:,} to ask: {least}"
            f"{todo * price.least / per_minute:.1f} minutes at {per_minute} a minute"
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
    requests = f"{len(queries) * price.least:,}{'' if price.is_exact else '+'}"
    return local_time(window.start, zone), local_time(window.end, zone), requests


def _outputs(job: Job) -> Iterable[str]:
    for export in job.exports:
        what = ", ".join(export.table_names)
        where = export.options.get("path", export.exporter)
        yield f"{what} → {where} ({export.exporter})"


def report_screen(report: RunReport, zone: ZoneInfo) -> RenderableType:
    """Return what a run fetched and wrote."""
    window = report.window
    span = (
        f"{local_time(window.start, zone)} to {local_time(window.end, zone)} {zone.key}"
    )
    reused = report.queries - report.fetched
    facts = [
        f"{report.fetched} of {report.queries} queries asked, {reused} from the store",
        counted(report.requests, "request"),
        counted(report.rows, "row"),
        f"{report.seconds:.1f} s",
    ]
    if report.throttled:
        facts.append(f"throttled: {report.throttled}")
    used = report.quota_used_pct
    if used is not None and (report.throttled or round(used)):
        facts.append(f"{used:.0f} % of the quota used")
    grid = grid_of("table", "rows", "written to", "by", right=(1,))
    for done in report.exports:
        names = ", ".join(done.tables)
        place = f"{done.location} (unchanged)" if done.unchanged else done.location
        grid.add_row(names, f"{done.rows:,}", place, done.exporter)
    lines: list[RenderableType] = [
        Text(f"{report.job}: {span}", style="bold"),
        Text(" · ".join(facts)),
    ]
    if report.exports:
        lines.append(grid)
    if told := names_line(report.names_at, zone):
        lines.append(Text(told))
    if not report.rows:
        lines.append(Text("no data in this range; check its dates, queues and filter"))
    if report.provisional:
        lines.append(
            Text(
                f"provisional: {counted(report.provisional, 'part')}; the service "
                "still corrects these days, the next run fetches them again"
            )
        )
    return Group(*lines, *_warnings(report.warnings))


def _warnings(warnings: Iterable[str]) -> list[Text]:
    return [
        Text(f"warning: {one_line(text, MOST_CHARS)}", style="yellow")
        for text in warnings
    ]


def rows_screen(rows: Sequence[Mapping[str, str]]) -> RenderableType:
    """Return plain rows under the names of their columns."""
    grid = grid_of(*(rows[0] if rows else ()))
    for row in rows:
        grid.add_row(*row.values())
    return grid
