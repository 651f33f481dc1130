"""Progress of a run in a notebook: a bar below the cell."""

import sys
import threading
import time
from collections.abc import Callable
from html import escape
from typing import Any, Final
from uuid import uuid4

from gcbatch.fetching import Observer
from gcbatch.query import Query

__all__ = ["NotebookProgress", "usual_observer"]

SECONDS_BETWEEN_UPDATES: Final = 0.2


def usual_observer() -> Observer:
    """Return the observer of a run for which none is given.

    In a notebook it shows a bar, elsewhere nothing.
    """
    # Without IPython nothing is a notebook, so it need not be imported to see that.
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return NotebookProgress() if hasattr(shell, "kernel") else Observer()


class NotebookProgress(Observer):
    """Shows the queries of a run, then the rows of its exports, in one place.

    Args:
        clock: Seconds; updates are at least a fifth of a second apart.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()  # exports report from threads of their own
        self._display_id = ""
        self._updated_at = -SECONDS_BETWEEN_UPDATES
        self._job, self._done, self._total = "", 0, 0

    def planned(self, job: str, total: int, stored: int, per_minute: int) -> None:  # noqa: ARG002 - an Observer
        """Show the bar."""
        self._job, self._done, self._total = job, stored, total
        self._show_queries(is_last=True)

    def fetched(self, query: Query, rows: int) -> None:  # noqa: ARG002 - an Observer
        """Move the bar."""
        self._done += 1
        self._show_queries()

    def waiting(self, seconds: float, cause: str) -> None:
        """Show that a request waits, and why."""
        self._show_queries(f", waiting {seconds:.0f} s ({cause})")

    def finished(self) -> None:
        """Show the last state of the bar."""
        if self._total:
            self._show_queries(is_last=True)

    def exporting(self, export: str, rows: int) -> None:
        """Show the rows of an export."""
        self._show(f"{self._job}: {export}, {rows:,} rows")

    def exported(self, export: str, rows: int) -> None:
        """Show the rows of an export that has ended."""
        self._show(f"{self._job}: {export}, {rows:,} rows", is_last=True)

    def _show_queries(self, more: str = "", *, is_last: bool = False) -> None:
        bar = f'<progress value="{self._done}" max="{max(self._total, 1)}"></progress> '
        text = f"{self._job}: {self._done:,} of {self._total:,} queries{more}"
        self._show(text, bar, is_last=is_last)

    def _show(self, text: str, bar: str = "", *, is_last: bool = False) -> None:
        from IPython.display import display, update_display  # noqa: PLC0415 - only notebooks have it

        with self._lock:
            now = self._clock()
            if not is_last and now - self._updated_at < SECONDS_BETWEEN_UPDATES:
                return
            self._updated_at = now
            content: dict[str, Any] = {
                "text/plain": text,
                "text/html": bar + escape(text),
            }
            if self._display_id:
                update_display(content, display_id=self._display_id, raw=True)
            else:
                self._display_id = uuid4().hex
                display(content, display_id=self._display_id, raw=True)
