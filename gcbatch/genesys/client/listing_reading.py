"""What a reading of a listing brought, and whether that was all.

An entity that is removed while a listing with numbered pages is read moves all that
follow up by one: the first of the next page is then on a page that was read before. The
total shows it, unless another entity was added meanwhile. But the removed one came, and
does not come again; so a second reading that brings all of the first one proves that
the first one missed nothing. One that is added moves the others down: then an entity
comes twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

__all__ = ["SliceReading", "confirms", "missing", "unrest"]


@dataclass
class SliceReading:
    """What came of a slice, page by page.

    Args:
        ids: The ids that came.
        repeated: Those that came on two pages.
        totals: How many were announced, by page; empty if nothing says it.
        pages: How many pages came.
        page_count: How many pages were announced last; None if nothing says it.
    """

    ids: set[str] = field(default_factory=set)
    repeated: set[str] = field(default_factory=set)
    totals: list[float] = field(default_factory=list)
    pages: int = 0
    page_count: float | None = None

    @property
    def announced(self) -> float:
        """How many there are; no less than came."""
        came = len(self.ids)
        return max(came, self.totals[-1]) if self.totals else came


def missing(readings: Sequence[SliceReading]) -> str:
    """Return what the slices lack of what they announced, in words; empty if nothing.

    A total counts more than a number of pages.
    """
    came = sum(len(reading.ids) for reading in readings)
    announced = sum(reading.announced for reading in readings)
    if came < announced:
        return f"{came:,} of {announced:,.0f} came"
    for reading in readings:
        count = reading.page_count
        if not reading.totals and count is not None and count > reading.pages:
            return f"{reading.pages:,} of {count:,.0f} pages came"
    return ""


def unrest(readings: Sequence[SliceReading]) -> str:
    """Return how the totals changed from page to page, in words; empty if they did not.

    One that was removed shifts the pages: another one may have been skipped.
    """
    for reading in readings:
        totals = reading.totals
        if len(set(totals)) > 1:
            return f"there were {totals[0]:,.0f} at first, {totals[-1]:,.0f} at the end"
    return ""


def confirms(before: Sequence[SliceReading], now: Sequence[SliceReading]) -> bool:
    """Say whether a reading shows that the one before it missed nothing.

    All that came then came again, slice by slice; and what came twice then, which is
    how pages show that they shifted, did so again.
    """
    return all(
        first.ids <= second.ids and first.repeated <= second.repeated
        for first, second in zip(before, now, strict=True)
    )
