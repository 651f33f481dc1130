"""What a benchmark found: a table to read, and targets that are met or missed."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

__all__ = ["Findings", "Verdict", "spread"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """One target, and what was measured.

    Args:
        said: Both, in a line.
        is_met: Whether it is met.
    """

    said: str
    is_met: bool

    def __str__(self) -> str:
        return f"{self.said}: {'met' if self.is_met else 'MISSED'}"


@dataclass(frozen=True, slots=True)
class Findings:
    """What one benchmark found.

    Args:
        title: What was measured.
        lines: A table, in a fixed pitch.
        verdicts: The targets.
    """

    title: str
    lines: tuple[str, ...]
    verdicts: tuple[Verdict, ...] = ()


def spread(found: Sequence[float], digits: int = 2) -> str:
    """Return the median of some rounds, with the least and the most of them."""
    said = (f"{value:.{digits}f}" for value in (median(found), min(found), max(found)))
    return "{} ({} to {})".format(*said)
