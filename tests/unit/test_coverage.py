"""What the rows of a table are about, by org and time."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from gcbatch.coverage import Coverage, OrgWindow
from gcbatch.windows import Window

START = datetime(2026, 10, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def window(first: int, last: int) -> Window:
    """Return a window by hours after START."""
    return Window(START + first * HOUR, START + last * HOUR)


def test_a_whole_range_is_one_span() -> None:
    """Of an org without a name, in a job of one."""
    covered = Coverage.whole(window(0, 24))

    assert covered.spans == (OrgWindow("", window(0, 24)),)
    assert (covered.start, covered.end) == (START, START + 24 * HOUR)


def test_gaps_stay_out() -> None:
    """Also where they overlap, touch an edge, or reach over it."""
    gaps = [window(-2, 1), window(5, 7), window(6, 8), window(23, 24)]

    covered = Coverage.whole(window(0, 24)).without(gaps)

    assert covered.by_org == {"": (window(1, 5), window(8, 23))}
    assert (covered.start, covered.end) == (START, START + 24 * HOUR)


def test_orgs_have_spans_of_their_own() -> None:
    """An org all of whose range failed has none."""
    north = Coverage.whole(window(0, 24)).without([window(0, 12)])
    west = Coverage.whole(window(2, 26)).without([window(2, 26)])

    covered = Coverage.of_orgs({"west": west, "north": north})

    assert covered.by_org == {"north": (window(12, 24),)}
    assert (covered.start, covered.end) == (START, START + 26 * HOUR)


hours = st.integers(0, 30)
ends = st.tuples(hours, hours).filter(lambda pair: pair[0] < pair[1])


@given(gaps=st.lists(ends, max_size=6), at=hours)
def test_an_hour_is_covered_unless_a_gap_has_it(
    gaps: list[tuple[int, int]], at: int
) -> None:
    """Spans are half-open, as windows are."""
    covered = Coverage.whole(window(0, 24)).without(window(*gap) for gap in gaps)

    in_gap = any(first <= at < last for first, last in gaps)
    assert covered.covers(START + at * HOUR) == (at < 24 and not in_gap)
    assert not covered.covers(START + at * HOUR, "other")
