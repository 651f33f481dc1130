"""The screen of a run report."""

from zoneinfo import ZoneInfo

from rich.console import Group, RenderableType
from rich.text import Text

from gcbatch.cli.screens.grid import (
    names_line,
    new_grid,
    provisional_line,
    span_text,
    warning_lines,
)
from gcbatch.running import RunReport
from gcbatch.text import pluralize

__all__ = ["report_screen"]

MAX_CHANGES = 6
"""Tables of which the screen says what changed."""


def report_screen(report: RunReport, zone: ZoneInfo) -> RenderableType:
    """Return the screen of what a run fetched and wrote."""
    title, queries, rows = report.job, [], []
    if report.window is not None:
        title = f"{report.job}: {span_text(report.window, zone)} {zone.key}"
        queries = [
            f"{report.fetched} of {report.queries} queries fetched",
            f"{report.queries - report.fetched} from the store",
        ]
        rows = [pluralize(report.rows, "row")]
    requests = pluralize(report.requests, "request")
    facts = [*queries, requests, *rows, f"{report.seconds:.1f} s"]
    if report.object_requests:
        facts.append(f"{pluralize(report.object_requests, 'request')} to object stores")
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
        Text(title, style="bold"),
        Text(" · ".join(facts)),
    ]
    if report.exports:
        lines.append(grid)
    if line := names_line(report.names_at, zone):
        lines.append(Text(line))
    lines += (Text(f"changed: {change}") for change in report.changes[:MAX_CHANGES])
    if report.window is not None and not report.rows:
        lines.append(Text("no data in this range; check its dates, queues and filter"))
    if line := provisional_line(report.provisional_spans, zone, report.settle):
        lines.append(
            Text(
                f"{line}; the service still corrects these days, and the next run "
                "fetches them again"
            )
        )
    return Group(*lines, *warning_lines(report.warnings))
