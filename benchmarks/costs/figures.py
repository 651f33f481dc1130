"""The figures that are recorded, and what is found held against them."""

import json
import platform
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from benchmarks.findings import Verdict

__all__ = ["FIGURES", "RECORD", "Costs", "judged", "record", "recorded"]

FIGURES: Final = Path(__file__).with_name("figures.json")
"""By processor and Python: costs by name."""

RECORD: Final = "python -m benchmarks.costs --record"

MOST: Final = 0.05
"""Two counts may differ by so much, either way.

The same code comes within 1 % of itself, also on a machine at work.
"""

Costs = Mapping[str, float]
"""What work takes as a multiple of its yardstick, by name."""


def here() -> str:
    """Return what figures are comparable with."""
    major, minor = sys.version_info[:2]
    return f"{platform.machine()}, Python {major}.{minor}"


def recorded(path: Path = FIGURES) -> Costs:
    """Return the figures of this processor and Python; empty where there are none."""
    found: dict[str, dict[str, float]] = json.loads(path.read_text("utf-8"))
    return found.get(here(), {})


def record(found: Costs, path: Path = FIGURES) -> None:
    """Take what was found as what is right; figures of others stay."""
    known = json.loads(path.read_text("utf-8")) if path.exists() else {}
    known[here()] = {name: round(cost, 4) for name, cost in found.items()}
    path.write_text(json.dumps(known, indent=2, sort_keys=True) + "\n", "utf-8")


def judged(known: Costs, found: Costs) -> list[Verdict]:
    """Hold what was found against what is recorded.

    What takes less is refused like what takes more: it would otherwise be free to take
    more again, and nobody would see.

    Args:
        known: What is recorded.
        found: What was counted.

    Returns:
        A verdict for each name of either, by name.
    """
    return [
        _verdict(name, known.get(name), found.get(name))
        for name in sorted(known.keys() | found.keys())
    ]


def _verdict(name: str, known: float | None, found: float | None) -> Verdict:
    if known is None or found is None:
        missing = "recorded" if known is None else "counted"
        return Verdict(f"{name}: is not {missing}", is_met=False)
    change = found / known - 1
    said = (
        f"{name}: {found:.3f} of its yardstick, recorded {known:.3f} "
        f"({change:+.1%}, at most {MOST:.0%} either way)"
    )
    return Verdict(said, is_met=abs(change) <= MOST)
