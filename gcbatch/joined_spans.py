"""Joins spans of time that touch, or are close."""

from collections.abc import Iterable
from itertools import pairwise

from gcbatch.windows import Window

__all__ = ["joined_spans"]


def joined_spans(windows: Iterable[Window], at_most: int | None = None) -> list[Window]:
    """Return spans that have all of some windows, in order; they do not touch.

    Args:
        windows: In any order; they may overlap.
        at_most: How many spans there are at most, at least 1; of more, those that are
            closest become one. None is any number.
    """
    spans: list[Window] = []
    for window in sorted(windows):
        if spans and window.start <= spans[-1].end:
            last = spans.pop()
            window = Window(last.start, max(last.end, window.end))  # noqa: PLW2901 - with what it touches
        spans.append(window)
    while at_most is not None and len(spans) > at_most:
        gaps = [b.start - a.end for a, b in pairwise(spans)]
        at = gaps.index(min(gaps))
        spans[at : at + 2] = [Window(spans[at].start, spans[at + 1].end)]
    return spans
