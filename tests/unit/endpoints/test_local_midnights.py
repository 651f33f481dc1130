"""Buckets of an answer are the query's: its granularity, its zone, its window."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcbatch.endpoints.aggregates.columnar_reader import read_columns
from gcbatch.endpoints.aggregates.part_schema import schema_of
from gcbatch.endpoints.aggregates.response_models import decode_page
from gcbatch.endpoints.aggregates.row_reader import (
    merge_pages,
    naming_query,
    rows_of,
)
from gcbatch.endpoints.local_midnights import (
    AcrossMidnightError,
    Anchor,
    check_buckets,
    in_whole_days,
)
from gcbatch.errors import DataError
from gcbatch.genesys.families import FAMILIES
from gcbatch.job.query import QuerySection
from gcbatch.query import make_query
from gcbatch.windows import Period, Window, iso, midnight, midnights, to_local

MS = timedelta(milliseconds=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

Read = Callable[..., pa.Table | None]


def asked_of(granularity: str | None, zone: str) -> QuerySection:
    return QuerySection.model_validate(
        {
            "from": "2026-10-01",
            "to": "2026-10-02",
            "granularity": granularity,
            "timezone": zone,
            "metrics": ["nOffered"],
        }
    )


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def span(text: str) -> Window:
    """Return a span of some hours: `2026-10-01T00 24`."""
    start, hours = text.split()
    return Window(utc(start), utc(start) + float(hours) * HOUR)


def page_of(*buckets: Window) -> bytes:
    data = [
        {
            "interval": str(bucket),
            "metrics": [{"metric": "nOffered", "stats": {"count": 1}}],
        }
        for bucket in buckets
    ]
    return json.dumps({"results": [{"group": {"queueId": "q"}, "data": data}]}).encode()


def fast(body: bytes, **about: Any) -> pa.Table | None:
    schema = schema_of(about["section"], FAMILIES[0])
    return read_columns(body, family=FAMILIES[0], queues=(), schema=schema, **about)


def thorough(body: bytes, **about: Any) -> pa.Table | None:
    return rows_of(decode_page(body), family=FAMILIES[0], queues=(), **about)


def of_a_job(body: bytes, **about: Any) -> pa.Table | None:
    pages = merge_pages([decode_page(body)])
    return rows_of(pages, family=FAMILIES[0], queues=(), **about)


GOOD = [
    pytest.param("PT1H", "UTC", ["2026-10-01T05 1"], id="an hour"),
    pytest.param("PT1H", "Asia/Kolkata", ["2026-10-01T05:30 1"], id="of the zone"),
    pytest.param(
        "PT1H",
        "Asia/Kolkata",
        ["2026-10-01T00:00 1", "2026-10-01T05:00 1"],
        id="of UTC",
    ),
    pytest.param("P1D", "UTC", ["2026-10-02T00 24"], id="a day"),
    pytest.param("P1M", "UTC", ["2026-10-01T00 168"], id="a month, cut off"),
    pytest.param(None, "UTC", ["2026-10-01T00 168"], id="the window"),
]
WEEK = span("2026-10-01T00 168")


def week_of(zone: str) -> Window:
    """Return the same week of local days."""
    start = midnight(WEEK.start.date(), ZoneInfo(zone))
    return Window(start, start + WEEK.span)


@pytest.mark.parametrize("read", [fast, thorough, of_a_job])
@pytest.mark.parametrize(("granularity", "zone", "buckets"), GOOD)
def test_buckets_that_were_asked_for_are_rows(
    read: Read, granularity: str | None, zone: str, buckets: list[str]
) -> None:
    """Both readers take them, by query and by job of the service."""
    body = page_of(*map(span, buckets))

    table = read(body, section=asked_of(granularity, zone), window=week_of(zone))

    assert table is not None
    assert table.num_rows == len(buckets)


BAD = [
    pytest.param("PT1H", "UTC", ["2026-10-01T00 72"], id="three days for an hour"),
    pytest.param("PT1H", "UTC", ["2026-10-01T00 2"], id="two hours"),
    pytest.param("PT1H", "UTC", ["2026-10-01T00 0.5"], id="half an hour"),
    pytest.param("PT1H", "UTC", ["2026-10-01T00:20 1"], id="from nowhere"),
    pytest.param("PT1H", "UTC", ["2026-10-01T00 168"], id="the whole window"),
    pytest.param(
        "PT1H",
        "Asia/Kolkata",
        ["2026-10-01T00 1", "2026-10-01T05:30 1"],
        id="of two grids",
    ),
    pytest.param("P1D", "Europe/Dublin", ["2026-10-02T00 24"], id="days of UTC"),
    pytest.param("P1D", "UTC", ["2026-10-01T23 24"], id="days of Dublin"),
    pytest.param("P1D", "UTC", ["2026-10-01T00 1"], id="an hour for a day"),
    pytest.param("P1W", "UTC", ["2026-10-01T00 168"], id="a week from Thursday"),
    pytest.param("P1M", "UTC", ["2026-10-01T00 24"], id="a day for a month"),
    pytest.param(None, "UTC", ["2026-10-01T00 24"], id="a day for the window"),
]


@pytest.mark.parametrize("read", [thorough, of_a_job])
@pytest.mark.parametrize(("granularity", "zone", "buckets"), BAD)
def test_others_are_refused(
    read: Read, granularity: str | None, zone: str, buckets: list[str]
) -> None:
    """The message names bucket and query; the hint what to set (exit code 5)."""
    query = make_query("org", "conversation-aggregates", week_of(zone), b"{}")
    body, asked = page_of(*map(span, buckets)), asked_of(granularity, zone)
    refused = pytest.raises(DataError, match=f"^{query}: bucket .* is none of")

    with refused as caught, naming_query(query):
        read(body, section=asked, window=query.window)

    assert any(str(span(bucket)) in caught.value.problem for bucket in buckets)
    assert "query.granularity" in (caught.value.hint or "")
    assert caught.value.exit_code == 5


@pytest.mark.parametrize(("granularity", "zone", "buckets"), BAD)
def test_the_fast_reader_leaves_them_to_the_other(
    granularity: str | None, zone: str, buckets: list[str]
) -> None:
    """Which then says what is wrong."""
    body, asked = page_of(*map(span, buckets)), asked_of(granularity, zone)

    assert fast(body, section=asked, window=week_of(zone)) is None


class TestAcrossMidnight:
    def test_it_says_what_hours_are_counted_from(self) -> None:
        """So that the query is cut where it has to be."""
        bucket = span("2026-10-01T18 1")  # 23:30 in Kolkata

        with pytest.raises(AcrossMidnightError, match="over midnight") as caught:
            check_buckets(
                [(bucket.start, bucket.end)],
                span("2026-09-30T18:30 48"),
                Period.parse("PT1H"),
                ZoneInfo("Asia/Kolkata"),
            )

        assert caught.value.anchors == {Anchor.UTC}

    def test_at_the_end_of_a_window_it_is_cut_off(self) -> None:
        """A query that ends at midnight has no bucket across it."""
        buckets = [span("2026-10-01T18 0.5"), span("2026-10-01T17 1")]

        check_buckets(
            [(bucket.start, bucket.end) for bucket in buckets],
            span("2026-09-30T18:30 24"),
            Period.parse("PT1H"),
            ZoneInfo("Asia/Kolkata"),
        )


zones = st.sampled_from(sorted(available_timezones())).map(ZoneInfo)
instants = st.datetimes(datetime(1980, 1, 1), datetime(2030, 12, 1)).map(  # noqa: DTZ001 - given one here
    lambda at: at.replace(microsecond=0, tzinfo=UTC)
)
windows = st.builds(
    lambda at, span: Window(at, at + span),
    instants,
    st.timedeltas(timedelta(minutes=1), 20 * DAY),
)


@given(window=windows, zone=zones)
def test_midnights_are_those_of_all_days_that_begin(
    window: Window, zone: ZoneInfo
) -> None:
    """In order, each once, within the window, and none is passed over."""
    first, count = to_local(window.start, zone).date(), window.span // DAY + 3
    begun = {midnight(first + n * DAY, zone) for n in range(-1, count + 1)}

    found = list(midnights(window, zone))

    assert found == sorted(d for d in begun if window.start < d < window.end)


@given(
    window=windows,
    zone=zones,
    granularity=st.sampled_from(["PT15M", "PT1H", "PT4H", "PT24H"]).map(Period.parse),
    anchors=st.sets(st.sampled_from(Anchor)),
)
def test_windows_are_cut_at_midnights_alone(
    window: Window, zone: ZoneInfo, granularity: Period, anchors: set[Anchor]
) -> None:
    """What is cut tiles the window, and is cut no further the second time."""
    cut = in_whole_days(window, granularity, zone, anchors)

    assert (cut[0].start, cut[-1].end) == (window.start, window.end)
    assert all(a.end == b.start for a, b in pairwise(cut))
    assert {piece.start for piece in cut[1:]} <= set(midnights(window, zone))
    for piece in cut:
        assert in_whole_days(piece, granularity, zone, anchors) == [piece]


@pytest.mark.parametrize("granularity", [None, "P1D", "P1W", "P1M"])
def test_calendars_and_whole_windows_are_never_cut(granularity: str | None) -> None:
    """Only hours may be counted from elsewhere than local midnight."""
    period = Period.parse(granularity) if granularity else None
    zone = ZoneInfo("Asia/Kolkata")

    assert in_whole_days(WEEK, period, zone, set(Anchor)) == [WEEK]


def test_an_odd_zones_days_are_its_own() -> None:
    """The three examples: a day begins where the clocks of the zone say."""
    reported = {
        ("Australia/Lord_Howe", "2026-04-05"): "2026-04-04T13:00:00.000Z",
        ("Pacific/Chatham", "2026-07-02"): "2026-07-01T11:15:00.000Z",
        ("Asia/Kathmandu", "1986-01-02"): "1986-01-01T18:15:00.000Z",
    }

    for (zone, day), expected in reported.items():
        at = utc(day)
        inside = Window(at - DAY, at)

        assert iso(next(midnights(inside, ZoneInfo(zone)))) == expected
