"""What the rows of a table are about: spans of time per org, without what failed."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple, Self

from gcbatch.windows import Window

__all__ = ["Coverage", "OrgWindow"]


class OrgWindow(NamedTuple):
    """A span of time of one org.

    Args:
        org: The org's name in the job; empty in a job of one org.
        window: The span.
    """

    org: str
    window: Window


@dataclass(frozen=True, slots=True, order=True)
class Coverage(Window):
    """The range of a table, and the parts of it that its rows are about.

    As a Window it is the whole range. All rows of `spans` are in the table; what the
    table says of the rest of the range may be incomplete.

    Args:
        spans: By org and time; they do not overlap. They leave out what could not be
            fetched, and orgs that failed.
    """

    spans: tuple[OrgWindow, ...] = ()

    @classmethod
    def whole(cls, window: Window) -> Self:
        """Return the coverage of all of a range, in a job of one org."""
        return cls(window.start, window.end, (OrgWindow("", _plain(window)),))

    @classmethod
    def of_orgs(cls, by_org: Mapping[str, "Coverage"]) -> Self:
        """Return what tables of several orgs, each of one org, cover together."""
        each = [by_org[org] for org in sorted(by_org)]
        spans = (
            OrgWindow(org, window)
            for org in sorted(by_org)
            for _, window in by_org[org].spans
        )
        return cls(
            min(one.start for one in each), max(one.end for one in each), tuple(spans)
        )

    def without(self, gaps: Iterable[Window]) -> Self:
        """Return it without some gaps, which concern all of its orgs."""
        spans: Iterable[OrgWindow] = self.spans
        for gap in gaps:
            spans = [
                OrgWindow(org, rest)
                for org, window in spans
                for rest in _minus(window, gap)
            ]
        return replace(self, spans=tuple(spans))

    @property
    def by_org(self) -> dict[str, tuple[Window, ...]]:
        """The spans of each org, by its name; an org without spans is left out."""
        found: dict[str, tuple[Window, ...]] = {}
        for org, window in self.spans:
            found[org] = (*found.get(org, ()), window)
        return found

    def covers(self, instant: datetime, org: str = "") -> bool:
        """Return whether a row of an org at an instant is in one of the spans."""
        return any(
            name == org and window.start <= instant < window.end
            for name, window in self.spans
        )


def _plain(window: Window) -> Window:
    return Window(window.start, window.end)


def _minus(window: Window, gap: Window) -> Iterator[Window]:
    """Yield what is left of a window, in order."""
    if gap.end <= window.start or window.end <= gap.start:
        yield window
        return
    if window.start < gap.start:
        yield Window(window.start, gap.start)
    if gap.end < window.end:
        yield Window(gap.end, window.end)
