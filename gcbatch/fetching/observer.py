"""Observers: they receive the progress of a run, of one org or of several."""

from dataclasses import dataclass, field

from gcbatch.query import Query

__all__ = ["CombinedObserver", "Observer"]


class Observer:
    """Receives the progress of a run. Each method does nothing unless overridden."""

    def planned(self, job: str, total: int, stored: int, per_minute: int) -> None:
        """Receive the size of the plan.

        Args:
            job: The job's name.
            total: Queries of the plan.
            stored: Those of them whose part is in the store already.
            per_minute: The quota, in requests.
        """

    def fetched(self, query: Query, rows: int) -> None:
        """Receive a query whose part is now stored."""

    def paged(self, done: int, due: int) -> None:
        """Receive how many pages came so far, and how many are expected."""

    def waiting(self, seconds: float, cause: str) -> None:
        """Receive a wait before a request is repeated, and its cause, such as `429`."""

    def finished(self) -> None:
        """Receive that all parts are stored, or that no more will come."""

    def exporting(self, export: str, rows: int) -> None:
        """Receive that an export is being written, and how many rows it read so far.

        Exports can run side by side, each in a thread: this and `exported` can be
        called in several threads at once.

        Args:
            export: The export, such as `parquet intervals`; no other of the job has
                the same name.
            rows: Rows of all its tables; 0 at the begin.
        """

    def exported(self, export: str, rows: int) -> None:
        """Receive that an export has ended, well or not."""


class CombinedObserver:
    """Adds up the progress of a job's orgs.

    Sums change by what one org reports: to add up 200 orgs for each of their pages
    would take longer than the pages.
    """

    def __init__(self, job: str, observer: Observer) -> None:
        self._job = job
        self._observer = observer
        self._sums = _Sums()
        self._is_open = False

    def for_org(self) -> Observer:
        """Return an observer for one more org."""
        return _OrgObserver(self, self._observer, self._sums)

    def planned(self) -> None:
        """Report the size of all plans that are known by now."""
        sums = self._sums
        self._is_open = True
        self._observer.planned(self._job, sums.total, sums.stored, sums.per_minute)

    def paged(self) -> None:
        """Report the pages of all orgs."""
        self._observer.paged(self._sums.pages_done, self._sums.pages_due)

    def finished(self) -> None:
        """Report the end, once: no org is being fetched, and none will be."""
        if self._is_open:
            self._is_open = False
            self._observer.finished()


@dataclass
class _Sums:
    """The progress of one org, or of all orgs together."""

    total: int = 0
    stored: int = 0
    per_minute: int = 0
    pages_done: int = 0
    pages_due: int = 0


@dataclass
class _OrgObserver(Observer):
    """Receives the progress of one org.

    Its `finished` does nothing: other orgs may be in progress, or not begun.
    """

    combined: CombinedObserver
    observer: Observer
    sums: _Sums
    own: _Sums = field(default_factory=_Sums)

    def _set(self, **values: int) -> None:
        for name, value in values.items():
            change = value - getattr(self.own, name)
            setattr(self.own, name, value)
            setattr(self.sums, name, getattr(self.sums, name) + change)

    def planned(self, job: str, total: int, stored: int, per_minute: int) -> None:  # noqa: ARG002 - all orgs share the job's name
        self._set(total=total, stored=stored, per_minute=per_minute)
        self.combined.planned()

    def fetched(self, query: Query, rows: int) -> None:
        self._set(stored=self.own.stored + 1)
        self.observer.fetched(query, rows)

    def paged(self, done: int, due: int) -> None:
        self._set(pages_done=done, pages_due=due)
        self.combined.paged()

    def waiting(self, seconds: float, cause: str) -> None:
        self.observer.waiting(seconds, cause)
