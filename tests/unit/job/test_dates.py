"""What from and to may say, and which instants they mean."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcbatch.job.dates import check_date, resolve_range
from gcbatch.windows import Period, Window, iso

NOW = datetime(2026, 10, 16, 13, 47, 31, 250_000, tzinfo=UTC)


def resolved(
    start: str,
    end: str,
    *,
    granularity: str | None = "PT30M",
    zone: str = "Europe/Dublin",
    now: datetime = NOW,
) -> Window:
    return resolve_range(
        start,
        end,
        granularity=Period.parse(granularity) if granularity else None,
        zone=ZoneInfo(zone),
        now=now,
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-10-01", "2026-09-30T23:00:00.000Z"),
        ("20261001", "2026-09-30T23:00:00.000Z"),
        ("2026-10-01T06:30", "2026-10-01T05:30:00.000Z"),
        ("2026-10-01T06:00:00Z", "2026-10-01T06:00:00.000Z"),
        ("2026-10-01T06:00:00+05:30", "2026-10-01T00:30:00.000Z"),
        ("today", "2026-10-15T23:00:00.000Z"),
        ("yesterday", "2026-10-14T23:00:00.000Z"),
        ("now", "2026-10-16T13:30:00.000Z"),
        ("today-7d", "2026-10-08T23:00:00.000Z"),
        ("today-2w", "2026-10-01T23:00:00.000Z"),
        ("today-1mo", "2026-09-15T23:00:00.000Z"),
        ("yesterday-1d", "2026-10-13T23:00:00.000Z"),
        ("now-24h", "2026-10-15T13:30:00.000Z"),
        ("now-90min", "2026-10-16T12:00:00.000Z"),
        ("now-1d", "2026-10-15T13:30:00.000Z"),
    ],
)
def test_each_form_means_an_instant(text: str, expected: str) -> None:
    """Days begin at local midnight; what is relative is floored to a bucket."""
    assert iso(resolved(text, "2027-01-01").start) == expected


def test_what_lies_ahead_can_be_named() -> None:
    """A plus counts forward."""
    assert iso(resolved("today", "today+1d").end) == "2026-10-16T23:00:00.000Z"


def test_days_are_counted_by_the_calendar() -> None:
    """Seven days before today is a midnight on the other side of a change too."""
    after = datetime(2026, 10, 27, 9, tzinfo=UTC)

    window = resolved("today-7d", "today", now=after)

    assert str(window) == "2026-10-19T23:00:00.000Z/2026-10-27T00:00:00.000Z"


def test_yesterday_is_a_midnight_though_today_has_none() -> None:
    """Where the clocks skip midnight, the days before still begin at theirs."""
    skipped = datetime(2026, 4, 24, 9, tzinfo=UTC)

    window = resolved("yesterday", "today", zone="Africa/Cairo", now=skipped)

    assert str(window) == "2026-04-22T22:00:00.000Z/2026-04-23T22:00:00.000Z"


@pytest.mark.parametrize(
    ("granularity", "expected"),
    [
        (None, "2026-10-16T13:47:00.000Z"),
        ("PT15M", "2026-10-16T13:45:00.000Z"),
        ("P1D", "2026-10-15T23:00:00.000Z"),
        ("P1W", "2026-10-11T23:00:00.000Z"),
        ("P1M", "2026-09-30T23:00:00.000Z"),
    ],
)
def test_now_is_floored_to_a_bucket(granularity: str | None, expected: str) -> None:
    """Without granularity now is floored to the minute."""
    window = (
        resolved("2026-01-01T00:00", "now", granularity=granularity)
        if (granularity != "P1W")
        else resolved("2026-01-05", "now", granularity=granularity)
    )

    assert iso(window.end) == expected


@pytest.mark.parametrize(
    ("start", "granularity", "nearest"),
    [
        ("2026-10-01T06:10", "PT30M", "2026-10-01T06:00 or 2026-10-01T06:30"),
        ("2026-10-01T06:00", "P1D", "2026-10-01T00:00 or 2026-10-02T00:00"),
        ("2026-10-01", "P1W", "2026-09-28T00:00 or 2026-10-05T00:00"),
        ("2026-10-15", "P1M", "2026-10-01T00:00 or 2026-11-01T00:00"),
        ("2026-10-15", "P3M", "2026-10-01T00:00 or 2027-01-01T00:00"),
    ],
)
def test_a_date_between_edges_names_the_nearest(
    start: str, granularity: str, nearest: str
) -> None:
    """What the user wrote is not moved in silence."""
    with pytest.raises(ValueError, match=rf"from \({start}\).*nearest are {nearest}"):
        resolved(start, "2027-01-01", granularity=granularity)


def test_the_end_is_checked_too() -> None:
    """A misaligned `to` is reported as `to`."""
    with pytest.raises(ValueError, match=r"^to \(2026-10-02T00:01\) is not at"):
        resolved("2026-10-01", "2026-10-02T00:01")


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2026-10-02", "2026-10-01"),
        ("today", "today"),
        ("now", "now-10min"),
    ],
)
def test_from_must_be_before_to(start: str, end: str) -> None:
    """An empty range is refused with what both ends mean."""
    with pytest.raises(ValueError, match=r"must be before to .*; to is exclusive"):
        resolved(start, end)


@pytest.mark.parametrize("end", ["0001-01-01", "1969-12-31", "9999-12-31T23:59:59Z"])
def test_a_far_off_year_is_refused(end: str) -> None:
    """A typing error is reported as such, before calendars end."""
    with pytest.raises(ValueError, match=r"^from \(.*\) is not between 1970 and 2199"):
        resolved(end, "2026-10-01")
    with pytest.raises(ValueError, match=r"^to \(today\+9999mo\) is not between"):
        resolved("2026-10-01", "today+9999mo")


@pytest.mark.parametrize(
    "text",
    [
        "last week", "today-7", "today 7d", "now-1y", "Today", "2026-13-01",
        "2026-02-30", "01.10.2026", "", "today-99999d", "today-\u0667d",
    ],
)  # fmt: skip
def test_other_text_is_refused(text: str) -> None:
    """What is not a date is reported with the valid forms."""
    with pytest.raises(
        ValueError, match=r"(use a date .*, today, yesterday|write the year first)"
    ):
        check_date(text)


@pytest.mark.parametrize("text", ["today-24h", "yesterday+30min"])
def test_hours_are_counted_from_now(text: str) -> None:
    """Hours from a midnight are refused, with the form to use."""
    with pytest.raises(ValueError, match=r"counts hours from a day; write now[-+]"):
        check_date(text)


@given(text=st.text(max_size=30))
def test_any_text_is_taken_or_refused(text: str) -> None:
    """No text does anything but pass or raise ValueError."""
    with suppress(ValueError):
        assert check_date(text) == text


@given(
    back=st.integers(0, 400),
    unit=st.sampled_from(["d", "w", "mo"]),
    zone=st.sampled_from(
        ["Europe/Dublin", "Asia/Kathmandu", "Africa/Cairo", "America/Havana"]
    ),
    after=st.timedeltas(timedelta(0), timedelta(days=1100)),
)
def test_relative_days_are_local_midnights(
    back: int, unit: str, zone: str, after: timedelta
) -> None:
    """Whenever it is asked, a day counted from today begins where that day does."""
    now = datetime(2024, 1, 1, tzinfo=UTC) + after

    window = resolved(f"today-{back}{unit}", "today+1d", zone=zone, now=now)

    local = window.start.astimezone(ZoneInfo(zone))
    before = (window.start - timedelta(seconds=1)).astimezone(ZoneInfo(zone))
    assert before.date() < local.date()
