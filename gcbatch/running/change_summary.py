"""What a run changed by fetching again, summed up for its screen and report."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from gcbatch.tables import Catalog
from gcbatch.text import one_line, pluralize
from gcbatch.windows import to_local

__all__ = ["TableChanges", "summarize_changes"]

COUNT: Final = "n_"
"""What the columns of counts begin with; an example is one of them if it can be."""

MAX_CHARS: Final = 40
"""Length of a name or a value in an example."""


@dataclass(frozen=True, slots=True)
class TableChanges:
    """What a run changed in one table.

    Args:
        table: The table.
        figures: How many figures changed.
        added: How many rows came as a whole.
        removed: How many rows went as a whole.
        days: The figures and rows of each local day, by day.
        example: The biggest change in words, such as `Sales: offered 350 → 357`.
        org: The org, if there are several.
    """

    table: str
    figures: int
    added: int
    removed: int
    days: Mapping[str, int]
    example: str
    org: str = ""

    @property
    def count(self) -> int:
        """Rows of the table `changes`."""
        return self.figures + self.added + self.removed

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "table": self.table,
            "figures": self.figures,
            "added": self.added,
            "removed": self.removed,
            "days": dict(self.days),
            "example": self.example,
            **({"org": self.org} if self.org else {}),
        }

    def __str__(self) -> str:
        """Return it in a line."""
        days = sorted(self.days)
        when = f" of {days[0]}" if days else ""
        if len(days) > 1:
            when = f" of {len(days)} days ({days[0]} to {days[-1]})"
        counts = (
            (self.figures, "figure", "changed"),
            (self.added, "row", "added"),
            (self.removed, "row", "removed"),
        )
        said = [(pluralize(count, noun), verb) for count, noun, verb in counts if count]
        (first, verb), *rest = said or [("nothing", "changed")]
        about = ", ".join([f"{first}{when} {verb}", *map(" ".join, rest)])
        org = f"{self.org}: " if self.org else ""
        example = f"; {self.example}" if self.example else ""
        return f"{org}{self.table}: {about}{example}"


@dataclass
class _Sums:
    """The changes of one table, added up row by row."""

    zone: ZoneInfo
    kinds: Counter[str] = field(default_factory=Counter)
    days: Counter[str] = field(default_factory=Counter)
    biggest: tuple[bool, float] = (False, -1.0)
    row: Mapping[str, Any] = field(default_factory=dict)

    def add(self, row: Mapping[str, Any]) -> None:
        """Add a row of the table `changes`."""
        kind = "figures" if row["column"] else row["change"]
        self.kinds[kind] += 1
        if row["day"]:
            self.days[row["day"]] += 1
        if row["column"]:
            size = row["column"].startswith(COUNT), _size(row)
            if size > self.biggest:
                self.biggest, self.row = size, row

    def summed(self, table: str, org: str) -> TableChanges:
        """Return the sums."""
        kinds = self.kinds
        return TableChanges(
            table=table,
            figures=kinds["figures"],
            added=kinds["added"],
            removed=kinds["removed"],
            days=dict(sorted(self.days.items())),
            example=" ".join(self._example()) if self.row else "",
            org=org,
        )

    def _example(self) -> Iterator[str]:
        row = self.row
        where = [_short(row["queue_name"] or row["queue_id"] or row["key"])]
        at: datetime | None = row["row_time"]
        if at is not None:
            local = to_local(at, self.zone)
            day = f"{local:%Y-%m-%d} " * (len(self.days) > 1)
            time = f"{local:%H:%M}" * bool(local.hour or local.minute)
            where += [text] if (text := f"{day}{time}".strip()) else []
        yield f"{', '.join(where)}:"
        yield row["column"].removeprefix(COUNT)
        yield f"{_short(row['old'])} → {_short(row['new'])}"


def summarize_changes(
    catalog: Catalog, files: Collection[str]
) -> tuple[TableChanges, ...]:
    """Return what some files of the change log say, a summary for each table.

    Args:
        catalog: The tables of the org.
        files: The names of the files; none are not read.

    Raises:
        DataError: If a document cannot be read.
    """
    if not files:
        return ()
    sums: dict[str, _Sums] = {}
    for batch in catalog.changes.batches(files):
        for row in batch.to_pylist():
            own = sums.setdefault(row["table"], _Sums(catalog.job.query.zone))
            own.add(row)
    org = catalog.job.org_name
    return tuple(sums[table].summed(table, org) for table in sorted(sums))


def _size(row: Mapping[str, Any]) -> float:
    """Return by how much a figure changed; 0 if it is no number."""
    try:
        return abs(float(row["new"] or 0) - float(row["old"] or 0))
    except ValueError:
        return 0.0


def _short(value: str | None) -> str:
    return "-" if value is None else one_line(value, MAX_CHARS)
