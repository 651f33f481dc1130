"""Progress of a run: a bar on a terminal, log lines elsewhere."""

import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from gcbatch.fetching import Observer
from gcbatch.lazy import lazy_import
from gcbatch.query import Query

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["BarProgress", "LogProgress", "observing"]

bars = lazy_import("rich.progress")  # only a terminal needs these three
consoles = lazy_import("rich.console")
live = lazy_import("rich.live")

log = logging.getLogger("gcbatch.progress")

SECONDS_BETWEEN_LINES: Final = 10.0
SECONDS_FOR_A_RATE: Final = 3.0


class _CountingObserver(Observer):
    """Counts what is fetched, and computes the rate."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        _CountingObserver.planned(self, "", 0, 0, 0)

    def planned(self, job: str, total: int, stored: int, per_minute: int) -> None:
        self.job, self.total, self.per_minute = job, total, per_minute
        self.stored = self.done = stored
        self.throttled = 0
        self.pages = (0, 0)
        self.started = self._clock()

    def fetched(self, query: Query, rows: int) -> None:  # noqa: ARG002 - an Observer
        self.done += 1
        self._show()

    def paged(self, done: int, due: int) -> None:
        self.pages = (done, due)
        self._show()

    def waiting(self, seconds: float, cause: str) -> None:  # noqa: ARG002 - an Observer
        self.throttled += cause == "429"

    def _show(self) -> None:
        """Show the progress."""

    @property
    def detail(self) -> str:
        """The rate against the quota, or the pages; and throttles if there were any."""
        elapsed_s = self._clock() - self.started
        text = f"{self.per_minute} a minute"
        done, due = self.pages
        if due:
            text = f"{done:,} of {due:,} pages"
        elif elapsed_s >= SECONDS_FOR_A_RATE:
            text = f"{60 * (self.done - self.stored) / elapsed_s:.0f} of {text}"
        return f"{text}, throttled: {self.throttled}" if self.throttled else text


@dataclass
class _LoggedExport:
    """An export that is being written: its last log line, or its begin."""

    logged_at: float
    is_long: bool = False


def _rows(number: int) -> str:
    return "1 row" if number == 1 else f"{number:,} rows"


class LogProgress(_CountingObserver):
    """Logs a line at the start, at the end, and every ten seconds between."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(clock)
        self._logged_at = clock()
        self._exports: dict[str, _LoggedExport] = {}
        self._lock = threading.Lock()

    def planned(self, job: str, total: int, stored: int, per_minute: int) -> None:
        """Log the size of the plan."""
        super().planned(job, total, stored, per_minute)
        self._logged_at = self._clock()
        queries = "1 query" if total == 1 else f"{total} queries"
        log.info("%s: %s, %d of them stored", job, queries, stored)

    def fetched(self, query: Query, rows: int) -> None:
        """Log the query, and the progress if the last line is long ago."""
        log.debug("%s: %d rows", query, rows)
        super().fetched(query, rows)

    def waiting(self, seconds: float, cause: str) -> None:
        """Log that a request waits, and why."""
        super().waiting(seconds, cause)
        job = f"{self.job}: " if self.job else ""
        log.info("%swaiting %.1f s (%s)", job, seconds, cause)

    def finished(self) -> None:
        """Log the end."""
        if self.done > self.stored:
            self._log()

    def exporting(self, export: str, rows: int) -> None:
        """Log the rows of an export, if its last line is long ago."""
        now = self._clock()
        with self._lock:
            state = self._exports.setdefault(export, _LoggedExport(now))
            if now - state.logged_at < SECONDS_BETWEEN_LINES:
                return
            state.logged_at, state.is_long = now, True
        self._log_export(export, rows)

    def exported(self, export: str, rows: int) -> None:
        """Log the rows of an export that took long."""
        with self._lock:
            state = self._exports.pop(export, None)
        if state is not None and state.is_long:
            self._log_export(export, rows)

    def _log_export(self, export: str, rows: int) -> None:
        job = f"{self.job}: " if self.job else ""
        log.info("%s%s: %s", job, export, _rows(rows))

    def _show(self) -> None:
        if self._clock() - self._logged_at >= SECONDS_BETWEEN_LINES:
            self._log()

    def _log(self) -> None:
        self._logged_at = self._clock()
        log.info("%s: %d of %d, %s", self.job, self.done, self.total, self.detail)


class BarProgress(_CountingObserver):
    """Shows a bar with requests done, the rate, throttles and the time left.

    Then it shows a line for each export that is being written, with its rows.
    """

    def __init__(
        self, console: "Console", clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(clock)
        self._task: Any = None
        self._bar = bars.Progress(
            bars.TextColumn("{task.description}", markup=False),
            bars.BarColumn(bar_width=28),
            bars.MofNCompleteColumn(),
            bars.TextColumn("{task.fields[detail]}", markup=False),
            bars.TimeRemainingColumn(compact=True),
            console=console,
        )
        self._lines = bars.Progress(
            bars.SpinnerColumn(),
            bars.TextColumn("{task.description}", markup=False),
            console=console,
        )
        self._exports: dict[str, Any] = {}
        self._lock = threading.Lock()
        # One display for both: a terminal has one at a time.
        shown = consoles.Group(self._bar, self._lines)
        self._live = live.Live(
            shown, console=console, transient=True, refresh_per_second=10
        )

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

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
            self._live.console.print(text, markup=False, highlight=False)

    def finished(self) -> None:
        """Remove the bar."""
        if self._task is not None:
            self._bar.remove_task(self._task)
            self._task = None

    def exporting(self, export: str, rows: int) -> None:
        """Show the rows of an export."""
        text = f"{export}: {_rows(rows)}"
        with self._lock:
            if export in self._exports:
                self._lines.update(self._exports[export], description=text)
            else:
                self._exports[export] = self._lines.add_task(text, total=None)

    def exported(self, export: str, rows: int) -> None:  # noqa: ARG002 - an Observer
        """Remove the line of an export."""
        with self._lock:
            if (task := self._exports.pop(export, None)) is not None:
                self._lines.remove_task(task)

    def _show(self) -> None:
        if self._task is not None:
            self._bar.update(self._task, completed=self.done, detail=self.detail)


@contextmanager
def observing(*, lines: bool) -> Iterator[Observer]:
    """Yield an observer that shows the progress of a run."""
    if lines or not sys.stderr.isatty():
        yield LogProgress()
    else:
        with BarProgress(consoles.Console(stderr=True)) as bar:
            yield bar
