"""Buckets told by their start alone: which instants begin one, and where it ends."""

from datetime import UTC, datetime, timedelta

import pytest

from gcbatch.errors import DataError
from gcbatch.genesys.endpoints.clocked import Grid
from gcbatch.query import make_query
from gcbatch.windows import Period, Window

START = datetime(2026, 10, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
QUERY = make_query("org", "e", Window(START, START + 2.5 * HOUR), b"{}")


def grid(granularity: str | None = "PT1H") -> Grid:
    return Grid(QUERY, Period.parse(granularity) if granularity else None)


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2026-10-01T00:00:00Z", 0, 1),
        ("2026-10-01T02:00:00+01:00", 1, 2),
        ("2026-10-01T02:00:00.000Z", 2, 2.5),
    ],
    ids=["first", "with an offset", "cut off by the window"],
)
def test_a_start_is_a_bucket(text: str, first: float, last: float) -> None:
    """It ends with the next one's start, or with the window."""
    expected = (START + first * HOUR, START + last * HOUR)

    assert grid().bucket(text, "row 1") == expected


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("2026-09-30T23:00:00Z", "is outside the window"),
        ("2026-10-01T02:30:00Z", "is outside the window"),
        ("2026-10-01T00:30:00Z", "is not the start of a bucket"),
        ("2026-10-01T01:00:00", "is no instant"),
        ("soon", "is no instant"),
        (None, "names no bucket, though several were asked"),
    ],
    ids=["before", "at the end", "between", "without an offset", "none", "missing"],
)
def test_what_begins_no_bucket_is_an_error(text: str | None, problem: str) -> None:
    """It names the query, the row and what was told."""
    with pytest.raises(DataError, match=f"row 1: .*{problem}"):
        grid().bucket(text, "row 1")


@pytest.mark.parametrize("granularity", [None, "P1D"])
def test_one_bucket_needs_no_start(granularity: str | None) -> None:
    """Where a calendar's length was asked, a window is planned one bucket long."""
    whole = (QUERY.window.start, QUERY.window.end)

    assert grid(granularity).bucket(None, "row 1") == whole
