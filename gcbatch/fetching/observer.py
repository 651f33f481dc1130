"""The progress of several orgs, told as one."""

from dataclasses import dataclass, field
from typing import Protocol

from gcbatch.query import Query

__all__ = ["CombinedObserver", "NullObserver", "Observer"]


class Observer(Protocol):
    """Is told what a run does, while it does it."""

    def planned(self, job: str, total: int, stored: int, per_minute: int) -> None:
        """Learn that *stored* of *total* queries have their part already.

        Args:
            job: The job's name.
            total: Queries of the plan.
            stored: Those of them that need not be asked.
            per_minute: The quota, in requests.
        """
        ...

    def fetched(self, query: Query, rows: int) -> None:
        """Learn that the part of a query is stored."""
        ...

    def paged(self, done: int, due: int) -> None:
        """Learn how many pages of long answers came, and how many are known of."""
        ...

    def waiting(self, seconds: float, cause: str) -> None:
        """Learn that a request waits before it is repeated, and why (`429`)."""
        ...

    def finished(self) -> None:
        """Learn that all parts are there, or that no more will come."""
        ...


class NullObserver:
    """An observer that says nothing."""

    def planned(self, job: str, total: int, stored: int, per_minute: int) -> None:
        """Say nothing."""

    def fetched(self, query: Query, rows: int) -> None:
        """Say nothing."""

    def paged(self, done: int, due: int) -> None:
        """Say nothing."""

    def waiting(self, seconds: float, cause: str) -> None:
        """Say nothing."""

    def finished(self) -> None:
        """Say nothing."""


class CombinedObserver:
    """Adds up what the runs of several orgs tell.

    Args:
        job: The job's name.
        observer: Is told the sum.
    """

    def __init__(self, job: str, observer: Observer) -> None:
        self._job = job
        self._observer = observer
        self._parts: list[_Part] = []
        self._is_open = False

    def part(self) -> Observer:
        """Return an observer for one more org."""
        self._parts.append(_Part(self, self._observer))
        return self._parts[-1]

    def planned(self) -> None:
        """Tell how much there is to do, of all that is known by now."""
        parts = self._parts
        self._is_open = True
        self._observer.planned(
            self._job,
            sum(part.total for part in parts),
            sum(part.done for part in parts),
            sum(part.per_minute for part in parts),
        )

    def paged(self) -> None:
        """Tell how many pages there are."""
        done, due = zip(*(part.pages for part in self._parts), strict=True)
        self._observer.paged(sum(done), sum(due))

    def finished(self) -> None:
        """Tell of the end: no org is under way, and none will be."""
        if self._is_open:
            self._is_open = False
            self._observer.finished()


@dataclass
class _Part:
    """What one org's run tells; see Observer."""

    whole: CombinedObserver
    observer: Observer
    total: int = 0
    done: int = 0
    per_minute: int = 0
    pages: tuple[int, int] = field(default=(0, 0))

    def planned(self, job: str, total: int, stored: int, per_minute: int) -> None:  # noqa: ARG002 - all go by one name
        self.total, self.done, self.per_minute = total, stored, per_minute
        self.whole.planned()

    def fetched(self, query: Query, rows: int) -> None:
        self.done += 1
        self.observer.fetched(query, rows)

    def paged(self, done: int, due: int) -> None:
        self.pages = done, due
        self.whole.paged()

    def waiting(self, seconds: float, cause: str) -> None:
        self.observer.waiting(seconds, cause)

    def finished(self) -> None:
        """Say nothing: others may be under way, or have yet to begin."""
