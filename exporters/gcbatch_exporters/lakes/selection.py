"""Which rows a table replaces in a lake, as a condition in SQL.

Rows belong to a table's spans by its time column, and by `org` if there are several. A
timeless table replaces all rows of its orgs.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from gcbatch.table import ORG, Table
from gcbatch.windows import Window, iso

__all__ = ["Selection"]


@dataclass(frozen=True, slots=True)
class Selection:
    """The rows that a table is about.

    Args:
        by_org: The spans of each org; adjacent ones are one. The org is empty in a job
            of one org.
        time: The column by which rows belong to spans; None if they belong to none.
        end: The column of the exclusive end of a row; None if rows are instants.
    """

    by_org: tuple[tuple[str, tuple[Window, ...]], ...]
    time: str | None
    end: str | None

    @classmethod
    def of(cls, table: Table) -> Self:
        """Return which rows a table is about."""
        by_org = table.covered.by_org
        joined = tuple((org, tuple(_joined(by_org[org]))) for org in sorted(by_org))
        if table.is_timeless:
            return cls(joined, None, None)
        # Records may go on after the range: they belong to it by their begin alone.
        return cls(joined, table.row_time, table.end if table.time else None)

    def __bool__(self) -> bool:
        return bool(self.by_org)

    @property
    def spans(self) -> list[list[str]]:
        """The spans for JSON: org, begin and end of each."""
        return [
            [org, iso(window.start), iso(window.end)]
            for org, windows in self.by_org
            for window in windows
        ]

    @property
    def condition(self) -> str:
        """The condition of the rows that the table replaces, in SQL."""
        if self.time is None:
            return self._by_org(lambda _: "true")
        time = _name(self.time)
        return self._by_org(
            lambda span: f"{time} >= {_at(span.start)} AND {time} < {_at(span.end)}"
        )

    @property
    def cut(self) -> str:
        """The condition of rows that reach over an edge of a span, in SQL.

        No row does if it is an instant, or belongs to no span.
        """
        if self.time is None or self.end is None:
            return "false"
        time, end = _name(self.time), _name(self.end)

        def over(edge: str) -> str:
            return f"({time} < {edge} AND {end} > {edge})"

        return self._by_org(
            lambda span: f"{over(_at(span.start))} OR {over(_at(span.end))}"
        )

    def _by_org(self, condition: Callable[[Window], str]) -> str:
        """Return the condition that holds for a span of each org."""
        of_orgs = []
        for org, windows in self.by_org:
            spans = dict.fromkeys(f"({condition(window)})" for window in windows)
            any_span = " OR ".join(spans)
            own = f"{_name(ORG)} = {_text(org)} AND ({any_span})" if org else any_span
            of_orgs.append(f"({own})")
        return " OR ".join(of_orgs)


def _joined(windows: Iterable[Window]) -> Iterator[Window]:
    """Yield spans in order, adjacent ones as one."""
    last: Window | None = None
    for window in sorted(windows):
        if last is not None and last.end == window.start:
            last = Window(last.start, window.end)
            continue
        if last is not None:
            yield last
        last = window
    if last is not None:
        yield last


def _at(instant: datetime) -> str:
    return _text(iso(instant))


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _name(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'
