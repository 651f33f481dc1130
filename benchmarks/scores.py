"""Turns runs into tables: rows, requests, and costs. Pure."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.clients import ANY_ORDER, LOOP, OURS, TO_PARTS
from benchmarks.contest import Run
from benchmarks.findings import Bar, Gain, Verdict, spread

__all__ = ["Scores", "at_least", "at_most", "peak_at_most", "ratios"]

Runs = Mapping[tuple[str, int], Sequence[Run]]


@dataclass(frozen=True)
class Scores:
    """The runs of one contest.

    Args:
        runs: By client and rows.
        common: Rows of the load that all clients did.
    """

    runs: Runs
    common: int

    @property
    def clients(self) -> list[str]:
        """All clients, gcbatch first, then by the CPU of the common load."""
        names = dict.fromkeys(name for name, _ in self.runs)
        by_cpu = {
            name: median(self.cpu_s(name, self.common) or [1e9]) for name in names
        }
        return sorted(names, key=lambda name: (name != OURS, by_cpu[name]))

    def sizes(self, client: str) -> list[int]:
        """Return the rows of the loads of a client, the smallest first."""
        return sorted(rows for name, rows in self.runs if name == client)

    def cpu_s(self, client: str, rows: int) -> list[float]:
        """Return the seconds of CPU of each round; empty if one failed."""
        found = self.runs.get((client, rows), ())
        spent = [run.spent.cpu_s for run in found if run.spent]
        return spent if len(spent) == len(found) else []

    def marginal_us(self, client: str) -> list[float]:
        """Return the cost of an extra row in each round, in microseconds of CPU.

        It is the difference between the two largest loads; empty if a run failed.
        """
        *_, small, large = [0, *self.sizes(client)]
        few, many = self.cpu_s(client, small), self.cpu_s(client, large)
        if len(few) != len(many):
            return []
        return [(b - a) / (large - small) * 1e6 for a, b in zip(few, many, strict=True)]

    def peaks_mb(self, client: str) -> list[float]:
        """Return the maximum memory of each run that did not fail."""
        return [run.spent.peak_mb for run in self._of(client) if run.spent]

    def problems(self, client: str) -> list[str]:
        """Return the problems of a client's rows, each once."""
        found = (run.problem for run in self._of(client))
        return list(dict.fromkeys(filter(None, found)))

    def _of(self, client: str) -> Iterator[Run]:
        """Yield all runs of a client."""
        for (name, _), runs in self.runs.items():
            if name == client:
                yield from runs

    def table(self) -> Iterator[str]:
        """Yield a line for each client and load; CPU and wall time are medians."""
        yield (
            f"{'':27}{'rows':>10}{'right':>7}{'requests':>10}{'429':>5}"
            f"{'CPU s':>9}{'us/row':>8}{'peak MB':>9}{'wall s':>8}"
        )
        for client in self.clients:
            for rows in self.sizes(client):
                yield self._line(client, rows)
        for client in self.clients:
            for problem in self.problems(client):
                yield f"{client}: {problem}"

    def _line(self, client: str, rows: int) -> str:
        runs = self.runs[client, rows]
        spent = [run.spent for run in runs if run.spent]
        line = (
            f"{client:27}{rows:10,}{'no' if any(r.problem for r in runs) else 'yes':>7}"
            f"{median(run.asked.requests for run in runs):10,.0f}"
            f"{median(run.asked.throttled for run in runs):5,.0f}"
        )
        if not spent:
            return line
        cpu_s = median(each.cpu_s for each in spent)
        return line + (
            f"{cpu_s:9.2f}{cpu_s / rows * 1e6:8.1f}"
            f"{max(each.peak_mb for each in spent):9.0f}"
            f"{median(each.wall_s for each in spent):8.1f}"
        )

    def comparison(self) -> Iterator[str]:
        """Yield a line for each client: cost of an extra row, and its ratio to ours."""
        yield (
            f"{'per extra row':27}{'us of CPU':>28}{'x gcbatch':>24}"
            f"{f'{self.common:,} rows: x gcbatch':>30}"
        )
        for client in self.clients:
            marginal = self.marginal_us(client)
            times = ratios(marginal, self.marginal_us(OURS))
            common = ratios(
                self.cpu_s(client, self.common), self.cpu_s(OURS, self.common)
            )
            cells = (marginal, 1, 28), (times, 2, 24), (common, 2, 30)
            texts = (
                f"{spread(found, digits) if found else '-':>{width}}"
                for found, digits, width in cells
            )
            yield f"{client:27}{''.join(texts)}"

    def bars(self, work: str) -> tuple[Bar, ...]:
        """Return the bars of the plot: all clients whose rows are right.

        A short measurement can give a negative cost of an extra row: without a bar.
        """
        return tuple(
            Bar(work, client, median(marginal), max(self.peaks_mb(client)))
            for client in self.clients
            if (marginal := self.marginal_us(client))
            and median(marginal) > 0
            and not self.problems(client)
        )

    def gains(self, work: str) -> Iterator[Gain]:
        """Yield what a user gains with the common load; nothing if gcbatch failed.

        Args:
            work: That load, in words.
        """
        ours = self.cpu_s(OURS, self.common)
        if not ours or self.problems(OURS):
            return
        others = [
            f"{client} {median(times):.1f} x"
            for client in reversed(self.clients)
            if client not in (OURS, TO_PARTS)
            and not self.problems(client)
            and (times := ratios(self.cpu_s(client, self.common), ours))
        ]
        yield Gain(work, f"{median(ours):.1f} s of CPU", ", ".join(others))

    def rows_right(self) -> Verdict:
        """Return the verdict on the rows of every run of gcbatch and of the loops."""
        wrong = [
            f"{client}: {problem}"
            for client in (OURS, LOOP, ANY_ORDER)
            for problem in self.problems(client)
        ]
        text = "; ".join(wrong) or "each once, with the figures of the service"
        return Verdict(f"rows of gcbatch: {text}", not wrong, is_exact=True)


def ratios(theirs: Sequence[float], ours: Sequence[float]) -> list[float]:
    """Return the ratio of each round; empty if one of them failed.

    A peer takes part in the first rounds only: these are compared.
    """
    return [a / b if b else math.inf for a, b in zip(theirs, ours, strict=False)]


def at_most(name: str, found: Sequence[float], maximum: float) -> Verdict:
    """Judge the median of a ratio that should be small; not measured is missed."""
    if not found:
        return Verdict(f"{name}: not measured", is_met=False)
    return Verdict(
        f"{name}: {spread(found)}, at most {maximum}", median(found) <= maximum
    )


def at_least(name: str, found: Sequence[float], minimum: float) -> Verdict:
    """Judge the median of a ratio that should be large; not measured is missed."""
    if not found:
        return Verdict(f"{name}: not measured", is_met=False)
    return Verdict(
        f"{name}: {spread(found)}, at least {minimum}", median(found) >= minimum
    )


def peak_at_most(name: str, found: Sequence[float], maximum: float) -> Verdict:
    """Judge the largest of some peaks of memory, in MB; not measured is missed."""
    if not found:
        return Verdict(f"{name}: not measured", is_met=False)
    return Verdict(
        f"{name}: {spread(found, 0)} MB, at most {maximum:.0f}", max(found) <= maximum
    )
