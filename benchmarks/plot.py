"""Draws CPU and memory of all clients; needs matplotlib.

`python plot.py FIGURES PATH` reads the bars of findings.py as JSON and writes an SVG.
The same figures give the same bytes.
"""

import json
import math
import sys
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl

mpl.use("svg")

from matplotlib import pyplot as plt

OURS: Final = "gcbatch"
INK: Final = "#222222"
COLOURS: Final = {True: "#0072b2", False: "#9a9a9a"}
"""Of gcbatch and of all others: different in lightness too."""

MEASURES: Final = (
    ("cpu_us", "microseconds of CPU for an extra row", "{:,.1f}"),
    ("peak_mb", "peak memory, MB", "{:,.0f}"),
)


def draw(bars: list[dict[str, Any]], path: Path) -> None:
    """Draw a panel for each work and measure.

    Args:
        bars: Those of findings.py.
        path: Where the picture goes.
    """
    mpl.rcParams.update(
        {
            "svg.hashsalt": "gcbatch",
            "svg.fonttype": "none",
            "font.family": "sans-serif",
            "font.size": 9,
            "text.color": INK,
        }
    )
    works = list(dict.fromkeys(bar["work"] for bar in bars))
    heights = [sum(bar["work"] == work for bar in bars) for work in works]
    figure, axes = plt.subplots(
        len(works),
        len(MEASURES),
        figsize=(9.5, 0.9 * len(works) + 0.3 * sum(heights)),
        gridspec_kw={"height_ratios": heights},
        squeeze=False,
        layout="constrained",
    )
    figure.patch.set_facecolor("white")
    for row, work in zip(axes, works, strict=True):
        some = [bar for bar in bars if bar["work"] == work]
        some.sort(key=lambda bar: bar["cpu_us"], reverse=True)
        for panel, (key, label, form) in zip(row, MEASURES, strict=True):
            fill(panel, some, key, form, limits_of([bar[key] for bar in bars]))
            panel.set_xlabel(f"{label} (log scale)")
        row[0].set_title(work, loc="left", fontweight="bold")
        row[1].set_yticklabels([])
    figure.savefig(path, metadata={"Date": None})


def limits_of(values: list[float]) -> tuple[float, float]:
    """Return the ends of an axis: a power of ten, and space for the longest figure."""
    return 10 ** math.floor(math.log10(min(values))), max(values) * 4


def fill(
    panel: Any,
    bars: list[dict[str, Any]],
    key: str,
    form: str,
    limits: tuple[float, float],
) -> None:
    """Draw the bars of one panel, each with its figure."""
    values = [bar[key] for bar in bars]
    drawn = panel.barh(
        [bar["client"] for bar in bars],
        values,
        color=[COLOURS[bar["client"] == OURS] for bar in bars],
        height=0.7,
    )
    panel.bar_label(drawn, [form.format(value) for value in values], padding=3)
    panel.set_xscale("log")
    panel.set_xlim(*limits)
    panel.xaxis.set_major_formatter("{x:,.0f}")
    panel.minorticks_off()
    panel.spines[["top", "right", "left"]].set_visible(False)
    panel.tick_params(axis="y", length=0)
    panel.grid(axis="x", color="#e4e4e4", linewidth=0.6)
    panel.set_axisbelow(True)


def main() -> None:
    """Draw the figures that the command line names."""
    figures, path = map(Path, sys.argv[1:])
    draw(json.loads(figures.read_text("utf-8")), path)


if __name__ == "__main__":
    main()
