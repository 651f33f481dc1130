"""What a run report looks like on a terminal."""

from collections.abc import Iterable
from zoneinfo import ZoneInfo

from rich.console import Group, RenderableType
from rich.text import Text

from gcbatch.cli.screens.grid import (
    MOST_CHARS,
    local_time,
    names_line,
    new_grid,
    pluralize,
)
from gcbatch.running import RunReport
from gcbatch.text import one_line

__all__ = ["report_screen"]


def report_screen(report: RunReport, zone: ZoneInfo) -> RenderableType:
    """Return what a run fetched and wrote."""
    window = report.window
    span = (
        f"{local_time(window.start, zone)} to {local_time(window.end, zone)} {zone.key}"
    )
    reused = report.queries - report.fetched
    facts = [
        f"{report.fetched} of {report.queries} queries asked, {reused} from the store",
        pluralize(report.requests, "request"),
        pluralize(report.rows, "row"),
        f"{report.seconds:.1f} s",
    ]
    if report.throttled:
        facts.append(f"throttled: {report.throttled}")
    used = report.quota_used_pct
    if used is not None and (report.throttled or round(used)):
        facts.append(f"{used:.0f} % of the quota used")
    grid = new_grid("table", "rows", "written to", "by", right=(1,))
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
                f"provisional: {pluralize(report.provisional, 'part')}; the service "
                "still corrects these days, the next run fetches them again"
            )
        )
    return Group(*lines, *_warnings(report.warnings))


def _warnings(warnings: Iterable[str]) -> list[Text]:
    return [
        Text(f"warning: {one_line(text, MOST_CHARS)}", style="yellow")
        for text in warnings
    ]
