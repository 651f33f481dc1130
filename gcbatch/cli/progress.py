"""What a run shows while it runs: a bar on a terminal, log lines elsewhere."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Final, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

from gcbatch.fetching import Observer
from gcbatch.query import Query

__all__ = ["BarProgress", "LogProgress", "observing"]

log = logging.getLogger("gcbatch.progress")

SECONDS_BETWEEN_LINES: Final = 10.0
SECONDS_FOR_A_RATE: Final = 3.0


class _Pace:
    """Counts what is fetched, for the pace of it."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.begin("", 0, 0, 0)

    def begin(self, job: str, total: int, stored: int, per_minute: int) -> None:
        self.job, self.total, self.per_minute = job, total, per_minute
        self.stored = self.done = stored
        self.throttled = 0
        self.pages = (0, 0)
        self.started = self._clock()

    @property
    def rate(self) -> float:
        """Queries a minute since the start."""
        elapsed_s = self._clock() - self.started
        return 60 * (self.done - self.stored) / elapsed_s if elapsed_s > 0 else 0.0

    @property
    def detail(self) -> str:
        """The pace against the quota, and throttles if there were any."""
        elapsed_s = self._clock() - self.started
        # Over a second or two a rate says nothing yet.
        pace = f"{self.rate:.0f} of " if elapsed_s >= SECONDS_FOR_A_RATE else ""
        text = f"{pace}{self.per_minute} a minute"
        done, due = self.pages
        if due:
            text = f"{done:,} of {due:,} pages"
        if self.throttled:
            text += f", throttled: {self.throttled}"
        return text


class LogProgress:
    """Logs a line at the start, at the end, and every ten seconds between.

    Args:
        clock: Monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._pace = _Pace(clock)
        self._said_at = clock()

    def planned(self, job: str, total: int, stored: int, per_minute: int) -> None:
        """Log what is to be done."""
        self._pace.begin(job, total, stored, per_minute)
        self._said_at = self._clock()
        queries = "1 query" if total == 1 else f"{total} queries"
        log.info("%s: %s, %d of them stored", job, queries, stored)

    def fetched(self, query: Query, rows: int) -> None:
        """Log where the run is, if that was long ago."""
        self._pace.done += 1
        log.debug("%s: %d rows", query, rows)
        if self._clock() - self._said_at >= SECONDS_BETWEEN_LINES:
            self._say()

    def paged(self, done: int, due: int) -> None:
        """Log where the run is, if that was long ago."""
        self._pace.pages = (done, due)
        if self._clock() - self._said_at >= SECONDS_BETWEEN_LINES:
            self._say()

    def waiting(self, seconds: float, cause: str) -> None:
        """Log that a request waits, and why."""
        self._pace.throttled += cause == "429"
        job = f"{self._pace.job}: " if self._pace.job else ""
        log.info("%swaiting %.1f s (%s)", job, seconds, cause)

    def finished(self) -> None:
        """Log the end."""
        if self._pace.done > self._pace.stored:
            self._say()

    def _say(self) -> None:
        pace = self._pace
        self._said_at = self._clock()
        log.info("%s: %d of %d, %s", pace.job, pace.done, pace.total, pace.detail)


class BarProgress:
    """Shows a bar with requests done, the rate, throttles and the time left.

    Args:
        console: Where to.
        clock: Monotonic seconds.
    """

    def __init__(
        self, console: Console, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._pace = _Pace(clock)
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

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def planned(self, job: str, total: int, stored: int, per_minute: int) -> None:
        """Begin a bar; one that is there already gives way to it."""
        self.finished()
        self._pace.begin(job, total, stored, per_minute)
        self._task = self._bar.add_task(job, total=total, completed=stored, detail="")

    def fetched(self, query: Query, rows: int) -> None:  # noqa: ARG002 - an Observer
        """Move the bar on."""
        self._pace.done += 1
        self._bar.update(self._task, advance=1, detail=self._pace.detail)

    def paged(self, done: int, due: int) -> None:
        """Say how many pages there are."""
        self._pace.pages = (done, due)
        if self._task is not None:
            self._bar.update(self._task, detail=self._pace.detail)

    def waiting(self, seconds: float, cause: str) -> None:
        """Say that a request waits, and why."""
        self._pace.throttled += cause == "429"
        detail = f"{self._pace.detail}, waiting {seconds:.0f} s ({cause})"
        if self._task is not None:
            self._bar.update(self._task, detail=detail)
        else:
            text = f"waiting {seconds:.0f} s ({cause})"
            self._bar.console.print(text, markup=False, highlight=False)

    def finished(self) -> None:
        """Take the bar away."""
        if self._task is not None:
            self._bar.remove_task(self._task)
            self._task = None


@contextmanager
def observing(*, lines: bool) -> Iterator[Observer]:
    """Yield what shows the progress of a run.

    Args:
        lines: Whether to log lines even on a terminal.
    """
    console = Console(stderr=True)
    if lines or not console.is_terminal:
        yield LogProgress()
    else:
        with BarProgress(console) as bar:
            yield bar
