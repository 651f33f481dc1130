"""What the html exporter's report is made of: markup, words, steps of time, colours."""

import re
from datetime import UTC, date, datetime, timedelta
from importlib.resources import files
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcbatch.text import pluralize
from gcbatch.windows import Period, Window, midnight, step
from gcbatch_exporters.report import formatting as say
from gcbatch_exporters.report.charts import LARGE, SMALL, bullet, course
from gcbatch_exporters.report.markup import Html, joined, tag, text
from gcbatch_exporters.report.summary import QueueFigures, Sums
from gcbatch_exporters.report.time_axis import MAX_STEPS, Axis, Spans
from gcbatch_exporters.report.week_grid import fits_hours

DUBLIN = ZoneInfo("Europe/Dublin")
KOLKATA = ZoneInfo("Asia/Kolkata")
OCTOBER = date(2026, 10, 1)
HOUR = timedelta(hours=1)


def window(first: date, last: date, zone: ZoneInfo = DUBLIN) -> Window:
    """Return the days from *first* to *last*, both included."""
    return Window(midnight(first, zone), midnight(last + timedelta(days=1), zone))


def cut(covered: Window, period: str, zone: ZoneInfo = DUBLIN) -> Spans:
    """Return spans of *period* from the begin of *covered* to its end."""
    length, edges = Period.parse(period), [covered.start]
    while edges[-1] < covered.end:
        edges.append(min(step(covered.start, length, len(edges), zone), covered.end))
    return {Window(a, b) for a, b in pairwise(edges)}


def axis(covered: Window, period: str) -> Axis:
    return Axis.of(cut(covered, period), zone=DUBLIN, covered=covered)


@given(st.text())
def test_text_is_never_markup(value: str) -> None:
    """No text opens a tag, ends an attribute or begins a reference of its own."""
    written = tag("p", value, title=value)

    assert written.count("<") == written.count(">") == 2
    assert written.count('"') == 2
    assert not re.search(r"&(?!(amp|lt|gt|quot|#x27|#13);)", written)


def test_markup_stays_markup() -> None:
    """Elements can be put into elements; nothing is escaped twice."""
    inner = tag("b", "a & b")

    assert tag("p", inner, None, " <") == "<p><b>a &amp; b</b> &lt;</p>"
    assert joined(inner, None, "&") == "<b>a &amp; b</b>&amp;"
    assert text(Html("<i>")) == "<i>"


def test_attributes_are_written_as_html_has_them() -> None:
    """Underscores stand for hyphens, numbers are short, false ones are left out."""
    written = tag("meta", class_="x", aria_label="y", x=1 / 3, open=True, id=None, a=0)

    assert written == '<meta class="x" aria-label="y" x="0.33" open a="0">'
    assert tag("td", hidden=False) == "<td></td>"


@pytest.mark.parametrize(
    ("value", "below", "shown"),
    [
        pytest.param(90.90909, None, "90.9", id="one decimal"),
        pytest.param(100.0, 80, "100.0", id="met"),
        pytest.param(79.96, 80, "79.96", id="a miss is seen to be one"),
        pytest.param(79.9999, 80, "79.9999", id="however near"),
        pytest.param(80.0, 80, "80.0", id="equal is met"),
    ],
)
def test_percentages(value: float, below: float | None, shown: str) -> None:
    """One decimal, or as many as distinguish a missed target from a met one."""
    assert say.percent(value, below=below) == f"{shown}\u202f%"


def test_numbers() -> None:
    """Thousands are separated, unknown is a dash."""
    assert [say.count(n) for n in (0, 12.0, 1234567, 3.25)] == [
        "0",
        "12",
        "1,234,567",
        "3.2",
    ]
    assert [say.clock(s) for s in (0, 59.6, 312, 6000)] == [
        "0:00",
        "1:00",
        "5:12",
        "100:00",
    ]
    assert [say.target(t) for t in (80.0, 92.5)] == ["80\u202f%", "92.5\u202f%"]
    unknown = {say.count(None), say.clock(None), say.target(None), say.percent(None)}
    assert unknown == {say.NONE}
    assert [pluralize(n, "day") for n in (1, 1200)] == ["1 day", "1,200 days"]


@pytest.mark.parametrize(
    ("covered", "said", "days"),
    [
        (window(OCTOBER, OCTOBER), "1 October 2026", "1 day"),
        (window(OCTOBER, date(2026, 10, 31)), "1 to 31 October 2026", "31 days"),
        (
            window(date(2026, 3, 28), date(2026, 4, 2)),
            "28 March to 2 April 2026",
            "6 days",
        ),
        (
            window(date(2025, 12, 31), date(2026, 1, 1)),
            "31 December 2025 to 1 January 2026",
            "2 days",
        ),
        (
            Window(
                datetime(2026, 10, 1, 8, tzinfo=UTC),
                datetime(2026, 10, 2, 8, 30, tzinfo=UTC),
            ),
            "1 October 2026, 09:00 to 2 October 2026, 09:30",
            None,
        ),
    ],
)
def test_ranges(covered: Window, said: str, days: str | None) -> None:
    """Whole days are said with the last one included, other ranges by the clock."""
    assert say.span(covered, DUBLIN) == said
    assert say.days(covered, DUBLIN) == days


@pytest.mark.parametrize(
    ("days", "period", "noun", "steps", "label", "mark"),
    [
        (1, "PT15M", "interval", 96, "Thu 1 Oct, 00:15", "1 Oct 00:15"),
        (2, "PT15M", "day", 2, "Fri 2 Oct", "2 Oct"),
        (4, "PT1H", "hour", 96, "Thu 1 Oct, 01:00", "1 Oct 01:00"),
        (31, "PT1H", "day", 31, "Fri 2 Oct", "2 Oct"),
        (31, "P1D", "day", 31, "Fri 2 Oct", "2 Oct"),
        (365, "P1D", "week", 53, "week from 5 Oct", "5 Oct"),
        (1000, "P1D", "month", 33, "Nov 2026", "Nov 2026"),
        (1000, "P1M", "month", 33, "Nov 2026", "Nov 2026"),
        (1, "P1D", "range", 1, "Thu 1 Oct", "1 Oct"),
        (200, "P90D", "period", 3, "Wed 30 Dec, 00:00", "30 Dec 00:00"),
    ],
)
def test_steps_are_as_fine_as_fits(
    days: int, period: str, *, noun: str, steps: int, label: str, mark: str
) -> None:
    """The table's own periods, or the shortest longer ones that are few enough."""
    made = axis(window(OCTOBER, OCTOBER + timedelta(days=days - 1)), period)

    assert (made.noun, len(made.steps)) == (noun, steps)
    assert made.label(min(1, steps - 1)) == label
    assert made.mark(min(1, steps - 1)) == mark


def test_periods_are_never_cut() -> None:
    """Weeks that lie in two months are not added to one: they stay weeks."""
    covered = window(date(2024, 1, 1), date(2026, 10, 4))

    made = axis(covered, "P7D")

    assert made.noun == "week"
    assert len(made.steps) == 144 > MAX_STEPS


def test_runs_end_where_time_is_missing() -> None:
    """A change of the clocks is no gap, a closed day is one."""
    covered = window(date(2026, 10, 23), date(2026, 10, 27))
    spans = sorted(cut(covered, "P1D"))
    del spans[3]

    made = Axis.of(set(spans), zone=DUBLIN, covered=covered)

    assert made.runs == [range(3), range(3, 4)]
    assert [made.place(at) for at in (covered.start, covered.end)] == [0, 1]


@pytest.mark.parametrize(
    ("period", "zone", "fits"),
    [
        ("PT15M", KOLKATA, True),
        ("PT1H", KOLKATA, True),
        ("PT45M", DUBLIN, False),
        ("PT2H", DUBLIN, False),
    ],
)
def test_hours_are_those_of_the_clock(
    period: str, zone: ZoneInfo, *, fits: bool
) -> None:
    """A span that lies in two hours of the clock belongs to neither."""
    covered = window(OCTOBER, OCTOBER, zone)

    assert fits_hours(cut(covered, period, zone), zone) is fits


def test_long_courses_keep_dots_for_misses() -> None:
    """Where steps are close, only those below the target and lone ones have a dot."""
    made = axis(window(OCTOBER, OCTOBER + timedelta(days=3)), "PT1H")
    good, bad = Sums(level_part=9, level_whole=10), Sums(level_part=1, level_whole=10)
    lone = dict.fromkeys(range(90), good) | {5: bad, 95: good}

    drawn = course(LARGE, made, lone, 80, "x")

    assert drawn.count("<circle") == 2
    assert drawn.count('class="line"') == 1
    assert 'class="calls"' not in drawn


def test_courses_without_target_have_none() -> None:
    """Nothing is below a target that is not set."""
    made = axis(window(OCTOBER, OCTOBER + timedelta(days=1)), "P1D")
    sums = {n: Sums(offered=12_345, level_part=n, level_whole=1) for n in range(2)}

    drawn = course(SMALL, made, sums, None, "Support")

    assert "goal" not in drawn
    assert "miss" not in drawn
    assert ">12.3k<" in drawn
    assert 'aria-label="Support: service level by day, from 0.0\u202f% to' in drawn


@pytest.mark.parametrize(
    ("level", "goal", "drawn"),
    [
        pytest.param(70, 80, {'"bar miss"', '"goal"'}, id="missed"),
        pytest.param(80, 80, {'"bar"', '"goal"'}, id="met"),
        pytest.param(80, None, {'"bar"'}, id="no target"),
        pytest.param(None, 80, {'"goal"'}, id="no calls"),
    ],
)
def test_bullets(level: float | None, goal: float | None, drawn: set[str]) -> None:
    """A bar where there is a level, a mark where there is a target."""
    svg = bullet(level, goal)

    assert {n for n in ('"bar"', '"bar miss"', '"goal"') if n in svg} == drawn


@given(
    st.lists(st.integers(1, 400), min_size=1, max_size=60),
    st.sampled_from([70.0, 80.0, 82.5, 90.0, 95.0]),
)
def test_a_level_that_adds_up_to_its_target_meets_it(
    calls: list[int], goal: float
) -> None:
    """Binary fractions lose a hair; the page says the same as the table everywhere."""
    sums = Sums.total(Sums(level_part=n * goal / 100, level_whole=n) for n in calls)
    queue = QueueFigures("Support", goal, sums, {0: sums})
    made = axis(window(OCTOBER, OCTOBER), "P1D")

    assert queue.met
    assert say.level_of(queue) == f"{goal:.1f}\u202f%"
    assert "miss" not in bullet(sums.level, goal)
    assert "miss" not in course(SMALL, made, queue.by_step, goal, queue.name)


def luminance(colour: str) -> float:
    digits = colour.lstrip("#")
    if len(digits) == 3:
        digits = "".join(d * 2 for d in digits)
    parts = [int(digits[n : n + 2], 16) / 255 for n in (0, 2, 4)]
    linear = [
        p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts
    ]
    return sum(w * p for w, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_text_can_be_read_in_both_schemes(scheme: int) -> None:
    """WCAG AA: 4.5 to 1 for text on what it stands on, 3 to 1 for what is drawn."""
    style = (files("gcbatch_exporters.report") / "report.css").read_text("utf-8")
    blocks = re.findall(r":root \{([^}]*)\}", style)
    colours = dict(re.findall(r"--([\w-]+): (#\w+);", blocks[scheme]))
    level = {f"l{n}": "l0-ink" if n == 0 else "l-ink" for n in range(6)}
    volume = {f"v{n}": "v-dark-ink" if n > 3 else "v-ink" for n in range(6)}
    pairs = {"met-paper": "met-ink", "miss-paper": "miss-ink"} | level | volume
    drawn = ["line", "miss", "goal"]

    def contrast(a: str, b: str) -> float:
        low, high = sorted(luminance(colours[name]) for name in (a, b))
        return (high + 0.05) / (low + 0.05)

    texts = {(paper, ink): contrast(paper, ink) for paper, ink in pairs.items()}
    texts |= {("paper", ink): contrast("paper", ink) for ink in ("ink", "quiet")}
    assert {pair: round(c, 2) for pair, c in texts.items() if c < 4.5} == {}
    assert {name for name in drawn if contrast("paper", name) < 3} == set()
