"""What a run shows while it runs: a bar on a terminal, log lines elsewhere."""

import io
import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console

from gcbatch.cli.progress import BarProgress, LogProgress
from gcbatch.query import Query, make_query
from gcbatch.windows import Window

START = datetime(2026, 10, 1, tzinfo=UTC)


def query() -> Query:
    return make_query("org", "x", Window(START, START + timedelta(days=1)), b"{}")


class Clock:
    """A clock that tests turn."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def shown(bar: BarProgress, terminal: io.StringIO) -> str:
    """Return what the terminal shows after drawing again."""
    terminal.truncate(0)
    bar._live.refresh()
    return terminal.getvalue()


@pytest.fixture
def terminal() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def bar(terminal: io.StringIO, clock: Clock) -> BarProgress:
    return BarProgress(
        Console(file=terminal, force_terminal=True, width=120), clock=clock
    )


def test_the_bar_counts_queries(bar: BarProgress, terminal: io.StringIO) -> None:
    """Those that are stored already are done from the start."""
    with bar:
        bar.planned("retail", total=10, stored=4, per_minute=300)
        bar.fetched(query(), rows=7)

        text = shown(bar, terminal)

    assert "retail" in text
    assert "5/10" in text


def test_the_bar_shows_the_rate_against_the_quota(
    bar: BarProgress, terminal: io.StringIO, clock: Clock
) -> None:
    """When there is something to compute it from; stored queries do not count."""
    with bar:
        bar.planned("retail", total=100, stored=50, per_minute=300)
        bar.fetched(query(), rows=7)
        early = shown(bar, terminal)
        clock.now = 12.0
        for _ in range(47):
            bar.fetched(query(), rows=7)
        late = shown(bar, terminal)

    assert "300 a minute" in early
    assert "240 of 300 a minute" in late


def test_the_bar_shows_throttles_and_waits(
    bar: BarProgress, terminal: io.StringIO
) -> None:
    """How often, and for how long just now."""
    with bar:
        bar.planned("retail", total=10, stored=0, per_minute=300)
        bar.waiting(7.0, "429")
        bar.waiting(3.0, "503")

        text = shown(bar, terminal)

    assert "throttled: 1, waiting 3 s (503)" in text


def test_a_wait_before_the_bar_is_shown_too(
    bar: BarProgress, terminal: io.StringIO
) -> None:
    """A listing may have to be repeated before anything is planned."""
    with bar:
        bar.waiting(12.0, "503")

    assert "waiting 12 s (503)" in terminal.getvalue()


def test_each_job_has_a_bar_of_its_own(bar: BarProgress, terminal: io.StringIO) -> None:
    """A finished one goes."""
    with bar:
        bar.planned("one", total=1, stored=1, per_minute=300)
        bar.finished()
        bar.finished()
        bar.planned("two", total=1, stored=0, per_minute=300)

        text = shown(bar, terminal)

    assert "two" in text
    assert "one" not in text


def test_log_lines_are_few(caplog: pytest.LogCaptureFixture, clock: Clock) -> None:
    """One at the start, one at the end, and one each ten seconds between."""
    progress = LogProgress(clock=clock)
    with caplog.at_level(logging.INFO, logger="gcbatch"):
        progress.planned("retail", total=40, stored=0, per_minute=300)
        for second in range(40):
            clock.now = float(second)
            progress.fetched(query(), rows=1)
        progress.waiting(2.0, "timeout")
        progress.finished()

    assert len(caplog.messages) == 1 + 3 + 1 + 1
    assert caplog.messages[0] == "retail: 40 queries, 0 of them stored"
    assert "waiting 2.0 s (timeout)" in caplog.messages[-2]
    assert caplog.messages[-1].startswith("retail: 40 of 40, ")


def test_nothing_done_is_nothing_to_say(
    caplog: pytest.LogCaptureFixture, clock: Clock
) -> None:
    """Where all was stored, the first line was enough."""
    progress = LogProgress(clock=clock)
    with caplog.at_level(logging.INFO, logger="gcbatch"):
        progress.planned("retail", total=4, stored=4, per_minute=300)
        progress.finished()

    assert len(caplog.messages) == 1


def test_the_bar_has_a_line_for_each_export(
    bar: BarProgress, terminal: io.StringIO
) -> None:
    """While it is being written, side by side with others."""
    with bar:
        bar.planned("retail", total=1, stored=1, per_minute=300)
        bar.finished()
        bar.exporting("duckdb intervals", 0)
        bar.exporting("csv [intervals]", 1)
        bar.exporting("duckdb intervals", 1_234_000)
        both = shown(bar, terminal)
        bar.exported("csv [intervals]", 1)
        one = shown(bar, terminal)
        bar.exported("duckdb intervals", 1_234_000)
        bar.exported("never begun", 0)
        none = shown(bar, terminal)

    assert "duckdb intervals: 1,234,000 rows" in both
    assert "csv [intervals]: 1 row" in both
    assert "csv" not in one
    assert "duckdb" in one
    assert "duckdb" not in none


def test_log_lines_of_exports_are_few(
    caplog: pytest.LogCaptureFixture, clock: Clock
) -> None:
    """One each ten seconds and export, and one at the end of a long one."""
    progress = LogProgress(clock=clock)
    with caplog.at_level(logging.INFO, logger="gcbatch"):
        progress.exporting("short", 0)
        progress.exporting("long", 0)
        for tenth in range(250):
            clock.now = tenth / 10
            progress.exporting("long", 1_000 * tenth)
            if tenth == 50:
                progress.exported("short", 7)
        progress.exported("long", 250_000)

    assert caplog.messages == [
        "long: 100,000 rows",
        "long: 200,000 rows",
        "long: 250,000 rows",
    ]


def test_exports_report_from_threads(
    bar: BarProgress, caplog: pytest.LogCaptureFixture
) -> None:
    """Both kinds of progress end with no line, whoever was first."""
    progress = LogProgress()
    with bar, ThreadPoolExecutor(8) as pool:
        for number in range(200):
            pool.submit(bar.exporting, f"{number % 20}", number)
            pool.submit(progress.exporting, f"{number % 20}", number)
    for number in range(20):
        bar.exported(f"{number}", 1)
        progress.exported(f"{number}", 1)

    assert not bar._lines.tasks
    assert not progress._exports
    assert not caplog.messages
