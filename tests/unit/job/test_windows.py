"""Windows tile, buckets begin where the calendar says, whatever the clocks do."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gcbatch.windows import (
    Period,
    Window,
    bucket_count,
    bucket_edges,
    ceil_to_bucket,
    floor_to_bucket,
    from_local,
    iso,
    midnight,
    step,
    tile,
    to_local,
)

ZONES = [
    "UTC",
    "Europe/Dublin",
    "America/New_York",
    "Asia/Kathmandu",  # 45 minutes off the hour
    "Australia/Lord_Howe",  # its clocks change by 30 minutes
    "America/Sao_Paulo",  # midnight was skipped until 2018
    "Asia/Beirut",  # midnight is skipped
    "Africa/Cairo",  # the same
    "America/Havana",  # midnight is skipped, and comes twice
    "America/St_Johns",  # until 2011 the clocks went back over midnight
    "Africa/Casablanca",  # four changes of the clocks a year
    "Pacific/Apia",  # had no 2011-12-30
]
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)

zones = st.sampled_from(ZONES).map(ZoneInfo)
clock_periods = st.sampled_from(
    [Period.parse(t) for t in ("PT5M", "PT15M", "PT30M", "PT1H", "PT4H", "PT12H")]
)
calendar_periods = st.sampled_from(
    [Period.parse(t) for t in ("P1D", "P7D", "P1W", "P1M", "P3M", "P1Y")]
)
periods = st.one_of(clock_periods, calendar_periods)
instants = st.integers(0, 21 * 365 * 86_400).map(
    lambda s: datetime(2009, 1, 1, tzinfo=UTC) + timedelta(seconds=s)
)


@st.composite
def changes(draw: st.DrawFn) -> tuple[datetime, ZoneInfo]:
    """Draw an instant within two days of a change of the clocks, if there is one."""
    zone, instant = draw(zones), draw(instants)
    for _ in range(400):
        if instant.astimezone(zone).utcoffset() != (
            (instant + DAY).astimezone(zone).utcoffset()
        ):
            break
        instant += DAY
    return instant + draw(st.timedeltas(-DAY, 2 * DAY)), zone


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def local(text: str, zone: str) -> datetime:
    """Return the instant at which the clocks of a zone show *text*."""
    return from_local(datetime.fromisoformat(text), ZoneInfo(zone))


def days(zone: str, first: str, last: str) -> Window:
    """Return the span from one local midnight to another."""
    ends = (midnight(date.fromisoformat(d), ZoneInfo(zone)) for d in (first, last))
    return Window(*ends)


class TestPeriod:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("PT15M", (0, 0, 900)),
            ("PT1H30M5S", (0, 0, 5405)),
            ("P1D", (0, 1, 0)),
            ("P2W", (0, 14, 0)),
            ("P1Y2M", (14, 0, 0)),
            ("P1DT12H", (0, 1, 43200)),
        ],
    )
    def test_iso_durations_are_read(
        self, text: str, expected: tuple[int, int, int]
    ) -> None:
        """Months, days and seconds stay apart; they have no fixed ratio."""
        period = Period.parse(text)

        assert (period.months, period.days, period.seconds) == expected
        assert str(period) == text

    @pytest.mark.parametrize(
        "text",
        [
            *("", "P", "PT", "P1DT", "P0D", "PT0S", "1D", "p1d", "P1D ", "P1D\n"),
            *("PT1.5H", "P-1D", "-P1D", "P1H", "PT1D", "P1M1Y", "P\u0661D"),
            "P" + "9" * 10 + "D",
        ],
    )
    def test_other_text_is_refused(self, text: str) -> None:
        """What is no duration, or lasts no time, is refused with examples."""
        with pytest.raises(ValueError, match="not an ISO 8601 duration such as PT15M"):
            Period.parse(text)

    def test_a_multiple_reads_as_itself(self) -> None:
        """What times() writes means what it says."""
        period = Period.parse("P1Y1DT1H").times(3)

        assert period == Period(36, 3, 10800, "P36M3DT10800S")
        assert Period.parse(period.text) == period

    def test_their_usual_length(self) -> None:
        """With days of 24 hours, and months of a twelfth of 365.2425 days."""
        texts = ["PT15M", "PT24H", "P1D", "P1W", "P1M", "P1Y"]

        hours = [Period.parse(text).typical_s / 3600 for text in texts]

        assert hours == pytest.approx([0.25, 24, 24, 168, 730.485, 8765.82])

    def test_only_p1w_means_weeks_from_monday(self) -> None:
        """P7D is seven days from wherever one starts."""
        assert Period.parse("P1W").is_weeks
        assert not Period.parse("P7D").is_weeks


class TestWindow:
    def test_times_of_a_zone_are_refused(self) -> None:
        """Windows are in UTC, so that two can be compared by eye."""
        start = datetime(2026, 10, 1, tzinfo=ZoneInfo("Europe/Dublin"))

        with pytest.raises(ValueError, match="must be in UTC"):
            Window(start, start + DAY)

    @pytest.mark.parametrize("hours", [0, -1])
    def test_no_time_is_refused(self, hours: int) -> None:
        """A window lasts some time."""
        start = utc("2026-10-01")

        with pytest.raises(ValueError, match="must end after it starts"):
            Window(start, start + timedelta(hours=hours))

    def test_it_is_written_as_the_api_wants_it(self) -> None:
        """Both ends have milliseconds and Z."""
        window = Window(utc("2026-10-01"), utc("2026-10-02"))

        assert str(window) == "2026-10-01T00:00:00.000Z/2026-10-02T00:00:00.000Z"
        assert window.span == DAY

    def test_it_contains_what_lies_between_its_ends(self) -> None:
        """Containing counts both ends."""
        whole = Window(utc("2026-10-01"), utc("2026-10-03"))

        assert Window(utc("2026-10-02"), utc("2026-10-03")) in whole
        assert Window(utc("2026-10-02"), utc("2026-10-04")) not in whole

    def test_iso_converts_to_utc(self) -> None:
        """The API gets UTC, whatever the instant's own zone."""
        noon = datetime(2026, 7, 1, 12, tzinfo=ZoneInfo("Europe/Dublin"))

        assert iso(noon) == "2026-07-01T11:00:00.000Z"


class TestLocalTime:
    @pytest.mark.parametrize(
        ("zone", "day", "expected"),
        [
            ("Asia/Kathmandu", "2026-03-29", "2026-03-28T18:15"),
            ("Asia/Beirut", "2026-03-29", "2026-03-28T22:00"),
            ("America/Havana", "2026-11-01", "2026-11-01T04:00"),
            ("Pacific/Apia", "2011-12-30", "2011-12-30T10:00"),
            ("Pacific/Apia", "2011-12-31", "2011-12-30T10:00"),
        ],
    )
    def test_a_day_begins_at_its_first_instant(
        self, zone: str, day: str, expected: str
    ) -> None:
        """A skipped midnight is the end of the gap; of two, the first counts."""
        assert midnight(date.fromisoformat(day), ZoneInfo(zone)) == utc(expected)

    def test_of_a_doubled_hour_the_first_counts(self) -> None:
        """A wall clock that comes twice stands for its first time."""
        assert local("2026-10-25T01:30", "Europe/Dublin") == utc("2026-10-25T00:30")

    def test_a_skipped_hour_is_counted_past_the_gap(self) -> None:
        """A wall clock that is skipped stands for the instant as far past the gap."""
        assert local("2026-03-29T01:30", "Europe/Dublin") == utc("2026-03-29T01:30")

    def test_days_are_stepped_by_the_wall_clock(self) -> None:
        """A day later is the same time of day, 23 hours on where clocks go forward."""
        zone = ZoneInfo("Europe/Dublin")
        evening = local("2026-03-28T21:00", "Europe/Dublin")

        later = step(evening, Period.parse("P1DT1H"), 1, zone)

        assert later - evening == timedelta(hours=24)

    def test_months_are_stepped_to_their_last_day(self) -> None:
        """The 31st of a shorter month is its last; the next month is not cut short."""
        start, month = utc("2026-01-31"), Period.parse("P1M")

        ends = [step(start, month, n, ZoneInfo("UTC")) for n in (1, 2, 13)]

        assert ends == [utc("2026-02-28"), utc("2026-03-31"), utc("2027-02-28")]

    def test_a_day_after_a_skipped_midnight_is_a_midnight(self) -> None:
        """A day that begins at 01:00 does not push all later ones to 01:00."""
        zone = ZoneInfo("Africa/Cairo")
        start = midnight(date(2026, 4, 24), zone)

        after, before = (step(start, Period.parse("P1D"), n, zone) for n in (1, -1))

        assert to_local(start, zone).hour == 1
        assert after == midnight(date(2026, 4, 25), zone)
        assert before == midnight(date(2026, 4, 23), zone)


class TestTiling:
    @given(
        start=changes(),
        span=st.timedeltas(timedelta(hours=1), timedelta(days=20)),
        length=st.one_of(
            calendar_periods,
            st.sampled_from(["PT4H", "PT12H", "PT36H", "P1DT6H"]).map(Period.parse),
        ),
    )
    def test_every_instant_is_in_exactly_one_window(
        self, start: tuple[datetime, ZoneInfo], span: timedelta, length: Period
    ) -> None:
        """Windows join without gap or overlap, from the first instant to the last."""
        first, zone = start
        windows = list(tile(Window(first, first + span), length, zone))

        assert windows[0].start == first
        assert windows[-1].end == first + span
        assert all(a.end == b.start for a, b in pairwise(windows))

    @given(start=changes(), count=st.integers(1, 12))
    def test_days_from_midnight_follow_midnights(
        self, start: tuple[datetime, ZoneInfo], count: int
    ) -> None:
        """Each window is one local day, be it 23, 24 or 25 hours long."""
        instant, zone = start
        day = to_local(instant, zone).date()
        edges = [midnight(day + n * DAY, zone) for n in range(count + 1)]

        windows = list(tile(Window(edges[0], edges[-1]), Period.parse("P1D"), zone))

        assert [w.start for w in windows] == sorted(set(edges[:-1]))

    def test_windows_below_a_day_begin_again_each_day(self) -> None:
        """Twelve-hour windows keep to the days when the clocks change."""
        zone = ZoneInfo("Europe/Dublin")
        whole = days("Europe/Dublin", "2026-03-28", "2026-03-31")

        windows = list(tile(whole, Period.parse("PT12H"), zone))

        assert [w.span // timedelta(hours=1) for w in windows] == [12, 12, 12, 11] + [
            12
        ] * 2

    def test_windows_from_the_evening_follow_it(self) -> None:
        """Days are counted from where the range begins, not from midnight."""
        zone = ZoneInfo("Europe/Dublin")
        ends = [local(f"2026-03-{d}T21:00", zone.key) for d in (27, 28, 29, 30)]

        windows = list(tile(Window(ends[0], ends[-1]), Period.parse("P1D"), zone))

        assert windows == [Window(*pair) for pair in pairwise(ends)]

    def test_a_day_that_a_calendar_skips_has_no_window(self) -> None:
        """Samoa went from 29 to 31 December 2011."""
        whole = days("Pacific/Apia", "2011-12-28", "2012-01-02")

        windows = list(tile(whole, Period.parse("P1D"), ZoneInfo("Pacific/Apia")))

        assert [w.span for w in windows] == [DAY] * 4


class TestBuckets:
    @settings(max_examples=200)
    @given(start=changes(), granularity=periods)
    def test_floor_and_ceil_enclose(
        self, start: tuple[datetime, ZoneInfo], granularity: Period
    ) -> None:
        """An instant lies between two edges, and edges are their own floor and ceil."""
        instant, zone = start
        floor = floor_to_bucket(instant, granularity, zone)
        ceil = ceil_to_bucket(instant, granularity, zone)

        assert floor <= instant <= ceil
        assert (floor == instant) == (ceil == instant)
        for edge in (floor, ceil):
            assert floor_to_bucket(edge, granularity, zone) == edge
            assert ceil_to_bucket(edge, granularity, zone) == edge

    @settings(max_examples=120)
    @given(start=changes(), granularity=periods, count=st.integers(1, 6))
    def test_edges_tile_the_window(
        self, start: tuple[datetime, ZoneInfo], granularity: Period, count: int
    ) -> None:
        """Edges ascend from one end to the other, and each is the floor of itself."""
        instant, zone = start
        first = floor_to_bucket(instant, granularity, zone)
        last = ceil_to_bucket(first + count * DAY, granularity, zone)
        window = Window(first, last)

        edges = bucket_edges(window, granularity, zone)

        assert (edges[0], edges[-1]) == (first, last)
        assert all(a < b for a, b in pairwise(edges))
        assert all(floor_to_bucket(e, granularity, zone) == e for e in edges)

    @settings(max_examples=120)
    @given(start=changes(), granularity=periods, count=st.integers(1, 7))
    def test_the_count_is_never_too_low_within_a_week(
        self, start: tuple[datetime, ZoneInfo], granularity: Period, count: int
    ) -> None:
        """Counting does not list, yet no window gets more buckets than counted."""
        instant, zone = start
        day = to_local(instant, zone).date()
        window = Window(midnight(day, zone), midnight(day + (count + 1) * DAY, zone))

        counted = bucket_count(window, granularity, zone)

        assert counted >= len(bucket_edges(window, granularity, zone)) - 1

    @pytest.mark.parametrize(
        ("zone", "granularity", "instant", "expected"),
        [
            ("UTC", "P1W", "2026-10-01T12:00", ("2026-09-28", "2026-10-05")),
            ("UTC", "P1M", "2026-10-15", ("2026-10-01", "2026-11-01")),
            ("UTC", "P3M", "2026-11-15", ("2026-10-01", "2027-01-01")),
            ("UTC", "P1Y", "2026-11-15", ("2026-01-01", "2027-01-01")),
            ("UTC", "P7D", "2026-10-01T12:00", ("2026-10-01", "2026-10-02")),
            (
                "Asia/Kathmandu",
                "PT1H",
                "2026-10-01T12:00",
                ("2026-10-01T11:15", "2026-10-01T12:15"),
            ),
            (
                "Australia/Lord_Howe",
                "PT1H",
                "2026-10-04T12:50",  # the day's last bucket has half an hour
                ("2026-10-04T12:30", "2026-10-04T13:00"),
            ),
        ],
    )
    def test_edges_are_the_calendars(
        self, zone: str, granularity: str, instant: str, expected: tuple[str, str]
    ) -> None:
        """Weeks begin on Monday, months and years in January, hours at midnight."""
        period, key = Period.parse(granularity), ZoneInfo(zone)

        floor = floor_to_bucket(utc(instant), period, key)
        ceil = ceil_to_bucket(utc(instant), period, key)

        assert (floor, ceil) == tuple(map(utc, expected))

    @pytest.mark.parametrize(
        ("zone", "day", "hours"),
        [
            ("Europe/Dublin", "2026-03-29", 23),
            ("Europe/Dublin", "2026-10-25", 25),
            ("Asia/Beirut", "2026-03-29", 23),
            ("Australia/Lord_Howe", "2026-10-04", 24),
            ("Australia/Lord_Howe", "2026-04-05", 25),
            ("Asia/Kathmandu", "2026-10-25", 24),
        ],
    )
    def test_a_day_has_its_own_number_of_hours(
        self, zone: str, day: str, hours: int
    ) -> None:
        """Days are 23, 24 or 25 buckets of an hour; half an hour is one of its own."""
        next_day = (date.fromisoformat(day) + DAY).isoformat()
        window = days(zone, day, next_day)

        edges = bucket_edges(window, Period.parse("PT1H"), ZoneInfo(zone))

        assert len(edges) == hours + 1

    def test_an_hour_that_falls_back_over_midnight_is_in_the_day_that_began(
        self,
    ) -> None:
        """St. John's went from 00:01 back to 23:01; the new day had begun."""
        zone = ZoneInfo("America/St_Johns")
        again = utc("2010-11-07T03:00")  # 23:30 for the second time

        floor = floor_to_bucket(again, Period.parse("P1D"), zone)

        assert floor == midnight(date(2010, 11, 7), zone)

    def test_without_granularity_there_is_one_bucket(self) -> None:
        """No granularity is one bucket a window."""
        window = Window(utc("2026-10-01"), utc("2026-10-09"))
        zone = ZoneInfo("UTC")

        assert bucket_edges(window, None, zone) == [window.start, window.end]
        assert bucket_count(window, None, zone) == 1

    def test_a_calendars_skipped_day_is_no_bucket(self) -> None:
        """No two edges are equal, even where a day is missing."""
        window = days("Pacific/Apia", "2011-12-28", "2012-01-02")

        edges = bucket_edges(window, Period.parse("P1D"), ZoneInfo("Pacific/Apia"))

        assert [b - a for a, b in pairwise(edges)] == [DAY] * 4


class TestOverlaps:
    """Half-open windows have instants in common, or none."""

    @given(st.lists(st.integers(0, 9), min_size=4, max_size=4))
    def test_an_intersection_has_the_hours_that_both_have(
        self, ends: list[int]
    ) -> None:
        """The hours of an intersection are those of both windows; ends touch only."""
        first, second = sorted(ends[:2]), sorted(ends[2:])
        assume(first[0] < first[1] and second[0] < second[1])
        start = utc("2026-10-01")
        one, other = (
            Window(start + a * HOUR, start + b * HOUR) for a, b in (first, second)
        )

        common = one.intersection(other)

        hours = {*range(*first)} & {*range(*second)}
        starts = {n: start + n * HOUR for n in range(9)}
        assert hours == {
            n for n, at in starts.items() if common and common.start <= at < common.end
        }
        assert one.overlaps(other) == bool(hours)
