"""Columns of local times: what Python's own clock of a zone shows, with its offset."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcbatch.local_time import local_fields, local_texts, with_local_columns

INSTANT = pa.timestamp("ms", tz="UTC")
ZONES = ["Europe/Dublin", "America/New_York", "Australia/Lord_Howe", "Africa/Monrovia"]
MS = timedelta(milliseconds=1)


def texts_of(zone: str, *instants: datetime | None) -> list[str | None]:
    texts: list[str | None] = local_texts(
        pa.array(instants, INSTANT), ZoneInfo(zone)
    ).to_pylist()
    return texts


@pytest.mark.parametrize(
    ("zone", "instant", "text"),
    [
        ("Europe/Dublin", "2026-10-25T00:30:00Z", "2026-10-25T01:30:00+01:00"),
        ("Europe/Dublin", "2026-10-25T01:30:00Z", "2026-10-25T01:30:00+00:00"),
        ("America/New_York", "2026-03-08T06:59:59Z", "2026-03-08T01:59:59-05:00"),
        ("America/New_York", "2026-03-08T07:00:00Z", "2026-03-08T03:00:00-04:00"),
        ("Australia/Lord_Howe", "2026-04-04T14:59:00Z", "2026-04-05T01:59:00+11:00"),
        ("Australia/Lord_Howe", "2026-04-04T15:00:00Z", "2026-04-05T01:30:00+10:30"),
        ("Asia/Kathmandu", "1969-12-31T23:59:59.007Z", "1970-01-01T05:29:59.007+05:30"),
        ("UTC", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00+00:00"),
    ],
)
def test_an_hour_that_exists_twice_differs_by_its_offset(
    zone: str, instant: str, text: str
) -> None:
    """Every text names one instant; milliseconds are shown where there are some."""
    assert texts_of(zone, datetime.fromisoformat(instant)) == [text]


@given(
    st.sampled_from(ZONES),
    st.lists(
        st.none() | st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1))  # noqa: DTZ001 - Hypothesis adds the zone
    ),
)
def test_texts_are_the_clocks_of_python(
    zone: str, naive: list[datetime | None]
) -> None:
    """They read back as the same instant, with the wall time that Python shows."""
    instants = [n and n.replace(tzinfo=UTC, microsecond=7000) for n in naive]

    texts = texts_of(zone, *instants)

    for text, instant in zip(texts, instants, strict=True):
        if instant is None:
            assert text is None
            continue
        assert text == instant.astimezone(ZoneInfo(zone)).isoformat(
            timespec="milliseconds"
        )
        assert datetime.fromisoformat(text) == instant


@given(st.sampled_from(ZONES), st.integers(-7_200_000, 7_200_000), st.booleans())
def test_the_moment_of_a_change_is_exact(
    zone: str,
    nudge: int,
    is_autumn: bool,  # noqa: FBT001 - drawn by Hypothesis
) -> None:
    """To the millisecond, beside each change of the clocks."""
    changes = {
        "Europe/Dublin": ("2026-03-29T01:00Z", "2026-10-25T01:00Z"),
        "America/New_York": ("2026-03-08T07:00Z", "2026-11-01T06:00Z"),
        "Australia/Lord_Howe": ("2026-04-04T15:00Z", "2026-10-03T15:30Z"),
        "Africa/Monrovia": ("1972-01-07T00:44:30Z",) * 2,
    }
    instant = datetime.fromisoformat(changes[zone][is_autumn]) + nudge * MS

    (text,) = texts_of(zone, instant)

    local = instant.astimezone(ZoneInfo(zone))
    spec = "milliseconds" if instant.microsecond else "seconds"
    assert text == local.isoformat(timespec=spec)


def test_ends_of_the_calendar_are_null() -> None:
    """Python has no year 10000, which the local time there may be in."""
    first, last = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)

    assert texts_of("Pacific/Auckland", first, last) == [None, None]


def test_each_column_of_instants_has_its_own() -> None:
    """Beside it, as text; other columns stay as they are, also in empty rows."""
    schema = pa.schema(
        [("at", INSTANT), ("n", pa.int64()), pa.field("end", INSTANT, nullable=False)]
    )
    rows = pa.RecordBatch.from_pylist([], schema=schema)

    local = with_local_columns(rows, ZoneInfo("UTC"))

    assert local.schema.names == ["at", "at_local", "n", "end", "end_local"]
    assert local.schema == local_fields(schema) == local_fields(local.schema)
    assert local.schema.field("end_local").type == pa.string()
