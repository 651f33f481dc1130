"""What a benchmark found: a table to read, and targets that are met or missed."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

__all__ = ["Bar", "Findings", "Verdict", "spread"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """One target, and what was measured.

    Args:
        said: Both, in a line.
        is_met: Whether it is met.
        is_exact: Whether it holds however little is measured.
    """

    said: str
    is_met: bool
    is_exact: bool = False

    def __str__(self) -> str:
        return f"{self.said}: {'met' if self.is_met else 'MISSED'}"


@dataclass(frozen=True, slots=True)
class Bar:
    """What the plot shows of one client.

    Args:
        work: What was done.
        client: By whom.
        cpu_us: Microseconds of CPU for a row more.
        peak_mb: Most memory at once, in units of 2**20 bytes.
    """

    work: str
    client: str
    cpu_us: float
    peak_mb: float


@dataclass(frozen=True, slots=True)
class Findings:
    """What one benchmark found.

    Args:
        title: What was measured.
        lines: A table, in a fixed pitch.
        verdicts: The targets.
        bars: For the plot, the best first.
    """

    title: str
    lines: tuple[str, ...]
    verdicts: tuple[Verdict, ...] = ()
    bars: tuple[Bar, ...] = ()


def spread(found: Sequence[float], digits: int = 2) -> str:
    """Return the median of some rounds, with the least and the most of them."""
    said = (f"{value:.{digits}f}" for value in (median(found), min(found), max(found)))
    return "{} ({} to {})".format(*said)
