"""Marks for valgrind: between two of them instructions are counted."""

import gc
import json
import os
from collections.abc import Callable
from pathlib import Path

from benchmarks.costs.counting import MARKS, YARDSTICK

__all__ = ["Marks"]


class Marks:
    """The label of each mark, in order; empty if nothing is to be counted.

    Each call of os.getsid, which nothing else calls, is a mark.
    """

    def __init__(self) -> None:
        self._labels: list[str] = []

    def compare(
        self,
        label: str,
        work: Callable[[], object],
        yardstick: Callable[[], object],
        times: int,
    ) -> None:
        """Run both, each *times* times between its own marks."""
        self.count(label + YARDSTICK, yardstick, times)
        self.count(label, work, times)

    def count(self, label: str, work: Callable[[], object], times: int = 1) -> None:
        """Run it *times* times between its own marks."""
        gc.collect()
        self._mark("")
        for _ in range(times):
            work()
        self._mark(label)

    def _mark(self, label: str) -> None:
        os.getsid(0)
        self._labels.append(label)

    def write(self, folder: Path) -> None:
        """Write the labels to the folder."""
        (folder / MARKS).write_text(json.dumps(self._labels), "utf-8")
