"""Joins spans that are to be fetched again, so that one command can name them."""

from collections.abc import Iterable
from itertools import pairwise
from typing import Final

from gcbatch.windows import Window

__all__ = ["joined_spans"]

MAX_SPANS: Final = 8
"""Spans that a command names; of more, those that are closest become one."""


def joined_spans(windows: Iterable[Window], at_most: int = MAX_SPANS) -> list[Window]:
    """Return spans that have all of some windows, in order; they do not touch.

    Args:
        windows: In any order; they may overlap.
        at_most: How many spans there are at most; at least 1.
    """
    spans: list[Window] = []
    for window in sorted(windows):
        if spans and window.start <= spans[-1].end:
            last = spans.pop()
            window = Window(last.start, max(last.end, window.end))  # noqa: PLW2901 - with what it touches
        spans.append(window)
    while len(spans) > at_most:
        gaps = [b.start - a.end for a, b in pairwise(spans)]
        at = gaps.index(min(gaps))
        spans[at : at + 2] = [Window(spans[at].start, spans[at + 1].end)]
    return spans
