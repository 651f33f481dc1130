"""Draws charts as inline SVG; their colours come from the page's style."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from gcbatch_exporters.report.formatting import count, percent, target
from gcbatch_exporters.report.markup import Html, joined, tag
from gcbatch_exporters.report.summary import Sums
from gcbatch_exporters.report.time_axis import Axis

__all__ = ["LARGE", "SMALL", "Frame", "bullet", "course", "legend"]

_MAX_DOTS: Final = 45
"""With more steps, only misses and lone points have a dot."""

_MAX_LABELS: Final = 9
"""Labels below a large chart."""


@dataclass(frozen=True, slots=True)
class Frame:
    """The geometry of a chart, in units of its view box.

    Args:
        width, height: Size of the chart.
        left, right: Edges of the drawing area.
        top, bottom: Heights of 100 % and 0 %.
        base: Foot of the bars, which stand below the lines.
        levels: Percentages that have a grid line.
        dot: Radius of a dot.
    """

    width: float
    height: float
    left: float
    right: float
    top: float
    bottom: float
    base: float
    levels: tuple[int, ...]
    dot: float

    def x(self, share: float) -> float:
        """Return the position of *share* of the range, 0 to 1."""
        return self.left + share * (self.right - self.left)

    def y(self, level: float) -> float:
        """Return the height of a service level in percent."""
        return self.bottom - level / 100 * (self.bottom - self.top)

    def bar(self, part: float) -> float:
        """Return the height of a bar, *part* of the highest."""
        return part * (self.base - self.bottom - 14)


LARGE: Final = Frame(
    *(1040, 256), *(42, 1036), *(8, 166), 228, (0, 25, 50, 75, 100), 3.5
)
SMALL: Final = Frame(*(320, 156), *(42, 316), *(8, 92), 132, (0, 50, 100), 3)


def bullet(level: float | None, goal: float | None) -> Html:
    """Return a bar with a mark at its target, without numbers.

    Args:
        level: Service level in percent; None draws no bar.
        goal: The target in percent; None draws no mark.
    """
    state = "bar miss" if goal is not None and (level or 0) < goal else "bar"
    parts = [tag("rect", class_="track", y=3, width=120, height=8, rx=1)]
    if level is not None:
        width = max(level * 1.2, 0.5)
        parts.append(tag("rect", class_=state, y=3, width=width, height=8, rx=1))
    if goal is not None:
        mark = goal * 1.2
        parts.append(tag("path", class_="goal", d=f"M{mark:g} 0V14"))
    box = {"viewBox": "0 0 120 14", "width": "120", "height": "14"}
    return tag("svg", *parts, class_="bullet", aria_hidden="true", **box)


def course(
    frame: Frame, axis: Axis, by_step: Mapping[int, Sums], goal: float | None, name: str
) -> Html:
    """Return the service level over time with its target, above the calls offered.

    Args:
        frame: Geometry of the chart.
        axis: Steps of time.
        by_step: Sums by the number of the step; a step without sums is a gap.
        goal: The target in percent; None draws no line.
        name: The queue, for screen readers.
    """
    parts = [*_grid(frame), *_bars(frame, axis, by_step), *_lines(frame, axis, by_step)]
    if goal is not None:
        y = frame.y(goal)
        line = f"M{frame.left:g} {y:g}H{frame.right:g}"
        parts.append(tag("path", class_="goal", d=line))
    parts += _dots(frame, axis, by_step, goal)
    parts += _labels(frame, axis)
    return tag(
        "svg",
        *parts,
        class_="course",
        role="img",
        aria_label=_description(axis, by_step, goal, name),
        viewBox=f"0 0 {frame.width:g} {frame.height:g}",
    )


def _description(
    axis: Axis, by_step: Mapping[int, Sums], goal: float | None, name: str
) -> str:
    levels = [s.level for s in by_step.values() if s.level is not None]
    if not levels:
        return f"{name}: no service level."
    text = (
        f"{name}: service level by {axis.noun}, "
        f"from {percent(min(levels))} to {percent(max(levels))}"
    )
    if goal is None:
        return f"{text}."
    missed = sum(level < goal for level in levels)
    return f"{text}; below the target of {target(goal)} in {missed} of {len(levels)}."


def _grid(frame: Frame) -> Iterator[Html]:
    for level in frame.levels:
        y = frame.y(level)
        yield tag("path", class_="grid", d=f"M{frame.left:g} {y:g}H{frame.right:g}")
        x = frame.left - 5
        yield tag("text", f"{level}", class_="end", x=x, y=y + 3.5)


def _middle(frame: Frame, axis: Axis, number: int) -> float:
    step = axis.steps[number]
    return frame.x((axis.place(step.start) + axis.place(step.end)) / 2)


def _lines(frame: Frame, axis: Axis, by_step: Mapping[int, Sums]) -> Iterator[Html]:
    for run in axis.runs:
        line = ""
        for number in run:
            level = by_step[number].level if number in by_step else None
            if level is None:
                yield from _line(line)
                line = ""
            else:
                x, y = _middle(frame, axis, number), frame.y(level)
                line += f"{'L' if line else 'M'}{x:.1f} {y:.1f}"
        yield from _line(line)


def _line(path: str) -> Iterator[Html]:
    if "L" in path:  # a lone point has a dot and no line
        yield tag("path", class_="line", d=path)


def _bars(frame: Frame, axis: Axis, by_step: Mapping[int, Sums]) -> Iterator[Html]:
    highest = max((sums.offered for sums in by_step.values()), default=0)
    path = ""
    for number, sums in sorted(by_step.items()):
        if not sums.offered:
            continue
        step = axis.steps[number]
        left, right = (frame.x(axis.place(at)) for at in (step.start, step.end))
        gap = min(2.0, (right - left) / 4)
        high = max(frame.bar(sums.offered / highest), 0.5)
        path += (
            f"M{left + gap / 2:.1f} {frame.base:g}v-{high:.1f}"
            f"h{right - left - gap:.1f}v{high:.1f}z"
        )
    if path:
        yield tag("path", class_="calls", d=path)
        y = frame.base - frame.bar(1) + 8
        yield tag("text", _shortly(highest), class_="end", x=frame.left - 5, y=y)
    foot = f"M{frame.left:g} {frame.base:g}H{frame.right:g}"
    yield tag("path", class_="grid", d=foot)


def _shortly(number: float) -> str:
    short = 10_000
    return count(number) if number < short else f"{count(number / 1000)}k"


def _dots(
    frame: Frame, axis: Axis, by_step: Mapping[int, Sums], goal: float | None
) -> Iterator[Html]:
    """Yield for each step its dot, and an area that shows its figures on hover."""
    for number, sums in sorted(by_step.items()):
        step = axis.steps[number]
        left, right = (frame.x(axis.place(at)) for at in (step.start, step.end))
        text = f"{axis.label(number)}: {count(sums.offered)} offered"
        dot = None
        if (level := sums.level) is not None:
            text = f"{text}, service level {percent(level, below=goal)}"
            missed = goal is not None and level < goal
            alone = len(axis.steps) <= _MAX_DOTS or _is_alone(axis, by_step, number)
            if missed or alone:
                dot = tag(
                    "circle",
                    class_="dot miss" if missed else "dot",
                    cx=_middle(frame, axis, number),
                    cy=frame.y(level),
                    r=frame.dot if len(axis.steps) <= _MAX_DOTS else frame.dot - 1,
                )
        area = tag(
            "rect",
            class_="hit",
            x=left,
            y=frame.top,
            width=right - left,
            height=frame.base - frame.top,
        )
        yield tag("g", tag("title", text), area, dot)


def _is_alone(axis: Axis, by_step: Mapping[int, Sums], number: int) -> bool:
    (run,) = (run for run in axis.runs if number in run)
    beside = [n for n in (number - 1, number + 1) if n in run and n in by_step]
    return all(by_step[n].level is None for n in beside)


def _labels(frame: Frame, axis: Axis) -> Iterator[Html]:
    y = frame.height - 6
    last = len(axis.steps) - 1
    if frame is SMALL:
        yield tag("text", axis.mark(0), x=frame.left, y=y)
        yield tag("text", axis.mark(last), class_="end", x=frame.right, y=y)
        return
    for number in range(0, last + 1, last // _MAX_LABELS + 1):
        x = _middle(frame, axis, number)
        yield tag("text", axis.mark(number), class_="middle", x=x, y=y)


def legend(axis: Axis) -> Html:
    """Return the legend of a course."""
    box = {"viewBox": "0 0 26 12", "width": "26", "height": "12"}

    def key(shape: Html, words: str) -> Html:
        drawn = tag("svg", shape, aria_hidden="true", class_="key", **box)
        return tag("span", drawn, f" {words}")

    return joined(
        key(tag("path", class_="line", d="M1 6H25"), f"service level by {axis.noun}"),
        key(tag("path", class_="goal", d="M1 6H25"), "target"),
        key(tag("circle", class_="dot miss", cx=13, cy=6, r=3.5), "below target"),
        key(tag("path", class_="calls", d="M7 12V3H19V12z"), "calls offered"),
    )
