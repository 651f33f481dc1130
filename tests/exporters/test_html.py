"""The html exporter: the page as a parser reads it, and as Chromium shows it."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from html import unescape
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest

from gcbatch.coverage import Coverage
from gcbatch.errors import JobError
from gcbatch.exporting import Receipt, export
from gcbatch.table import Table
from gcbatch.testing import ExporterConformance, Row, sample_table, typed
from gcbatch.windows import Window, midnight
from gcbatch_exporters.html import HtmlExporter
from tests.support.requirements import require

DUBLIN = ZoneInfo("Europe/Dublin")
INSTANT = pa.timestamp("ms", tz="UTC")
HOUR = timedelta(hours=1)
MONDAY = date(2026, 10, 19)
COUNTS = ("offered", "answered", "abandoned")
LEVEL = ("service_level_numerator", "service_level_denominator")
TIMES = ("wait_sum_ms", "wait_count", "handle_sum_ms", "handle_count")
HOSTILE = '<script>alert(1)</script> & "Co"'


@dataclass
class Page(HTMLParser):
    """A page as a parser sees it.

    Args:
        html: Its source.
        tables: Rows of cells' texts, by the table's id or class.
        texts: The texts of elements that have an id.
        heard: What assistive technology reads of each chart.
        tags: Every element with its attributes.
        said: The pieces of its text.
    """

    html: str
    tables: dict[str, list[list[str]]] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    heard: list[str] = field(default_factory=list)
    tags: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    _open: list[tuple[str, str | None]] = field(default_factory=list)
    _keys: list[str] = field(default_factory=list)
    _cells: int = 0

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        about = dict(attrs)
        self.tags.append((tag, about))
        if tag != "meta":
            key = about.get("id")
            self._open.append((tag, key))
            self._keys += [key] if key else []
        if tag == "table":
            name = about.get("id") or about.get("class") or ""
            name += "" if name not in self.tables else " again"
            self.rows = self.tables.setdefault(name, [])
        elif tag == "tr":
            self.rows.append([])
        elif tag in {"td", "th"}:
            self._cells += 1
            self.rows[-1].append("")
        elif about.get("role") == "img":
            self.heard.append(about["aria-label"] or "")

    def handle_endtag(self, tag: str) -> None:
        opened, key = self._open.pop()
        assert opened == tag, f"<{opened}> is closed by </{tag}>"
        self._cells -= tag in {"td", "th"}
        if key:
            self._keys.pop()

    def handle_data(self, data: str) -> None:
        if self._cells:
            self.rows[-1][-1] += data
        for key in self._keys:
            self.texts[key] = self.texts.get(key, "") + data
        if ("body", None) in self._open:
            self.said.append(data)

    @property
    def text(self) -> str:
        return "".join(self.said)

    def queues(self) -> dict[str, list[str]]:
        """Return the cells of each queue, without those that hold no text."""
        return {row[0]: [c for c in row[1:] if c] for row in self.tables["queues"][1:]}


class TestHtmlConformance(ExporterConformance):
    exporter = HtmlExporter

    def options(self, folder: Path) -> dict[str, Any]:
        return {"path": folder / "rows.html"}

    def read(self, folder: Path) -> list[Row]:
        head, *rows = self._table(folder)
        return [typed(dict(zip(head, row, strict=True))) for row in rows]

    def columns(self, folder: Path) -> list[str]:
        return self._table(folder)[0]

    def _table(self, folder: Path) -> list[list[str]]:
        # Not read_text, which would change line ends.
        return Page((folder / "rows.html").read_bytes().decode()).tables["rows"]


def row(
    queue: str = "Support",
    start: datetime | None = None,
    span: timedelta | None = None,
    *,
    level: tuple[float, float] = (8, 10),
    **values: Any,
) -> dict[str, Any]:
    """A row of `sla`: 8 of 10 calls in time, on a Monday."""
    begin = midnight(MONDAY, DUBLIN) if start is None else start
    end = midnight(MONDAY + timedelta(days=1), DUBLIN)
    offered = round(level[1])
    return {
        "period_start": begin,
        "period_end": begin + span if span else end,
        "queue_id": f"id of {queue}",
        "queue_name": queue,
        "offered": offered,
        "answered": offered,
        "abandoned": 0,
        "target_pct": 80.0,
        **dict(zip(LEVEL, map(float, level), strict=True)),
        **values,
    }


def sla(
    rows: Iterable[dict[str, Any]], *, days: int = 1, first: date = MONDAY
) -> Table:
    rows = list(rows)
    optional = ["media_type", *TIMES]
    schema = pa.schema(
        [("period_start", INSTANT), ("period_end", INSTANT)]
        + [(name, pa.string()) for name in ("queue_id", "queue_name")]
        + [(name, pa.int64()) for name in COUNTS]
        + [(name, pa.float64()) for name in ("target_pct", *LEVEL)]
        + [
            (name, pa.int64() if name in TIMES else pa.string())
            for name in optional
            if rows and name in rows[0]
        ]
    )
    data = pa.Table.from_pylist(rows, schema=schema)
    end = midnight(first + timedelta(days=days), DUBLIN)
    return replace(
        sample_table(0, name="sla"),
        schema=schema,
        covered=Coverage.whole(Window(midnight(first, DUBLIN), end)),
        timezone=DUBLIN,
        batches=lambda: iter(data.to_batches(max_chunksize=7)),
    )


def week(*, hourly: bool = False) -> list[dict[str, Any]]:
    """Two queues over a week of a change of clocks: Wednesday is bad for both."""
    midnights = [midnight(MONDAY + timedelta(days=n), DUBLIN) for n in range(8)]
    rows = []
    for number, (day, end) in enumerate(pairwise(midnights)):
        hours = range((end - day) // HOUR) if hourly else range(1)
        starts = [day + n * HOUR for n in hours]
        for start, stop in pairwise([*starts, end]):
            for queue, good in (("Support", 9), ("Sales", 7)):
                level = (1 if number == 2 else good, 10)
                rows.append(row(queue, start, stop - start, level=level))
    return rows


def write(path: Path, *tables: Table, **options: Any) -> Receipt:
    made = HtmlExporter.Options.model_validate({"path": path, **options})
    by_name = {table.name: table for table in tables}
    return export(HtmlExporter(made), "html", by_name)[0]  # type: ignore[arg-type]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "report.html"


def page_of(path: Path, *tables: Table, **options: Any) -> Page:
    write(path, *tables, **options)
    return Page(path.read_text("utf-8"))


def test_busy_queues_count_for_more(path: Path) -> None:
    """100 calls at 90 % and 10 at 100 % are 90.9 %, not 95 %."""
    busy, quiet = row("Busy", level=(90, 100)), row("Quiet", level=(10, 10))

    page = page_of(path, sla([busy, quiet]))

    assert page.texts["service-level"] == "90.9\u202f%"
    assert page.texts["averages"].startswith(
        "The service level over all calls is 90.9\u202f%; averaging the queues' "
        "percentages would say 95.0\u202f%, as if"
    )


def test_sums_are_read_from_the_basis(path: Path) -> None:
    """The table that is shown to users need not hold what figures are made of."""
    basis = sla([row(level=(90, 100))])
    shown = replace(basis, schema=basis.schema.remove(0), basis=basis)

    assert page_of(path, shown).texts["service-level"] == "90.0\u202f%"


def test_headline_adds_up(path: Path) -> None:
    """Counts are summed, rates are computed from the sums."""
    rows = [
        row("A", level=(900, 1000), offered=1200, answered=1000, abandoned=200),
        row("B", level=(1, 10), offered=10, answered=10),
        row("C", level=(0, 0)),
    ]

    page = page_of(path, sla(rows), title="Retail & more")

    wanted = {"offered": "1,210", "answered": "1,010", "abandoned": "16.5\u202f%"}
    assert {key: page.texts[key] for key in wanted} == wanted
    assert page.texts["met"] == "1 of 2"
    assert "19 October 2026 · 1 day · times in Europe/Dublin" in page.text
    assert "1 of 2 queues met their target. B is furthest from it: 10.0" in page.text
    assert "<h1>Retail &amp; more</h1>" in page.html


def test_worst_queue_comes_first(path: Path) -> None:
    """By the distance from its own target; what cannot be compared comes last."""
    rows = [
        row("near", level=(79, 100)),
        row("no target", level=(1, 100), target_pct=None),
        row("good", level=(95, 100)),
        row("silent", level=(0, 0)),
        row("far", level=(85, 100), target_pct=95.0),
    ]

    queues = page_of(path, sla(rows)).queues()

    assert list(queues) == ["far", "near", "good", "no target", "silent", "All"]
    assert queues["far"][:3] == ["85.0\u202f%", "95\u202f%", "✕ missed"]
    assert queues["good"][2] == "✓ met"
    assert queues["no target"][:3] == ["1.0\u202f%", "–", "100"]  # noqa: RUF001
    assert queues["silent"][:3] == ["–", "80\u202f%", "0"]  # noqa: RUF001


def test_times_are_computed_from_sums(path: Path) -> None:
    """ASA and AHT are sums by counts; without those columns they are left out."""
    times = [(30_000, 1, 600_000, 2), (330_000, 5, 0, 0)]
    rows = [
        row("A", start, HOUR) | dict(zip(TIMES, reported, strict=True))
        for start, reported in zip(
            (midnight(MONDAY, DUBLIN) + n * HOUR for n in range(2)), times, strict=True
        )
    ]

    assert page_of(path, sla(rows)).queues()["A"][-2:] == ["1:00", "5:00"]

    bare = [{k: v for k, v in r.items() if k not in TIMES} for r in rows]
    page = page_of(path, sla(bare))

    assert page.tables["queues"][0][-1] == "Abandon rate"


def test_media_types_have_their_own_targets(path: Path) -> None:
    """A queue's calls and chats are compared each with its target."""
    rows = [
        row("A", media_type="voice", level=(9, 10)),
        row("A", media_type="chat", level=(9, 10), target_pct=95.0),
        row("A", media_type=None, level=(9, 10), target_pct=None),
    ]

    page = page_of(path, sla(rows))

    assert list(page.queues()) == ["A · chat", "A · voice", "A · other", "All"]
    assert "3 queues by media type" in page.text


def test_queues_that_are_not_distinguished_are_one(path: Path) -> None:
    """A job grouped by something else has no queue ids."""
    page = page_of(path, sla([row(queue_id=None, queue_name=None)]))

    assert list(page.queues()) == ["All queues"]
    assert "averages" not in page.texts


def test_course_of_a_week(path: Path) -> None:
    """A chart for all queues and for each; its figures are in a table too."""
    page = page_of(path, sla(week(), days=7))

    reported = "service level by day, from 10.0\u202f%"
    below = "below the target of 80\u202f% in"
    assert page.heard == [
        f"All queues: {reported} to 80.0\u202f%; {below} 1 of 7.",
        f"Sales: {reported} to 70.0\u202f%; {below} 7 of 7.",
        f"Support: {reported} to 90.0\u202f%; {below} 1 of 7.",
    ]
    head, sales, *_, everyone = page.tables["over-time"]
    assert head[1:3] == ["Mon 19 Oct", "Tue 20 Oct"]
    assert (
        sales == ["Sales", *(["70.0\u202f%"] * 2), "10.0\u202f%"] + ["70.0\u202f%"] * 4
    )
    assert everyone[3] == "10.0\u202f%"
    assert "Wed 21 Oct: 10 offered, service level 10.0\u202f%" in page.text


def test_hours_are_added_to_days_where_there_are_many(path: Path) -> None:
    """A week of hours is drawn by day, with the same figures as from days."""
    by_day = page_of(path, sla(week(), days=7))
    by_hour = page_of(path, sla(week(hourly=True), days=7))

    assert by_hour.heard == by_day.heard
    assert by_hour.tables["over-time"] == by_day.tables["over-time"]


def test_gaps_are_not_bridged(path: Path) -> None:
    """A line joins days that follow each other; a lone day is a dot."""
    days = [0, 1, 3, 5, 6]
    rows = [
        row(start=midnight(MONDAY + timedelta(days=n), DUBLIN), span=24 * HOUR)
        for n in days
    ]
    rows[-1] |= dict.fromkeys(LEVEL, 0)

    page = page_of(path, sla(rows, days=7))

    drawn = [about for tag, about in page.tags if tag == "path"]
    lines = [about["d"] for about in drawn if about["class"] == "line"]
    assert len(lines) == 1 + 1  # the key in the legend is one
    assert sum(tag == "circle" for tag, _ in page.tags) == 4 + 1


def test_many_queues_unfold_and_some_have_no_chart(path: Path) -> None:
    """The page stays readable and small; what is not drawn is said."""
    rows = [
        row(f"Q{n:02}", start, level=(n, 100))
        for n in range(70)
        for start in (midnight(MONDAY, DUBLIN), midnight(MONDAY, DUBLIN) + HOUR)
    ]

    page = page_of(path, sla(rows))

    assert len(page.queues()) == 71
    assert len(page.heard) == 61
    assert "48 more queues" in page.text
    assert "10 more queues that did better: see the table above." in page.text


def test_hours_of_the_week(path: Path) -> None:
    """Calls of the same hour of the clock are added, volume is the hour's average."""
    late = midnight(MONDAY, DUBLIN) + 9 * HOUR
    rows = [
        row(start=late, span=HOUR, level=(8, 10)),
        row(start=late + timedelta(days=8), span=HOUR, level=(1, 30)),
        row(start=late + timedelta(days=8, hours=1), span=HOUR, level=(0, 0)),
        row(start=late + timedelta(days=9, hours=2), span=HOUR, level=(99, 100)),
        row(start=late + timedelta(days=9), span=HOUR, level=(0, 0), offered=3),
    ]  # the clocks are set back between: 9 o'clock is 8 there

    page = page_of(path, sla(rows, days=14))

    level, volume = page.tables["heat"], page.tables["heat again"]
    assert level[0] == ["", "8", "9", "10"]
    assert level[1:4] == [
        ["Mon", "", "80", ""],
        ["Tue", "3", "", ""],
        ["Wed", "", "", "99"],
    ]
    assert volume[1:4] == [
        ["Mon", "", "5", ""],
        ["Tue", "15", "", ""],
        ["Wed", "1.5", "", "50"],
    ]


@pytest.mark.parametrize(
    ("goal", "key"),
    [
        pytest.param(
            80.0,
            "below 50 50 to 65 65 to 75 75 to 80 80 to 90 90 and more",
            id="usual",
        ),
        pytest.param(100.0, "below 70 70 to 85 85 to 95 95 to 100 100", id="all"),
        pytest.param(10.0, "below 5 5 to 10 10 to 55 55 and more", id="low"),
    ],
)
def test_colours_turn_at_the_target(path: Path, goal: float, key: str) -> None:
    """Blue meets it, orange misses it, whatever it is."""
    start = midnight(MONDAY, DUBLIN)
    share = goal / 100
    rows = [
        row(start=start, span=HOUR, level=(999 * share, 1000), target_pct=goal),
        row(
            start=start + HOUR,
            span=HOUR,
            level=(1000 * share, 1000),
            target_pct=goal,
        ),
    ]

    page = page_of(path, sla(rows))

    cells = [about for tag, about in page.tags if tag == "td" and "title" in about]
    assert [about["class"] for about in cells[:2]] == ["l3", "l4"]
    assert key in re.sub(r"\s+", " ", page.text)
    assert page.tables["heat"][1][1:] == [f"{goal - 1:g}", f"{goal:g}"]


def test_intervals_give_the_hours_that_sla_lacks(path: Path) -> None:
    """Days cannot be cut into hours, but intervals can be given beside them."""
    start = midnight(MONDAY, DUBLIN) + 9 * HOUR
    columns = {
        "interval_start": pa.array([start], INSTANT),
        "interval_end": pa.array([start + HOUR], INSTANT),
        "n_offered": [10],
        "o_service_level_numerator": [9.0],
        "o_service_level_denominator": [10.0],
    }
    report = sla(week(), days=7)

    def intervals(**changed: Any) -> Table:
        data = pa.table({**columns, **changed})
        return replace(
            report,
            name="intervals",
            schema=data.schema,
            batches=lambda: iter(data.to_batches()),
        )

    write(path, report, intervals())
    page = Page(path.read_text("utf-8"))
    wide = pa.array([start + 2 * HOUR], INSTANT)
    without = page_of(path, report, intervals(interval_end=wide))

    assert page.tables["heat"][1] == ["Mon", "90"]
    assert "The hours of the week are from the table intervals." in page.text
    assert "Needs hours" in without.text
    assert "Needs hours" in page_of(path, report).text
    assert "Needs hours" in page_of(path, report, sample_table(3)).text


def test_empty_range_says_what_to_check(path: Path) -> None:
    """No empty charts."""
    page = page_of(path, sla([]))

    assert "No conversations in this range" in page.text
    assert "times in Europe/Dublin" in page.text
    assert not page.heard
    assert not page.tables


def test_rows_without_calls_are_no_error(path: Path) -> None:
    """Queues that were answered for, but had nothing."""
    rows = [
        row(name, midnight(MONDAY, DUBLIN) + n * HOUR, HOUR, level=(0, 0))
        for n in range(2)
        for name in "AB"
    ]

    page = page_of(path, sla(rows))

    assert page.texts["service-level"] == "–"  # noqa: RUF001
    assert "No queue has both calls and a target" in page.text
    assert "No calls were offered." in page.text
    assert page.heard[0] == "All queues: no service level."


def test_names_are_never_markup(path: Path) -> None:
    """Whoever may name a queue may not run anything in a manager's browser."""
    page = page_of(path, sla([row(HOSTILE), row("B")]), title=HOSTILE)

    assert HOSTILE in page.queues()
    assert "script" not in {tag for tag, _ in page.tags}


def test_nothing_is_loaded_from_anywhere(path: Path) -> None:
    """The file is all there is: no address in it, and a policy against any."""
    page = page_of(path, sla(week(hourly=True), days=7))

    links = {
        value
        for _, about in page.tags
        for key, value in about.items()
        if key in {"src", "href", "srcset", "action", "data", "style", "xlink:href"}
    }
    assert links == {"#q0", "#q1"}
    assert not re.search(r"url\(|@import|https?:|//", page.html)
    policy = next(a["content"] for _, a in page.tags if "http-equiv" in a)
    assert str(policy).startswith("default-src 'none'; style-src 'sha256-")


@pytest.mark.parametrize(
    ("tables", "problem"),
    [
        pytest.param([], "at least one table", id="none"),
        pytest.param([sla([]), sample_table(0, name="x")], "no use for x", id="other"),
        pytest.param(
            [sample_table(0, name="sla")], "lacks abandoned, answered", id="lacks"
        ),
    ],
)
def test_tables_that_make_no_report_are_refused(
    path: Path, tables: list[Table], problem: str
) -> None:
    """A job that cannot be exported is refused before its first request."""
    with pytest.raises(JobError, match=problem):
        write(path, *tables)


def test_same_rows_give_the_same_bytes(path: Path) -> None:
    """However they are cut into batches."""
    table = sla(week(hourly=True), days=7)
    assert write(path, table).rows == 338
    before = path.read_bytes()
    data = table.read_all()

    write(path, replace(table, batches=lambda: iter(data.to_batches())))

    assert path.read_bytes() == before


MEASURE = """
<script>
window.blocked = [];
addEventListener("securitypolicyviolation", e => blocked.push(e.violatedDirective));
addEventListener("load", () => {
  const box = e => { const b = e.getBoundingClientRect(); return [b.width, b.height]; };
  const all = s => [...document.querySelectorAll(s)];
  const fill = s => getComputedStyle(document.querySelector(s)).fill;
  const found = {
    blocked,
    loaded: performance.getEntriesByType("resource").map(e => e.name),
    charts: all("#q0 svg, #q1 svg, .wide > svg").map(box),
    lines: all("figure .line").map(box),
    dots: all("figure .dot").map(box),
    bars: all("#queues .bar").map(box),
    cells: all(".heat td[class]").map(e => getComputedStyle(e).backgroundColor),
    fills: [fill("figure .dot.miss"), fill("#queues .bar.miss")],
    level: document.querySelector("#service-level").textContent,
    queues: all("#queues tbody th").map(e => e.innerText),
    scrolls: document.documentElement.scrollWidth - innerWidth,
    paper: getComputedStyle(document.body).backgroundColor,
  };
  document.body.textContent = "MEASURED" + JSON.stringify(found) + "END";
});
</script>
"""
"""Runs in a copy of the page, whose policy is opened for it alone."""


def chromium() -> str:
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        why = "no Chromium is installed (Debian: apt-get install chromium)"
        require("GCBATCH_REQUIRE_BROWSER", why)
    return found


def browse(path: Path, *flags: str) -> dict[str, Any]:
    copy = path.with_name("copy.html")
    html = path.read_text("utf-8")
    html = html.replace("style-src", "script-src 'unsafe-inline'; style-src", 1)
    copy.write_text(html.replace("<title>", f"{MEASURE}<title>", 1), "utf-8")
    command = [
        chromium(),
        *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic"),
        *("--no-first-run", "--disable-background-networking", "--disable-sync"),
        *("--disable-component-update", "--window-size=1200,900"),
        "--host-resolver-rules=MAP * 127.0.0.1:9",
        f"--user-data-dir={path.with_name('profile')}",
        *flags,
        "--dump-dom",
        copy.as_uri(),
    ]
    done = subprocess.run(  # noqa: S603 - a browser that we looked up
        command, capture_output=True, text=True, timeout=60, check=True
    )
    found = re.search("<body>MEASURED(.*)END</body>", done.stdout)
    assert found, done.stdout[:2000] + done.stderr[-2000:]
    reported: dict[str, Any] = json.loads(unescape(found[1]))
    return reported


@pytest.mark.slow
def test_chromium_draws_it_and_loads_nothing(path: Path) -> None:
    """Charts have a size, misses their colour, and nothing is blocked or fetched."""
    rows = [*week(hourly=True), row(HOSTILE, span=HOUR, level=(1, 10))]
    write(path, sla(sorted(rows, key=lambda r: r["period_start"]), days=7))

    seen = browse(path)

    assert seen["loaded"] == []
    assert seen["blocked"] == []
    assert seen["level"] == "69.9\u202f%"
    assert seen["queues"] == [HOSTILE, "Sales", "Support"]
    assert len(seen["charts"]) == 3
    for width, height in seen["charts"]:
        assert width > 250
        assert height > 100
    assert len(seen["lines"]) == 3  # the hostile queue had one hour, which is a dot
    assert all(width > 150 and height > 10 for width, height in seen["lines"])
    assert all(width > 3 and height > 3 for width, height in seen["dots"])
    assert [round(width, 1) for width, _ in seen["bars"]] == [12.0, 73.8, 94.4, 83.9]
    assert len(set(seen["cells"])) >= 4
    assert seen["fills"] == ["rgb(184, 71, 10)"] * 2
    assert seen["paper"] == "rgb(255, 255, 255)"
    assert seen["scrolls"] <= 0


@pytest.mark.slow
def test_chromium_shows_it_dark_and_narrow(path: Path) -> None:
    """The reader's own preference; a narrow window scrolls tables, not the page."""
    write(path, sla(week(hourly=True), days=7))

    dark = "--blink-settings=preferredColorScheme=0"
    seen = browse(path, dark, "--window-size=500,900")

    assert seen["paper"] == "rgb(20, 24, 29)"
    assert seen["scrolls"] <= 0


@pytest.mark.slow
def test_chromium_prints_it(path: Path) -> None:
    """On paper it is light and a few pages long."""
    write(path, sla(week(hourly=True), days=7))
    pdf = path.with_suffix(".pdf")
    command = [
        chromium(),
        *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"),
        f"--user-data-dir={path.with_name('profile')}",
        "--no-pdf-header-footer",
        f"--print-to-pdf={pdf}",
        path.as_uri(),
    ]

    subprocess.run(command, capture_output=True, timeout=60, check=True)  # noqa: S603

    pages = re.findall(rb"/Type\s*/Page\b", pdf.read_bytes())
    assert 1 <= len(pages) <= 3
