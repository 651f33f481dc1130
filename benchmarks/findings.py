"""The findings of a benchmark: a table, and targets that are met or missed."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

__all__ = ["Bar", "Findings", "Gain", "Verdict", "spread"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """One target, and its measured value.

    Args:
        text: Both, in a line.
        is_met: Whether it is met.
        is_exact: Whether it applies to a short measurement too.
    """

    text: str
    is_met: bool
    is_exact: bool = False

    def __str__(self) -> str:
        return f"{self.text}: {'met' if self.is_met else 'MISSED'}"


@dataclass(frozen=True, slots=True)
class Bar:
    """The bars of one client in the plot.

    Args:
        work: The benchmark.
        client: Its name.
        cpu_us: Microseconds of CPU for an extra row.
        peak_mb: Maximum memory, in units of 2**20 bytes.
    """

    work: str
    client: str
    cpu_us: float
    peak_mb: float


@dataclass(frozen=True, slots=True)
class Gain:
    """What a user gains, in a line of the table at the top of the page.

    Args:
        work: The work.
        ours: What gcbatch spends on it.
        others: What others spend on it, in multiples of that.
    """

    work: str
    ours: str
    others: str


@dataclass(frozen=True, slots=True)
class Findings:
    """The findings of one benchmark.

    Args:
        title: What was measured.
        lines: A table in plain text.
        verdicts: The targets.
        bars: For the plot, the best first.
        gains: For the table at the top of the page.
    """

    title: str
    lines: tuple[str, ...]
    verdicts: tuple[Verdict, ...] = ()
    bars: tuple[Bar, ...] = ()
    gains: tuple[Gain, ...] = ()


def spread(found: Sequence[float], digits: int = 2) -> str:
    """Return the median of some rounds, with their minimum and maximum."""
    values = (
        f"{value:.{digits}f}" for value in (median(found), min(found), max(found))
    )
    return "{} ({} to {})".format(*values)
