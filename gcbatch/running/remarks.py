"""The warnings of a run report, about parts, data and clocks."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from gcbatch.genesys import ServiceClock
from gcbatch.job import QuerySection, is_relative
from gcbatch.store import PartMetadata
from gcbatch.text import HIDDEN, one_line

__all__ = [
    "DROPPED_CHANGES",
    "ECHOED",
    "REFETCHED",
    "PartSums",
    "clock_warnings",
    "count_lines",
]

MAX_CLOCK_ERROR: Final = timedelta(minutes=5)
"""A smaller error changes which day is today only within minutes of midnight."""

TO_THE_SECOND: Final = "%Y-%m-%dT%H:%M:%SZ"

DROPPED_CHANGES: Final = (
    "files of the change log, dropped because fetch.changes keeps no more"
)

REFETCHED: Final = "damaged parts, fetched again"

ECHOED: Final = f"answers that repeated the credentials, which became {HIDDEN}"
"""The credentials are replaced in data too: parts and outputs contain no secret."""

MAX_UNKNOWN_FIELDS: Final = 20
"""Fields that a warning names."""


def count_lines(counts: Mapping[str, int]) -> list[str]:
    """Return a line for each thing that was counted."""
    return [f"{what}: {number:,}" for what, number in counts.items()]


def clock_warnings(clock: ServiceClock, query: QuerySection) -> Iterator[str]:
    """Yield a warning if this machine's clock differs from the service's."""
    if abs(clock.ahead) < MAX_CLOCK_ERROR:
        return
    is_used = is_relative(query.start) or is_relative(query.end)
    used = "; `today` and `now` in the job file are this machine's" if is_used else ""
    yield (
        f"this machine's clock shows {datetime.now(UTC):{TO_THE_SECOND}}, the "
        f"service's {clock.now():{TO_THE_SECOND}}{used}"
    )


@dataclass
class PartSums:
    """What a run report says about all parts, added up part by part.

    Args:
        rows: Rows of the parts.
        provisional: Parts that the next run fetches again.
    """

    rows: int = 0
    provisional: int = 0
    _counted: Counter[str] = field(default_factory=Counter)
    _unknown: set[str] = field(default_factory=set)
    _left_out: set[str] = field(default_factory=set)
    _odd: int = 0
    _first_odd: str = ""

    def add(self, part: PartMetadata, *, is_provisional: bool) -> None:
        """Add one part; the order of parts decides which odd value is the first."""
        self.rows += part.rows
        self.provisional += is_provisional
        self._counted.update(part.remarks)
        self._unknown.update(part.unknown_fields)
        self._left_out.update(part.left_out)
        self._odd += part.odd
        self._first_odd = self._first_odd or part.first_odd

    def remarks(self) -> list[str]:
        """Return the remarks of a run report about the parts."""
        remarks = sorted(count_lines(+self._counted))
        for what, names in (
            ("fields newer than this release, kept in the column extra", self._unknown),
            (
                "answered, but unknown to this release or not requested; left out",
                self._left_out,
            ),
        ):
            if names:
                shown = ", ".join(map(one_line, sorted(names)[:MAX_UNKNOWN_FIELDS]))
                rest = len(names) - MAX_UNKNOWN_FIELDS
                remarks.append(f"{what}: {shown}{f' and {rest:,} more' * (rest > 0)}")
        if self._first_odd:
            remarks.append(
                "values that do not fit their columns, kept in the column extra: "
                f"{self._odd:,}, the first in {self._first_odd}"
            )
        return remarks
