"""What the store keeps of a job's runs: the last report, failures, what changed."""

from contextlib import suppress
from datetime import datetime
from functools import cached_property
from typing import Any

from gcbatch.errors import GcbatchError, OutputError
from gcbatch.running.history import (
    note_failure,
    note_report,
    note_unreported,
    unreported_changes,
)
from gcbatch.running.report import RunReport
from gcbatch.store import REPORT_NOTE, Store

__all__ = ["RunNotes"]


class RunNotes:
    """The notes of the last run, and those of a run that is under way.

    Args:
        store: The store of the job.
        started_at: When the run that is under way started, UTC.
    """

    def __init__(self, store: Store, started_at: datetime) -> None:
        self._store = store
        self._started_at = started_at
        self._last_stamp: bytes | None = None
        self._is_reported = False
        self._log_before: dict[str, bytes] | None = None
        self._unreported: list[str] = []

    def begin(self) -> None:
        """Note what the change log has before anything is fetched."""
        self._log_before = self._store.changes.stamps()

    @cached_property
    def last_report(self) -> dict[str, Any]:
        """The stored report of the last run; empty if there is none."""
        self._last_stamp = self._store.files.stamp(REPORT_NOTE)
        return self._store.read_note(REPORT_NOTE) or {}

    def write_report(self, report: RunReport) -> None:
        """Store the report of the run.

        Raises:
            OutputError: If it cannot be written.
        """
        kind = "export" if self._log_before is None else "run"
        last = self.last_report
        note_report(self._store, report, kind, (last, self._last_stamp))
        if self._unreported:
            # After an export that failed, no screen shows the report.
            left = self._unreported if report.failed_exports else []
            note_unreported(self._store, left)
        self._is_reported = True

    def write_failure(self, error: GcbatchError) -> None:
        """Note in the history of the job that the run failed without a report.

        A store that cannot be written is no other error.
        """
        if self._store.files.exists() and not self._is_reported:
            with suppress(OutputError):
                changes = self._new_changes()
                note_failure(self._store, self._started_at, error, changes)

    def find_unreported(self, *, has_fetched: bool) -> list[str]:
        """Return the files of the change log that no report has yet.

        They are of this run, and of runs before it that failed. The report that is
        written next has them.

        Args:
            has_fetched: Whether the run fetched anything.
        """
        new = self._new_changes() if has_fetched else []
        earlier = unreported_changes(self._store) if self._log_before else []
        self._unreported = sorted({*new, *earlier})
        return self._unreported

    def _new_changes(self) -> list[str]:
        """Return the files that this run added to the change log."""
        before = self._log_before
        if before is None:
            return []
        now = self._store.changes.stamps()
        return [name for name, stamp in now.items() if before.get(name) != stamp]
