"""Opening hours: weekly hours, holidays and special days by the clock of a time zone.

A moment is open if the clock on the wall shows an opening hour then. An hour that
exists twice, because the clocks go back, is open twice; one that they skip never is.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from gcbatch.windows import (
    MILLISECOND,
    UTC_ZONE,
    Period,
    Window,
    floor_to_bucket,
    midnight,
    to_local,
)

__all__ = ["ALL_DAY", "OpeningHours", "Span"]

Span = tuple[int, int]
"""Minutes since midnight, [start, end). An end beyond 1440 is on the next day."""

MINUTES: Final = 1440
ALL_DAY: Final[Span] = (0, MINUTES)
DAY: Final = timedelta(days=1)
HALF_DAY: Final = timedelta(hours=12)


@dataclass(frozen=True)
class OpeningHours:
    """When something is open.

    Args:
        zone: The time zone of the clock.
        week: The spans of each weekday, from Monday. They belong to the day on which
            they begin; they may overlap.
        holidays: Days on which no span begins, as `2026-12-25`, or `12-25` for that day
            of every year.
        special_days: Other spans for such days.
    """

    zone: ZoneInfo = UTC_ZONE
    week: tuple[tuple[Span, ...], ...] = ((ALL_DAY,),) * 7
    holidays: frozenset[str] = frozenset()
    special_days: Mapping[str, tuple[Span, ...]] = field(default_factory=dict)

    def spans_of(self, day: date) -> tuple[Span, ...]:
        """Return the spans that begin on a day."""
        text = day.isoformat()
        for name in (text, text[5:]):  # the day itself goes before that of every year
            if name in self.special_days:
                return self.special_days[name]
            if name in self.holidays:
                return ()
        return self.week[day.weekday()]

    def is_open(self, window: Window) -> bool | None:
        """Return whether it is open; None if it is in a part of the window only."""
        opened = self.open_time(window)
        return None if timedelta() < opened < window.span else bool(opened)

    def open_time(self, window: Window) -> timedelta:
        """Return how long it is open in a window."""
        pieces = self._open_pieces(window)
        return sum((end - start for start, end in pieces), timedelta())

    def change_within(self, window: Window) -> datetime:
        """Return the local time at which it first opens or closes in a window.

        Raises:
            ValueError: If it does neither.
        """
        first = to_local(window.start, self.zone).replace(tzinfo=None)
        for start, end in self._open_pieces(window):
            return end if start == first else start
        msg = f"nothing changes in {window}"
        raise ValueError(msg)

    def _open_pieces(self, window: Window) -> Iterator[tuple[datetime, datetime]]:
        """Yield the open spans of a window by the clock, in order; none overlap."""
        for first, last in self._clock(window):
            reached, day = first, first.date() - DAY
            spans: list[tuple[datetime, datetime]] = []
            while day <= last.date():
                zero = datetime.combine(day, time())
                spans += (
                    (zero + timedelta(minutes=start), zero + timedelta(minutes=end))
                    for start, end in self.spans_of(day)
                )
                day += DAY
            for start, end in sorted(spans):
                begin, stop = max(start, reached), min(end, last)
                if begin < stop:
                    yield begin, stop
                    reached = stop

    def _clock(self, window: Window) -> Iterator[tuple[datetime, datetime]]:
        """Yield what the clock shows in a window; a new span where it is changed."""
        start = window.start
        while start < window.end:
            end = min(start + HALF_DAY, window.end)
            if self._offset(start) != self._offset(end - MILLISECOND):
                end = self._change_between(start, end - MILLISECOND)
            first = to_local(start, self.zone).replace(tzinfo=None)
            yield first, first + (end - start)
            start = end

    def _change_between(self, before: datetime, after: datetime) -> datetime:
        """Return the instant at which the clocks are changed, to the millisecond."""
        offset, first = self._offset(before), 0
        last = (after - before) // MILLISECOND
        while last - first > 1:
            middle = (first + last) // 2
            if self._offset(before + middle * MILLISECOND) == offset:
                first = middle
            else:
                last = middle
        return before + last * MILLISECOND

    def _offset(self, instant: datetime) -> timedelta | None:
        return to_local(instant, self.zone).utcoffset()

    def edge_within_bucket(
        self, granularity: Period, zone: ZoneInfo, year: int
    ) -> datetime | None:
        """Return a local time at which it opens or closes within a bucket of a zone.

        All kinds of days of a year are looked at, also those when clocks are changed.

        Args:
            granularity: Length of the buckets.
            zone: The time zone whose days they are counted from.
            year: The year.

        Returns:
            None if it opens and closes only where buckets begin or end.
        """
        for day in self._kinds_of_days(zone, year):
            for minutes in self._edges():
                wall = datetime.combine(day, time()) + timedelta(minutes=minutes)
                for fold in (0, 1):
                    local = wall.replace(tzinfo=self.zone, fold=fold)
                    instant = local.astimezone(UTC_ZONE)
                    shown = to_local(instant, self.zone).replace(tzinfo=None)
                    if shown != wall:
                        continue  # the clocks skip it
                    if floor_to_bucket(instant, granularity, zone) != instant:
                        return wall
        return None

    def _edges(self) -> list[int]:
        """Return all minutes of a day at which it opens or closes."""
        days = [*self.week, *self.special_days.values()]
        return sorted({at % MINUTES for day in days for span in day for at in span})

    def _kinds_of_days(self, zone: ZoneInfo, year: int) -> Iterator[date]:
        """Yield a day for each kind, by when the clocks of both zones are changed."""
        seen = set()
        day = date(year, 1, 1)
        while day.year == year:
            kind = tuple(
                to_local(midnight(at, self.zone), where).utcoffset()
                for where in (self.zone, zone)
                for at in (day, day + DAY)
            )
            if kind not in seen:
                yield day
            seen.add(kind)
            day += DAY
