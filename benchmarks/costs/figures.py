"""The recorded figures, and the comparison with them."""

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

MAX_CHANGE: Final = 0.05
"""Maximum difference between two counts, up or down.

The same code differs by less than 1 %, on a busy machine too.
"""

Costs = Mapping[str, float]
"""The cost of workloads as a multiple of their yardstick, by name."""


def here() -> str:
    """Return the key of comparable figures: processor and Python."""
    major, minor = sys.version_info[:2]
    return f"{platform.machine()}, Python {major}.{minor}"


def recorded(path: Path = FIGURES) -> Costs:
    """Return the figures of this processor and Python; empty without any."""
    found: dict[str, dict[str, float]] = json.loads(path.read_text("utf-8"))
    return found.get(here(), {})


def record(found: Costs, path: Path = FIGURES) -> None:
    """Record what was found; figures of other processors and Pythons stay."""
    known = json.loads(path.read_text("utf-8")) if path.exists() else {}
    known[here()] = {name: round(cost, 4) for name, cost in found.items()}
    path.write_text(json.dumps(known, indent=2, sort_keys=True) + "\n", "utf-8")


def judged(known: Costs, found: Costs) -> list[Verdict]:
    """Compare what was found with what is recorded.

    A lower figure is refused like a higher one: otherwise it could rise again unseen.

    Args:
        known: The recorded figures.
        found: The counted ones.

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
    text = (
        f"{name}: {found:.3f} of its yardstick, recorded {known:.3f} "
        f"({change:+.1%}, at most {MAX_CHANGE:.0%} either way)"
    )
    return Verdict(text, is_met=abs(change) <= MAX_CHANGE)
