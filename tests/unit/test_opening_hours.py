"""Opening hours equal a count of minutes on the clock of the zone.

The count shares no code with the module: it goes through the minutes of UTC, asks
zoneinfo what the clock shows, and looks whether a span of that day, or one that began
the day before and goes on, has that minute.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gcbatch.opening_hours import ALL_DAY, OpeningHours, Span
from gcbatch.windows import Period, Window

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
ZONES = ("Europe/Dublin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata")
CHANGES = (
    date(2026, 3, 8), date(2026, 3, 29), date(2026, 4, 5),
    date(2026, 10, 4), date(2026, 10, 25), date(2026, 11, 1),
)  # fmt: skip


def counted(hours: OpeningHours, window: Window) -> int:
    """Return in how many minutes of a window it is open."""
    found, at = 0, window.start
    while at < window.end:
        local = at.astimezone(hours.zone)
        today, minute = local.date(), local.hour * 60 + local.minute
        found += any(
            start <= minute + later < end
            for day, later in ((today, 0), (today - DAY, 1440))
            for start, end in spans_on(hours, day)
        )
        at += MINUTE
    return found


def spans_on(hours: OpeningHours, day: date) -> tuple[Span, ...]:
    text = str(day)
    if text in hours.special_days:
        return hours.special_days[text]
    return () if text in hours.holidays else hours.week[day.weekday()]


STARTS = st.sampled_from([0, 30, 60, 90, 120, 150, 180, 540, 1320, 1410])
LENGTHS = st.sampled_from([1, 30, 60, 90, 120, 510, 720, 1440])
SPANS = st.lists(
    st.tuples(STARTS, LENGTHS).map(lambda s: (s[0], min(s[0] + s[1], 2880))),
    max_size=3,
).map(tuple)


@given(
    zone=st.sampled_from(ZONES),
    week=st.tuples(*[SPANS] * 7),
    special=SPANS,
    day=st.sampled_from(CHANGES),
    hours_before=st.integers(0, 24),
    minutes=st.integers(1, 3000),
)
@settings(max_examples=60)
@example(
    zone="Europe/Dublin",
    week=((), (), (), (), (), (), ((30, 90),)),
    special=(),
    day=date(2026, 10, 25),
    hours_before=0,
    minutes=1440,
)
def test_open_time_is_the_minutes_on_the_clock(  # noqa: PLR0917 - drawn by name
    zone: str,
    week: tuple[tuple[Span, ...], ...],
    special: tuple[Span, ...],
    day: date,
    hours_before: int,
    minutes: int,
) -> None:
    """Also where days have 23, 24½ or 25 hours, and spans overlap or go overnight."""
    hours = OpeningHours(
        ZoneInfo(zone),
        week,
        holidays=frozenset({str(day + DAY)}),
        special_days={str(day - DAY): special},
    )
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    start -= timedelta(hours=hours_before)
    window = Window(start, start + minutes * MINUTE)

    truth = counted(hours, window)

    assert hours.open_time(window) == truth * MINUTE
    whole = {0: False, minutes: True}
    assert hours.is_open(window) == whole.get(truth)


def of(
    *spans: Span,
    zone: str = "Europe/Dublin",
    holidays: frozenset[str] = frozenset(),
    special_days: Mapping[str, tuple[Span, ...]] | None = None,
) -> OpeningHours:
    return OpeningHours(ZoneInfo(zone), (spans,) * 7, holidays, special_days or {})


def local_day(hours: OpeningHours, day: date) -> Window:
    ends = (
        datetime(d.year, d.month, d.day, tzinfo=hours.zone) for d in (day, day + DAY)
    )
    start, end = (at.astimezone(UTC) for at in ends)
    return Window(start, end)


@pytest.mark.parametrize(
    ("day", "minutes"),
    [
        (date(2026, 10, 24), 30),
        (date(2026, 10, 25), 60),  # 01:00 to 01:30 is there twice
        (date(2026, 3, 29), 0),  # and here not at all
    ],
)
def test_an_hour_counts_as_often_as_the_clock_shows_it(day: date, minutes: int) -> None:
    """Twice where it exists twice, never where the clocks skip it."""
    hours = of((60, 90))

    assert hours.open_time(local_day(hours, day)) == minutes * MINUTE


@pytest.mark.parametrize(
    ("day", "length"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25)]
)
def test_a_whole_day_is_as_long_as_it_is(day: date, length: int) -> None:
    """Open all day is open, whatever the clocks do."""
    hours = of(ALL_DAY)

    assert hours.open_time(local_day(hours, day)) == timedelta(hours=length)
    assert hours.is_open(local_day(hours, day)) is True


def test_a_holiday_stops_what_begins_on_it() -> None:
    """A night that began the day before goes on to its end."""
    hours = of((1320, 1800), holidays=frozenset({"12-25", "2026-06-01"}))
    days = [date(2026, 12, n) for n in (24, 25, 26)]

    open_hours = [hours.open_time(local_day(hours, day)) // MINUTE / 60 for day in days]

    assert open_hours == [8, 6, 2]
    assert hours.spans_of(date(2027, 12, 25)) == ()
    assert hours.spans_of(date(2027, 6, 1)) == ((1320, 1800),)


def test_a_single_day_goes_before_that_of_every_year() -> None:
    """This Christmas Eve is special, others are holidays."""
    hours = of(
        ALL_DAY,
        holidays=frozenset({"12-24"}),
        special_days={"2026-12-24": ((540, 780),)},
    )

    assert hours.spans_of(date(2026, 12, 24)) == ((540, 780),)
    assert hours.spans_of(date(2027, 12, 24)) == ()


@pytest.mark.parametrize(
    ("spans", "granularity", "edge"),
    [
        ([(540, 1020)], "PT1H", None),
        ([(570, 1020)], "PT1H", "09:30"),
        ([(570, 1020)], "PT30M", None),
        ([(540, 1035)], "PT30M", "17:15"),
        ([ALL_DAY], "P1D", None),
        ([(540, 1020)], "P1D", "09:00"),
        ([(1320, 1800)], "PT1H", None),
        ([(1320, 1800)], "PT2H", "06:00"),  # 05:00, 07:00 … after 02:00 was skipped
    ],
)
def test_buckets_that_cannot_tell_are_found(
    spans: list[Span], granularity: str, edge: str | None
) -> None:
    """By the local time at which it would open or close within one."""
    hours = of(*spans, zone="America/New_York")

    found = hours.edge_within_bucket(Period.parse(granularity), hours.zone, 2026)

    assert (f"{found:%H:%M}" if found else None) == edge


def test_half_an_hours_change_shifts_the_hours_of_that_day() -> None:
    """On Lord Howe hours are counted from midnight, so after the change from :30."""
    hours = of((540, 1020), zone="Australia/Lord_Howe")
    days = (date(2026, 4, 5), date(2026, 10, 4))

    by_hour = hours.edge_within_bucket(Period.parse("PT1H"), hours.zone, 2026)
    by_half = hours.edge_within_bucket(Period.parse("PT30M"), hours.zone, 2026)

    assert by_hour is not None
    assert by_hour.date() in days
    assert by_half is None


def test_hours_of_another_zone_are_looked_at_there() -> None:
    """09:00 in Kolkata is 03:30 UTC: hours of UTC cannot tell, half hours can."""
    hours, utc = of((540, 1020), zone="Asia/Kolkata"), ZoneInfo("UTC")

    assert hours.edge_within_bucket(Period.parse("PT1H"), utc, 2026) is not None
    assert hours.edge_within_bucket(Period.parse("PT30M"), utc, 2026) is None


def test_a_change_within_a_bucket_is_named() -> None:
    """For a message: when it first opens, or closes if it is open before."""
    hours, at = of((540, 1020), zone="UTC"), datetime(2026, 10, 1, tzinfo=UTC)
    hour = timedelta(hours=1)

    opens = hours.change_within(Window(at + 8 * hour, at + 10 * hour))
    closes = hours.change_within(Window(at + 16 * hour, at + 18 * hour))

    assert (f"{opens:%H:%M}", f"{closes:%H:%M}") == ("09:00", "17:00")
    with pytest.raises(ValueError, match="nothing changes"):
        hours.change_within(Window(at, at + hour))
