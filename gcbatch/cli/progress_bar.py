"""Progress of a run on a terminal: a bar."""

import time
from collections.abc import Callable
from typing import Any, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

from gcbatch.cli.progress import CountingObserver

__all__ = ["BarProgress"]


class BarProgress(CountingObserver):
    """Shows a bar with requests done, the rate, throttles and the time left."""

    def __init__(
        self, console: Console, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(clock)
        self._task: Any = None
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=28),
            MofNCompleteColumn(),
            TextColumn("{task.fields[detail]}", markup=False),
            TimeRemainingColumn(compact=True),
            console=console,
            transient=True,
        )

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def planned(self, job: str, total: int, stored: int, per_minute: int) -> None:
        """Begin a bar, in place of the last one."""
        self.finished()
        super().planned(job, total, stored, per_minute)
        self._task = self._bar.add_task(job, total=total, completed=stored, detail="")

    def waiting(self, seconds: float, cause: str) -> None:
        """Show that a request waits, and why."""
        super().waiting(seconds, cause)
        text = f"waiting {seconds:.0f} s ({cause})"
        if self._task is not None:
            self._bar.update(self._task, detail=f"{self.detail}, {text}")
        else:
            self._bar.console.print(text, markup=False, highlight=False)

    def finished(self) -> None:
        """Remove the bar."""
        if self._task is not None:
            self._bar.remove_task(self._task)
            self._task = None

    def _show(self) -> None:
        if self._task is not None:
            self._bar.update(self._task, completed=self.done, detail=self.detail)
