"""Observers: they receive the progress of a run, of one org or of several."""

from dataclasses import dataclass

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


class CombinedObserver:
    """Adds up the progress of a job's orgs."""

    def __init__(self, job: str, observer: Observer) -> None:
        self._job = job
        self._observer = observer
        self._orgs: list[_OrgObserver] = []
        self._is_open = False

    def for_org(self) -> Observer:
        """Return an observer for one more org."""
        self._orgs.append(_OrgObserver(self, self._observer))
        return self._orgs[-1]

    def planned(self) -> None:
        """Report the size of all plans that are known by now."""
        orgs = self._orgs
        self._is_open = True
        self._observer.planned(
            self._job,
            sum(org.total for org in orgs),
            sum(org.done for org in orgs),
            sum(org.per_minute for org in orgs),
        )

    def paged(self) -> None:
        """Report the pages of all orgs."""
        done, due = zip(*(org.pages for org in self._orgs), strict=True)
        self._observer.paged(sum(done), sum(due))

    def finished(self) -> None:
        """Report the end, once: no org is being fetched, and none will be."""
        if self._is_open:
            self._is_open = False
            self._observer.finished()


@dataclass
class _OrgObserver(Observer):
    """Receives the progress of one org.

    Its `finished` does nothing: other orgs may be in progress, or not begun.
    """

    combined: CombinedObserver
    observer: Observer
    total: int = 0
    done: int = 0
    per_minute: int = 0
    pages: tuple[int, int] = (0, 0)

    def planned(self, job: str, total: int, stored: int, per_minute: int) -> None:  # noqa: ARG002 - all orgs share the job's name
        self.total, self.done, self.per_minute = total, stored, per_minute
        self.combined.planned()

    def fetched(self, query: Query, rows: int) -> None:
        self.done += 1
        self.observer.fetched(query, rows)

    def paged(self, done: int, due: int) -> None:
        self.pages = done, due
        self.combined.paged()

    def waiting(self, seconds: float, cause: str) -> None:
        self.observer.waiting(seconds, cause)
