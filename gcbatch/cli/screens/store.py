"""The screens of the store."""

from collections.abc import Sequence
from typing import Final

from rich.console import Group, RenderableType
from rich.text import Text

from gcbatch.cli.screens.grid import local_time, new_grid
from gcbatch.store import PruneResult, StoredJob
from gcbatch.text import pluralize
from gcbatch.windows import UTC_ZONE

__all__ = ["pruned_line", "store_screen"]

UNITS: Final = ("bytes", "kB", "MB", "GB")


def _size(count: float) -> str:
    unit = 0
    while count >= 1000 and unit < len(UNITS) - 1:  # noqa: PLR2004 - kilo
        count, unit = count / 1000, unit + 1
    return f"{count:,.0f} {UNITS[unit]}" if unit == 0 else f"{count:,.1f} {UNITS[unit]}"


def store_screen(jobs: Sequence[StoredJob]) -> RenderableType:
    """Return the screen of the store, a line per job; times in UTC."""
    if not jobs:
        return Text("nothing is stored")
    grid = new_grid(
        "job", "from", "to", "parts", "listings", "changes", "size", "provisional",
        "unreadable", "last run",
        right=(3, 4, 5, 6, 7, 8),
    )  # fmt: skip
    for job in jobs:
        window = job.window
        grid.add_row(
            job.job,
            local_time(window.start, UTC_ZONE) if window else "-",
            local_time(window.end, UTC_ZONE) if window else "-",
            f"{job.parts:,}",
            f"{job.listings:,}",
            f"{job.changes:,}",
            _size(job.size),
            f"{job.provisional:,}",
            f"{job.unreadable:,}",
            (job.last_run or "-")[:16].replace("T", " "),
        )
    return Group(grid, Text("times in UTC"))


def pruned_line(done: PruneResult, *, dry_run: bool) -> str:
    """Return one line about what was removed."""
    what = [f"{pluralize(done.parts, 'part')} of {pluralize(len(done.jobs), 'job')}"]
    if done.changes:
        what.append(pluralize(done.changes, "file") + " of change logs")
    if done.leftovers:
        what.append(pluralize(done.leftovers, "unfinished file"))
    if done.emptied:
        what.append(f"everything of {', '.join(done.emptied)}")
    verb = "would remove" if dry_run else "removed"
    before = f"{done.before:%Y-%m-%d %H:%M} UTC"
    return f"{verb} {', '.join(what)}: {_size(done.size)}, ended before {before}"
