"""The table `sla` equals what is counted straight from the calls, to the last bit."""

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pytest

from tests.support.sla_truth import (
    CHANGES,
    DAY,
    DUBLIN,
    HOUR,
    ISRAEL,
    KATHMANDU,
    LORD_HOWE,
    MS,
    NEW_YORK,
    PERIODS,
    Calendar,
    check,
    check_periods,
    count,
    stories_near,
    stories_of_the_log,
    stories_of_the_year,
    year,
)

if TYPE_CHECKING:
    from tests.conftest import Workspace, WorkspaceOf

WEEK = ("1999-08-01", "1999-08-08")


@pytest.mark.one_in(3)
@pytest.mark.parametrize(
    ("granularity", "chunk"),
    [("PT15M", "P2D"), ("PT30M", "PT12H"), ("PT1H", "auto")],
)
def test_the_week_equals_the_call_log(
    workspace: "Workspace", granularity: str, chunk: str
) -> None:
    """Per queue and period every figure is the log's own, in all three formats."""
    truth = check_periods(
        workspace, stories_of_the_log(), ISRAEL, WEEK, granularity, chunk=chunk
    )

    days = {start for start, _ in truth["day"]}
    assert len(days) == 7
    assert len(truth["total"]) == 6


def test_a_week_of_days_equals_the_call_log(workspace: "Workspace") -> None:
    """Buckets of a day do for every period of a day or more."""
    periods = [period for period in PERIODS if period != "hour"]

    check_periods(
        workspace,
        stories_of_the_log(),
        ISRAEL,
        WEEK,
        "P1D",
        periods=periods,
        chunk="P3D",
    )


@pytest.mark.parametrize(
    "span", [("1999-08-03", "1999-08-06"), ("1999-08-07", WEEK[1])]
)
def test_a_part_of_a_week_is_clipped_to_the_range(
    workspace: "Workspace", span: tuple[str, str]
) -> None:
    """Weeks, months and totals that reach beyond the range end with it."""
    truth = check_periods(workspace, stories_of_the_log(), ISRAEL, span, "PT1H")

    calendar = Calendar.of(ISRAEL, span, "PT1H")
    for period in ("week", "month", "total"):
        ends = {(start, row["period_end"]) for (start, _), row in truth[period].items()}
        assert ends == {(calendar.start, calendar.end)}


@pytest.mark.one_in(7)
@pytest.mark.parametrize("zone", CHANGES)
@pytest.mark.parametrize("change", [0, 1])
@pytest.mark.parametrize(
    ("granularity", "chunk"), [("PT15M", "PT6H"), ("PT1H", "auto")]
)
def test_periods_are_right_across_a_change_of_the_clocks(
    workspace_of: "WorkspaceOf", zone: str, change: int, granularity: str, chunk: str
) -> None:
    """A day that clocks make longer or shorter has all of its calls and no other's."""
    day = date.fromisoformat(CHANGES[zone][change])
    span = (str(day - DAY), str(day + 2 * DAY))

    truth = check_periods(
        workspace_of(year()),
        stories_near(zone, span),
        zone,
        span,
        granularity,
        chunk=chunk,
    )

    lengths = {
        row["period"]: (row["period_end"] - start) / HOUR
        for (start, _), row in truth["day"].items()
    }
    changed = {
        DUBLIN: (23, 25),
        NEW_YORK: (23, 25),
        LORD_HOWE: (24.5, 23.5),
        KATHMANDU: (24, 24),
    }
    assert lengths[str(day)] == changed[zone][change]


@pytest.mark.one_in(2)
@pytest.mark.parametrize(("zone", "chunk"), [(DUBLIN, "auto"), (NEW_YORK, "P25D")])
def test_a_year_of_months_has_both_changes(
    workspace_of: "WorkspaceOf", zone: str, chunk: str
) -> None:
    """Days, weeks, months and the total are local ones the whole year round."""
    truth = check_periods(
        workspace_of(year()),
        stories_of_the_year(),
        zone,
        ("2026-01-01", "2027-01-01"),
        "P1D",
        periods=("day", "week", "month", "total"),
        chunk=chunk,
    )

    days = {(start, row["period_end"]) for (start, _), row in truth["day"].items()}
    lengths = [(end - start) // HOUR for start, end in days]
    assert sorted(lengths) == [23, *[24] * 363, 25]
    assert len({row["period"] for row in truth["week"].values()}) == 53


def test_a_call_less_or_a_second_more_is_noticed(workspace: "Workspace") -> None:
    """The comparison itself is sharp."""
    stories = list(stories_of_the_log())
    at = next(n for n, story in enumerate(stories) if story.ended)
    ended = (stories[at].ended or stories[at].offered) + 1000 * MS
    later = [*stories[:at], replace(stories[at], ended=ended), *stories[at + 1 :]]
    check_periods(workspace, stories, ISRAEL, WEEK, "PT1H", periods=["week"])
    calendar = Calendar.of(ISRAEL, WEEK, "PT1H")

    for wrong in (stories[1:], later):
        with pytest.raises(AssertionError):
            check(workspace.folder / "week.csv", "csv", count(wrong, calendar, "week"))
