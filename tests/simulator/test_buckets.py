"""How the simulator cuts time into buckets."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcbatch.simulator.aggregates.buckets import Bucket, HoursFrom, bucket_finder
from gcbatch.simulator.instants import instant_of, milliseconds

GRANULARITIES = ("PT15M", "PT1H", "PT5H", "P1D", "P1W", "P1M", "P7D", "P1DT12H", None)
ZONES = (
    "UTC",
    "Europe/Dublin",
    "America/New_York",
    "Asia/Kathmandu",
    "America/Sao_Paulo",
    "Australia/Lord_Howe",
    "America/St_Johns",
    "Pacific/Apia",
    "Africa/Casablanca",
)


def ms(text: str) -> int:
    return milliseconds(datetime.fromisoformat(text).replace(tzinfo=UTC))


def cut(granularity: str | None, zone: str, start: str, end: str) -> list[str]:
    """Return every bucket of an interval, its first and last minute in UTC."""
    bucket_of = bucket_finder(granularity, ZoneInfo(zone), ms(start), ms(end))
    assert bucket_of is not None
    at, buckets = ms(start), []
    while at < ms(end):
        first, after = bucket_of(at)
        assert first == at
        ends = (instant_of(edge).strftime("%m-%dT%H:%M") for edge in (first, after))
        buckets.append(" ".join(ends))
        at = after
    return buckets


def hours(bucket: str) -> float:
    first, after = (datetime.fromisoformat(f"2026-{end}") for end in bucket.split())
    return (after - first).total_seconds() / 3600


def test_without_granularity_there_is_one_bucket() -> None:
    """It is the interval itself."""
    buckets = cut(None, "Europe/Dublin", "2026-01-01T05:17", "2026-03-01T00:00")

    assert buckets == ["01-01T05:17 03-01T00:00"]


@pytest.mark.parametrize(
    ("start", "end", "length"),
    [
        pytest.param("2026-03-29T00:00", "2026-03-29T23:00", 23, id="spring"),
        pytest.param("2026-10-24T23:00", "2026-10-26T00:00", 25, id="autumn"),
    ],
)
def test_a_day_follows_the_clocks(start: str, end: str, length: int) -> None:
    """A local day is one bucket of 23 or 25 hours when clocks change."""
    (bucket,) = cut("P1D", "Europe/Dublin", start, end)

    assert hours(bucket) == length
    assert len(cut("PT1H", "Europe/Dublin", start, end)) == length
    assert len(cut("PT30M", "Europe/Dublin", start, end)) == 2 * length


def test_the_interval_cuts_its_ends_off() -> None:
    """The first and the last bucket are shorter where the interval is not aligned."""
    buckets = cut("PT1H", "UTC", "2026-01-01T00:20", "2026-01-01T02:10")

    assert buckets == [
        "01-01T00:20 01-01T01:00",
        "01-01T01:00 01-01T02:00",
        "01-01T02:00 01-01T02:10",
    ]


def test_hours_count_from_local_midnight() -> None:
    """In a zone off the hour they begin at a quarter to."""
    buckets = cut("PT1H", "Asia/Kathmandu", "2025-12-31T18:15", "2025-12-31T20:15")

    assert buckets == ["12-31T18:15 12-31T19:15", "12-31T19:15 12-31T20:15"]


@pytest.mark.parametrize(
    ("hours_from", "minute"), [("midnight", 15), ("utc", 0), ("start", 45)]
)
def test_hours_may_count_from_elsewhere(hours_from: HoursFrom, minute: int) -> None:
    """From midnight in UTC, or from where the interval begins."""
    start, end = ms("2025-12-31T18:45"), ms("2026-01-01T18:15")
    zone = ZoneInfo("Asia/Kathmandu")
    bucket_of = bucket_finder("PT1H", zone, start, end, hours_from)
    assert bucket_of is not None

    first, after = bucket_of(ms("2026-01-01T05:59"))

    assert instant_of(first).minute == instant_of(after).minute == minute
    assert after - first == 3_600_000


def test_steps_that_do_not_divide_a_day_end_with_it() -> None:
    """Five hours at a time leave four at the end; the next day starts again."""
    buckets = cut("PT5H", "UTC", "2026-01-01T00:00", "2026-01-02T05:00")

    assert [hours(bucket) for bucket in buckets] == [5, 5, 5, 5, 4, 5]


def test_weeks_begin_on_monday() -> None:
    """2026-01-05 is a Monday."""
    buckets = cut("P1W", "UTC", "2026-01-03T00:00", "2026-01-13T00:00")

    assert buckets == [
        "01-03T00:00 01-05T00:00",
        "01-05T00:00 01-12T00:00",
        "01-12T00:00 01-13T00:00",
    ]


def test_months_are_calendar_months() -> None:
    """They begin on the first, at local midnight."""
    buckets = cut("P1M", "Europe/Dublin", "2026-02-01T00:00", "2026-04-30T23:00")

    assert buckets == [
        "02-01T00:00 03-01T00:00",
        "03-01T00:00 03-31T23:00",
        "03-31T23:00 04-30T23:00",
    ]


@pytest.mark.parametrize("granularity", ["P7D", "PT168H", "P1W"])
def test_seven_days_are_not_always_a_week(granularity: str) -> None:
    """P7D keeps the start's local time, PT168H the elapsed time, P1W Mondays."""
    buckets = cut(granularity, "Europe/Dublin", "2026-03-25T00:00", "2026-04-07T23:00")

    assert (
        buckets
        == {
            "P7D": ["03-25T00:00 03-31T23:00", "03-31T23:00 04-07T23:00"],
            "PT168H": ["03-25T00:00 04-01T00:00", "04-01T00:00 04-07T23:00"],
            "P1W": [
                "03-25T00:00 03-29T23:00",
                "03-29T23:00 04-05T23:00",
                "04-05T23:00 04-07T23:00",
            ],
        }[granularity]
    )


def test_days_from_an_odd_hour_keep_it() -> None:
    """Two days from 21:00 end at 21:00."""
    buckets = cut("P2D", "UTC", "2026-01-01T21:00", "2026-01-05T12:00")

    assert buckets == ["01-01T21:00 01-03T21:00", "01-03T21:00 01-05T12:00"]


def test_other_periods_count_from_the_start() -> None:
    """A day and a half is 36 hours of elapsed time."""
    buckets = cut("P1DT12H", "Europe/Dublin", "2026-01-01T06:00", "2026-01-04T06:00")

    assert [hours(bucket) for bucket in buckets] == [36, 36]


def test_a_midnight_that_clocks_skip() -> None:
    """In São Paulo the day of 2018-11-04 began at 01:00, that is 03:00 UTC."""
    buckets = cut("P1D", "America/Sao_Paulo", "2018-11-03T03:00", "2018-11-06T02:00")

    assert [hours(bucket) for bucket in buckets] == [24, 23, 24]


def test_clocks_that_go_back_over_midnight() -> None:
    """In St John's of 2010 the day that had begun went on, an hour longer."""
    buckets = cut("P1D", "America/St_Johns", "2010-11-06T02:30", "2010-11-09T03:30")

    assert [hours(bucket) for bucket in buckets] == [24, 25, 24]


@pytest.mark.parametrize(
    ("granularity", "bucket"),
    [
        ("PT1H", ("2009-11-01T02:30", "2009-11-01T03:30")),
        ("P1D", ("2009-11-01T02:30", "2009-11-02T03:30")),
        ("P1M", ("2009-11-01T02:30", "2009-12-01T03:30")),
        ("P1W", ("2009-10-26T02:30", "2009-11-02T03:30")),
        ("P7D", ("2009-11-01T02:30", "2009-11-08T03:30")),
    ],
)
def test_an_hour_that_comes_again_is_in_the_new_day(
    granularity: str, bucket: tuple[str, str]
) -> None:
    """In St John's a minute of November 2009 was over when October came back."""
    zone = ZoneInfo("America/St_Johns")
    bucket_of = bucket_finder(
        granularity, zone, ms("2009-10-25T02:30"), ms("2010-01-01")
    )
    assert bucket_of is not None

    assert bucket_of(ms("2009-11-01T02:45")) == (ms(bucket[0]), ms(bucket[1]))


def test_days_from_an_odd_hour_take_the_morning_after() -> None:
    """Before 21:00 the bucket is the one that began on an earlier day."""
    bucket_of = bucket_finder(
        "P2D", ZoneInfo("UTC"), ms("2026-01-01T21:00"), ms("2026-02-01")
    )
    assert bucket_of is not None

    assert bucket_of(ms("2026-01-03T20:59"))[0] == ms("2026-01-01T21:00")
    assert bucket_of(ms("2026-01-03T21:00"))[0] == ms("2026-01-03T21:00")


@pytest.mark.parametrize(
    "granularity",
    [
        "",
        "P",
        "PT",
        "P0D",
        "PT0M",
        "1H",
        "P1H",
        "P1Y",
        "P2M",
        "P1M1D",
        "PT1.5H",
        "-P1D",
    ],
)
def test_no_period(granularity: str) -> None:
    """What is no period, or none that buckets can have, is not cut."""
    assert bucket_finder(granularity, ZoneInfo("UTC"), 0, 1) is None


@given(
    granularity=st.sampled_from(GRANULARITIES),
    zone=st.sampled_from(ZONES),
    start=st.integers(ms("2009-01-01"), ms("2027-01-01")),
    length=st.integers(1, 60 * 86_400_000),
    share=st.floats(0, 1, exclude_max=True),
)
def test_every_instant_has_one_bucket(
    granularity: str | None, zone: str, start: int, length: int, share: float
) -> None:
    """The bucket holds the instant, all its instants share it, the next differs."""
    end = start + length
    bucket_of = bucket_finder(granularity, ZoneInfo(zone), start, end)
    assert bucket_of is not None
    at = start + int(share * length)
    bucket: Bucket = bucket_of(at)

    assert start <= bucket[0] <= at < bucket[1] <= end
    assert bucket_of(bucket[0]) == bucket_of(bucket[1] - 1) == bucket
    if bucket[1] < end:
        assert bucket_of(bucket[1])[0] == bucket[1]
