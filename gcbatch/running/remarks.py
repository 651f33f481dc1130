"""The warnings of a run report, about parts, data and clocks."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from gcbatch.genesys import HIDDEN, ServiceClock
from gcbatch.job import QuerySection, is_relative
from gcbatch.store import PartMetadata
from gcbatch.text import one_line

__all__ = ["ECHOED", "REFETCHED", "clock_warnings", "count_lines", "part_remarks"]

MAX_CLOCK_ERROR: Final = timedelta(minutes=5)
"""A smaller error changes which day is today only within minutes of midnight."""

TO_THE_SECOND: Final = "%Y-%m-%dT%H:%M:%SZ"

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


def part_remarks(parts: Sequence[PartMetadata]) -> list[str]:
    """Return the remarks of a run report about its parts."""
    counted = sum((Counter(part.remarks) for part in parts), Counter[str]())
    remarks = sorted(count_lines(counted))
    newer = {path for part in parts for path in part.unknown_fields}
    left_out = {path for part in parts for path in part.left_out}
    for what, names in (
        ("fields newer than this release, kept in the column extra", newer),
        ("answered, but unknown to this release or not requested; left out", left_out),
    ):
        if names:
            shown = ", ".join(map(one_line, sorted(names)[:MAX_UNKNOWN_FIELDS]))
            rest = len(names) - MAX_UNKNOWN_FIELDS
            remarks.append(f"{what}: {shown}{f' and {rest:,} more' * (rest > 0)}")
    if first := next((part.first_odd for part in parts if part.first_odd), ""):
        count = sum(part.odd for part in parts)
        remarks.append(
            "values that do not fit their columns, kept in the column extra: "
            f"{count:,}, the first in {first}"
        )
    return remarks
