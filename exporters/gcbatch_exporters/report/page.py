"""The page of the report: figures and charts of the table `sla`."""

from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from importlib.resources import files
from typing import Final

from gcbatch.table import Table
from gcbatch.text import pluralize
from gcbatch_exporters.report.charts import LARGE, SMALL, bullet, course, legend
from gcbatch_exporters.report.formatting import (
    averages,
    clock,
    count,
    days,
    level_of,
    percent,
    provisional,
    span,
    target,
    verdict,
)
from gcbatch_exporters.report.heatmap import heat_section
from gcbatch_exporters.report.markup import Html, joined, tag
from gcbatch_exporters.report.summary import Figures, QueueFigures, Sums
from gcbatch_exporters.report.week_grid import Heat

__all__ = ["FOOT", "head", "report"]

OPEN_CHARTS: Final = 12
"""Small charts that are visible at once; the others unfold."""

MAX_CHARTS: Final = 60
"""Small charts in all: each takes up to 30 kB."""

FOOT: Final = Html("</main>\n</body>\n</html>\n")


def head(title: str) -> Html:
    """Return the HTML before the content; the page loads and runs nothing."""
    style = (files("gcbatch_exporters.report") / "report.css").read_text("utf-8")
    digest = b64encode(sha256(style.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; "
        "base-uri 'none'; form-action 'none'"
    )
    return joined(
        Html('<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="generator", content="gcbatch"),
        tag("title", title),
        Html(f"<style>{style}</style>\n</head>\n<body>\n<main>\n"),
    )


def report(title: str, table: Table, figures: Figures, heat: Heat | None) -> Html:
    """Return the whole page.

    Args:
        title: Heading of the page.
        table: The table `sla`, for its range and time zone.
        figures: Figures of the table.
        heat: Calls by hour of the week; None if they are not known by the hour.
    """
    zone = table.timezone
    about = [
        span(table.covered, zone),
        days(table.covered, zone),
        f"times in {zone.key}",
    ]
    parts: list[Html | None] = [
        tag(
            "header",
            tag("h1", title),
            tag("p", " · ".join(filter(None, about)), class_="range"),
            *([tag("p", note, class_="note")] if (note := provisional(table)) else []),
        )
    ]
    if figures.rows:
        parts += [
            _headline(figures),
            _compliance(figures),
            _time(figures),
            heat_section(
                heat,
                figures.usual_target,
                is_common=figures.common_target is not None,
            ),
            _method(table, heat),
        ]
    else:
        parts.append(_nothing())
    lines = (joined(part, Html("\n")) for part in parts if part is not None)
    return joined(head(title), *lines, FOOT)


def _nothing() -> Html:
    return tag(
        "section",
        tag("h2", "No conversations in this range"),
        tag("p", "The service has no data for it. Worth checking:"),
        tag(
            "ul",
            tag("li", "the range and its time zone, above"),
            tag("li", "the queues, media types and filter that the job asks for"),
            tag("li", "whether the OAuth client may see these queues' divisions"),
        ),
        class_="nothing",
    )


def _headline(figures: Figures) -> Html:
    total = figures.total
    queues = "queues by media type" if figures.by_media else "queues"
    met, missed = figures.met_count, figures.missed_count
    goal = figures.common_target
    cards = [
        (
            "service-level",
            "Service level",
            percent(total.level, below=goal),
            "targets differ by queue" if goal is None else f"target {target(goal)}",
        ),
        (
            "met",
            "Targets met",
            f"{met} of {met + missed}",
            f"{len(figures.queues)} {queues}, {missed} missed",
        ),
        ("offered", "Offered", count(total.offered), "joined a queue"),
        (
            "answered",
            "Answered",
            count(total.answered),
            f"{percent(total.answer_rate)} of offered",
        ),
        (
            "abandoned",
            "Abandon rate",
            percent(total.abandon_rate),
            f"{count(total.abandoned)} hung up waiting",
        ),
    ]
    divs = [
        tag(
            "div",
            tag("dt", name),
            tag("dd", value, id=key),
            tag("dd", note, class_="note"),
        )
        for key, name, value, note in cards
    ]
    why = averages(figures)
    return tag(
        "section",
        tag("p", verdict(figures), class_="verdict"),
        tag("dl", *divs, class_="cards"),
        why and tag("p", why, id="averages", class_="note"),
    )


def _compliance(figures: Figures) -> Html:
    numbers = ["Offered", "Answered", "Abandon rate"]
    if figures.has_times:
        numbers += ["ASA", "AHT"]
    heads = [
        tag("th", "Queue", scope="col"),
        # Level, bar, target and mark belong together; only the columns with text have a
        # heading.
        tag("th", "Service level", scope="col", class_="n"),
        tag("td"),
        tag("th", "Target", scope="col", class_="n"),
        tag("td"),
        *(tag("th", name, scope="col", class_="n") for name in numbers),
    ]
    rows = [_queue_row(figures, n, queue) for n, queue in enumerate(figures.queues)]
    total = [
        *_level_cells(figures.total, figures.common_target, None),
        *_sum_cells(figures.total, has_times=figures.has_times),
    ]
    all_of_them = tag("tr", tag("th", "All", scope="row"), *total)
    units = (
        "ASA is the average speed of answer, AHT the average handle time, both in "
        "minutes and seconds."
    )
    table = tag(
        "table",
        tag("thead", tag("tr", *heads)),
        tag("tbody", *rows),
        tag("tfoot", all_of_them) if len(rows) > 1 else None,
        id="queues",
    )
    return tag(
        "section",
        tag("h2", "Compliance by queue"),
        tag(
            "p",
            "The queue that misses its target by most comes first. ",
            units if figures.has_times else None,
            class_="note",
        ),
        tag("div", table, class_="wide"),
    )


def _queue_row(figures: Figures, number: int, queue: QueueFigures) -> Html:
    shown = len(figures.axis.steps) > 1 and number < MAX_CHARTS
    name = tag("a", queue.name, href=f"#q{number}") if shown else queue.name
    return tag(
        "tr",
        tag("th", name, scope="row"),
        *_level_cells(queue.sums, queue.target, queue.met),
        *_sum_cells(queue.sums, has_times=figures.has_times),
    )


def _level_cells(sums: Sums, goal: float | None, met: bool | None) -> list[Html]:  # noqa: FBT001 - it may be None
    return [
        tag("td", percent(sums.level, below=goal), class_="n strong"),
        tag("td", bullet(sums.level, goal)),
        tag("td", target(goal), class_="n"),
        tag("td", _mark(met)),
    ]


def _mark(met: bool | None) -> Html | None:  # noqa: FBT001 - it may be None
    if met is None:
        return None
    # Sign and word differ, not colour alone.
    sign, word = ("✓", "met") if met else ("✕", "missed")
    return tag("span", f"{sign} {word}", class_=f"mark {word}")


def _sum_cells(sums: Sums, *, has_times: bool) -> list[Html]:
    values = [
        count(sums.offered),
        count(sums.answered),
        percent(sums.abandon_rate),
        *([clock(sums.asa_s), clock(sums.aht_s)] if has_times else []),
    ]
    return [tag("td", value, class_="n") for value in values]


def _time(figures: Figures) -> Html:
    heading = tag("h2", "Service level over time")
    axis = figures.axis
    if len(axis.steps) == 1:
        quiet = "The range is one period; export a shorter period to see its course."
        return tag("section", heading, tag("p", quiet, class_="note"))
    shown = figures.queues[:MAX_CHARTS]
    panels = [_panel(figures, n, queue) for n, queue in enumerate(shown)]
    more = None
    if len(panels) > OPEN_CHARTS:
        words = pluralize(len(panels) - OPEN_CHARTS, "more queue")
        more = tag(
            "details",
            tag("summary", words),
            tag("div", *panels[OPEN_CHARTS:], class_="panels"),
        )
        hidden = f"{words} on the screen, where they unfold."
        more = joined(more, tag("p", hidden, class_="note paper"))
    left = len(figures.queues) - len(shown)
    rest = None
    if left:
        words = f"{pluralize(left, 'more queue')} that did better: see the table above."
        rest = tag("p", words, class_="note")
    over_all = None
    if len(figures.queues) > 1:
        goal = figures.common_target
        chart = course(LARGE, axis, figures.by_step, goal, "All queues")
        chart = tag("div", chart, class_="wide")
        over_all = tag("figure", tag("figcaption", tag("b", "All queues")), chart)
    return tag(
        "section",
        heading,
        tag("p", legend(axis), class_="note legend"),
        over_all,
        tag("div", *panels[:OPEN_CHARTS], class_="panels"),
        more,
        rest,
        _figures_of(figures, shown),
    )


def _panel(figures: Figures, number: int, queue: QueueFigures) -> Html:
    text = f"{level_of(queue)}, "
    text += "no target" if queue.target is None else f"target {target(queue.target)}"
    caption = tag(
        "figcaption", tag("b", queue.name), tag("span", f"{text} ", _mark(queue.met))
    )
    chart = course(SMALL, figures.axis, queue.by_step, queue.target, queue.name)
    return tag("figure", caption, chart, id=f"q{number}")


def _figures_of(figures: Figures, shown: Sequence[QueueFigures]) -> Html:
    axis = figures.axis
    steps = range(len(axis.steps))
    heads = [tag("th", axis.label(n), scope="col", class_="n") for n in steps]
    named = [(queue.name, queue.by_step) for queue in shown]
    if len(shown) == len(figures.queues) > 1:
        named.append(("All queues", figures.by_step))
    rows = [
        tag(
            "tr",
            tag("th", name, scope="row"),
            *(
                tag("td", percent(by_step.get(n, Sums()).level), class_="n")
                for n in steps
            ),
        )
        for name, by_step in named
    ]
    table = tag(
        "table",
        tag("thead", tag("tr", tag("th", "Queue", scope="col"), *heads)),
        tag("tbody", *rows),
        id="over-time",
    )
    return tag(
        "details",
        tag("summary", "The figures of these charts"),
        tag("div", table, class_="wide"),
    )


def _method(table: Table, heat: Heat | None) -> Html:
    hours = (
        f" The hours of the week are from the table {heat.table}."
        if heat is not None and heat.table != table.name
        else ""
    )
    return tag(
        "footer",
        tag(
            "p",
            "Service level is the calls answered in time divided by the calls that "
            "count for it, both added up first. Days and hours are those of "
            f"{table.timezone.key}.{hours}",
        ),
        tag("p", f"Made by gcbatch from table {table.name}, run {table.run_id}."),
    )
