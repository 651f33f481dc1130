"""The screen of the history of a job's runs."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from rich.console import Group, RenderableType
from rich.text import Text

from gcbatch.cli.screens.grid import local_time, new_grid
from gcbatch.running import PastRun
from gcbatch.text import one_line

__all__ = ["runs_screen"]

MAX_ERROR = 60
"""Length of an error in a line; --json has more of it."""


def runs_screen(job: str, runs: Sequence[PastRun], zone: ZoneInfo) -> RenderableType:
    """Return a line for each run, the newest last."""
    title = Text(f"{job}: last runs, times in {zone.key}", style="bold")
    if not runs:
        return Group(title, Text("no run has ended yet"))
    grid = new_grid(
        "started", "", "from", "to", "fetched", "requests", "rows", "corrections",
        "seconds", "exit", "",
        right=(4, 5, 6, 7, 8, 9),
    )  # fmt: skip
    for run in runs:
        known = bool(run.run_id)
        grid.add_row(
            local_time(run.started_at, zone),
            run.kind,
            local_time(run.start, zone) if run.start else "-",
            local_time(run.end, zone) if run.end else "-",
            f"{run.fetched:,} of {run.queries:,}" if known else "-",
            f"{run.requests:,}" if known else "-",
            f"{run.rows:,}" if known else "-",
            f"{run.corrections:,}" if known else "-",
            f"{run.seconds:,.1f}",
            f"{run.exit}",
            one_line(run.error, MAX_ERROR),
            style="red" if run.exit else None,
        )
    return Group(title, grid)
