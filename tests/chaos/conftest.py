"""Adds up what happened to all seeds, over all processes of a run."""

from collections import Counter
from typing import Any

import pytest

TITLES = {
    "outcome": "runs that were left to end",
    "runs": "all runs",
    "struck": "faults that struck",
    "job files": "mutated job files",
    "answers": "mutated answers",
    "objects": "uses of objects",
    "object runs": "runs into an object store",
    "struck objects": "faults that struck requests to an object store",
}


def pytest_terminal_summary(terminalreporter: Any) -> None:
    tallies: dict[str, Counter[str]] = {title: Counter() for title in TITLES}
    for reports in terminalreporter.stats.values():
        for report in reports:
            if getattr(report, "when", None) != "call":
                continue
            for name, counts in report.user_properties:
                if name in tallies:
                    tallies[name].update(counts)
    for name, counts in tallies.items():
        if counts:
            said = ", ".join(f"{what} {n:,}" for what, n in counts.most_common())
            terminalreporter.write_line(f"{TITLES[name]}: {counts.total():,}: {said}")


@pytest.fixture
def tell(record_property: Any) -> Any:
    """Note counts for the tally: a title of TITLES, and a counter."""
    return lambda title, counts: record_property(title, dict(counts))
